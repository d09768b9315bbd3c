"""Comparison of whole results: truths recovered, what is left out and why, nothing depends on the order."""

import json
from dataclasses import replace

import numpy as np
import pytest
from comparing import MIDDLE, result_of, wafer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from memfit.analysis.comparison.compare import compare_results
from memfit.errors import InputError
from memfit.fitting import Status


def trend(found, quantity, covariate):
    return next(one for one in found.trends if (one.quantity, one.covariate) == (quantity, covariate))


def changed(result, name, **fields):
    """A result with another estimate of one parameter."""
    return replace(result, parameters={**result.parameters, name: replace(result.parameters[name], **fields)})


@pytest.fixture(scope="module")
def found():
    return compare_results(wafer(24, 1, stability=True))


def test_unit_area_where_areas_differ(found):
    """Correlations are not those of the areas: R_b and C_m go together only by them."""
    assert found.equal_area
    assert found.like.quantities[0].unit == "ohm m²"
    pair = next(one for one in found.correlations if {one.first, one.second} == {"R_b", "C_m"})
    assert abs(pair.observed) < 0.6
    assert found.normalised_pooled["R_b"].tau < 0.2 < found.pooled["R_b"].tau
    assert_allclose(
        np.exp(found.normalised.x[:, 0]),
        [d.parameters["R_b"].value * d.area for d in found.devices],
        rtol=1e-12,
    )


def test_two_lags_beside_three():
    flat = result_of("flat", digest="1")
    parameters = {n: e for n, e in flat.parameters.items() if n != "tau_k"}
    k = flat.covariance_names.index("tau_k")
    names = tuple(n for n in flat.covariance_names if n != "tau_k")
    covariance = tuple(tuple(np.delete(row, k)) for row in np.delete(np.array(flat.covariance), k, axis=0))
    flat = replace(
        flat,
        model="2d",
        parameters=parameters,
        covariance_names=names,
        covariance=covariance,
        logarithmic=tuple(n for n in flat.logarithmic if n != "tau_k"),
        stability={},
    )
    one = compare_results([flat, result_of("a", stability=True), result_of("b", stability=True)])
    assert one.pooled["tau_k"].devices == 2
    assert any(o.reason == "not in its model (2d)" for o in one.omitted)
    assert [one.devices[i].label for i in one.plane.device] == ["a", "b"]
    only = compare_results([flat, replace(flat, device={"name": "other"})])
    assert only.plane.device.size == 0
    assert "tau_k" not in only.sample.names


def test_shared_files_are_named():
    """Two results of one name that share only some of their files are both compared, and named."""
    a, b = result_of("a", digest="1"), result_of("a", digest="2")
    b = replace(b, inputs=(*a.inputs, *b.inputs))
    one = compare_results([a, b, result_of("c", digest="3")], ["x/result.json", "y/result.json", "z"])
    assert "a (x) and a (y) were fitted to the same files; they are not independent." in one.notes


@settings(max_examples=4, deadline=None)
@given(st.permutations(range(5)))
def test_order_changes_nothing(order):
    results = wafer(5, 3)
    first = compare_results(results).to_dict()
    again = compare_results([results[k] for k in order]).to_dict()
    assert json.dumps(again) == json.dumps(first)


def test_a_change_of_unit_of_area_changes_no_exponent():
    results = wafer(9, 4)
    larger = [replace(r, device={**r.device, "area_m2": 1e4 * r.device["area_m2"]}) for r in results]
    both = [compare_results(group) for group in (results, larger)]
    for name in ("R_b", "C_m"):
        a, b = (trend(one, name, "area") for one in both)
        assert_allclose([a.slope, a.stderr, a.tau], [b.slope, b.stderr, b.tau], rtol=1e-5)


def test_outlying_device_is_named():
    rng = np.random.default_rng(5)
    results = [
        result_of(f"{k}", MIDDLE.replace(V_m=0.055 * np.exp(0.05 * rng.normal())), rng=rng) for k in range(12)
    ]
    results[7] = result_of("7", MIDDLE.replace(V_m=0.12), rng=rng)
    one = compare_results(results)
    assert [(one.devices[o.device].label, o.quantity) for o in one.outlying][:1] == [("7", "V_m")]


def test_fewer_than_two_devices():
    with pytest.raises(InputError, match="at least two devices that can be compared, found one"):
        compare_results([result_of("a")])
    with pytest.raises(InputError, match="found none"):
        compare_results([])
    stopped = replace(result_of("b"), status=Status(code="not_converged", message="It stopped."))
    with pytest.raises(InputError, match=r"found one\. b: its fit did not converge"):
        compare_results([result_of("a"), stopped])


def test_json_has_what_differences_are_made_from(found):
    plain = found.to_dict()
    json.dumps(plain, allow_nan=False)
    first, second = (np.array(plain["devices"][k]["in_scale"]["covariance"]) for k in (0, 1))
    values = [np.array(plain["devices"][k]["in_scale"]["values"]) for k in (0, 1)]
    pair = plain["differences"]["listed"][0]
    d = values[0] - values[1]
    assert_allclose([one["difference"] for one in pair["parameters"].values()], d)
    assert pair["joint"]["chi2"] == pytest.approx(d @ np.linalg.solve(first + second, d))
    assert pair["joint"]["dof"] == 8


def test_table_of_devices(found):
    frame = found.to_frame()
    assert list(frame.index[:3]) == ["device 1", "device 2", "device 3"]
    assert {"R_b_ohm", "R_b_ci95_low", "R_b_ohm_m2", "i_c0_A_per_m2", "current_gain_margin"} <= set(frame)
    assert frame.loc["device 2", "attribute_batch"] == "B"
    assert frame["current_rank"].tolist() != list(range(1, 25))


def test_the_map_of_stability(found):
    """On the map the gain margin is the ratio of both axes, and below 8 nothing oscillates."""
    margins = {r.device: r.gain_margin for r in found.ranking if r.circuit == "current"}
    plane = found.plane
    assert_allclose(plane.needed / plane.loop_gain, [margins[int(i)] for i in plane.device], rtol=1e-9)
    assert np.all(plane.needed >= 8.0)
    ratio = np.array([-1.0, 1.0])
    for device, C in zip(plane.device, plane.covariance, strict=True):
        low, high = next(
            r.gain_margin_ci95 for r in found.ranking if r.device == device and r.circuit == "current"
        )
        width = 2 * 1.96 * np.sqrt(ratio @ C @ ratio)
        assert np.log(high / low) == pytest.approx(width, rel=0.1)


def test_ranking_by_gain_margin(found):
    ranked = [r for r in found.ranking if r.circuit == "current"]
    margins = [r.gain_margin for r in ranked]
    assert margins == sorted(margins)
    assert [r.rank for r in ranked] == list(range(1, 25))
    chances = [r.probability_oscillates for r in ranked]
    assert chances[0] >= chances[-1]
