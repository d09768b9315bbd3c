"""Parameters refuse what is not a device, and say all that is wrong at once."""

import math

import pytest

from memfit.errors import ParameterError
from memfit.model.parameters import NAMES, PARAMETERS, Parameters

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
    assert tuple(p.as_dict()) == tuple(name for name in NAMES if not PARAMETERS[name].extension)
    assert p.as_array(tuple(p.as_dict())).tolist() == list(p.as_dict().values())


def test_parts_are_named_and_there_and_back():
    p = Parameters(**VALUES, kappa=0.3, R_1=1e4, C_1=1e-6)
    assert p.parts == ("branch", "conductance")
    assert {"R_1", "C_1", "kappa"} <= p.as_dict().keys()
    assert "V_l" not in p.as_dict()
    assert Parameters.from_mapping(p.as_dict()) == p


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"R_1": 1e4}, r"The part branch needs R_1 and C_1; missing: C_1"),
        ({"C_0": 1e-9}, r"capacitance needs C_0 and V_c; missing: V_c"),
        ({"i_c0n": 1e-4, "V_Tn": 0.5}, r"missing: V_mn"),
        ({"R_1": math.inf, "C_1": 1e-6}, r"branch needs R_1 and C_1; missing: R_1"),
        ({"i_c0n": 1e-4, "V_Tn": math.inf, "V_mn": math.inf}, r"missing: V_Tn, V_mn"),
        ({"kappa": 1.2}, r"kappa must lie between 0 and 1, found 1.2"),
        ({"n": 1.1}, r"n must lie between 0 and 1"),
        ({"kappa": 0.5, "V_T": -0.1}, r"expected V_T greater than 0 V, found -0.1"),
        ({"p_k": -1.0}, r"p_k must not be negative, found -1\."),
    ],
)
def test_parts_that_are_incomplete_or_out_of_their_domain(values, complaint):
    with pytest.raises(ParameterError, match=complaint):
        Parameters.from_mapping({**VALUES, **values})


def test_null_values_that_are_given_are_no_part():
    nulls = {name: row.null for name, row in PARAMETERS.items() if row.extension}
    assert Parameters.from_mapping({**VALUES, **nulls}) == Parameters(**VALUES)
    for name, null in nulls.items():
        assert Parameters.from_mapping({**VALUES, name: null}).parts == ()


def test_model_and_charging_time():
    p = Parameters(**VALUES)
    assert p.model == "3d"
    assert p.replace(tau_k=0.0).model == "2d"
    assert p.tau_m == pytest.approx(0.01)
