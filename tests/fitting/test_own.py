"""Residual terms of one's own: exact in a linear problem, and through a whole fit."""

from dataclasses import replace

import devices
import linear
import numpy as np
import pytest

import memfit as mf
from memfit.errors import InputError
from memfit.fitting.choice.choice import _Choice
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import again, linear_step, minimise
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.own import Part
from memfit.fitting.plan import FitPlan
from memfit.fitting.settling import on_all_samples
from memfit.fitting.uncertainty.covariance import covariance_of
from memfit.model import COLUMN
from memfit.synthetic.measurements import simulate_device, spectrum

P = devices.TRUTH


def known_C_m(value, error, **more):
    """A capacitance that was measured elsewhere, with a relative error."""
    return Part(name="C_m elsewhere", residuals=lambda p: np.log(p.C_m / value) / error, **more)


@pytest.mark.parametrize("slopes", [None, lambda p: {"C_m": 1.0 / (0.05 * p.C_m)}])
def test_information_adds_up(slopes):
    """Of a linear problem: the covariance and the minimum are those of all that is known together."""
    state, covariance = linear.linear_state()
    part = known_C_m(0.9, 0.05, slopes=slopes)
    both = replace(state, problem=replace(state.problem, own=(part,)))
    information = np.linalg.inv(covariance)
    told = np.diag([0.0, 0.05**-2])
    expected = np.linalg.solve(information + told, information @ state.x + told @ [0.0, np.log(0.9)])
    np.testing.assert_allclose(state.x + linear_step(both), expected, atol=1e-7)
    np.testing.assert_allclose(again(both, both.problem).x, expected, atol=1e-6)
    found = covariance_of(replace(both, minimum=replace(both.minimum, x=expected))).matrix
    alone = covariance_of(state).matrix  # corrected for residuals that follow each other
    # what is told has no noise to be estimated: by 2 % the data count for less beside it
    np.testing.assert_allclose(found, np.linalg.inv(np.linalg.inv(alone) + told), rtol=2.5e-2)


def test_slopes_by_differences_are_those_of_the_formula():
    part = known_C_m(1e-7, 0.1)
    both = Part(name="both", residuals=lambda p: [p.R_b * p.C_m, p.V_T / p.V_m], slopes=None)
    np.testing.assert_allclose(part.by(P)[0, COLUMN["C_m"]], 1.0 / (0.1 * P.C_m), rtol=1e-6)
    np.testing.assert_allclose(both.by(P)[1, COLUMN["V_m"]], -P.V_T / P.V_m**2, rtol=1e-6)


@pytest.fixture(scope="module")
def one_spectrum():
    planned = [spectrum(P.V_T, devices.FREQUENCY)]
    return simulate_device(P, planned, devices.NOISE, seed=3)


def test_what_is_known_elsewhere_settles_what_the_data_leave_open(one_spectrum):
    fixed = {"V_T": P.V_T, "V_m": P.V_m, "R_s": P.R_s}
    settings = {"model": "3d", "fix": fixed, "conflict_test": False}
    product = Part(name="i_c0 by light", residuals=lambda p: (p.i_c0 / P.i_c0 - 1.0) / 1e-3)
    plain = mf.fit(one_spectrum, **settings)
    told = mf.fit(one_spectrum, own=[product], **settings)
    assert told.parameters["i_c0"].stderr < 1.1e-3 * P.i_c0
    assert plain.parameters["i_c0"].stderr > 2.0 * told.parameters["i_c0"].stderr
    assert told.parameters["i_c0"].value == pytest.approx(P.i_c0, rel=4e-3)
    assert any("i_c0 by light" in said and "standard deviations away" in said for said in told.warnings)
    assert told.plan["own"] == ["i_c0 by light"]
    stored = mf.FitResult.from_json(told.to_json())
    assert FitPlan.from_dict(stored.plan).own == ()
    with pytest.raises(InputError, match="own parts i_c0 by light"):
        mf.profile(stored, one_spectrum)


def test_what_makes_no_sense_is_refused(one_spectrum):
    with pytest.raises(InputError, match="Expected a name"):
        Part(name=" ", residuals=abs)
    with pytest.raises(InputError, match="expected a function"):
        Part(name="a", residuals=3.0)
    with pytest.raises(mf.MemfitError, match=r"memfit\.Part"):
        FitPlan(own=["C_m"])
    broken = Part(name="broken", residuals=lambda p: p.nothing)
    with pytest.raises(InputError, match=r"'broken' cannot be evaluated \(AttributeError"):
        mf.fit(one_spectrum, own=[broken])
    with pytest.raises(InputError, match="'speed' in slopes is no parameter"):
        Part(name="a", residuals=lambda p: 1.0, slopes=lambda p: {"speed": 1.0}).by(P)
    assert Part(name="lost", residuals=lambda p: np.nan).at(P) == [1e3]


def test_an_own_part_is_there_on_all_samples_of_long_records():
    plan = FitPlan(model="3d", own=(known_C_m(P.C_m, 0.01),))
    made = devices.device([*devices.spectra(), *devices.sweeps()])
    state = prepared(made.records[:-1], plan)
    assert on_all_samples(state, made.records[:-1], plan) is state
    few = [record.select(np.arange(record.points) % 2 == 0) for record in made.records]
    assert on_all_samples(prepared(few, plan), made.records, plan).problem.own == plan.own


def test_an_own_part_is_there_in_the_search_of_the_widest_model():
    plan = FitPlan(own=(known_C_m(P.C_m, 0.01),))
    records = devices.device(devices.spectra()).records
    search = _Choice(plan, records, (), np.zeros(sum(2 * r.points for r in records)))
    assert search.searched(("branch",), Effort(1)).state.problem.own == plan.own


def prepared(records, plan):
    """A fit of some records, begun at the truth."""
    problem = prepare(records, own=plan.own)
    unknowns = Unknowns(physical_unknowns(plan, ["R_b", "C_m"]), P, problem.kinds)
    return minimise(problem, unknowns, unknowns.encode(P.as_dict()))
