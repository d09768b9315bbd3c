"""Terms of the instruments where the data ask for them: gains, edges, first states, staircases."""

from dataclasses import replace

import numpy as np
import pytest
from devices import NOISE, TRUTH, device, errors, exact, pulses, seen_late, spectra, sweeps

from memfit.datasets import Device
from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction.drives import as_staircase, begins_anywhere, is_staircase
from memfit.fitting.prediction.instrument import Instrument
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.reproduce import reevaluate
from memfit.model import NAMES
from memfit.model.transient import simulate
from memfit.protocols import Drive, drive_from_samples, held_until_sampled, pulse, staircase, sweep

GAINS = {"gain_iv", "gain_transient"}


def test_none_where_none_is_needed(joint):
    assert not GAINS & set(joint.result.nuisance)
    assert "L_s" not in joint.result.parameters
    assert not any(name.startswith("delay_") for name in joint.result.nuisance)


def test_gains_of_instruments_that_disagree():
    noise = replace(NOISE, gain={"iv": 1.05, "transient": 0.97})
    result = fit(device(noise=noise)).result
    assert result.nuisance["gain_iv"].value == pytest.approx(1.05, abs=0.012)
    assert result.nuisance["gain_transient"].value == pytest.approx(0.97, abs=0.012)
    assert max(errors(result).values()) < 0.05
    assert any("instrument of the sweeps" in w and " more than" in w for w in result.warnings)


def test_gains_can_be_forbidden():
    noise = replace(NOISE, gain={"iv": 1.05})
    result = fit(device([*spectra(), *sweeps()], noise=noise), FitPlan(model="3d", gains="off")).result
    assert not GAINS & set(result.nuisance)


def test_wiring_inductance():
    p = TRUTH.replace(L_s=5e-6)
    frequency = np.geomspace(3e6, 0.05, 40)
    result = fit(device([*spectra(p, frequency=frequency), *sweeps(p)], p)).result
    assert result.parameters["L_s"].value == pytest.approx(5e-6, rel=0.05)
    assert result.parameters["R_s"].value == pytest.approx(40.0, rel=0.05)


def test_inductance_can_be_demanded():
    result = fit(device(spectra()), FitPlan(model="3d", inductance="on")).result
    assert result.parameters["L_s"].ci95[0] <= 0.0


def test_time_of_an_edge_between_samples():
    """The drive of a file says when a jump was first seen, not when it was."""
    result = fit(seen_late(device([*spectra(), *pulses()]))).result
    timing = [n for n in result.nuisance if n.startswith(("edge_", "delay_"))]
    assert timing
    assert result.status.code == "ok"
    assert max(errors(result).values()) < 0.05


def test_jumps_on_samples_are_no_coincidence():
    """A source that clocks the sampling: with free times R_s and R_b would be off, all to the same side."""
    fast = TRUTH.replace(C_m=2e-9, R_s=300.0)
    offs = []
    for seed in range(6):
        result = fit(device([*sweeps(fast), *pulses(fast)], fast, seed=seed)).result
        assert not any(name.startswith("edge_") for name in result.nuisance)
        R_b = result.parameters["R_b"]
        offs.append((R_b.value - fast.R_b) / R_b.stderr)
    assert np.sqrt(np.mean(np.square(offs))) < 1.8
    assert abs(np.mean(offs)) < 1.2


def second_half(record, at):
    """What a record shows after a time, the clock started again, taken for the beginning."""
    late = record.time >= at
    after = record.drive.time > at
    drive = Drive(
        record.control,
        np.append(0.0, record.drive.time[after] - at),
        np.append(record.drive.at([at]), record.drive.value[after]),
    )
    return replace(
        record,
        time=record.time[late] - at,
        voltage=record.voltage[late],
        current=record.current[late],
        drive=drive,
    )


def second_loop(seed=3):
    """A loop that follows another without a pause, on its own."""
    top = TRUTH.V_T + 3 * TRUTH.V_m
    whole = device([*sweeps(rates=(20.0,), points=200)], seed=seed).records[0]
    program = sweep("voltage", [0.0, top, 0.0, top, 0.0], rate=20.0)
    time = np.linspace(0.0, program.time[-1], 400)
    course = simulate(TRUTH, program, time)
    noise = 1.0 + 0.01 * np.random.default_rng(seed).standard_normal(time.size)
    late = time >= program.time[2]
    return replace(
        whole,
        name="iv_second.csv",
        time=time[late] - program.time[2],
        voltage=course.voltage[late],
        current=(course.current * noise)[late],
        drive=sweep("voltage", [0.0, top, 0.0], rate=20.0),
    )


