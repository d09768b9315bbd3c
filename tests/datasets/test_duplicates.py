"""Copies of a measurement are found whatever way they come in; repeats of it are none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.datasets.duplicates import copies, without_copies
from memfit.protocols import pulse

FREQUENCY = np.geomspace(1e5, 0.1, 25)
TIME = np.linspace(0.0, 2.0, 81)
UP_DOWN = np.interp(TIME, [0.0, 1.0, 2.0], [0.0, 0.8, 0.0])


def spectrum(name, seed, noise=0.01, bias=0.5):
    rng = np.random.default_rng(seed)
    Z = 50.0 + 1e4 / (1.0 + 2j * np.pi * FREQUENCY * 1e-3)
    Z = Z * (1.0 + noise * (rng.standard_normal(25) + 1j * rng.standard_normal(25)))
    return ImpedanceSpectrum(name=name, frequency=FREQUENCY, impedance=Z, bias_voltage=bias)


def sweep(name, seed, noise=0.01):
    rng = np.random.default_rng(seed)
    current = 1e-4 * UP_DOWN**2 * (1.0 + noise * rng.standard_normal(81))
    return IVSweep(name=name, voltage=UP_DOWN, current=current)


def transient(name, seed, noise=0.01):
    rng = np.random.default_rng(seed)
    voltage = 0.3 * np.exp(-TIME) + 0.3 * noise * rng.standard_normal(81)
    drive = pulse("current", 1e-5, on=0.1, off=1.0, end=2.0)
    return PulseTransient(name=name, time=TIME, voltage=voltage, current=None, drive=drive)


MAKERS = (spectrum, sweep, transient)


@pytest.mark.parametrize("make", MAKERS)
def test_a_copy_is_found_and_named(make):
    first, other = make("a.csv", 1), make("b.csv", 2)
    kept, said = without_copies([first, other, replace(first, name="copy.csv")])
    assert [record.name for record in kept] == ["a.csv", "b.csv"]
    assert said == ("copy.csv holds the same numbers as a.csv: counted once.",)


@given(seed=st.integers(0, 10**6), noise=st.floats(1e-4, 0.1), kind=st.sampled_from(MAKERS))
@settings(max_examples=60, deadline=None)
def test_repeated_measurements_are_no_copies(seed, noise, kind):
    assert copies([kind("a", seed, noise), kind("b", seed + 1, noise)]) == {}


def rounded(values, digits):
    return np.array([float(f"{value:.{digits - 1}e}") for value in values])


@given(seed=st.integers(0, 10**6), digits=st.integers(5, 12), kind=st.sampled_from(MAKERS))
@settings(max_examples=60, deadline=None)
def test_the_same_rows_in_another_format(seed, digits, kind):
    """Another program writes fewer digits, and a spectrum the other way round."""
    record = kind("a", seed)
    if isinstance(record, ImpedanceSpectrum):
        Z = rounded(record.impedance.real, digits) + 1j * rounded(record.impedance.imag, digits)
        again = replace(record, name="b", frequency=rounded(FREQUENCY, digits)[::-1], impedance=Z[::-1])
    else:
        response = "current" if record.control == "voltage" else "voltage"
        again = replace(record, name="b", **{response: rounded(getattr(record, response), digits)})
    assert copies([record, again]) == {1: 0}


def test_many_copies_count_once():
    record = spectrum("0", 3)
    kept, said = without_copies([replace(record, name=str(k)) for k in range(5)])
    assert len(kept) == 1
    assert len(said) == 4


def test_the_same_numbers_at_another_bias_or_control_are_kept():
    record = spectrum("a", 4)
    assert copies([record, replace(record, name="b", bias_voltage=0.6)]) == {}
    assert copies([record, replace(record, name="b", bias_current=1e-6, control="current")]) == {}
    assert copies([record, sweep("b", 4), transient("c", 4)]) == {}


def test_a_bias_that_only_one_file_states():
    record = spectrum("a", 5)
    assert copies([record, replace(record, name="b", bias_voltage=None)]) == {1: 0}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("first", [True, False])
def test_a_part_of_a_measurement_is_a_copy(make, first):
    whole = make("whole", 4)
    rows = slice(5, 19)
    if isinstance(whole, ImpedanceSpectrum):
        part = replace(whole, frequency=whole.frequency[rows], impedance=whole.impedance[rows])
    else:
        names = [name for name in ("time", "voltage", "current") if getattr(whole, name) is not None]
        part = replace(whole, **{name: getattr(whole, name)[rows] for name in names})
    part = replace(part, name="part")
    kept, said = without_copies([part, whole] if first else [whole, part])
    assert [record.name for record in kept] == ["whole"]
    assert said == ("part holds the same numbers as whole: counted once.",)


def test_a_few_equal_rows_are_chance():
    flat = replace(sweep("flat", 1), current=np.zeros(81))
    part = replace(flat, voltage=UP_DOWN[:30], current=np.zeros(30))
    few = spectrum("few", 1)
    assert copies([flat, part]) == {}
    assert copies([few, replace(few, frequency=FREQUENCY[:4], impedance=few.impedance[:4])]) == {}
