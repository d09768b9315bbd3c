"""The data choose the parts of a device."""

from dataclasses import replace
from functools import cache

import pytest
from devices import FREQUENCY, NOISE, TRUTH
from made_members import PARTS, PLAIN, device

from memfit.fitting import FitResult, parse_result
from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan
from memfit.synthetic.measurements import simulate_device, spectrum


@cache
def of_part(part):
    """The result of a device with a part, fitted once for all tests."""
    return fit(device(**PARTS[part])).result


@pytest.mark.parametrize("part", PARTS)
def test_the_part_that_is_there_is_found(part):
    truth, result = PARTS[part], of_part(part)
    assert result.parts == (part,)
    assert result.status.code == "ok"
    assert [found.part for found in result.parts_found] == [part]
    assert result.parts_found[0].misfit[1] < result.parts_found[0].misfit[0]
    for name, value in {**PLAIN, **truth}.items():
        estimate = result.parameters[name]
        assert estimate.value == pytest.approx(value, abs=4.5 * estimate.stderr), name
    assert result.members[0].parts == (part,)
    assert sum(member.weight for member in result.members) == pytest.approx(1.0)


def test_the_plainest_device_stays_so():
    for seed in range(4):
        result = fit(device(seed=seed)).result
        assert result.parts == ()
        assert result.members[0].parts == ()
        assert not result.diagnosis


def test_a_model_that_is_held_is_diagnosed_and_fails():
    held = fit(device(**PARTS["branch"]), FitPlan(model="3d")).result
    assert held.parts == ()
    assert held.status.code == "poor_fit"
    assert held.diagnosis[0].part == "branch"
    assert "ask for a second capacitive arc" in held.diagnosis[0].sentence
    free = of_part("branch")
    assert free.goodness.chi2_reduced_model_free < held.goodness.chi2_reduced_model_free


def test_parts_that_are_given_stay():
    result = fit(device(**PARTS["leak"]), FitPlan(parts=("leak",))).result
    assert result.parts == ("leak",)
    assert result.parts_found == ()


def test_two_parts_are_found_one_after_the_other():
    truth = PARTS["branch"] | PARTS["conductance"]
    result = fit(device(**truth)).result
    assert set(result.parts) == {"branch", "conductance"}
    for name, value in {**PLAIN, **truth}.items():
        estimate = result.parameters[name]
        assert estimate.value == pytest.approx(value, abs=4.5 * estimate.stderr), name


@pytest.mark.parametrize("biases", [(0.2, 0.6, 0.8), (0.6, 0.8)])
def test_a_part_that_was_found_first_gives_way_to_one_that_says_more(biases):
    """A leak promises more where the plainest fit has lost an activation time."""
    truth = replace(TRUTH, kappa=1.0)
    made = [spectrum(bias, FREQUENCY, file=f"eis_{bias}.csv") for bias in biases]
    result = fit(simulate_device(truth, made, NOISE, seed=1)).result
    assert result.parts == ("conductance",)
    assert result.parameters["V_T"].value == pytest.approx(truth.V_T, abs=4 * result.parameters["V_T"].stderr)


def test_three_parts_are_found_where_none_alone_helps_much():
    truth = PARTS["branch"] | PARTS["conductance"] | PARTS["activation_time"]
    result = fit(device(**truth)).result
    assert set(result.parts) == {"branch", "conductance", "activation_time"}
    assert result.status.code == "ok"
    assert all(one.bic_fall > 10.0 and one.misfit[1] < one.misfit[0] for one in result.parts_found)


def test_the_result_goes_to_json_and_back():
    result = of_part("conductance")
    again = FitResult.from_dict(parse_result(result.to_json()))
    assert again.members == result.members
    assert again.parts_found == result.parts_found
    assert again.parts == result.parts
