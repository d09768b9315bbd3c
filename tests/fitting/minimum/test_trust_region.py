"""The patient search: by scipy and by lmfit it is one, and it ends with the lowest place."""

import numpy as np
import pytest
from devices import TRUTH, device, spectra, sweeps

from memfit.fitting.minimum.trust_region import trust_region
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.search import physical_start


@pytest.fixture(scope="module")
def problem():
    return prepare(device([*spectra(), *sweeps()]).records)


def searched(problem, most=200, over=lambda: "", **how):
    """The end of a search from values that are off by a fifth, and chi2 of all places on the way."""
    unknowns = physical_start(FitPlan(), free_parameters("3d"), TRUTH.as_dict(), problem.kinds)
    residuals, chi2 = problem.residuals(unknowns), []
    asked = residuals.residuals

    def noted(x):
        chi2.append(float(np.sum(asked(x) ** 2)))
        return asked(x)

    bounds = np.array([unknown.inner_bounds for unknown in unknowns.free])
    start = unknowns.encode({name: 1.2 * value for name, value in TRUTH.as_dict().items()})
    settings = {"tolerance": 1e-10, "most": most, "over": over, **how}
    end = trust_region(noted, residuals.jacobian, start, bounds, **settings)
    return end, chi2, float(np.sum(asked(end.x) ** 2))


def test_lmfit_makes_the_same_search(problem):
    (one, _, lowest), (other, _, _) = (searched(problem, by_lmfit=by) for by in (False, True))
    assert one.converged
    assert other.converged
    assert one.x.tobytes() == other.x.tobytes()
    assert lowest < 2.0 * np.count_nonzero(problem.keep)


@pytest.mark.parametrize("by_lmfit", [False, True])
@pytest.mark.parametrize("most", [1, 3, 5])
def test_it_ends_after_so_many_evaluations_with_the_lowest_place(problem, most, by_lmfit):
    end, chi2, found = searched(problem, most, by_lmfit=by_lmfit)
    assert (end.evaluations, end.converged) == (most, False)
    assert len(chi2) == most
    assert found == min(chi2)


def test_it_says_why_it_was_ended(problem):
    end, chi2, found = searched(problem, over=lambda: "no more time")
    assert (end.message, end.evaluations, end.converged) == ("no more time", 1, False)
    assert found == min(chi2)


def test_a_walk_that_brings_nothing_more_ends():
    """Down a valley whose floor falls by ever less, along which the data say nothing."""

    def residuals(x):
        return np.array([100.0 * (x[1] - x[0] ** 2), 10.0 + 1e-6 * np.exp(-0.01 * x[0])])

    def jacobian(x):
        return np.array([[-200.0 * x[0], 100.0], [-1e-8 * np.exp(-0.01 * x[0]), 0.0]])

    bounds = np.array([[-1e3, 1e3], [-1e6, 1e6]])
    end = trust_region(
        residuals, jacobian, np.array([0.0, 0.5]), bounds, tolerance=1e-15, most=200, over=lambda: ""
    )
    assert end.converged
    assert end.evaluations < 60


@pytest.mark.parametrize("by_lmfit", [False, True])
def test_with_nothing_free_the_start_is_the_end(by_lmfit):
    """Neither scipy with numpy before 2 nor lmfit makes a search of no unknowns."""
    none = np.empty(0)
    settings = {"tolerance": 1e-8, "most": 10, "over": lambda: "", "by_lmfit": by_lmfit}
    end = trust_region(lambda x: np.ones(3), lambda x: np.empty((3, 0)), none, np.empty((0, 2)), **settings)
    assert (end.x.size, end.converged, end.evaluations) == (0, True, 1)
