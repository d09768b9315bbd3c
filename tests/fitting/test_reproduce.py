"""A fit run again compared with the first."""

from dataclasses import replace

import pytest

from memfit.fitting.reproduce import compare_repetition, plan_of
from memfit.reporting.fit.intervals import repetition_sentences


@pytest.fixture(scope="module")
def result(joint):
    return replace(
        joint.result, memfit_version="0.1.0", environment={"python": "3.11.7", "packages": {"numpy": "2.0"}}
    )


def changed(result, name, factor):
    estimate = result.parameters[name]
    return replace(
        result, parameters={**result.parameters, name: replace(estimate, value=estimate.value * factor)}
    )


def test_the_same(result):
    found = compare_repetition(result, replace(result, environment={**result.environment, "seconds": 9.0}))
    assert found.same
    (sentence,) = repetition_sentences(found)
    assert sentence == f"The same fit again: all {found.count} numbers agree to 1×10⁻⁹ of their size."


def test_a_difference_below_a_billionth_is_none(result):
    assert compare_repetition(result, changed(result, "R_b", 1.0 + 5e-10)).same
    assert not compare_repetition(result, changed(result, "R_b", 1.0 + 5e-9)).same


def test_what_differs_is_said(result):
    first, *others = result.inputs
    now = replace(
        changed(result, "tau_d", 1.002),
        inputs=(replace(first, sha256="f" * 64), *others),
        environment={"python": "3.12.1", "packages": {"numpy": "2.0"}},
        plan={**result.plan, "seed": 5, "later": {"a": 1}},
    )
    then = replace(result, inputs=(replace(first, sha256="0" * 64), *others))
    numbers, *rest = repetition_sentences(compare_repetition(then, now))
    assert numbers == (
        "The numbers differ from those of the first fit by up to 0.0020 of their size (tau_d); "
        "expected at most 1×10⁻⁹."
    )
    assert rest == [
        f"{first.file} differs: SHA-256 000000000000... then, ffffffffffff... now.",
        "python differs: 3.11.7 then, 3.12.1 now.",
        "The plan differs in seed: 0 then, 5 now.",
        "The plan differs in later.a: nothing then, 1 now.",
    ]


def test_a_difference_without_a_cause(result):
    sentences = repetition_sentences(compare_repetition(result, changed(result, "R_b", 1.1)))
    assert sentences[-1] == "Inputs, versions and plan are the same; another machine can round differently."


def test_a_quantity_that_only_one_has(result):
    fewer = replace(result, derived={})
    found = compare_repetition(result, fewer)
    assert not found.same
    assert "Only one of the two fits has A_max" in repetition_sentences(found)[0]


def test_the_plan_of_a_result(result):
    assert plan_of(result).to_dict() == result.plan
