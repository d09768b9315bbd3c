"""Trends: exponents of the area, activation energies, groups, and attributes that say nothing."""

import numpy as np
import pytest
from comparing import BOLTZMANN, MIDDLE, result_of, wafer
from scipy.stats import f_oneway

from memfit.analysis.comparison.compare import compare_results
from memfit.analysis.comparison.devices import gather, of_equal_area, sample_of
from memfit.analysis.comparison.pooling import pool
from memfit.analysis.comparison.regression import covariates_of, find_trends


def trend(found, quantity, covariate):
    return next(one for one in found.trends if (one.quantity, one.covariate) == (quantity, covariate))


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
