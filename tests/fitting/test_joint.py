"""The joint fit as a whole: order of records and units of time and current are nothing to it; which model."""

from dataclasses import replace

import numpy as np
import pytest
from devices import NOISE, TRUTH, device, errors, everything, exact, spectra, sweeps

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep
from memfit.errors import InputError
from memfit.fitting.findings import ModelCandidate
from memfit.fitting.joint import choose, fit, probability
from memfit.fitting.plan import FitPlan
from memfit.fitting.result import FitResult
from memfit.model import NAMES
from memfit.protocols import Drive


def _values(result):
    return {name: estimate.value for name, estimate in result.parameters.items()}


def test_truth_is_found_without_noise():
    result = fit(exact()).result
    assert max(errors(result).values()) < 1e-4
    assert result.parameters["R_s"].value == pytest.approx(TRUTH.R_s, rel=1e-3)


def test_truth_is_found_within_its_errors(joint):
    for name in NAMES[:7]:
        estimate = joint.result.parameters[name]
        assert abs(estimate.value - getattr(TRUTH, name)) < 4.5 * estimate.stderr, name


def test_same_fit_twice_is_the_same_fit(noisy, joint):
    assert fit(noisy).result == joint.result


def test_order_of_records_changes_nothing(noisy, joint):
    turned = Device(name=noisy.name, records=noisy.records[::-1])
    found = _values(fit(turned).result)
    for name, value in _values(joint.result).items():
        stderr = joint.result.parameters[name].stderr
        assert found[name] == pytest.approx(value, abs=0.02 * stderr), name


def _slower(record, factor):
    """The same record of a device whose every time constant is `factor` longer."""
    if isinstance(record, ImpedanceSpectrum):
        return replace(record, frequency=record.frequency / factor)
    drive = Drive(record.control, record.drive.time * factor, record.drive.value)
    return replace(record, time=record.time * factor, drive=drive)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_scaling_time_scales_the_answer(noisy, joint, factor):
    records = tuple(_slower(r, factor) for r in noisy.records)
    found = fit(Device(name="slow", records=records)).result
    for name in NAMES[:8]:
        power = 1 if name in ("C_m", "tau_d", "tau_k") else 0
        one = joint.result.parameters[name]
        expected = one.value * factor**power
        assert found.parameters[name].value == pytest.approx(
            expected, abs=0.1 * one.stderr * factor**power
        ), name


def _stronger(record, factor):
    """The same record of a device that carries `factor` times the current at every voltage."""
    if isinstance(record, ImpedanceSpectrum):
        return replace(record, impedance=record.impedance / factor)
    if isinstance(record, IVSweep):
        return replace(record, current=record.current * factor)
    return replace(record, drive=Drive("current", record.drive.time, record.drive.value * factor))


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_scaling_current_scales_the_answer(noisy, joint, factor):
    records = tuple(_stronger(r, factor) for r in noisy.records)
    found = fit(Device(name="strong", records=records)).result
    powers = {"R_b": -1, "R_s": -1, "C_m": 1, "i_c0": 1}
    for name in NAMES[:8]:
        one, scale = joint.result.parameters[name], factor ** powers.get(name, 0)
        assert found.parameters[name].value == pytest.approx(
            one.value * scale, abs=0.1 * one.stderr * scale
        ), name
        assert found.parameters[name].stderr == pytest.approx(one.stderr * scale, rel=0.05), name


def test_robust_loss_gives_the_same_within_errors(noisy, joint):
    found = fit(noisy, FitPlan(model="3d", robust=True)).result
    for name in NAMES[:7]:
        one = joint.result.parameters[name]
        assert abs(found.parameters[name].value - one.value) < 2 * one.stderr


def test_starting_values_of_the_user_are_used(noisy):
    result = fit(noisy, FitPlan(model="3d", start={"tau_d": 0.031})).result
    assert result.parameters["tau_d"].reason == "given"
    assert max(errors(result).values()) < 0.05


def test_result_says_how_it_was_made(noisy):
    plan = FitPlan(model="3d", seed=7, fix={"R_s": 40.0})
    result = fit(device([*spectra(), *sweeps()]), plan).result
    assert FitPlan.from_dict(result.plan) == plan


def test_nothing_to_fit_is_an_error():
    with pytest.raises(InputError, match="no record"):
        fit(Device(name="empty", records=()))


def test_points_are_counted_once(noisy, joint):
    used = sum(i.used * (2 if i.kind == "impedance" else 1) for i in joint.result.inputs)
    free = len(joint.result.covariance_names)
    assert joint.result.goodness.dof == used - free
    assert joint.result.goodness.chi2_reduced == pytest.approx(1.0, abs=0.05)
    assert np.isfinite([joint.result.goodness.aic, joint.result.goodness.bic]).all()


def test_all_three_kinds_are_in(joint):
    assert {d.kind for d in joint.result.goodness.datasets} == {"impedance", "iv", "transient"}
    assert len(joint.fitted) == len(everything())


