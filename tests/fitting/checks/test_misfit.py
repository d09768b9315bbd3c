"""Misfit: noise alone passes, what is no model of the device is said first, and nothing stays determined."""

import json
from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, spectra, sweeps
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.analysis.design import plan_next
from memfit.analysis.stability import analyse_result
from memfit.fitting.checks.misfit import SETTINGS, evidence
from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan
from memfit.fitting.results.result import FitResult

HELD = FitPlan(model="3d")
"""The plainest model, whatever the data ask for."""


def with_capacitance(share):
    """Spectra of the device beside a capacitance of this share of C_m and a resistance in series with it."""
    changed = []
    for record in device().spectra:
        s = 2j * np.pi * record.frequency
        branch = 1.0 / (0.3 * TRUTH.R_b + 1.0 / (s * share * TRUTH.C_m))
        junction = 1.0 / (1.0 / (record.impedance - TRUTH.R_s) + branch)
        changed.append(replace(record, impedance=TRUTH.R_s + junction))
    return tuple(changed)


@pytest.fixture(scope="module")
def poor():
    return fit(replace(device(), records=with_capacitance(5.0)), HELD).result


def test_noise_alone_is_no_misfit(joint):
    result = joint.result
    assert result.status.code == "ok"
    assert result.status.also == ()
    assert not result.misfit.certain
    assert result.misfit.probability > SETTINGS.rare
    assert result.misfit.without == ()
    for item in result.goodness.datasets:
        assert item.misfit == pytest.approx(1.0, abs=0.5)
        assert item.where == ""
    assert result.goodness.chi2_reduced_model_free == pytest.approx(1.0, abs=0.3)


@given(st.integers(0, 2**31), st.integers(20, 900), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_independent_noise_is_no_evidence(seed, points, records):
    noise = np.random.default_rng(seed).standard_normal((records, points))
    assert evidence([[row] for row in noise]) > SETTINGS.rare


def test_probability_of_evidence_is_that_of_chance():
    generator = np.random.default_rng(5)
    chances = [evidence([[generator.standard_normal(300)] for _ in range(3)]) for _ in range(400)]
    assert 0.0 < np.mean(np.array(chances) < 0.05) < 0.08


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_a_weak_correlation_of_many_points_is_overwhelming(size):
    generator = np.random.default_rng(3)
    white = generator.standard_normal(801)
    follows = size * (white[1:] + 0.21 * white[:-1])  # lag-1 correlation 0.2
    assert np.corrcoef(follows[1:], follows[:-1])[0, 1] == pytest.approx(0.2, abs=0.07)
    assert evidence([[follows]]) < 1e-5


def test_records_speak_together():
    generator = np.random.default_rng(2)
    slow = 0.25 * np.sin(np.linspace(0.0, np.pi, 100))
    records = [[slow + generator.standard_normal(100)] for _ in range(40)]
    assert min(evidence([record]) for record in records) > 1e-6
    assert evidence(records) < 1e-6


def test_what_does_not_describe_the_device_is_said_first(poor):
    assert poor.status.code == "poor_fit"
    assert poor.status.message.startswith(
        "The model does not describe this device: it misses the spectra by up to"
    )
    assert "% of |Z|" in poor.status.message
    assert "Hz" in poor.status.message
    assert poor.misfit.large


def test_nothing_is_determined_by_a_model_that_fails(poor):
    states = {e.status for e in [*poor.parameters.values(), *poor.derived.values()]}
    assert states <= {"conditional", "undetermined", "at_bound", "fixed"}
    assert "conditional" in states


def test_an_interval_holds_what_leaving_a_record_out_does(poor):
    assert poor.misfit.without
    for part in poor.misfit.without:
        for name, value in part.values.items():
            e = poor.parameters[name]
            if e.status == "conditional" and name != "R_s" and e.stderr < 0.5 * abs(e.value):
                low, high = e.ci95
                assert low <= value <= high


def test_a_record_says_how_far_it_is_missed(poor):
    worst = max(poor.goodness.datasets, key=lambda item: item.misfit_percent)
    assert worst.misfit > 3.0
    assert worst.where.startswith("missed by")
    relative = worst.noise_model_free["relative"]
    assert relative == pytest.approx(0.01, rel=0.6)  # that of `devices.NOISE`


def test_no_verdict_of_a_model_that_fails(poor):
    for known in analyse_result(poor).values():
        assert known.verdict == "undetermined"
        assert known.probability_oscillates is None
        if known.gain_margin_min is not None:
            assert known.probability_reason.startswith("The model does not describe this device")


def test_a_plan_says_what_would_show_the_fault(poor):
    plan = plan_next(poor)
    assert plan.forecasts == ()
    assert any("again, unchanged" in sentence for sentence in plan.sentences)


def test_json_there_and_back(poor):
    data = json.loads(poor.to_json())
    assert data["misfit"]["large"] is True
    assert FitResult.from_dict(data) == poor


def test_a_small_misfit_widens_and_is_said():
    clean = fit(device([*spectra(), *sweeps()]), HELD).result
    result = fit(replace(device(), records=(*with_capacitance(0.06), *device().sweeps)), HELD).result
    assert result.misfit.certain
    assert not result.misfit.large
    assert result.status.code != "poor_fit"
    assert "a small misfit, but no chance" in " ".join([result.status.message, *result.warnings])
    assert "within their noise" not in result.status.message
    assert result.misfit.widening > 1.5
    for name in ("R_b", "C_m", "V_T"):
        assert result.parameters[name].stderr > 1.5 * clean.parameters[name].stderr


def test_a_large_series_resistance_is_what_it_is_without_a_record():
    """Values that are fitted as they are have their own bounds, not those of logarithms."""
    shift = 900.0
    changed = [replace(r, impedance=r.impedance + shift) for r in with_capacitance(5.0)]
    result = fit(replace(device(), records=tuple(changed)), HELD).result
    assert result.misfit.without
    for part in result.misfit.without:
        assert part.values["R_s"] == pytest.approx(TRUTH.R_s + shift, rel=0.3)
