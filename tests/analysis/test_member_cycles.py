"""Limit cycles of devices with parts against scipy's integrator on equations that are written here once more."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from memfit.analysis.cycles import bifurcation_diagram, cycles_at, orbits_of
from memfit.analysis.stability import Circuit, find_hopf_points
from memfit.model import Parameters
from memfit.model.parts import terms_in_time

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
CURRENT, LOADED = Circuit(), Circuit(control="voltage", load=5e5, external_capacitance=2e-8)
MEMBERS = {
    "leak": ({"I_l": 1e-9, "V_l": 0.1}, CURRENT),
    "photocurrent": ({"I_ph": 1e-6}, LOADED),
    "capacitance": ({"C_0": 1e-9, "V_c": 0.3}, LOADED),
    "conductance": ({"kappa": 0.1}, CURRENT),
    "activation time": ({"p_k": 0.5, "q_k": 0.5}, CURRENT),
    "branch": ({"R_1": 3e5, "C_1": 1e-7}, CURRENT),
    "second polarity": ({"i_c0n": 0.8e-4, "V_Tn": 0.6, "V_mn": 0.05}, CURRENT),
    "dispersion": ({"n": 0.97}, LOADED),
    "drift": ({"d_i": 1e-3, "I_ph": 1e-7}, CURRENT),
    "several": (
        {"R_1": 1e6, "C_1": 5e-8, "kappa": 0.03, "p_k": 0.8, "q_k": 0.2, "C_0": 1e-10, "V_c": 0.2},
        CURRENT,
    ),
}


def ladder(p, circuit):
    """(r,) conductances and rates of the rungs of the constant phase element, and what is left of C_m."""
    if p.n == 1.0:
        return np.empty(0), np.empty(0), p.C_m
    terms = terms_in_time(p.replace(R_1=np.inf, C_1=0.0), orbits_of(p, circuit).band)
    rungs = [own for where, own in terms.lags if where < 0]
    return (
        np.array([-o[2].value for o in rungs]),
        np.array([1 / o[0].value for o in rungs]),
        (terms.capacitance.value),
    )


class Equations:
    """The device in its circuit: states u, i_c, f, then v, rungs, i_cn, f_n where there are any."""

    def __init__(self, p, circuit, source):
        self.p, self.circuit, self.source = p, circuit, source
        self.g, self.rates, self.C = ladder(p, circuit)
        if np.isfinite(p.R_1):
            self.g = np.append(1 / p.R_1, self.g)
            self.rates = np.append(1 / (p.R_1 * p.C_1), self.rates)
        self.two = p.i_c0n > 0

    def activation(self, u, f, V_T, V_m):
        z = (u - V_T) / V_m
        f0 = 1 / (1 + np.exp(-np.clip(z, -600, 600)))
        held = np.clip(z, -36, 36)
        rate = np.exp(self.p.p_k * np.log1p(np.exp(-held)) + self.p.q_k * np.log1p(np.exp(held)))
        return (f0 - f) * rate / self.p.tau_k

    def __call__(self, _, y):
        p, n = self.p, self.g.size
        u, i_c, f = y[:3]
        leaving = u / p.R_b + p.I_l * np.sinh(u / p.V_l) if p.I_l else u / p.R_b
        leaving = leaving - p.I_ph + i_c * (1 - p.kappa + p.kappa * u / p.V_T) + self.g @ (u - y[3 : 3 + n])
        C = self.C + self.circuit.external_capacitance + (p.C_0 * np.exp(u / p.V_c) if p.C_0 else 0.0)
        result = np.zeros_like(y)
        if self.two:
            leaving -= y[-2] * (1 - p.kappa - p.kappa * u / p.V_Tn)
            result[-2] = (p.i_c0n * y[-1] - y[-2]) / p.tau_d
            result[-1] = self.activation(-u, y[-1], p.V_Tn, p.V_mn)
        supplied = self.source
        if self.circuit.control == "voltage":
            supplied = (self.source - u) / (p.R_s + self.circuit.load)
        result[0] = (supplied - leaving) / C
        result[1] = (p.i_c0 * f - i_c) / p.tau_d
        result[2] = self.activation(u, f, p.V_T, p.V_m)
        result[3 : 3 + n] = self.rates * (u - y[3 : 3 + n])
        return result


def of_oscillating(name):
    """The member, its circuit, and a stable cycle in the middle of its window."""
    changes, circuit = MEMBERS[name]
    p = DEVICE.replace(**changes)
    diagram = bifurcation_diagram(p, circuit)
    assert diagram.complete, diagram.message
    end = diagram.begins[1] if len(diagram.begins) > 1 else None  # the second polarity oscillates too
    cycle = [one for one in diagram.cycles[:end] if one.stable]
    return p, circuit, cycle[len(cycle) // 2]


def rearranged(p, states):
    """From u, i_c, f, f_n, further lags to the states of `Equations`."""
    if p.i_c0n == 0:
        return states
    return np.concatenate([states[..., :3], states[..., 5:], states[..., 4:5], states[..., 3:4]], axis=-1)


@pytest.mark.parametrize("name", MEMBERS)
def test_scipy_goes_round_the_same_cycle(name):
    p, circuit, cycle = of_oscillating(name)
    orbits, z = orbits_of(p, circuit), np.array(cycle.unknowns)
    start = rearranged(p, orbits.state(z))
    flow = Equations(p, circuit, cycle.source)

    def falls(_, y):
        return y[0] - cycle.steady_u

    def turns(t, y):
        return flow(t, y)[0]

    falls.direction = -1
    run = {"method": "Radau", "rtol": 1e-9, "atol": 1e-9 * np.maximum(np.abs(start), 1e-6)}
    found = solve_ivp(flow, (0.0, 1.5 * cycle.period), start, events=[falls, turns], **run)
    period = found.t_events[0][found.t_events[0] > 0.5 * cycle.period][0]
    assert cycle.period == pytest.approx(period, rel=1e-6)
    swing = cycle.u[1] - cycle.u[0]
    u = found.y_events[1][:, 0]
    assert cycle.u == pytest.approx((u.min(), u.max()), rel=1e-6, abs=1e-6 * swing)

    def end(y):
        return solve_ivp(flow, (0.0, cycle.period), y, **run).y[:, -1]

    np.testing.assert_allclose(end(start), start, rtol=1e-5, atol=1e-8)
    steps = 1e-4 * np.diag(np.where(np.arange(start.size) == 0, p.V_m, np.maximum(start, 1e-7)))
    monodromy = np.array([(end(start + d) - end(start - d)) / (2 * d.max()) for d in steps]).T
    values = np.linalg.eigvals(monodromy)
    trivial = np.argmin(abs(values - 1.0))
    assert values[trivial] == pytest.approx(1.0, abs=1e-3)
    others = np.delete(values, trivial)
    others = others[np.argsort(-abs(others))]
    known = np.array(cycle.multipliers)
    np.testing.assert_allclose(abs(known[:4]), abs(others[:4]), atol=1e-3)
    assert cycle.stable


def test_a_part_of_no_size_changes_nothing():
    """The general engine goes the way of the plainest device's own."""
    diagrams = [
        bifurcation_diagram(p, CURRENT)
        for p in (DEVICE, DEVICE.replace(I_ph=1e-30), DEVICE.replace(I_l=1e-30, V_l=1.0))
    ]
    plain = diagrams[0].cycles[10]
    for other in diagrams[1:]:
        (cycle,) = cycles_at(DEVICE.replace(I_ph=1e-30), other, plain.source)
        assert cycle.period == pytest.approx(plain.period, rel=1e-9)
        assert cycle.u == pytest.approx(plain.u, rel=1e-8)
        assert abs(cycle.multipliers[0]) == pytest.approx(abs(plain.multipliers[0]), rel=1e-6)


