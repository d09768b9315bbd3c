"""Which devices are compared: each once, told apart by name, no damaged results; their values as arrays."""

import json
from dataclasses import replace

import numpy as np
import pytest
from comparing import MIDDLE, result_of

from memfit.analysis.comparison.compare import compare_results
from memfit.analysis.comparison.devices import checked_result, natural
from memfit.errors import InputError
from memfit.fitting import Estimate, Status


def changed(result, name, **fields):
    """A result with another estimate of one parameter."""
    return replace(result, parameters={**result.parameters, name: replace(result.parameters[name], **fields)})


def test_derived_quantities_have_the_covariance_of_their_parts():
    one = compare_results([result_of("a", within=0.3), result_of("b", within=0.3)])
    place, S = one.sample.names.index("tau_m"), one.sample.covariance[0]
    assert S[place, place] == pytest.approx(S[0, 0] + S[1, 1] + 2 * S[0, 1])
    assert one.sample.x[0, place] == pytest.approx(np.log(MIDDLE.R_b * MIDDLE.C_m))
    assert np.exp(one.sample.x[0, one.sample.names.index("A_max")]) == pytest.approx(
        MIDDLE.R_b * MIDDLE.i_c0 / (4 * MIDDLE.V_m)
    )


def test_what_a_fit_did_not_measure_takes_no_part_and_is_named():
    rng = np.random.default_rng(0)
    a, b, c, d = (result_of(name, rng=rng) for name in "abcd")
    a = changed(a, "tau_k", value=None, stderr=None, ci95=None, status="undetermined")
    b = changed(b, "R_s", status="fixed", stderr=None, ci95=None)
    c = changed(c, "V_m", status="at_bound")
    d = replace(d, status=Status(code="not_converged", message="It stopped."))
    one = compare_results([a, b, c, d])
    assert one.pooled["tau_k"].devices == 2
    assert one.pooled["R_s"].devices == 2
    assert one.pooled["V_m"].devices == 2
    assert one.pooled["R_b"].devices == 3
    reasons = {(o.label, o.what): o.reason for o in one.omitted}
    assert reasons["a", "tau_k"] == "not determined"
    assert reasons["b", "R_s"] == "held fixed"
    assert reasons["c", "V_m"] == "at its bound"
    assert "did not converge" in reasons["d", ""]
    verdicts = {one.devices[r.device].label: r.verdict for r in one.ranking if r.circuit == "current"}
    assert verdicts["d"] == "undetermined"
    json.dumps(one.to_dict(), allow_nan=False)


def test_one_device_fitted_twice_counts_once():
    old = replace(result_of("a", digest="1"), environment={"started": "2025-01-01T10:00:00+00:00"})
    new = replace(result_of("a", digest="1", area=2e-6), environment={"started": "2026-01-01T10:00:00+00:00"})
    for order in ([old, new], [new, old]):
        sources = ["old/result.json" if one is old else "new/result.json" for one in order]
        one = compare_results([*order, result_of("b", digest="2")], [*sources, "b/result.json"])
        assert [device.source for device in one.devices] == ["new/result.json", "b/result.json"]
        (left,) = [o for o in one.omitted if o.label == "old/result.json"]
        assert "new/result.json" in left.reason


def test_two_devices_of_one_name_are_told_apart():
    one = compare_results(
        [result_of("a", digest="1"), result_of("a", digest="2")], ["x/result.json", "y/result.json"]
    )
    assert [device.label for device in one.devices] == ["a (x)", "a (y)"]
    assert any("called 'a'" in note for note in one.notes)
    without = compare_results([result_of("a"), result_of("a")])
    assert [device.label for device in without.devices] == ["a #1", "a #2"]


def test_names_in_the_order_of_people():
    assert sorted(["d10", "d2", "D1", "e", "12", "3"], key=natural) == ["3", "12", "D1", "d2", "d10", "e"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covariance": ((float("nan"),) * 8,) * 8}, "covariance[0][0]: expected a number, found NaN"),
        ({"covariance": ((1.0,),)}, "covariance: expected 8 x 8 numbers"),
        ({"covariance": tuple((-1.0,) * 8 for _ in range(8))}, "found a negative one"),
        ({"device": ["a"]}, "device: expected a table"),
        ({"device": {"name": "a", "area_m2": "4"}}, "device.area_m2: expected a number above 0, found '4'"),
        (
            {"device": {"name": "a", "attributes": {"x": [1]}}},
            "device.attributes.x: expected a word or a number",
        ),
        ({"stability": {"current": 3}}, "stability.current: expected an object, found 3"),
        ({"stability": {"current": {"verdict": 1}}}, "stability.current.verdict: expected one of"),
        (
            {"stability": {"current": {"verdict": "near", "gain_margin_min": "low"}}},
            'stability.current.gain_margin_min: expected a number, found "low"',
        ),
        (
            {"stability": {"current": {"verdict": "near", "hopf_points": [{}]}}},
            "stability.current.hopf_points[0].u is missing",
        ),
        ({"status": Status(code="fine", message="")}, "status.code: expected one of 'ok'"),
        (
            {"parameters": {"R_b": Estimate(value="many", unit="ohm")}},
            'parameters.R_b.value: expected a number, found "many"',
        ),
        (
            {"parameters": {"R_b": Estimate(value=1.0, unit="ohm", status="good")}},
            "parameters.R_b.status: expected one of 'determined'",
        ),
    ],
)
def test_damaged_results_are_left_out_by_name(change, words):
    damaged = replace(result_of("x"), **change)
    with pytest.raises(InputError) as told:
        checked_result(damaged)
    assert words in str(told.value)
    one = compare_results([result_of("a"), damaged, result_of("b")], ["a", "here/result.json", "b"])
    assert len(one.devices) == 2
    assert any(o.label == "here/result.json" and words in o.reason for o in one.omitted)


def test_nothing_measured():
    fixed = result_of("a")
    for name in fixed.parameters:
        fixed = changed(fixed, name, status="fixed")
    with pytest.raises(InputError, match="there is nothing to compare"):
        compare_results([fixed, replace(fixed, device={"name": "b"})])
