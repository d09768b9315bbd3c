"""A stored result taken up again: what is sound of it is read, a repetition is compared with it."""

import contextlib
import json
import random
from dataclasses import replace

import pytest

from memfit.errors import MemfitError
from memfit.fitting.plan import FitPlan
from memfit.fitting.results.reproduce import compare_repetition, recover
from memfit.fitting.results.result import SCHEMA, digest_of
from memfit.workflow.fitting import repetition_sentences


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
    assert FitPlan.from_dict(result.plan).to_dict() == result.plan


@pytest.fixture(scope="module")
def text(joint):
    return joint.result.to_json()


@pytest.fixture
def data(text):
    return json.loads(text)


def test_a_sound_result_is_itself(joint, text):
    found = recover(text)
    assert found.whole
    assert found.result == joint.result


def test_a_digest_fits_whatever_the_order_of_keys(data):
    turned = dict(reversed(data.items()))
    assert digest_of(turned) == data["digest"]
    assert recover(json.dumps(turned)).whole


def test_an_edited_number_is_said(data):
    data["parameters"]["R_b"]["value"] *= 1.001
    (note,) = recover(json.dumps(data)).notes
    assert "edited after memfit wrote it" in note


def test_a_result_without_digest_is_old_and_whole(data):
    for key in ("digest", "fitted_values", "data", "conflicts", "minimum", "identifiability"):
        data.pop(key, None)
    assert recover(json.dumps(data)).whole


def test_a_text_cut_short_gives_what_stands_before(joint, text):
    found = recover(text[: text.index('"covariance"')])
    assert found.result.parameters == joint.result.parameters
    assert found.result.inputs == joint.result.inputs
    assert found.notes[0].startswith("The result is damaged; what stands before the fault is shown.")
    assert "covariance, goodness" in found.notes[1]


def test_nothing_without_parameters(text):
    with pytest.raises(MemfitError, match="cut short"):
        recover(text[: text.index('"parameters"')])


def test_damaged_parts_are_left_out_and_named(data):
    data["inputs"][1]["points"] = None
    data["covariance"] = data["covariance"][:2]
    data["fitted_values"]["R_b"] = -1.0
    data["device"]["area_m2"] = "4 cm"
    found = recover(json.dumps(data))
    said = " ".join(found.notes)
    assert "inputs[1].points: expected a whole number, found null" in said
    assert "covariance has not" in said
    assert "fitted_values: R_b must be greater than 0 ohm" in said
    assert "device.area_m2: expected a number" in said
    assert found.result.inputs == ()
    assert found.result.covariance_names == ()


@pytest.mark.parametrize("key", ["model", "status", "parameters"])
def test_parts_that_are_needed(data, key):
    data[key] = None
    with pytest.raises(MemfitError, match=f"{key}.*run the fit again"):
        recover(json.dumps(data))


def test_a_newer_layout_is_read_as_far_as_it_is_known(data):
    data["schema"] = SCHEMA.replace("/1", "/2")
    data["neurons"] = {}
    (note,) = recover(json.dumps(data)).notes
    assert "of a newer memfit" in note
    assert "neurons" in note


def test_nan_is_no_number(data):
    data["goodness"]["chi2"] = float("nan")
    found = recover(json.dumps(data))
    assert "found NaN" in found.notes[0]
    assert found.result.goodness.datasets == ()


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_edited_is_read_or_refused(text, seed):
    """One value somewhere is replaced or deleted: never another exception than the project's own."""
    chance, data = random.Random(seed), json.loads(text)
    place, key = data, chance.choice(list(data))
    while isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.8:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if chance.random() < 0.3:
        del place[key]
    else:
        place[key] = chance.choice([None, "x", -1, 1e300, [], {}, True, [None]])
    with contextlib.suppress(MemfitError):
        assert recover(json.dumps(data)).result.parameters
