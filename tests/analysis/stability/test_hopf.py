"""Hopf points and their criticality against references; every way to the boundary is shortest."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import (
    CHANGEABLE,
    changes_to_hopf,
    crossings,
    find_hopf_points,
    first_lyapunov_coefficient,
    nearest_in_decades,
    nearest_in_errors,
    values_to_hopf,
)
from memfit.errors import ParameterError
from memfit.fitting.results.propagation import uncertainty_of
from memfit.model import (
    NAMES,
    Loop,
    Parameters,
    hopf_biases,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    steady_current,
    vector_field,
)
from memfit.model.equations import jacobian

REFERENCE = Path(__file__).parents[2] / "reference" / "model_values.json"
DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
SUBCRITICAL = Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1)


def reference_sets():
    """Parameter sets of the reference file."""
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


def log_margin(p, circuit):
    """Smallest log gain margin of a device in a circuit."""
    return float(least_log_gain_margin(Loop.of(circuit.effective(p))))


def changed(p, circuit, name, factor):
    """Device and circuit with one quantity multiplied."""
    if name == "R_load":
        return p, Circuit(
            control="voltage",
            load=circuit.load * factor,
            external_capacitance=circuit.external_capacitance,
        )
    if name == "C_external":
        extra = circuit.external_capacitance * factor
        return p, Circuit(control=circuit.control, load=circuit.load, external_capacitance=extra)
    return p.replace(**{name: getattr(p, name) * factor}), circuit


some_devices = st.builds(
    Parameters,
    R_b=st.floats(3.0, 6.0).map(lambda e: 10.0**e),
    C_m=st.floats(-8.0, -5.0).map(lambda e: 10.0**e),
    i_c0=st.floats(-5.0, -2.0).map(lambda e: 10.0**e),
    V_T=st.floats(0.1, 2.0),
    V_m=st.floats(0.02, 0.3),
    tau_d=st.floats(-5.0, 1.0).map(lambda e: 10.0**e),
    tau_k=st.floats(-5.0, 1.0).map(lambda e: 10.0**e),
    R_s=st.floats(0.1, 100.0),
)
circuits = st.one_of(
    st.just(Circuit()),
    st.builds(
        Circuit,
        control=st.just("voltage"),
        load=st.floats(10.0, 1e6),
        external_capacitance=st.floats(1e-9, 1e-5),
    ),
)


@settings(deadline=None, max_examples=30)
@given(some_devices, circuits)
def test_every_factor_leads_to_the_boundary_and_nothing_nearer_does(p, circuit):
    before = log_margin(p, circuit)
    for name, factor in changes_to_hopf(p, circuit).items():
        trials = np.exp(np.linspace(-20.0, 20.0, 81))
        if factor is not None:
            assert log_margin(*changed(p, circuit, name, factor)) == pytest.approx(0.0, abs=1e-9)
            trials = np.exp(np.linspace(-0.999, 0.999, 21) * np.log(factor))
        for trial in trials:
            after = log_margin(*changed(p, circuit, name, trial))
            assert after * before > 0.0 or abs(after) < 1e-6, (name, factor, trial)


@settings(deadline=None, max_examples=30)
@given(some_devices, circuits)
def test_what_is_soldered_leads_to_the_boundary(p, circuit):
    values = values_to_hopf(p, circuit)
    resistance = values[circuit.added[0]]
    if resistance is not None:
        there = Circuit(control="voltage", load=resistance, external_capacitance=circuit.external_capacitance)
        assert log_margin(p, there) == pytest.approx(0.0, abs=1e-7)
    if values["C_external"] is not None:
        there = Circuit(control=circuit.control, load=circuit.load, external_capacitance=values["C_external"])
        assert log_margin(p, there) == pytest.approx(0.0, abs=1e-7)


def test_current_and_width_act_as_the_gain_margin():
    changes = changes_to_hopf(DEVICE, Circuit())
    margin = np.exp(log_margin(DEVICE, Circuit()))
    assert changes["i_c0"] == pytest.approx(margin, rel=1e-12)
    assert changes["V_m"] == pytest.approx(1.0 / margin, rel=1e-12)
    assert set(changes) == set(CHANGEABLE)


def test_no_value_does():
    # With R_b beyond all bounds the gain and tau_m grow together: the margin has a floor.
    slow = DEVICE.replace(i_c0=2e-9, C_m=1e-7)
    assert changes_to_hopf(slow, Circuit())["R_b"] is None
    assert values_to_hopf(slow, Circuit(control="voltage"))["R_load"] is None
    assert changes_to_hopf(DEVICE.replace(tau_k=0.0), Circuit()) == dict.fromkeys(CHANGEABLE)
    pinned = changes_to_hopf(DEVICE.replace(R_s=0.0), Circuit(control="voltage"))
    assert pinned == dict.fromkeys(CHANGEABLE)


def test_a_resistor_across_a_device_on_a_current_source_acts_as_a_load():
    """Norton and Thevenin: both are the same circuit, in steady state and in time."""
    p = DEVICE.replace(i_c0=5e-4)
    assert log_margin(p, Circuit()) < 0.0
    shunt = values_to_hopf(p, Circuit())["R_shunt"]
    assert shunt == values_to_hopf(p, Circuit(control="voltage"))["R_load"]
    assert log_margin(p, Circuit(control="voltage", load=0.99 * shunt)) > 0.0
    quiet = DEVICE.replace(i_c0=1e-8)
    assert values_to_hopf(quiet, Circuit())["R_shunt"] is None


def test_a_load_makes_a_pinned_device_spike():
    p = DEVICE.replace(R_s=0.0)
    load = values_to_hopf(p, Circuit(control="voltage"))["R_load"]
    assert load > 0.0
    assert log_margin(p, Circuit(control="voltage", load=0.99 * load)) > 0.0
    assert log_margin(p, Circuit(control="voltage", load=1.01 * load)) < 0.0
    assert values_to_hopf(p.replace(tau_k=0.0), Circuit(control="voltage", load=1.0))["R_load"] is None


def test_crossings_lie_on_either_side_of_a_device_that_oscillates():
    loop = Loop.of(DEVICE)
    direction = np.array([[0.0, 1.0, 0.0, 0.0]])
    below, above = crossings(loop, direction)
    assert below[0] < 0.0 < above[0]
    for t in (below[0], above[0]):
        there = Loop(loop.gain, loop.tau_m * np.exp(t), loop.tau_d, loop.tau_k)
        assert float(least_log_gain_margin(there)) == pytest.approx(0.0, abs=1e-12)


decades = st.tuples(
    st.floats(3.0, 6.0),
    st.floats(-8.0, -5.0),
    st.floats(-5.0, -2.0),
    st.floats(-5.0, 1.0),
    st.floats(-5.0, 1.0),
)


def device(exponents):
    """A device from powers of ten."""
    R_b, C_m, i_c0, tau_d, tau_k = 10.0 ** np.array(exponents)
    return DEVICE.replace(R_b=R_b, C_m=C_m, i_c0=i_c0, tau_d=tau_d, tau_k=tau_k)


def moved(p, factors):
    """A device with its parameters multiplied."""
    return p.replace(**{name: getattr(p, name) * factor for name, factor in factors.items()})


@settings(deadline=None, max_examples=20)
@given(decades, st.sampled_from([Circuit(), Circuit(control="voltage", load=1e4)]))
def test_the_way_is_perpendicular_and_shortest(exponents, circuit):
    p = device(exponents)
    found = nearest_in_decades(p, circuit)
    assert found is not None
    there = moved(p, found.factors)
    assert log_margin(there, circuit) == pytest.approx(0.0, abs=1e-6)
    way = np.log10(list(found.factors.values()))
    assert np.linalg.norm(way) == pytest.approx(found.distance, rel=1e-9)
    slopes = least_log_gain_margin_derivatives(there, circuit.resistance(there))
    normal = np.array([slopes[NAMES.index(name)] * getattr(there, name) for name in CHANGEABLE])
    if found.distance > 1e-3:
        cosine = way @ normal / np.linalg.norm(way) / np.linalg.norm(normal)
        assert abs(cosine) == pytest.approx(1.0, abs=1e-6)
    changes = changes_to_hopf(p, circuit)
    for factor in (changes[name] for name in CHANGEABLE):
        assert factor is None or found.distance <= abs(np.log10(factor)) * (1.0 + 1e-9)
    for direction in np.random.default_rng(0).standard_normal((60, len(CHANGEABLE))):
        nearer = 0.99 * found.distance * direction / np.linalg.norm(direction)
        factors = dict(zip(CHANGEABLE, 10.0**nearer, strict=True))
        assert log_margin(moved(p, factors), circuit) * log_margin(p, circuit) > 0.0


def test_in_errors_a_single_parameter_gives_its_own_factor():
    sigma = 0.1
    uncertainty = uncertainty_of(DEVICE, [[sigma**2]], ["i_c0"], ["i_c0"])
    found = nearest_in_errors(DEVICE, Circuit(), uncertainty)
    factor = changes_to_hopf(DEVICE, Circuit())["i_c0"]
    assert found.factors["i_c0"] == pytest.approx(factor, rel=1e-9)
    assert found.distance == pytest.approx(abs(np.log(factor)) / sigma, rel=1e-9)
    assert found.factors["R_b"] == 1.0


def test_correlated_errors_keep_the_way_within_what_the_data_allow():
    covariance = np.array([[0.04, -0.0399], [-0.0399, 0.04]])
    uncertainty = uncertainty_of(DEVICE, covariance, ["tau_d", "tau_k"], ["tau_d", "tau_k"])
    found = nearest_in_errors(DEVICE, Circuit(), uncertainty)
    way = np.log([found.factors["tau_d"], found.factors["tau_k"]])
    assert found.distance == pytest.approx(np.sqrt(way @ np.linalg.solve(covariance, way)), rel=1e-6)
    assert log_margin(moved(DEVICE, found.factors), Circuit()) == pytest.approx(0.0, abs=1e-6)


def test_there_is_none_without_a_loop_or_without_errors():
    assert nearest_in_decades(DEVICE.replace(tau_k=0.0), Circuit()) is None
    assert nearest_in_decades(DEVICE.replace(R_s=0.0), Circuit(control="voltage")) is None
    exact = uncertainty_of(DEVICE, [[1e-4]], ["V_T"], [])
    assert nearest_in_errors(DEVICE, Circuit(), exact) is None
