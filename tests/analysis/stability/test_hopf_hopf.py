"""Hopf points against the reference file; criticality against a normal form by differences."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points, first_lyapunov_coefficient
from memfit.errors import ParameterError
from memfit.model.equations import jacobian, steady_current, vector_field
from memfit.model.hopf_boundary import Loop, hopf_biases
from memfit.model.parameters import Parameters

REFERENCE = Path(__file__).parents[2] / "reference" / "model_values.json"
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
SUBCRITICAL = Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1)


def reference_sets():
    """Parameter sets of the reference file, or a skipped case where it is absent."""
    if not REFERENCE.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no reference file beside the checkout"))]
    sets = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return [pytest.param(value, id=name) for name, value in sets.items()]


@pytest.mark.parametrize("case", reference_sets())
@pytest.mark.parametrize("control", ["current", "voltage"])
def test_hopf_points_of_the_reference(case, control):
    p = Parameters(**case["parameters"])
    found = find_hopf_points(p, Circuit(control=control))
    expected = case[f"hopf_{control}_control"]
    assert len(found) == len(expected)
    for point, known in zip(found, expected, strict=True):
        for name in ("u", "f", "omega"):
            assert getattr(point, name) == pytest.approx(known[name], rel=1e-9)
        assert point.criticality == known["criticality"]
        assert pytest.approx(float(steady_current(p, point.u))) == point.I
        assert pytest.approx(point.u + p.R_s * point.I) == point.V


def complex_multilinear(function, *vectors):
    """A real multilinear function on complex vectors, each scaled to length 1 for the differences."""
    lengths = [np.linalg.norm(vector) for vector in vectors]
    parts = [((v.real / n, 1.0), (v.imag / n, 1j)) for v, n in zip(vectors, lengths, strict=True)]
    return np.prod(lengths) * sum(
        np.prod([factor for _, factor in choice]) * function(*(vector for vector, _ in choice))
        for choice in product(*parts)
    )


def lyapunov_by_differences(p, point):
    """Kuznetsov's Eq. 5.39 with derivatives of the vector field by differences."""
    scale = np.array([p.V_m, p.i_c0, 1.0])
    center = np.array([point.u, p.i_c0 * point.f, point.f])

    def field(y):
        return vector_field(p, center + scale * y, point.I) / scale / point.omega

    def derivative(*directions, step=2e-3):
        signs = product((1.0, -1.0), repeat=len(directions))
        return sum(
            np.prod(s) * field(step * sum(a * d for a, d in zip(s, directions, strict=True))) for s in signs
        ) / (2.0 * step) ** len(directions)

    J = jacobian(p, center) * scale / scale[:, None] / point.omega
    values, vectors = np.linalg.eig(J)
    q = vectors[:, np.argmin(abs(values - 1j))]
    q = q / q[2]
    values, vectors = np.linalg.eig(J.T)
    left = vectors[:, np.argmin(abs(values + 1j))]
    left = left / np.conj(np.vdot(left, q))
    still = np.linalg.solve(J, complex_multilinear(derivative, q, q.conj()))
    double = np.linalg.solve(2j * np.eye(3) - J, complex_multilinear(derivative, q, q))
    force = (
        complex_multilinear(derivative, q, q, q.conj())
        - 2.0 * complex_multilinear(derivative, q, still)
        + complex_multilinear(derivative, q.conj(), double)
    )
    return 0.5 * np.vdot(left, force).real


@pytest.mark.parametrize(
    "p",
    [
        DEVICE,
        SUBCRITICAL,
        Parameters(R_b=1e4, C_m=1e-6, i_c0=1e-3, V_T=1.0, V_m=0.05, tau_d=0.01, tau_k=0.02),
        DEVICE.replace(tau_d=0.3, i_c0=3e-3),
    ],
)
def test_first_lyapunov_coefficient_against_differences(p):
    points = find_hopf_points(p, Circuit())
    assert len(points) == 2
    for point in points:
        assert point.first_lyapunov == pytest.approx(lyapunov_by_differences(p, point), rel=3e-3)


def test_a_subcritical_case_exists():
    assert [point.criticality for point in find_hopf_points(SUBCRITICAL, Circuit())] == [
        "subcritical",
        "supercritical",
    ]


def test_the_coefficient_takes_many_devices():
    loop = Loop.of(DEVICE)
    many = Loop(*(np.full(3, getattr(loop, name)) for name in ("gain", "tau_m", "tau_d", "tau_k")))
    low, _ = hopf_biases(many)
    expected = find_hopf_points(DEVICE, Circuit())[0].first_lyapunov
    np.testing.assert_allclose(first_lyapunov_coefficient(many, low), expected, rtol=1e-9)


def test_scaling_time_and_current_scales_the_points():
    points = find_hopf_points(DEVICE, Circuit())
    slower = DEVICE.replace(C_m=DEVICE.C_m * 7, tau_d=DEVICE.tau_d * 7, tau_k=DEVICE.tau_k * 7)
    larger = DEVICE.replace(R_b=DEVICE.R_b / 3, C_m=DEVICE.C_m * 3, i_c0=DEVICE.i_c0 * 3)
    for point, slow, large in zip(
        points, find_hopf_points(slower, Circuit()), find_hopf_points(larger, Circuit()), strict=True
    ):
        assert slow.u == pytest.approx(point.u, rel=1e-12)
        assert slow.omega == pytest.approx(point.omega / 7, rel=1e-10)
        assert pytest.approx(3 * point.I, rel=1e-10) == large.I
        assert large.first_lyapunov == pytest.approx(point.first_lyapunov, rel=1e-8)


def test_a_circuit_decides():
    assert find_hopf_points(DEVICE, Circuit(control="voltage")) == ()
    assert find_hopf_points(DEVICE.replace(R_s=0.0), Circuit(control="voltage")) == ()
    assert find_hopf_points(DEVICE.replace(tau_k=0.0), Circuit()) == ()
    assert len(find_hopf_points(DEVICE, Circuit(control="voltage", load=1e6))) == 2


def test_a_huge_load_is_a_current_source():
    free = find_hopf_points(DEVICE, Circuit())
    loaded = find_hopf_points(DEVICE, Circuit(control="voltage", load=1e14))
    for a, b in zip(free, loaded, strict=True):
        assert a.u == pytest.approx(b.u, rel=1e-8)


def test_the_source_of_a_circuit():
    u = 0.6
    current = float(steady_current(DEVICE, u))
    assert Circuit().source(DEVICE, u) == pytest.approx(current)
    loaded = Circuit(control="voltage", load=1e3)
    assert loaded.source(DEVICE, u) == pytest.approx(u + 1050.0 * current)
    assert loaded.name == "voltage control through 1 kohm"
    assert Circuit(external_capacitance=1e-9).name == "current control with 1 nF in parallel"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"control": "power"}, "found 'power'"),
        ({"control": "voltage", "load": -1.0}, "load must be a finite number of at least 0 ohm, found -1"),
        ({"load": float("nan")}, "found nan"),
        ({"external_capacitance": -1e-9}, "external capacitance"),
    ],
)
def test_a_bad_circuit_is_named(settings, said):
    with pytest.raises(ParameterError, match=said):
        Circuit(**settings)