def test_both_polarities_have_a_branch():
    p = DEVICE.replace(i_c0n=0.8e-4, V_Tn=0.6, V_mn=0.05)
    points = find_hopf_points(p, CURRENT)
    diagram = bifurcation_diagram(p, CURRENT)
    assert len(points) == 4
    assert len(diagram.begins) == 2
    between = 0.5 * (points[1].I + points[2].I)  # at rest, between the windows
    assert cycles_at(p, diagram, between) == ()
    for first, last in ((0, 1), (2, 3)):
        (cycle,) = cycles_at(p, diagram, 0.5 * (points[first].I + points[last].I))
        assert cycle.stable


def test_the_smallest_cycles_have_the_frequency_of_the_hopf_points():
    for name, (changes, circuit) in MEMBERS.items():
        p = DEVICE.replace(**changes)
        diagram = bifurcation_diagram(p, circuit)
        rel = 5e-3 if name == "dispersion" else 3e-3  # a ladder in place of the element
        assert diagram.cycles[0].frequency_Hz == pytest.approx(diagram.hopf_points[0].frequency_Hz, rel=rel)


def test_a_member_that_cannot_oscillate_says_so():
    found = bifurcation_diagram(DEVICE.replace(kappa=1.0), CURRENT)
    assert found.cycles == ()
    assert "no Hopf point" in found.message
