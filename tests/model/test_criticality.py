"""The first Lyapunov coefficient of members: closed form of the plainest, derivatives by differences."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.analysis.stability import Circuit, find_hopf_points
from memfit.model.criticality import _Expanded, first_lyapunov_coefficient
from memfit.model.equations import steady_state, vector_field
from memfit.model.parameters import Parameters
from memfit.model.parts import states, terms_in_time
from memfit.model.stability import hopf_points
from memfit.model.steady import steady_current

VALUES = json.loads((Path(__file__).parents[1] / "reference" / "family_values.json").read_text())
PLAIN = Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-4, V_T=0.7, V_m=0.06, tau_d=0.02, tau_k=0.03, R_s=50.0)


@pytest.mark.parametrize("circuit", [Circuit(control="current"), Circuit(control="voltage", load=1e5)])
def test_plainest_device_in_closed_form(circuit):
    points = find_hopf_points(PLAIN, circuit)
    assert len(points) == 2
    for point in points:
        found = first_lyapunov_coefficient(PLAIN, point.u, point.omega, circuit.resistance(PLAIN))
        assert found == pytest.approx(point.first_lyapunov, rel=1e-9)


@pytest.mark.parametrize(
    "name", ["all_but_dispersion", "si_cell", "kappa_second", "bell", "branch_capacitance"]
)
def test_derivatives_of_the_vector_field(name):
    p = Parameters.from_mapping(VALUES[name]["parameters"])
    u = p.V_T + 0.3 * p.V_m
    terms = terms_in_time(p, (1.0, 1.0))
    device, places = _Expanded(terms, u, 0.0), terms.columns()
    order = [places[state] for state in states(p)]
    rest, current = steady_state(p, u), float(steady_current(p, u))
    size = np.array([p.V_m if s in ("u", "v") else 0.3 if s.startswith("f") else p.i_c0 for s in states(p)])
    move = size * np.random.default_rng(1).uniform(0.3, 1.0, size.size)

    def field(t):
        return vector_field(p, rest + t * move, current)

    direction = np.zeros(size.size, dtype=np.complex128)
    direction[order] = move
    h = 1e-3
    second = (field(h) - 2.0 * field(0.0) + field(-h)) / h**2
    h = 5e-3
    third = (field(2 * h) - 2.0 * field(h) + 2.0 * field(-h) - field(-2 * h)) / (2.0 * h**3)
    np.testing.assert_allclose(
        device.bilinear(direction, direction)[order], second, rtol=1e-4, atol=1e-6 * np.abs(second).max()
    )
    np.testing.assert_allclose(
        device.trilinear(direction)[order], third, rtol=2e-3, atol=1e-4 * np.abs(third).max()
    )


def test_modes_belong_to_the_hopf_point():
    p = Parameters.from_mapping(VALUES["leak_photocurrent_second"]["parameters"])
    for point in hopf_points(p):
        device = _Expanded(terms_in_time(p, (1.0, 1.0)), point.u, 0.0)
        q, left = device.modes(point.omega)
        assert left @ q == pytest.approx(1.0)
        force = np.zeros_like(q)
        force[0] = 1.0
        near = device.respond(1j * point.omega * (1.0 + 1e-6), force)
        np.testing.assert_allclose(near / near[1], q / q[1], rtol=1e-5)


def test_a_branch_without_capacitance_changes_nothing():
    for point in hopf_points(PLAIN):
        with_branch = PLAIN.replace(R_1=1e5, C_1=0.0)
        found = [first_lyapunov_coefficient(p, point.u, point.omega) for p in (PLAIN, with_branch)]
        assert found[1] == pytest.approx(found[0], rel=1e-12)


def test_dispersion_is_followed_by_a_ladder():
    values = VALUES["branch_dispersion"]["parameters"]
    plain = Parameters.from_mapping({**values, "n": 1.0})
    almost = Parameters.from_mapping({**values, "n": 0.9999})
    for one, other in zip(hopf_points(plain), hopf_points(almost), strict=True):
        found = [first_lyapunov_coefficient(p, h.u, h.omega) for p, h in ((plain, one), (almost, other))]
        assert found[1] == pytest.approx(found[0], rel=0.02)