def test_a_kind_of_data_from_another_device_is_named():
    other = TRUTH.replace(R_b=1.04 * TRUTH.R_b)
    records = (*device(spectra(other), other).records, *device([*spectra(), *sweeps()]).records[4:])
    mixed = Device(name="mixed", records=records)
    result = fit(mixed, FitPlan(model="3d", gains="off")).result
    assert {c.parameter for c in result.conflicts} == {"R_b"}
    assert all(abs(c.shift) > 5.0 for c in result.conflicts)
    assert any("disagree with the rest: they move R_b" in warning for warning in result.warnings)
    assert fit(mixed, FitPlan(model="3d", gains="off", conflict_test=False)).result.conflicts == ()


def test_kinds_that_agree_raise_no_alarm(joint):
    assert joint.result.conflicts == ()


def _candidates(rise_2d, rise_mirror, points=1000):
    """Three models; chi2 of the 2D ones above that of the 3D one."""
    base, free = 900.0, 8
    made = [("3d", base, free), ("2d", base + rise_2d, free - 1), ("2d-mirror", base + rise_mirror, free - 1)]
    return [
        ModelCandidate(
            model=name,
            chi2=chi2,
            free=k,
            aic=chi2 + 2 * k,
            bic=chi2 + k * np.log(points),
            probability=None if name == "3d" else probability(chi2 - base),
        )
        for name, chi2, k in made
    ]


@pytest.mark.parametrize(
    ("rise_2d", "rise_mirror", "chosen", "certain"),
    [
        (0.0, 500.0, "2d", True),
        (2.0, 500.0, "2d", True),
        (5.0, 500.0, "2d", False),
        (50.0, 500.0, "3d", True),
        (500.0, 0.5, "2d-mirror", True),
        (0.0, 0.0, "2d", False),
        (3.0, 1.0, "2d", False),
        (9.0, 0.0, "2d-mirror", False),
        (500.0, 500.0, "3d", True),
    ],
)
def test_rule(rise_2d, rise_mirror, chosen, certain):
    choice = choose(_candidates(rise_2d, rise_mirror))
    assert (choice.chosen, choice.certain) == (chosen, certain)
    assert choice.sentence.endswith(".")
    assert "BIC" in choice.sentence or chosen == "3d"


def test_probability_is_that_of_a_boundary():
    """Half of it sits at zero, the rest is chi-square with one degree of freedom."""
    generator = np.random.default_rng(3)
    falls = np.maximum(generator.standard_normal(200_000), 0.0) ** 2
    for rise in (0.5, 2.706, 6.0):
        assert probability(rise) == pytest.approx(np.mean(falls > rise), rel=0.05)
    assert probability(0.0) == probability(-1.0) == 1.0


FLAT, MIRROR = TRUTH.replace(tau_k=0.0), TRUTH.replace(tau_d=0.0)


@pytest.mark.parametrize(
    ("truth", "model"), [(TRUTH, "3d"), (FLAT, "2d"), (MIRROR, "2d-mirror")], ids=["3d", "2d", "mirror"]
)
def test_a_device_is_given_its_model(truth, model):
    result = fit(device([*spectra(truth), *sweeps(truth)], truth), FitPlan(model="simplest")).result
    assert result.model == result.model_choice.chosen == model
    assert result.model_choice.certain
    assert result.status.code == "ok"
    assert {c.model for c in result.model_choice.candidates} == {"3d", "2d", "2d-mirror"}
    assert result.model_choice.sentence in result.warnings
    p = result.values()
    assert p.tau_d == pytest.approx(truth.tau_d, rel=0.05)
    assert p.tau_k == pytest.approx(truth.tau_k, rel=0.05)
    assert FitResult.from_json(result.to_json()) == result
    assert FitPlan.from_dict(result.plan).model == "simplest"


def test_one_bias_does_not_tell_which_time_is_missing():
    result = fit(device(spectra(FLAT, biases=(0.3,)), FLAT), FitPlan(model="simplest")).result
    assert result.model == "2d"
    assert not result.model_choice.certain
    chi2 = {c.model: c.chi2 for c in result.model_choice.candidates}
    assert chi2["2d"] == pytest.approx(chi2["2d-mirror"], abs=1e-3)
    assert "do not rule out the mirror" in result.model_choice.sentence


def test_a_fixed_time_is_not_left_out():
    plan = FitPlan(model="simplest", fix={"tau_k": TRUTH.tau_k})
    result = fit(device([*spectra(), *sweeps()]), plan).result
    assert {c.model for c in result.model_choice.candidates} == {"3d", "2d-mirror"}
    assert result.model == "3d"


def test_the_mirror_model_on_request():
    result = fit(device([*spectra(MIRROR), *sweeps(MIRROR)], MIRROR), FitPlan(model="2d-mirror")).result
    assert result.model == "2d-mirror"
    assert "tau_d" not in result.parameters
    assert result.values().tau_d == 0.0
    assert result.parameters["tau_k"].value == pytest.approx(MIRROR.tau_k, rel=0.05)


def test_correlated_noise_makes_no_third_time():
    """Residuals that follow each other are not evidence for tau_k, however many there are."""
    noise = type(NOISE)(impedance=0.01, current=0.01, voltage=0.004, correlation=0.6)
    planned = [*spectra(FLAT), *sweeps(FLAT)]
    for seed in range(3):
        result = fit(device(planned, FLAT, noise, seed), FitPlan(model="simplest")).result
        assert result.model == "2d"
