"""Plans: what they refuse, and there and back."""

import json

import pytest
from devices import device, sweeps
from hypothesis import given
from hypothesis import strategies as st

from memfit.datasets.device import Device, FitSettings
from memfit.errors import ParameterError
from memfit.fitting.plan import FitPlan, plan_for

positive = st.floats(1e-12, 1e12)


@given(
    st.builds(
        FitPlan,
        model=st.sampled_from(["2d", "3d", "auto"]),
        fix=st.dictionaries(st.sampled_from(["R_b", "C_m", "R_s"]), positive),
        start=st.dictionaries(st.sampled_from(["tau_d", "V_T"]), positive),
        bounds=st.dictionaries(st.sampled_from(["V_m", "tau_k"]), st.just((1e-3, 1.0))),
        seed=st.integers(0, 2**31),
        robust=st.booleans(),
        screen=st.booleans(),
        inductance=st.sampled_from(["auto", "on", "off"]),
    )
)
def test_json_there_and_back_is_identity(plan):
    assert FitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_unknown_keys_of_a_newer_program_are_ignored():
    assert FitPlan.from_dict({"model": "2d", "colour": "blue"}) == FitPlan(model="2d")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "4d"}, ["model", "'4d'"]),
        ({"fix": {"R_x": 1.0}}, ["unknown parameter R_x", "R_b"]),
        ({"fix": {"C_m": -1e-9}}, ["C_m", "greater than 0 F", "-1e-09"]),
        ({"start": {"tau_d": 0.0}}, ["tau_d", "greater than 0 s"]),
        ({"bounds": {"V_m": (0.3, 0.02)}}, ["bounds of V_m", "0.3 and 0.02"]),
        ({"fix": {"V_m": 0.1}, "bounds": {"V_m": (0.02, 0.3)}}, ["V_m", "not both"]),
    ],
)
def test_mistakes_are_named(changes, words):
    with pytest.raises(ParameterError) as caught:
        FitPlan(**changes)
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_come_at_once():
    with pytest.raises(ParameterError, match=r"4d.*R_x"):
        FitPlan(model="4d", fix={"R_x": 1.0})


def test_the_device_asks_and_the_caller_decides():
    settings = FitSettings(model="2d", fix={"R_s": 20.0}, bounds={"V_m": (0.02, 0.3), "V_T": (0.1, 1.0)})
    settled = plan_for(
        Device(name="x", records=device(sweeps()).records, settings=settings), fix={"V_m": 0.1}, seed=3
    )
    assert settled.model == "2d"
    assert settled.fix == {"R_s": 20.0, "V_m": 0.1}
    assert settled.bounds == {"V_T": (0.1, 1.0)}
    assert settled.seed == 3
    asked = FitSettings(start={"tau_d": 1e-3}, options={"gains": "off", "seed": 2, "robust": True})
    settled = plan_for(Device(name="x", records=device(sweeps()).records, settings=asked), seed=3)
    assert (settled.start, settled.gains, settled.robust, settled.seed) == ({"tau_d": 1e-3}, "off", True, 3)
