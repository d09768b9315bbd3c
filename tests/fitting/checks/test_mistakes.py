"""Mistakes of unit, sign and device are named with the record they are in; the others are not blamed.

More of them, through to the words of the command line: `tests/fitting/test_wrong_devices.py`.
"""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device

from memfit.datasets import Device, IVSweep
from memfit.fitting import FitPlan
from memfit.fitting.checks.mistakes import Mistake, multiplied
from memfit.fitting.joint import fit

DEVICE = device()
RECORDS = DEVICE.records  # four spectra, two sweeps, two transients


@pytest.mark.parametrize(("which", "column", "factor"), [(7, "voltage", 1e-3), (1, "impedance", 1e3)])
def test_a_unit_is_named_with_its_record(which, column, factor):
    records = list(RECORDS)
    records[which] = multiplied(records[which], column, factor)
    result = fit(replace(DEVICE, records=tuple(records))).result
    assert result.status.code == "poor_fit"
    size = "small" if factor < 1 else "large"
    name = records[which].name
    assert f"{name} looks 1000 times too {size} in {column} beside the others" in result.misfit.mistake
    assert result.misfit.mistake in result.status.message


def test_what_is_multiplied_is_what_the_source_applied_too():
    sweep = DEVICE.sweeps[0]
    twice = multiplied(sweep, "voltage", 2.0)
    assert np.array_equal(twice.voltage, 2.0 * sweep.voltage)
    assert np.array_equal(twice.drive.value, 2.0 * sweep.drive.value)
    assert np.array_equal(multiplied(sweep, "time", 0.1).drive.time, 0.1 * sweep.drive.time)
    assert multiplied(DEVICE.spectra[0], "bias", -1.0).bias_voltage == -DEVICE.spectra[0].bias_voltage


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


def test_a_unit_is_named_where_no_model_describes_the_rest():
    """Ripples of its own in each record: no fit of the rest is there to say what the odd one should be."""
    rng, records = np.random.default_rng(0), []
    for k in range(4):
        voltage = np.concatenate([np.linspace(0.0, 1.0, 60), np.linspace(1.0, 0.0, 60)])
        ripple = 1.0 + 0.3 * np.sin(40.0 * voltage + k)
        current = 1e-5 * (voltage + 0.5 * voltage**3) * ripple * (1.0 + 0.01 * rng.standard_normal(120))
        records.append(IVSweep(name=f"iv_{k}.csv", voltage=voltage, current=current))
    records[2] = multiplied(records[2], "current", 1e3)
    result = fit(Device(name="ripples", records=tuple(records)), FitPlan(model="3d")).result
    assert result.status.message.startswith("iv_2.csv looks 1000 times too large in current")
    assert result.left_out == ("iv_2.csv",)


def test_one_sweep_with_its_leads_reversed():
    records = list(RECORDS)
    records[5] = multiplied(multiplied(records[5], "voltage", -1.0), "current", -1.0)
    result = fit(replace(DEVICE, records=tuple(records))).result
    assert result.status.message.startswith(
        "iv_1.csv: the sign of the voltage and current seems to be turned"
    )
    assert result.left_out == ("iv_1.csv",)


def test_what_a_law_would_do_as_well_is_no_mistake():
    kinds = Mistake(("a",), kinds=("spectra", "sweeps and transients"))
    assert kinds.doubtful
    assert kinds.rest(RECORDS) == []
    assert "another law" in kinds.sentence
    beyond = Mistake(("a",), beyond=True)
    assert beyond.doubtful
    assert "goes further in voltage" in beyond.sentence
    assert Mistake((RECORDS[1].name,)).rest(RECORDS) == [0, 2, 3, 4, 5, 6, 7]
    assert Mistake(tuple(r.name for r in RECORDS[:4])).rest(RECORDS) == []


@pytest.mark.parametrize(("factor", "said"), [(1.5, "0.67 times"), (0.7, "1.4 times")])
def test_a_gain_that_is_no_matter_of_calibration_is_a_question(factor, said):
    """A gain of the drive is fitted up to ten per cent or so; beyond it the records are asked about."""
    records = [multiplied(r, "current", factor) if r.kind == "transient" else r for r in RECORDS]
    result = fit(replace(DEVICE, records=tuple(records)), FitPlan(model="3d")).result
    assert result.status.code == "poor_fit"
    assert (
        "The transients would go with the spectra and sweeps if their current were" in result.status.message
    )
    assert f"{said} as large: are range, calibration and area right?" in result.status.message
    assert not [name for name in result.nuisance if "gain" in name]
