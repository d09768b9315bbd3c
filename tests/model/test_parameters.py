"""Parameters refuse what is not a device, and say all that is wrong at once."""

import pytest

from memfit.errors import ParameterError
from memfit.model.parameters import NAMES, Parameters

VALUES = {"R_b": 1e5, "C_m": 1e-7, "i_c0": 1e-4, "V_T": 0.7, "V_m": 0.06, "tau_d": 5e-3, "tau_k": 0.2}


def test_bad_values_are_all_named():
    with pytest.raises(ParameterError) as caught:
        Parameters(**{**VALUES, "R_b": -1.0, "V_m": 0.0, "tau_d": float("nan"), "tau_k": -1.0})
    for name in ("R_b", "V_m", "tau_d", "tau_k"):
        assert name in str(caught.value)


def test_unknown_and_missing_names():
    with pytest.raises(ParameterError, match=r"unknown: tau_x; missing: C_m"):
        Parameters.from_mapping({"tau_x": 1.0, **{k: v for k, v in VALUES.items() if k != "C_m"}})


def test_there_and_back():
    p = Parameters(**VALUES)
    assert Parameters.from_mapping(p.as_dict()) == p
    assert tuple(p.as_dict()) == NAMES
    assert p.as_array().tolist() == list(p.as_dict().values())


def test_model_and_charging_time():
    p = Parameters(**VALUES)
    assert p.model == "3d"
    assert p.replace(tau_k=0.0).model == "2d"
    assert p.tau_m == pytest.approx(0.01)
