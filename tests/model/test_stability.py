"""Linear stability of members of the family against an independent integrator, and against closed forms."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.errors import ParameterError
from memfit.model import eigenvalues, log_gain_margin
from memfit.model.hopf_boundary import Loop
from memfit.model.parameters import Parameters
from memfit.model.stability import gain_margins, hopf_points, least_gain_margin, member_eigenvalues

REFERENCE = Path(__file__).parents[1] / "reference" / "family_values.json"
VALUES = json.loads(REFERENCE.read_text(encoding="utf-8"))
MEMBERS = [name for name in VALUES if name != "how"]
PLAIN = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


@pytest.mark.parametrize("name", MEMBERS)
def test_hopf_points_and_least_margins(name):
    values = VALUES[name]
    p = Parameters.from_mapping(values["parameters"])
    for circuit, resistance in (("current_control", np.inf), ("load", values["load"])):
        found, expected = hopf_points(p, resistance), values[f"hopf_{circuit}"]
        assert len(found) == len(expected)
        for point, reference in zip(found, expected, strict=True):
            assert point.u == pytest.approx(reference["u"], abs=1e-12 * p.V_m, rel=1e-12)
            assert point.omega == pytest.approx(reference["omega"], rel=1e-11)
        least, reference = least_gain_margin(p, resistance), values[f"gain_margin_{circuit}"]
        assert least.margin == pytest.approx(reference["margin"], rel=1e-10)
        assert abs(least.u) == pytest.approx(abs(reference["u"]), abs=1e-5 * p.V_m)
        assert least.omega == pytest.approx(reference["omega"], rel=1e-6)


@pytest.mark.parametrize("name", [name for name in MEMBERS if "eigenvalues" in VALUES[name]])
def test_eigenvalues_slow_and_fast(name):
    values = VALUES[name]
    p = Parameters.from_mapping(values["parameters"])
    for point in values["eigenvalues"]:
        resistance = values["load"] if point["circuit"] == "load" else np.inf
        found = member_eigenvalues(p, point["u"], resistance)
        expected = np.array(point["re"]) + 1j * np.array(point["im"])
        assert found.size == expected.size
        for value in expected:
            assert np.min(np.abs(found - value)) < 1e-9 * abs(value)


def test_the_plainest_device_agrees_with_its_closed_forms():
    u = PLAIN.V_T + PLAIN.V_m * np.linspace(-6.0, 3.0, 7)
    for resistance in (np.inf, 2e4):
        margin, _ = gain_margins(PLAIN, u, resistance)
        closed = log_gain_margin(Loop.of(PLAIN, resistance), (u - PLAIN.V_T) / PLAIN.V_m)
        np.testing.assert_allclose(np.log(margin), closed, atol=1e-9)
        for voltage in u:
            np.testing.assert_allclose(
                member_eigenvalues(PLAIN, voltage, resistance),
                eigenvalues(PLAIN, voltage, resistance=resistance),
                rtol=1e-9,
            )


PARTS = {
    "conductance": {"kappa": 0.4},
    "a conductance": {"kappa": 1.0},
    "leak": {"I_l": 2e-7, "V_l": 0.25},
    "capacitance": {"C_0": 1e-9, "V_c": 0.2},
    "activation_time": {"p_k": 0.5, "q_k": 0.5},
    "photocurrent": {"I_ph": 1e-5},
}
PARTS["all of them"] = {name: value for part in PARTS.values() for name, value in part.items()} | {
    "kappa": 0.4
}


@pytest.mark.parametrize("resistance", [np.inf, 2e4])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_members_with_one_loop_and_no_branch_agree_with_the_closed_form(parts, resistance):
    """The loop gain A = g_p/G against (tau_m + tau_d)(tau_d + p)(p + tau_m)/(tau_m tau_d p)."""
    p = PLAIN.replace(**parts)
    u = p.V_T + p.V_m * np.linspace(-5.0, 4.0, 10)
    f = 1.0 / (1.0 + np.exp(-(u - p.V_T) / p.V_m))
    G = 1.0 / p.R_b + 1.0 / resistance + p.I_l / p.V_l * np.cosh(u / p.V_l) + p.kappa * p.i_c0 * f / p.V_T
    gain = p.i_c0 * f * (1.0 - f) / p.V_m * (1.0 - p.kappa + p.kappa * u / p.V_T) / G
    m, d, t = (p.C_m + p.C_0 * np.exp(u / p.V_c)) / G, p.tau_d, p.tau_k * f**p.p_k * (1.0 - f) ** p.q_k
    margin, omega = gain_margins(p, u, resistance)
    np.testing.assert_allclose(margin * gain, (m + d) * (d + t) * (t + m) / (m * d * t), rtol=1e-9)
    np.testing.assert_allclose(omega**2, 1.0 / (d * t) + 1.0 / (m * t) + 1.0 / (d * m), rtol=1e-9)


def test_a_conductance_needs_a_threshold_of_eleven_widths():
    """A < (u/V_m)(1 - f) for kappa = 1 and a large gain, and 8 is the least threshold."""

    def least(V_T):
        p = Parameters(R_b=1e9, C_m=1.0, i_c0=1.0, V_T=V_T, V_m=1.0, tau_d=1.0, tau_k=1.0, kappa=1.0)
        u = V_T + np.linspace(-6.0, 6.0, 121)
        f = 1.0 / (1.0 + np.exp(V_T - u))
        G = f / V_T  # of equal lags, the best that there are: all of 1 s
        return min(
            gain_margins(p.replace(tau_d=C, tau_k=C / a), b)[0][0]
            for a, b, C in zip(f, u, 1.0 / G, strict=True)
        )

    assert least(11.0) > 1.0
    assert least(11.2) < 1.0


def test_an_exponent_of_zero_is_a_mere_conductance():
    found = least_gain_margin(PLAIN.replace(n=0.0))
    near = least_gain_margin(PLAIN.replace(n=1e-4))
    assert found is None or near is None or found.margin == pytest.approx(near.margin, rel=1e-2)


def test_no_false_growth_far_from_a_threshold():
    """1/tau_f passes 1e16 there, and plain eigenvalues of the Jacobian drown in its rounding."""
    p = PLAIN.replace(R_1=2e5, C_1=1e-6, i_c0n=5e-5, V_Tn=0.7, V_mn=0.03)
    for u in np.linspace(-0.75, -0.65, 11):
        assert member_eigenvalues(p, u)[0].real < 0.0 or gain_margins(p, u)[0][0] < 1.0


@pytest.mark.parametrize("widths", [20.0, 40.0, 100.0, 400.0])
def test_slow_eigenvalues_are_those_of_a_device_whose_activation_follows_at_once(widths):
    """However short tau_f is: far from the threshold its inverse passes what numbers hold beside others."""
    p = PLAIN.replace(R_1=2e5, C_1=1e-6, I_l=1e-9, V_l=5.0)
    for power in (1.0, 0.5, 1.5):
        q = p.replace(p_k=power)
        u = p.V_T - widths / power * p.V_m
        found = member_eigenvalues(q, u)
        slow = member_eigenvalues(q.replace(tau_k=0.0), u)
        assert np.all(np.isfinite(found))
        np.testing.assert_allclose(found[: slow.size], slow, rtol=1e-6)


def test_there_are_eigenvalues_at_every_voltage():
    """Near V_T of one polarity, the activation of the other is faster than 1e32 of the slowest."""
    p = PLAIN.replace(i_c0n=5e-5, V_Tn=0.9, V_mn=0.02, R_1=2e5, C_1=1e-6)
    alone = p.replace(i_c0n=0.0, V_Tn=np.inf, V_mn=np.inf)
    for u in np.linspace(0.0, 1.5, 200):
        found, own = member_eigenvalues(p, u), member_eigenvalues(alone, u)
        assert found.size == 6
        np.testing.assert_allclose(
            found[: own.size + 1], np.sort(np.append(own, -1.0 / p.tau_d))[::-1], rtol=1e-8
        )
    for u in np.linspace(-2.5, 2.5, 200):
        assert (member_eigenvalues(p, u)[0].real > 0.0) == (gain_margins(p, u)[0][0] < 1.0)


def test_an_ionic_branch_damps():
    p = Parameters(R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0)
    with_branch = p.replace(R_1=0.3, C_1=10.0)
    assert member_eigenvalues(p, 1.0)[0].real == pytest.approx(1.0, abs=0.05)
    assert member_eigenvalues(with_branch, 1.0)[0].real == pytest.approx(0.023, abs=0.001)


def test_two_lags_never_reach_the_boundary():
    assert least_gain_margin(PLAIN.replace(tau_k=0.0, kappa=0.5)) is None
    assert hopf_points(PLAIN.replace(tau_d=0.0, kappa=0.5)) == ()


def test_dispersion_has_no_eigenvalues():
    with pytest.raises(ParameterError, match="ask for its Hopf points"):
        member_eigenvalues(PLAIN.replace(n=0.9), 0.7)
