"""Comparison of whole results: truths recovered, what is left out and why, nothing depends on the order."""

import json
from dataclasses import replace

import numpy as np
import pytest
from comparing import BOLTZMANN, MIDDLE, result_of, wafer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import f_oneway

from memfit.analysis.comparison.compare import compare_results
from memfit.analysis.comparison.devices import checked_result, gather, natural, of_equal_area, sample_of
from memfit.analysis.comparison.pooling import pool
from memfit.analysis.comparison.regression import covariates_of, find_trends
from memfit.errors import InputError
from memfit.fitting.result import Estimate, Status


def trend(found, quantity, covariate):
    return next(one for one in found.trends if (one.quantity, one.covariate) == (quantity, covariate))


def changed(result, name, **fields):
    """A result with another estimate of one parameter."""
    return replace(result, parameters={**result.parameters, name: replace(result.parameters[name], **fields)})


@pytest.fixture(scope="module")
def found():
    return compare_results(wafer(24, 1, stability=True))


def test_known_spreads_and_scaling_are_recovered():
    """Over seeds: a spread of 10 %, exponents -1 and 1, activation energies 0.35 and 0.5 eV."""
    held = {"R_b": 0, "C_m": 0, "i_c0": 0, "tau_d": 0, "tau_k": 0}
    spreads = []
    for seed in range(30):
        results = wafer(15, seed)
        devices, _, kept = gather(results, [""] * 15)
        sample = sample_of(devices, kept)
        trends = find_trends(sample, of_equal_area(sample))[0]
        for name, covariate, truth in (
            ("R_b", "area", -1.0),
            ("C_m", "area", 1.0),
            ("i_c0", "area", 1.0),
            ("tau_d", "temperature", 0.35),
            ("tau_k", "temperature", 0.5),
        ):
            (one,) = (t for t in trends if (t.quantity, t.covariate) == (name, covariate))
            low, high = one.slope_ci95
            held[name] += low < truth < high
        spreads.append(pool(*sample.column("V_m")[1:]).tau)
    assert all(count >= 25 for count in held.values()), held  # 95 % of 30, less 3 standard deviations
    assert np.mean(spreads) == pytest.approx(0.1, rel=0.1)


def test_activation_energy_by_hand():
    """Three devices on a line of log tau against 1/(k_B T), without errors or spread."""
    results = []
    for k, T in enumerate((280.0, 300.0, 330.0)):
        truth = MIDDLE.replace(tau_d=1e-6 * np.exp(0.3 / (BOLTZMANN * T)))
        results.append(result_of(f"{k}", truth, error=1e-5, temperature=T))
    one = trend(compare_results(results), "tau_d", "temperature")
    assert (one.kind, one.devices) == ("arrhenius", 3)
    assert one.slope == pytest.approx(0.3, abs=1e-6)
    assert one.level - one.slope * one.center == pytest.approx(np.log(1e-6), abs=1e-4)


def test_expected_exponents(found):
    for name, expected in (("R_b", -1.0), ("C_m", 1.0), ("i_c0", 1.0)):
        one = trend(found, name, "area")
        assert one.expected == expected
        assert one.p_expected > 0.05
        assert one.p_value < 1e-6
    assert trend(found, "tau_d", "area").expected is None


def test_a_device_that_does_not_scale_fails_the_test():
    results = [
        result_of(f"{k}", MIDDLE.replace(R_b=MIDDLE.R_b * (1 + 0.001 * k)), area=a, error=0.01)
        for k, a in enumerate((1e-6, 2e-6, 4e-6, 8e-6, 1.6e-5))
    ]
    one = trend(compare_results(results), "R_b", "area")
    assert one.slope == pytest.approx(0.0, abs=0.02)
    assert one.p_expected < 1e-3


def test_words_and_numbers_with_units_as_attributes(found):
    assert trend(found, "R_b", "batch").kind == "groups"
    assert [level.word for level in trend(found, "R_b", "batch").levels] == ["A", "B"]
    thickness = trend(found, "R_b", "thickness")
    assert (thickness.kind, thickness.covariate_unit) == ("linear", "nm")


