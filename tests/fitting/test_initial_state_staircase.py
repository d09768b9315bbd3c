"""Sweeps of a source that steps: seen by the fit, and only where there are any."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, errors, spectra, sweeps

from memfit.datasets.device import Device
from memfit.fitting.instrument_terms import is_staircase
from memfit.fitting.joint import fit
from memfit.fitting.predict import as_staircase
from memfit.fitting.reproduce import reevaluate
from memfit.model.transient import simulate
from memfit.protocols import drive_from_samples, held_until_sampled, staircase

DWELL = 0.02


def stepped_sweep(seed=2):
    """A loop in steps of 10 mV, measured at the end of each step, as its file would be read."""
    up = np.arange(0.0, TRUTH.V_T + 3 * TRUTH.V_m, 0.01)
    levels = np.concatenate([up, up[-2::-1]])
    time = DWELL * (np.arange(levels.size) + 0.96)
    course = simulate(TRUTH, staircase("voltage", levels, dwell=DWELL), time)
    noise = 1.0 + 0.005 * np.random.default_rng(seed).standard_normal(levels.size)
    like = device(sweeps(rates=(1.0,))).records[0]
    drive = drive_from_samples("voltage", time, levels)
    return replace(
        like, name="steps.csv", time=time, voltage=levels, current=course.current * noise, drive=drive
    )


def test_levels_are_held_until_they_are_sampled():
    drive = held_until_sampled("voltage", [0.0, 1.0, 2.0], [0.0, 0.1, 0.2])
    assert drive.at([0.0, 0.01, 0.5, 1.0, 1.01, 2.0]) == pytest.approx([0.0, 0.0, 0.1, 0.1, 0.1, 0.2])
    assert drive.jumps.size == 2


def test_a_stepped_sweep_is_a_staircase_and_a_ramp_is_not():
    sweep = stepped_sweep()
    both = Device(name="both", records=(*device([*spectra(), *sweeps()], seed=8).records, sweep))
    joint = fit(both)
    drives = {item.file: item.drive for item in joint.result.inputs}
    assert drives.pop("steps.csv") == "staircase"
    assert set(drives.values()) == {"as read"}
    assert joint.result.status.code == "ok"
    assert max(errors(joint.result).values()) < 0.05
    assert any("step" in said for said in joint.result.warnings)
    last = {item.file: item for item in joint.result.goodness.datasets}["steps.csv"]
    assert last.noise["relative"] == pytest.approx(0.005, rel=0.2)
    again = reevaluate(joint.result, both)[-1]
    np.testing.assert_allclose(again.predicted, joint.fitted[-1].predicted, rtol=1e-9)


def test_only_sampled_ramps_can_be_staircases():
    records = device([*spectra(), *sweeps()]).records
    assert all(as_staircase(r) is r for r in records if r.kind == "impedance")
    stepped = as_staircase(records[-1])
    assert is_staircase(stepped)
    assert not is_staircase(records[-1])
    assert as_staircase(stepped) is stepped
