"""The search for the global minimum: thinned records, distinct minima, starts that the seed decides."""

import numpy as np
import pytest
from devices import TRUTH, device, errors, everything, exact, pulses, spectra, sweeps

from memfit.fitting.joint import fit
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.search import SETTINGS, find_minima, physical_start, polish, thinned
from memfit.fitting.starting_values import StartingValues, guess


def test_long_records_are_searched_on_few_samples_and_settled_on_all():
    long = device([*spectra(), *pulses(points=20_000)], seed=4)
    problem = prepare(long.records)
    few = thinned(problem)
    assert few.predictor.size < 0.3 * problem.predictor.size
    assert few.sigma.size == few.keep.size == few.predictor.size
    sizes = {record.name: record.points for record in long.records}
    joint = fit(long)
    assert {item.file: item.points for item in joint.result.inputs} == sizes
    assert {item.record.name: item.predicted.size for item in joint.fitted} == sizes
    assert max(errors(joint.result).values()) < 0.02


def test_short_records_are_searched_whole():
    problem = prepare(device().records)
    assert thinned(problem) is problem


def test_samples_beside_a_jump_are_all_kept():
    long = exact(pulses(levels=(1.0,), points=20_000))
    record, few = long.records[0], thinned(prepare(long.records)).predictor.records[0]
    for jump in record.drive.jumps:
        first = int(np.searchsorted(record.time, jump))
        beside = record.time[first - SETTINGS.beside : first + SETTINGS.beside]
        assert np.isin(beside, few.time).all()


def test_minima_are_sorted_and_differ():
    problem = prepare(device([*spectra(biases=(0.0,)), *sweeps()[:1]]).records)
    minima, first = find_minima(problem, FitPlan(model="3d"), free_parameters("3d"))
    chi2 = [state.minimum.chi2 for state in minima]
    assert chi2 == sorted(chi2)
    for k, state in enumerate(minima):
        for other in minima[:k]:
            assert np.max(np.abs(state.x - other.x)) > SETTINGS.same
    assert set(first.values) >= set(free_parameters("3d"))


def test_polishing_brings_values_to_spectra_and_steady_curve():
    records, plan = exact([*spectra(), *sweeps(rates=(1e-3,))]).records, FitPlan(model="3d")
    off = {name: value * 1.2 for name, value in TRUTH.as_dict().items() if name != "L_s"}
    (best, *_) = polish(records, plan, free_parameters("3d"), [StartingValues(off, 0.0, {})])
    for name in ("C_m", "V_T", "V_m", "tau_d"):
        assert best.values[name] == pytest.approx(getattr(TRUTH, name), rel=0.05)


def test_what_is_fixed_is_not_searched():
    plan = FitPlan(model="3d", fix={"tau_k": 0.05})
    (start, *_) = guess(device(everything()).records, plan.fix)
    unknowns = physical_start(plan, free_parameters("3d"), start.values, ["iv"])
    assert "tau_k" not in unknowns.names
    assert unknowns.base.tau_k == 0.05
