"""Results that are cut short, edited or newer: what is sound is read, what is not is named."""

import contextlib
import json
import random

import pytest

from memfit.errors import MemfitError
from memfit.fitting.refit import salvage
from memfit.fitting.result import SCHEMA, digest_of


@pytest.fixture(scope="module")
def text(joint):
    return joint.result.to_json()


@pytest.fixture
def data(text):
    return json.loads(text)


def test_a_sound_result_is_itself(joint, text):
    found = salvage(text)
    assert found.whole
    assert found.result == joint.result


def test_a_digest_fits_whatever_the_order_of_keys(data):
    turned = dict(reversed(data.items()))
    assert digest_of(turned) == data["digest"]
    assert salvage(json.dumps(turned)).whole


def test_an_edited_number_is_said(data):
    data["parameters"]["R_b"]["value"] *= 1.001
    (note,) = salvage(json.dumps(data)).notes
    assert "edited after memfit wrote it" in note


def test_a_result_without_digest_is_old_and_whole(data):
    for key in ("digest", "fitted_values", "data", "conflicts", "minimum", "identifiability"):
        data.pop(key, None)
    assert salvage(json.dumps(data)).whole


def test_a_text_cut_short_gives_what_stands_before(joint, text):
    found = salvage(text[: text.index('"covariance"')])
    assert found.result.parameters == joint.result.parameters
    assert found.result.inputs == joint.result.inputs
    assert found.notes[0].startswith("The result is damaged; what stands before the fault is shown.")
    assert "covariance, goodness" in found.notes[1]


def test_nothing_without_parameters(text):
    with pytest.raises(MemfitError, match="cut short"):
        salvage(text[: text.index('"parameters"')])


def test_damaged_parts_are_left_out_and_named(data):
    data["inputs"][1]["points"] = None
    data["covariance"] = data["covariance"][:2]
    data["fitted_values"]["R_b"] = -1.0
    data["device"]["area_m2"] = "4 cm"
    found = salvage(json.dumps(data))
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
        salvage(json.dumps(data))


def test_a_newer_layout_is_read_as_far_as_it_is_known(data):
    data["schema"] = SCHEMA.replace("/1", "/2")
    data["neurons"] = {}
    (note,) = salvage(json.dumps(data)).notes
    assert "of a newer memfit" in note
    assert "neurons" in note


def test_nan_is_no_number(data):
    data["goodness"]["chi2"] = float("nan")
    found = salvage(json.dumps(data))
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
        assert salvage(json.dumps(data)).result.parameters
