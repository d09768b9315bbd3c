"""What instruments do to a record: a source that gives more current than it says."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device

from memfit.fitting import FitPlan
from memfit.fitting.checks.mistakes import multiplied
from memfit.fitting.joint import fit
from memfit.fitting.prediction.instrument import Instrument, by_drive, driven
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.uncertainty.refit import rebuild_problem
from memfit.model import NAMES

DEVICE = device()
PULSES = [record for record in DEVICE.records if record.kind == "transient"]


def with_gain(factor):
    instrument = Instrument.ideal(len(PULSES))
    instrument.drive[:] = factor
    return instrument


def test_a_gain_of_the_drive_is_a_larger_current():
    driven_more = [replace(r, drive=replace(r.drive, value=1.07 * r.drive.value)) for r in PULSES]
    expected, found = Predictor(driven_more)(TRUTH), Predictor(PULSES)(TRUTH, with_gain(1.07))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-4, atol=1e-6)
    for name in ("R_b", "C_m", "i_c0", "V_T", "tau_d"):
        j = NAMES.index(name)
        scale = np.max(np.abs(expected.derivatives[:, j]))
        np.testing.assert_allclose(found.derivatives[:, j], expected.derivatives[:, j], atol=1e-5 * scale)


def test_its_derivative_is_that_of_the_area():
    predictor, step = Predictor(PULSES), 1e-4
    up, down = (predictor(TRUTH, with_gain(1.05 + s)).values for s in (step, -step))
    found = by_drive(TRUTH, predictor(TRUTH, with_gain(1.05)).derivatives) / 1.05
    np.testing.assert_allclose(found, (up - down) / (2.0 * step), atol=1e-4)


def test_the_device_that_makes_up_for_a_gain():
    p, scale = driven(TRUTH, 2.0)
    assert (p.R_b, p.C_m, p.V_T) == (2.0 * TRUTH.R_b, TRUTH.C_m / 2.0, TRUTH.V_T)
    assert scale[NAMES.index("i_c0")] == 0.5


@pytest.mark.parametrize("gain", [1.03, 0.93])
def test_a_source_that_is_wrong_is_told_from_a_meter(gain):
    records = [
        replace(r, drive=replace(r.drive, value=r.drive.value / gain)) if r.kind == "transient" else r
        for r in DEVICE.records
    ]
    spoiled = replace(DEVICE, records=tuple(records))
    result = fit(spoiled, FitPlan(model="3d")).result
    assert result.status.code == "ok"
    assert list(result.nuisance) == ["drive_gain_transient"]
    found = result.nuisance["drive_gain_transient"]
    assert abs(found.value - gain) < 4.0 * found.stderr < 0.02
    way = "more" if gain > 1.0 else "less"
    assert any(f"{way} current than the files say" in text for text in result.warnings)
    state = rebuild_problem(result, spoiled)
    assert state.unknowns.names == result.covariance_names


def test_a_meter_that_is_wrong_is_no_source():
    records = [multiplied(r, "voltage", 1.03) if r.kind == "transient" else r for r in DEVICE.records]
    result = fit(replace(DEVICE, records=tuple(records)), FitPlan(model="3d")).result
    assert "gain_transient" in result.nuisance
    assert "drive_gain_transient" not in result.nuisance