@pytest.mark.parametrize("control", ["current", "voltage"])
def test_a_device_from_rest_sees_nothing_before_its_drive(control):
    level = 1.2e-5 if control == "current" else 0.9
    time = np.linspace(0.0, 0.3, 100)
    long = simulate(TRUTH, pulse(control, level, on=0.1, off=0.5, end=0.5), time[1:] + 0.1)
    measured = exact(pulses(levels=(1.0,))).records[0]
    drive = Drive(control, [0.0, 0.3], [level, level], "rest")
    record = replace(measured, time=time, voltage=np.zeros(100), current=np.zeros(100), drive=drive)
    found = Predictor([record], tolerance=1e-9)(TRUTH).values[1:]
    expected = long.voltage if control == "current" else long.current
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.ptp(expected))


def test_derivatives_by_an_initial_state():
    record = begins_anywhere(second_half(exact(pulses(levels=(1.5,))).records[0], 0.1))
    predictor = Predictor([record], tolerance=1e-10)
    state = np.array([0.7, 5e-6, 0.3])
    terms = Instrument.ideal(1)
    terms.initial[0] = state
    slopes = predictor(TRUTH, terms).by_initial
    for j, step in enumerate((1e-5, 1e-10, 1e-5)):
        sides = []
        for sign in (1.0, -1.0):
            terms.initial[0] = state
            terms.initial[0, j] += sign * step
            sides.append(predictor(TRUTH, terms).values)
        difference = (sides[0] - sides[1]) / (2.0 * step)
        np.testing.assert_allclose(slopes[:, j], difference, atol=1e-4 * np.abs(difference).max())


@pytest.mark.parametrize("gain", [1.0, 1.04])
def test_derivatives_where_the_first_current_tells_the_state(gain):
    """Under voltage control u begins at V - R_s I: R_s and the gain move it, and nothing tells them there."""
    predictor = Predictor([begins_anywhere(second_loop())], tolerance=1e-10)
    terms = Instrument.ideal(1)
    terms.gain[0], terms.initial[0] = gain, (0.0, 5e-6, 0.3)
    there = predictor(TRUTH, terms)
    step = 1e-3 * TRUTH.R_s
    sides = [predictor(TRUTH.replace(R_s=TRUTH.R_s + sign * step), terms).values for sign in (1.0, -1.0)]
    difference = (sides[0] - sides[1]) / (2.0 * step)
    by_R_s = there.derivatives[:, NAMES.index("R_s")]
    np.testing.assert_allclose(by_R_s, difference, atol=1e-4 * np.abs(difference).max())
    assert abs(by_R_s[0]) < 1e-2 * abs(there.values[0]) / TRUTH.R_s
    ends = []
    for sign in (1.0, -1.0):
        terms.gain[0] = gain + sign * 1e-4
        ends.append(predictor(TRUTH, terms).values)
    difference = (ends[0] - ends[1]) / 2e-4
    np.testing.assert_allclose(there.bare, difference, atol=1e-4 * np.abs(difference).max())


def test_a_record_cut_out_of_a_pulse_is_fitted_with_its_first_state():
    whole = device([*spectra(), *sweeps(), *pulses()], seed=5)
    records = [r if r.kind != "transient" else begins_anywhere(second_half(r, 0.04)) for r in whole.records]
    result = fit(Device(name="cut", records=tuple(records))).result
    assert result.status.code == "ok"
    assert max(errors(result).values()) < 0.05
    assert {"u_0_6", "i_0_6", "f_0_6"} <= set(result.nuisance)


def test_a_loop_after_a_loop_asks_for_its_first_state_and_a_first_loop_does_not():
    steady = device([*spectra(), *sweeps()], seed=5)
    both = Device(name="two loops", records=(*steady.records, second_loop()))
    joint = fit(both)
    states = {name for name in joint.result.nuisance if name.startswith("f_0_")}
    assert states == {"f_0_6"}
    assert joint.result.status.code == "ok"
    assert max(errors(joint.result).values()) < 0.05
    again = reevaluate(joint.result, both)[-1]  # a report made later finds the same curve
    np.testing.assert_allclose(again.predicted, joint.fitted[-1].predicted, rtol=1e-9)
    forbidden = fit(both, FitPlan(model="3d", initial_states="off")).result
    assert not any(name.startswith("f_0_") for name in forbidden.nuisance)
    assert forbidden.goodness.chi2_reduced > 0.0


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
