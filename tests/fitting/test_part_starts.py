"""Parts are fitted by their names, from first values on the scale of the device."""

import json

import numpy as np
import pytest

from memfit.errors import ParameterError
from memfit.fitting import FitPlan
from memfit.fitting.joint import fit
from memfit.fitting.part_starts import SCALES, with_parts
from memfit.model import EXTENSIONS
from memfit.model.parameters import PARAMETERS
from memfit.synthetic.measurements import simulate_device, spectrum
from tests.support.devices import TRUTH, device

DEVICE = TRUTH.replace(R_1=2e5, C_1=2e-6, kappa=0.4)
PLANNED = [
    spectrum(TRUTH.V_T + b * TRUTH.V_m, np.geomspace(3e4, 0.02, 30), file=f"eis_{k}.csv")
    for k, b in enumerate((-4.0, -2.0, -0.5, 0.5, 2.0))
]


def test_every_parameter_of_a_part_has_a_first_value_in_its_domain():
    assert set(SCALES) == {name for names in EXTENSIONS.values() for name in names}
    values = with_parts(TRUTH.as_dict(), tuple(SCALES))
    assert not any(PARAMETERS[name].complaint(values[name]) for name in SCALES)
    assert with_parts({**TRUTH.as_dict(), "R_1": 7.0}, ("R_1",))["R_1"] == 7.0


def test_parts_are_recovered_and_named_in_the_result():
    result = fit(device(PLANNED, DEVICE), FitPlan(model="3d", parts=("branch", "conductance"))).result
    assert result.status.code == "ok"
    assert result.parts == ("branch", "conductance")
    assert json.loads(result.to_json())["parts"] == ["branch", "conductance"]
    for name in ("R_b", "C_m", "i_c0", "V_m", "R_1", "C_1", "kappa"):
        estimate = result.parameters[name]
        assert estimate.stderr > 0.0
        assert abs(estimate.value - getattr(DEVICE, name)) < 5.0 * estimate.stderr, name


def test_an_unknown_part_and_one_part_twice_are_refused():
    with pytest.raises(ParameterError, match=r"unknown part brunch; did you mean .branch"):
        FitPlan(parts=("brunch",))
    with pytest.raises(ParameterError, match="symmetric is second_polarity with the values of the first"):
        FitPlan(parts=("symmetric", "second_polarity"))


def test_a_symmetric_second_polarity_follows_from_the_first():
    plan = FitPlan(parts=("symmetric",))
    assert plan.ties == {"i_c0n": "i_c0", "V_Tn": "V_T", "V_mn": "V_m"}
    assert set(plan.asked) == {"i_c0n", "V_Tn", "V_mn"}
    assert FitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_a_drift_of_the_records_is_recovered():
    truth = TRUTH.replace(d_i=-0.02)
    result = fit(simulate_device(truth, seed=3), FitPlan(model="3d", parts=("drift",))).result
    assert result.parts == ("drift",)
    found = result.parameters["d_i"]
    assert abs(found.value - truth.d_i) < 5.0 * found.stderr < 0.1 * abs(truth.d_i)


def test_a_plan_without_parts_is_stored_as_before():
    assert "parts" not in FitPlan(model="3d").to_dict()
    plan = FitPlan(model="3d", parts=("leak",))
    assert FitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
