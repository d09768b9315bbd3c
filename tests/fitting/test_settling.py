"""Fit, noise and misfit in agreement."""

from dataclasses import replace

import numpy as np
from devices import device as noisy_device
from made_members import PARTS, device

from memfit.fitting.checks.misfit import measure
from memfit.fitting.joint import fit
from memfit.fitting.noise import with_common_misfit
from memfit.fitting.plan import FitPlan
from memfit.fitting.settling import settle, with_all_records, with_one_misfit
from memfit.fitting.uncertainty.refit import rebuild_problem


def failed():
    """The plainest model on a device that has a second arc."""
    made = device(**PARTS["branch"])
    joint = fit(made, FitPlan(model="3d", conflict_test=False))
    return rebuild_problem(joint.result, made)


def test_a_model_that_fails_has_one_relative_misfit_for_all_spectra():
    state = with_one_misfit(failed())
    spectra = [k for k, kind in enumerate(state.problem.kinds) if kind == "impedance"]
    relative = [state.problem.noise[k].relative for k in spectra]
    assert max(relative) < 1.2 * min(relative)
    r = state.scaled_distances()
    here = np.concatenate(
        [np.arange(s.start, s.stop) for s in np.array(state.problem.predictor.slices)[spectra]]
    )
    assert 0.7 < np.sqrt(np.mean(np.clip(r[here], -4, 4) ** 2)) < 1.3


def test_the_misfit_is_no_worse_for_it():
    state = failed()
    worst = max(m.percent for m in measure(state).records)
    assert max(m.percent for m in measure(with_one_misfit(state)).records) < 1.2 * worst


def test_noise_is_the_least_of_a_common_misfit():
    state = failed()
    assert np.all(with_common_misfit(state).sigma > 0.0)


def test_a_fit_of_some_records_is_one_of_all_that_the_others_do_not_touch():
    made = noisy_device()
    rest = [0, 1, 2, 3, 5, 6, 7]
    part = replace(made, records=tuple(made.records[k] for k in rest))
    plan = FitPlan(model="3d", inductance="off", conflict_test=False)
    state = rebuild_problem(fit(part, plan).result, part)
    whole = with_all_records(state, made.records, rest)
    assert whole.points == state.points
    assert not whole.problem.keep[whole.problem.predictor.slices[4]].any()
    np.testing.assert_allclose(np.sort(whole.linearised()[0] ** 2), np.sort(state.linearised()[0] ** 2))
    again = settle(whole, plan)
    assert not again.problem.keep[again.problem.predictor.slices[4]].any()
    assert [u.record for u in whole.unknowns.free if u.term] == [
        rest[u.record] for u in state.unknowns.free if u.term
    ]
    np.testing.assert_allclose(again.x, state.x, atol=0.02)
