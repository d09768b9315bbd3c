"""Parts are fitted by their names, from first values on the scale of the device."""

import json

import numpy as np
import pytest

from memfit.datasets import Device, IVSweep
from memfit.errors import ParameterError
from memfit.fitting import FitPlan
from memfit.fitting.joint import fit
from memfit.fitting.plan import free_parameters
from memfit.fitting.search import physical_start
from memfit.fitting.starts.part_starts import SCALES, with_parts, without_part
from memfit.model import EXTENSIONS, steady_response
from memfit.model.parameters import PARAMETERS
from memfit.synthetic.measurements import loop, simulate_device, spectrum
from tests.support.devices import TRUTH, device

DEVICE = TRUTH.replace(R_1=2e5, C_1=2e-6, kappa=0.4)
PLANNED = [
    spectrum(TRUTH.V_T + b * TRUTH.V_m, np.geomspace(3e4, 0.02, 30), file=f"eis_{k}.csv")
    for k, b in enumerate((-4.0, -2.0, -0.5, 0.5, 2.0))
]
DRIFTING = FitPlan(model="3d", parts=("drift",))


def test_every_parameter_of_a_part_has_a_first_value_in_its_domain():
    assert set(SCALES) == {name for names in EXTENSIONS.values() for name in names}
    values = with_parts(TRUTH.as_dict(), tuple(SCALES))
    assert not any(PARAMETERS[name].complaint(values[name]) for name in SCALES)
    assert with_parts({**TRUTH.as_dict(), "R_1": 7.0}, ("R_1",))["R_1"] == 7.0


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("capacitance", "C_m", TRUTH.C_m + 1e-8),
        ("leak", "R_b", 1.0 / (1.0 / TRUTH.R_b + 2e-6)),
        ("activation_time", "tau_k", 0.5 * TRUTH.tau_k),
        ("branch", "C_m", TRUTH.C_m),
    ],
)
def test_a_part_that_is_taken_out_leaves_what_it_is_near_zero(part, name, value):
    own = {"C_0": 1e-8, "V_c": 0.3, "I_l": 1e-6, "V_l": 0.5, "p_k": 1.5, "q_k": 0.5, "R_1": 1e4, "C_1": 1e-6}
    left = without_part({**TRUTH.as_dict(), **own}, part)
    assert left[name] == pytest.approx(value)
    assert all(left[n] == (PARAMETERS[n].null or 0.0) for n in EXTENSIONS[part])


def test_a_part_whose_amplitude_is_one_with_the_rest_is_left_out_without_a_change():
    wide = {**TRUTH.as_dict(), "C_0": 0.4 * TRUTH.C_m, "V_c": 1e6}
    assert without_part(wide, "capacitance")["C_m"] == pytest.approx(1.4 * TRUTH.C_m)


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


def test_a_symmetric_second_polarity_begins_where_the_first_does():
    """A first threshold below 0 V is no start of a channel that conducts as u/V_T, nor is its mirror."""
    values = with_parts({**TRUTH.as_dict(), "V_T": -0.9}, ("i_c0n", "V_Tn", "V_mn", "kappa"))
    plan = FitPlan(model="3d", parts=("conductance", "symmetric"))
    begun = physical_start(plan, free_parameters("3d", plan.asked), values, ["impedance"]).base
    assert begun.V_Tn == begun.V_T > 0.0


def test_a_drift_of_the_records_is_recovered():
    truth = TRUTH.replace(d_i=-0.02)
    result = fit(simulate_device(truth, seed=3), FitPlan(model="3d", parts=("drift",))).result
    assert result.parts == ("drift",)
    found = result.parameters["d_i"]
    assert abs(found.value - truth.d_i) < 5.0 * found.stderr < 0.1 * abs(truth.d_i)


@pytest.mark.parametrize(
    ("part", "names"), [("dispersion", ["n"]), ("activation_time", ["p_k", "q_k"]), ("drift", ["d_i"])]
)
def test_a_part_that_the_data_cannot_show_is_named(part, names):
    """A steady curve knows no frequency and no time, and one record no drift."""
    voltage = np.linspace(0.0, 1.2, 60)
    noise = 1.0 + 0.01 * np.random.default_rng(1).standard_normal(voltage.size)
    current = steady_response(TRUTH, "voltage", voltage)[0] * noise
    steady = Device(name="steady", records=(IVSweep(name="iv", voltage=voltage, current=current),))
    result = fit(steady, FitPlan(model="3d", parts=(part,))).result
    assert result.status.code == "not_identifiable"
    said = result.status.message.split(";")[0]
    for name in names:
        assert (result.parameters[name].status, result.parameters[name].value) == ("undetermined", None)
        assert name in said.removeprefix("The data do not determine ").split(", ")
        assert all(name in place.values for place in result.minimum.places)


def test_a_part_of_no_size_has_its_place_among_the_alternatives():
    """Of one record the drift stays exactly where it begins, which is where it has no part."""
    one = device([loop([0.0, 1.1, 0.0], 1e-6, points=41)], TRUTH)
    result = fit(one, DRIFTING).result
    assert result.alternatives
    assert all(other.parameters["d_i"] == 0.0 for other in result.alternatives)


def test_a_drift_is_as_well_determined_downwards_as_upwards():
    sizes = [
        fit(simulate_device(TRUTH.replace(d_i=d), PLANNED, seed=3), DRIFTING).result for d in (0.1, -0.1)
    ]
    assert [one.parameters["d_i"].status for one in sizes] == ["determined", "determined"]


def test_a_plan_without_parts_is_stored_as_before():
    assert "parts" not in FitPlan(model="3d").to_dict()
    plan = FitPlan(model="3d", parts=("leak",))
    assert FitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
