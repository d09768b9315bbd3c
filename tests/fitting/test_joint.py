"""The joint fit as a whole: order of records and units of time and current are nothing to it; which model."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, errors, everything, exact, spectra, sweeps

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep
from memfit.errors import InputError
from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan
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
