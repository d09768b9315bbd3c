"""What lmfit Parameters say becomes settings of the joint fit."""

import lmfit
import pytest

from memfit.errors import ParameterError
from memfit.interop.lmfit_parameters import settings_of


def test_values_bounds_and_what_is_held():
    given = lmfit.Parameters()
    given.add("R_b", value=1e5, min=0.0)
    given.add("V_T", value=0.6, min=0.5, max=0.7)
    given.add("tau_d", value=0.1, max=1.0)
    given.add("R_s", value=40.0, vary=False)
    found = settings_of(given)
    assert found["fix"] == {"R_s": 40.0}
    assert found["start"] == {"R_b": 1e5, "V_T": 0.6, "tau_d": 0.1}
    assert found["bounds"]["V_T"] == (0.5, 0.7)
    assert found["bounds"]["tau_d"][1] == 1.0
    assert "R_b" not in found["bounds"]


def test_what_is_no_parameter():
    given = lmfit.Parameters()
    given.add("tau_dd", value=1.0)
    with pytest.raises(ParameterError, match="did you mean 'tau_d'"):
        settings_of(given)
    with pytest.raises(ParameterError, match="found dict"):
        settings_of({"R_b": 1.0})
