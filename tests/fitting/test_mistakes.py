"""Mistakes of unit, sign and device are named with the record they are in; the others are not blamed."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.joint import fit
from memfit.fitting.mistakes import Mistake, conductance_level, multiplied

DEVICE = device()
RECORDS = DEVICE.records  # four spectra, two sweeps, two transients


@pytest.mark.parametrize(
    ("which", "column", "factor"), [(7, "voltage", 1e-3), (1, "impedance", 1e3), (4, "current", 1e-3)]
)
def test_a_unit_is_named_with_its_record(which, column, factor):
    records = list(RECORDS)
    records[which] = multiplied(records[which], column, factor)
    result = fit(replace(DEVICE, records=tuple(records))).result
    assert result.status.code == "poor_fit"
    size = "small" if factor < 1 else "large"
    name = records[which].name
    assert f"{name} looks 1000 times too {size} in {column} beside the others" in result.misfit.mistake
    assert result.misfit.mistake in result.status.message


def test_a_device_turned_round():
    turned = []
    for record in RECORDS:
        columns = ["bias"] if isinstance(record, ImpedanceSpectrum) else ["voltage", "current"]
        for column in columns:
            record = multiplied(record, column, -1.0)  # noqa: PLW2901 - one column after the other
        turned.append(record)
    result = fit(replace(DEVICE, records=tuple(turned))).result
    assert result.status.code == "poor_fit"
    assert "Are the leads reversed?" in result.status.message


def test_spectra_that_contradict_each_other():
    frequency = np.geomspace(1.0, 1e5, 30)
    records = []
    for k, R in enumerate((1e4, 2e4)):
        generator = np.random.default_rng(k)
        Z = 50.0 + R / (1.0 + 2j * np.pi * frequency * R * 1e-8)
        noise = 5e-4 * np.abs(Z) * (generator.standard_normal(30) + 1j * generator.standard_normal(30))
        records.append(
            ImpedanceSpectrum(name=f"eis_{k}.csv", frequency=frequency, impedance=Z + noise, bias_voltage=0.3)
        )
    result = fit(replace(DEVICE, records=tuple(records))).result
    assert result.status.code == "poor_fit"
    assert "contradict each other" in result.status.message
    assert result.parameters["R_b"].status != "determined"


def test_what_is_multiplied_is_what_the_source_applied_too():
    sweep = DEVICE.sweeps[0]
    twice = multiplied(sweep, "voltage", 2.0)
    assert np.array_equal(twice.voltage, 2.0 * sweep.voltage)
    assert np.array_equal(twice.drive.value, 2.0 * sweep.drive.value)
    assert np.array_equal(multiplied(sweep, "time", 0.1).drive.time, 0.1 * sweep.drive.time)
    assert multiplied(DEVICE.spectra[0], "bias", -1.0).bias_voltage == -DEVICE.spectra[0].bias_voltage


def test_levels_move_with_the_unit():
    for record in RECORDS:
        column = "impedance" if isinstance(record, ImpedanceSpectrum) else "current"
        shift = conductance_level(multiplied(record, column, 1e3)) - conductance_level(record)
        assert abs(shift) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (Mistake(("a",), "current", 1e3), "a looks 1000 times too small in current"),
        (Mistake(("a", "b"), "current", 1e-3), "a, b look 1000 times too large in current"),
        (Mistake(("a",)), "without a: it may be of another device"),
        (Mistake(("a",), others=("b",)), "a and b contradict each other"),
    ],
)
def test_sentences(mistake, said):
    assert said in mistake.sentence


def test_a_constant_offset_of_a_sweep_is_found():
    records = list(RECORDS)
    sweep = records[4]
    offset = 0.05 * float(np.max(np.abs(sweep.current)))
    records[4] = replace(sweep, current=sweep.current - offset)
    result = fit(replace(DEVICE, records=tuple(records))).result
    assert result.status.code == "ok"
    term = result.nuisance["offset_4"]
    assert term.value == pytest.approx(-offset, rel=0.05)
    assert any("a constant" in sentence and sweep.name in sentence for sentence in result.warnings)
    for name in ("R_b", "V_T", "tau_d"):
        assert (
            abs(result.parameters[name].value - getattr(TRUTH, name)) < 4.0 * result.parameters[name].stderr
        )
