"""Results that somebody edited: every claim is held against the table of parameters."""

import copy
import json

import pytest

from memfit.errors import InputError
from memfit.fitting.results.reproduce import recover
from memfit.fitting.results.result import EDITED, FitResult, digest_of
from memfit.fitting.results.soundness import faults_of


@pytest.fixture(scope="module")
def data(joint):
    return json.loads(joint.result.to_json())


def edit(data, *path_and_value, digest=True):
    *path, last, value = path_and_value
    changed = copy.deepcopy(data)
    inner = changed
    for key in path:
        inner = inner[key]
    inner[last] = value
    return {**changed, "digest": digest_of(changed)} if digest else changed


def test_a_fit_is_sound(joint, data):
    assert faults_of(joint.result) == {}
    assert EDITED not in FitResult.from_dict(data).warnings


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


EDITS = [
    (("parameters", "R_b", "value"), -1.0, "R_b must be greater than 0"),
    (("parameters", "tau_k", "value"), 1e300, "tau_k must lie between"),
    (("parameters", "V_m", "value"), 1e-300, "V_m must lie between"),
    (("parameters", "R_b", "value"), 10**400, "R_b.value: expected a number"),
    (("parameters", "R_b", "value"), "1", "R_b.value: expected a number"),
    (("parameters", "R_b", "stderr"), -1.0, "R_b.stderr"),
    (("parameters", "R_b", "ci95"), [2.0, 1.0], "R_b.ci95"),
    (("parameters", "R_x"), {"value": 1.0, "unit": "ohm"}, "unknown parameter 'R_x'"),
    (("plan", "seed"), "determined", "plan.seed: expected"),
    (("plan", "seed"), [1], "plan.seed: expected"),
    (("plan", "bounds"), {"R_b": [0.0, 0.0]}, "plan: bounds of R_b"),
    (("plan", "fix"), {"R_x": 1.0}, "unknown parameter R_x"),
    (("goodness", "datasets", 0, "noise"), {"floor": 0.0}, "expected relative and floor in the noise"),
    (("fitted_values", "C_m"), 1e300, "fitted_values: C_m must lie between"),
    (("covariance", 0, 0), -1.0, "no negative variance"),
    (("covariance", 0, 1), 1e9, "correlated by more than 1"),
    (("covariance_names", 0), "R_x", "covariance_names: unknown name 'R_x'"),
    (("goodness", "chi2"), -1.0, "goodness.chi2"),
    (("goodness", "dof"), 10**30, "goodness.dof"),
    (("inputs", 0, "used"), 10**9, "points"),
    (("device", "area_m2"), "4 cm", "device.area_m2"),
    (("device", "area_m2"), -1.0, "device.area_m2"),
    (("device", "name"), ["a"], "device.name"),
    (("device", "attributes"), [1], "device.attributes"),
    (("device", "attributes"), {"a": {"b": 1}}, "device.attributes"),
    (("device", "attributes"), {"a": 10**400}, "too large"),
    (("environment", "seconds"), {}, "environment.seconds"),
    (("plan", "fix"), deep(50), "plan: it is nested too deep"),
    (("minimum", "names", 0), "R_x", "minimum.names: unknown name"),
    (("logarithmic", 0), "V_T", "in logarithmic, found others"),
    (("inputs", 0, "covers", "frequency"), [-1.0, 1.0], "covers -1 to 1 of 'frequency'"),
    (("inputs", 0, "covers"), {"voltage": [0.0, 1e300]}, "covers 0 to 1e+300"),
    (("members",), [{"parts": [], "bic": 0.0, "weight": 7.0, "status": "ok"}], "members.weight"),
    (("minimum", "places", 0, "values", "R_b"), -1.0, "minimum.places: R_b"),
    (("minimum", "places", 0, "values"), {"R_b": 1e5}, "V_T, V_m, i_c0"),
]


@pytest.mark.parametrize(("path", "value", "said"), EDITS)
def test_what_no_fit_finds_is_refused_and_left_out_by_name(data, path, value, said):
    changed = edit(data, *path, value)
    with pytest.raises(InputError) as told:
        FitResult.from_dict(changed)
    assert said in str(told.value)
    assert len(str(told.value)) < 1000
    if path[0] == "parameters":
        with pytest.raises(InputError, match=r"run the fit again|Without it there is no result"):
            recover(json.dumps(changed))
    else:
        found = recover(json.dumps(changed))
        assert any(said in note for note in found.notes)
        assert faults_of(found.result) == {}


def test_all_faults_at_once(data):
    changed = edit(edit(data, "parameters", "R_b", "value", -1.0), "parameters", "V_m", "value", 1e300)
    with pytest.raises(InputError, match=r"R_b must .*V_m must"):
        FitResult.from_dict(changed)


def test_an_edit_that_can_be_is_said(data):
    value = data["parameters"]["R_b"]["value"]
    found = FitResult.from_dict(edit(data, "parameters", "R_b", "value", 3.0 * value, digest=False))
    assert found.warnings[-1] == EDITED
    assert EDITED in FitResult.from_json(found.to_json()).warnings


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 5000 + "1" + "}" * 5000,
        "[" * 100_000,
        '{"schema": "memfit/fit-result/1", "model": ' + "9" * 5000 + "}",
        '{"schema": "memfit/fit-result/1", "model": 1e999}',
        '{"schema": "memfit/fit-result/1", "model": NaN}',
        "nothing",
        "",
        "null",
    ],
)
def test_texts_that_are_no_result(text):
    for read in (FitResult.from_json, recover):
        with pytest.raises(InputError) as told:
            read(text)
        assert len(str(told.value)) < 300


def test_what_was_fitted_stands_in_the_minimum(data):
    changed = edit(data, "parameters", "tau_d", "status", "undetermined", digest=False)
    changed["minimum"]["names"] = [name for name in changed["minimum"]["names"] if name != "tau_d"]
    changed["digest"] = digest_of(changed)
    with pytest.raises(InputError, match=r"minimum\.names: tau_d is missing"):
        FitResult.from_dict(changed)


def test_a_place_has_a_value_of_all_that_was_fitted(data):
    changed = copy.deepcopy(data)
    del changed["minimum"]["places"][0]["values"]["tau_d"]
    changed["digest"] = digest_of(changed)
    with pytest.raises(InputError, match=r"minimum\.places: tau_d is missing"):
        FitResult.from_dict(changed)
