"""Devices with further parts in a circuit: Hopf points at the terminal, a probability from the covariance."""

import numpy as np
import pytest

from memfit.analysis.stability import Circuit, assess
from memfit.analysis.stability.member import assess_member
from memfit.model import Parameters, steady_current

SPIKING = Parameters(
    R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0, R_s=0.1, R_1=0.5, C_1=2.0
)
CURRENT = Circuit(control="current")


def test_hopf_points_and_verdict():
    found = assess(SPIKING, CURRENT)
    assert found.verdict == "oscillates"
    assert found.gain_margin_min == pytest.approx(0.5145552431876621, rel=1e-9)
    low = found.hopf_points[0]
    assert low.u == pytest.approx(0.937856662062417, rel=1e-9)
    assert pytest.approx(low.u + 0.1 * float(steady_current(SPIKING, low.u))) == low.V
    assert "Hopf points at V" in found.message


def test_the_probability_is_a_half_on_the_boundary():
    """The gain scales with i_c0: with a normal error of its logarithm, half of the devices lie beyond."""
    names, covariance = ("i_c0",), np.array([[0.01]])
    unsure = assess(SPIKING, CURRENT, covariance, names, names)
    assert unsure.probability_oscillates > 0.999
    low, high = 1.0, 10.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        beyond = assess_member(SPIKING.replace(i_c0=middle), CURRENT).gain_margin_min < 1.0
        low, high = (low, middle) if beyond else (middle, high)
    near = assess(SPIKING.replace(i_c0=low), CURRENT, covariance, names, names)
    assert near.verdict == "near"
    assert near.probability_oscillates == pytest.approx(0.5, abs=0.01)


def test_a_held_voltage_is_stable():
    held = assess(SPIKING.replace(R_s=0.0), Circuit(control="voltage"))
    assert held.verdict == "stable"
    assert "holds the voltage" in held.message
