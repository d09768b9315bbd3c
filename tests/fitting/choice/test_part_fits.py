"""Fits with a part more, with some taken out, and without terms of the instruments."""

from dataclasses import replace

import pytest
from made_members import PARTS, PLAIN, device

from memfit.fitting import FitPlan, Term
from memfit.fitting.choice.diagnosis import promises
from memfit.fitting.choice.part_fits import started_without, unhurried, with_part, without_terms
from memfit.fitting.minimum.effort import Effort, usual_work
from memfit.fitting.minimum.least_squares import again
from memfit.fitting.minimum.unknowns import term_unknown
from memfit.fitting.noise import prepare
from memfit.fitting.plan import free_parameters
from memfit.fitting.search import find_minima
from memfit.model import EXTENSIONS


@pytest.fixture(scope="module")
def branched():
    """The records of a device with an ionic branch, and the plainest model's fit to them."""
    records = device(**PARTS["branch"]).records
    problem = prepare(records, effort=Effort(usual_work(records)))
    minima, _ = find_minima(problem, FitPlan(), free_parameters("3d"), patient=False, terms=False)
    return records, again(replace(minima[0], problem=problem))


@pytest.fixture(scope="module")
def whole(branched):
    """The fit with the branch."""
    _, state = branched
    share, sigma = state.independent_share([r.points for r in branched[0]]), state.problem.sigma
    (offer,) = promises(state, share, sigma, ["branch"])
    return again(with_part(state, FitPlan(), offer))


def test_the_part_that_is_there_is_found_from_its_promise(branched, whole):
    assert whole.minimum.chi2 < 0.1 * branched[1].minimum.chi2
    assert whole.parameters.parts == ("branch",)
    for name, value in {**PLAIN, **PARTS["branch"]}.items():
        assert getattr(whole.parameters, name) == pytest.approx(value, rel=0.1, abs=1e-3), name


def test_a_part_that_is_taken_out_has_its_null_values_and_leads_back(branched, whole):
    bare = started_without(whole, ["branch"])
    assert bare.parameters.parts == ()
    assert not set(EXTENSIONS["branch"]) & set(bare.unknowns.names)
    assert again(bare).minimum.chi2 == pytest.approx(branched[1].minimum.chi2, rel=0.05)


def test_terms_go_and_the_device_stays(branched):
    records, state = branched
    assert without_terms(state, records) is state
    offset = Term("offset", next(k for k, r in enumerate(records) if r.kind == "iv"))
    more = again(state, unknowns=state.unknowns.plus([term_unknown(offset)]))
    assert more.minimum.chi2 < state.minimum.chi2
    assert without_terms(more, records).unknowns.names == state.unknowns.names


def test_a_trial_has_an_effort_of_its_own(branched):
    problem = replace(branched[1].problem, effort=Effort(100).part(1.0))
    problem.effort.count(200)
    assert problem.effort.over
    assert not unhurried(problem).effort.over