def test_groups_without_errors_are_the_f_test():
    rng = np.random.default_rng(0)
    groups = {"a": rng.normal(0.0, 0.1, 5), "b": rng.normal(0.15, 0.1, 6), "c": rng.normal(0.0, 0.1, 4)}
    results = [
        result_of(f"{word}{k}", MIDDLE.replace(V_m=0.05 * np.exp(y)), error=1e-6, attributes={"batch": word})
        for word, values in groups.items()
        for k, y in enumerate(values)
    ]
    one = trend(compare_results(results), "V_m", "batch")
    # after Holm's correction: the smallest of the ten trends, one a quantity (V_m and A_max are as one)
    assert one.p_value == pytest.approx(10 * f_oneway(*groups.values()).pvalue, rel=1e-3)


def test_attributes_that_say_nothing_are_named():
    results = [
        result_of(f"{k}", area=1e-6, attributes={"id": f"chip {'abcd'[k]}", "lab": "here"}) for k in range(4)
    ]
    reasons = {one.label: one.reason for one in compare_results(results).omitted}
    assert reasons["area"] == "the same in all devices"
    assert reasons["lab"] == "the same in all devices"
    assert "its own" in reasons["id"]


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        (["300 nm", "350 nm", "400.5 nm"], "nm"),
        (["300nm", "350 nm", "4e2 nm"], "nm"),
        (["5 %", "10%", "2 %"], "%"),
        (["1A", "2A", "1A"], None),
        (["1", "2", "1"], None),
        (["300 nm", "0.35 um", "300 nm"], None),
    ],
)
def test_which_texts_are_numbers(texts, unit):
    results = [result_of(f"{k}", attributes={"x": text}) for k, text in enumerate([*texts, *texts])]
    covariate = {one.name: one for one in covariates_of(compare_results(results).devices)}["x"]
    assert (None if covariate.words else covariate.unit) == unit


def test_attributes_that_vary_together_are_named():
    results = [
        result_of(f"{k}", area=1e-6 * 2**k, temperature=280.0 + 10 * k, attributes={"area": k})
        for k in range(5)
    ]
    found = compare_results(results)
    assert any("area and temperature vary together" in said for said in found.confounded)
    assert {one.covariate for one in found.trends} == {"area", "temperature", "area (attribute)"}


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


def test_shared_files_are_named():
    """Two results of one name that share only some of their files are both compared, and named."""
    a, b = result_of("a", digest="1"), result_of("a", digest="2")
    b = replace(b, inputs=(*a.inputs, *b.inputs))
    one = compare_results([a, b, result_of("c", digest="3")], ["x/result.json", "y/result.json", "z"])
    assert "a (x) and a (y) were fitted to the same files; they are not independent." in one.notes


def test_names_in_the_order_of_people():
    assert sorted(["d10", "d2", "D1", "e", "12", "3"], key=natural) == ["3", "12", "D1", "d2", "d10", "e"]


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


def test_the_map_of_stability(found):
    """On the map the gain margin is the ratio of both axes, and below 8 nothing oscillates."""
    margins = {r.device: r.gain_margin for r in found.ranking if r.circuit == "current"}
    plane = found.plane
    assert_allclose(plane.gain_margin, [margins[int(i)] for i in plane.device], rtol=1e-9)
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


def test_fewer_than_two_devices():
    with pytest.raises(InputError, match="at least two devices that can be compared, found one"):
        compare_results([result_of("a")])
    with pytest.raises(InputError, match="found none"):
        compare_results([])
    stopped = replace(result_of("b"), status=Status(code="not_converged", message="It stopped."))
    with pytest.raises(InputError, match=r"found one\. b: its fit did not converge"):
        compare_results([result_of("a"), stopped])


def test_nothing_measured():
    fixed = result_of("a")
    for name in fixed.parameters:
        fixed = changed(fixed, name, status="fixed")
    with pytest.raises(InputError, match="there is nothing to compare"):
        compare_results([fixed, replace(fixed, device={"name": "b"})])


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
