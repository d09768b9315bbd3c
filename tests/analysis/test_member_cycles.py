"""Limit cycles of devices with parts against scipy's integrators."""

from functools import cache

import numpy as np
import pytest
from member_equations import CURRENT, DEVICE, MEMBERS, Equations
from scipy.integrate import solve_ivp

from memfit.analysis.cycles import bifurcation_diagram, cycles_at, orbits_of
from memfit.analysis.stability import find_hopf_points


@cache
def of_member(name):
    """The member, its circuit and its diagram, followed once for all tests."""
    changes, circuit = MEMBERS[name]
    p = DEVICE.replace(**changes)
    return p, circuit, bifurcation_diagram(p, circuit)


def of_oscillating(name):
    """The member, its circuit, and a stable cycle in the middle of its window."""
    p, circuit, diagram = of_member(name)
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
    run = {"rtol": 1e-9, "atol": 1e-9 * np.maximum(np.abs(start), 1e-6)}
    found = solve_ivp(flow, (0.0, 1.5 * cycle.period), start, "Radau", events=[falls, turns], **run)
    period = found.t_events[0][found.t_events[0] > 0.5 * cycle.period][0]
    assert cycle.period == pytest.approx(period, rel=1e-6)
    swing = cycle.u[1] - cycle.u[0]
    u = found.y_events[1][:, 0]
    assert cycle.u == pytest.approx((u.min(), u.max()), rel=1e-6, abs=1e-6 * swing)

    def end(y):
        return solve_ivp(flow, (0.0, cycle.period), y, "LSODA", rtol=1e-11, atol=1e-2 * run["atol"]).y[:, -1]

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
    for name in MEMBERS:
        diagram = of_member(name)[2]
        rel = 5e-3 if name == "dispersion" else 3e-3  # a ladder in place of the element
        assert diagram.cycles[0].frequency_Hz == pytest.approx(diagram.hopf_points[0].frequency_Hz, rel=rel)


def test_a_member_that_cannot_oscillate_says_so():
    found = bifurcation_diagram(DEVICE.replace(kappa=1.0), CURRENT)
    assert found.cycles == ()
    assert "no Hopf point" in found.message
