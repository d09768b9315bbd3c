"""The search for the global minimum: distinct minima, starts that the seed decides."""

import numpy as np
import pytest
from devices import TRUTH, device, everything, exact, spectra, sweeps

from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.search import SETTINGS, find_minima, physical_start, polish
from memfit.fitting.starts.starting_values import StartingValues, guess


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
