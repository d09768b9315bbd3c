"""Probabilities averaged over the models that the data allow."""

from dataclasses import replace

import pytest

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.members import averaged, with_probabilities
from memfit.fitting import CircuitStability, FitResult, Status
from memfit.fitting.results.findings import Member
from memfit.fitting.results.result import Goodness

CURRENT = Circuit(control="current")
CHANCES = {(): 0.9, ("branch",): 0.1, ("leak",): 0.5}


def member(parts, weight, status="ok"):
    return Member(parts=parts, bic=0.0, weight=weight, status=status)


def result(*members):
    return FitResult(
        model="3d",
        status=Status(code="ok", message=""),
        parameters={},
        goodness=Goodness(chi2=1.0, dof=1, chi2_reduced=1.0, aic=0.0, bic=0.0),
        members=members,
    )


def stability(one, _circuit=CURRENT):
    return CircuitStability(
        verdict="oscillates" if CHANCES[one.parts] > 0.5 else "stable",
        message="Said.",
        probability_oscillates=CHANCES[one.parts],
        gain_margin_ci95=(0.5, 0.9) if CHANCES[one.parts] > 0.5 else (1.1, 2.0),
    )


def test_the_probability_is_the_mean_by_weight():
    members = (member((), 0.5), member(("branch",), 0.5))
    best = {"current": stability(members[0])}
    found = averaged(best, result(*members), {"current": CURRENT}, stability)["current"]
    assert found.probability_oscillates == pytest.approx(0.5)
    assert found.probability_range == pytest.approx((0.1, 0.9))
    assert found.gain_margin_ci95 == (0.5, 2.0)
    assert found.verdict == "near"
    assert "2 models" in found.message


def test_one_model_alone_is_as_it_was():
    best = {"current": stability(member((), 1.0))}
    assert averaged(best, result(member((), 1.0)), {"current": CURRENT}, stability) == best


def test_models_that_fail_do_not_count():
    members = (member((), 0.5), member(("branch",), 0.5, "poor_fit"))
    best = {"current": stability(members[0])}
    assert averaged(best, result(*members), {"current": CURRENT}, stability) == best
    told = with_probabilities(result(*members), CURRENT, stability)
    assert [one.probability_oscillates for one in told] == [0.9, None]


def test_where_no_probability_is_given_none_is_averaged():
    members = (member((), 0.5), member(("branch",), 0.5))
    withheld = replace(stability(members[0]), probability_oscillates=None)
    found = averaged({"current": withheld}, result(*members), {"current": CURRENT}, stability)
    assert found["current"].probability_oscillates is None
