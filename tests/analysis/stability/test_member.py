"""Devices with further parts in a circuit: Hopf points at the terminal, a probability from the covariance."""

import numpy as np
import pytest

from memfit.analysis.stability import Circuit, assess, changes_to_hopf
from memfit.analysis.stability.member import assess_member
from memfit.model import Parameters, steady_current
from memfit.model.stability import least_gain_margin
from memfit.model.steady import falling_between

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


def test_what_brings_a_device_to_the_boundary_is_as_in_closed_form():
    plain = Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-4, V_T=0.7, V_m=0.06, tau_d=0.02, tau_k=0.03, R_s=50.0)
    for circuit in (CURRENT, Circuit(control="voltage", load=1e5)):
        found, known = assess_member(plain, circuit), changes_to_hopf(plain, circuit)
        for name, factor in found.changes_to_hopf.items():
            if name in ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k"):
                assert factor == pytest.approx(known[name], rel=1e-7), name
        assert {point.criticality for point in found.hopf_points} == {"supercritical"}


def test_parameters_of_parts_bring_a_member_to_the_boundary_too():
    member = SPIKING.replace(I_l=0.01, V_l=0.3)
    changes = assess_member(member, CURRENT).changes_to_hopf
    assert changes["R_1"] is None or changes["R_1"] > 0.0
    moved = member.replace(I_l=member.I_l * changes["I_l"])
    assert least_gain_margin(moved).margin == pytest.approx(1.0, abs=1e-6)


def test_folds_of_the_steady_current_are_another_route():
    folded = Parameters(
        R_b=1.0, C_m=1.0, i_c0=40.0, V_T=0.05, V_m=0.05, tau_d=1.0, tau_k=1.0, kappa=1.0, R_s=0.1
    )
    message = assess_member(folded, CURRENT).message
    assert "falls between u = -0.3783 and -0.05659 V (negative differential resistance)" in message
    assert "another route than the one tested" in message
    low, high = falling_between(folded)[0]
    assert np.all(np.diff(steady_current(folded, np.linspace(low, high, 50))) < 0.0)
    assert falling_between(SPIKING) == []
