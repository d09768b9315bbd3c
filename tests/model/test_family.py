"""Members of the family of models against an independent integrator, and their derivatives by differences."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.model import impedance, junction_voltage, steady_current
from memfit.model.parameters import COLUMN, Parameters
from memfit.model.smallsignal import BiasGrid, impedance_with_derivatives
from memfit.model.stability import hopf_points
from memfit.model.steady import conductance, steady_response, steady_voltages
from memfit.model.transient import DriveSet
from memfit.protocols import Drive, pulse

REFERENCE = Path(__file__).parents[1] / "reference" / "family_values.json"
VALUES = json.loads(REFERENCE.read_text(encoding="utf-8"))
MEMBERS = [name for name in VALUES if name != "how"]


@pytest.fixture(params=MEMBERS)
def member(request):
    """Parameters and values of one member."""
    values = VALUES[request.param]
    return Parameters.from_mapping(values["parameters"]), values


def test_steady_state(member):
    p, values = member
    u, current = np.array(values["steady"]["u"]), np.array(values["steady"]["I"])
    np.testing.assert_allclose(steady_current(p, u), current, rtol=1e-11, atol=1e-13 * np.ptp(current))
    np.testing.assert_allclose(junction_voltage(p, "current", current), u, atol=1e-11 * p.V_m)
    np.testing.assert_allclose(
        junction_voltage(p, "voltage", u + p.R_s * current), u, rtol=1e-12, atol=1e-12 * p.V_m
    )


def test_impedance(member):
    p, values = member
    for spectrum in values["impedance"]:
        (u,) = junction_voltage(p, "voltage", np.array([spectrum["V_terminal"]]))
        assert u == pytest.approx(spectrum["u"], rel=1e-11)
        Z = np.array(spectrum["Z_real"]) + 1j * np.array(spectrum["Z_imag"])
        np.testing.assert_allclose(impedance(p, np.array(spectrum["frequency"]), u), Z, rtol=1e-9)


ONE_SIDED = {0: 25 / 12, -1: -4.0, -2: 3.0, -3: -4 / 3, -4: 1 / 4}
"""Weights of the fourth order, at the end of a domain."""


@pytest.mark.parametrize("control", ["voltage", "current"])
def test_derivatives_by_every_parameter(member, control):
    p, values = member
    u, current = np.array(values["steady"]["u"]), np.array(values["steady"]["I"])
    drive = u + p.R_s * current if control == "voltage" else current
    frequency = np.tile(values["impedance"][0]["frequency"], u.size)
    grid = BiasGrid(control, drive, frequency, np.repeat(np.arange(u.size), frequency.size // u.size))
    _, steady = steady_response(p, control, drive)
    Z, dZ = impedance_with_derivatives(p, grid)
    for name, value in p.as_dict().items():
        if value == 0.0:
            continue
        at_end = name in ("n", "kappa") and value == 1.0
        step, weights = (1e-4, ONE_SIDED) if at_end else (3e-6 * value, {1: 1 / 2, -1: -1 / 2})
        moved = {p.replace(**{name: value + k * step}): weight / step for k, weight in weights.items()}
        numeric = sum(weight * steady_response(q, control, drive)[0] for q, weight in moved.items())
        np.testing.assert_allclose(
            steady[:, COLUMN[name]],
            numeric,
            rtol=1e-6,
            atol=1e-6 * np.abs(numeric).max() + 1e-10 * np.ptp(u),
        )
        numeric = sum(weight * impedance_with_derivatives(q, grid)[0] for q, weight in moved.items())
        scale = np.abs(numeric) + 1e-3 * np.abs(Z / value)
        assert np.max(np.abs(dZ[:, COLUMN[name]] - numeric) / scale) < 1e-6, name


def test_all_steady_states_where_the_current_falls():
    """A channel that conducts the other way below 0 V, for a low threshold and a large gain, folds I(u)."""
    p = Parameters(R_b=1.0, C_m=1.0, i_c0=40.0, V_T=0.05, V_m=0.05, tau_d=1.0, tau_k=1.0, kappa=1.0, R_s=0.1)
    u = np.linspace(-0.6, 0.2, 4001)
    current = steady_current(p, u)
    turning = np.flatnonzero(np.diff(np.sign(np.diff(current))))
    assert turning.size == 2
    between = float(np.mean(current[turning + 1]))
    found = steady_voltages(p, "current", between)
    assert found.size == 3
    np.testing.assert_allclose(steady_current(p, found), between, rtol=1e-9)
    # Up and down again: the branches are left where they end, so that the path is a loop.
    drive = np.linspace(-6.0, 0.2, 101)
    up, down = junction_voltage(p, "current", drive), junction_voltage(p, "current", drive[::-1])[::-1]
    np.testing.assert_allclose(steady_current(p, up), drive, atol=1e-9)
    np.testing.assert_allclose(steady_current(p, down), drive, atol=1e-9)
    assert np.all(conductance(p, np.concatenate([up, down])) > 0.0)
    several = np.array([steady_voltages(p, "current", one).size for one in drive]) == 3
    assert several.any()
    assert np.all((down - up)[several] > 0.1)
    np.testing.assert_allclose(up[~several], down[~several], rtol=0.0, atol=1e-12)


def test_a_series_resistance_folds_the_current_under_voltage_control():
    """What falls across R_s adds to the slope of the balance, so that a low R_s leaves one state."""
    p = Parameters(R_b=1.0, C_m=1.0, i_c0=40.0, V_T=0.05, V_m=0.05, tau_d=1.0, tau_k=1.0, kappa=1.0)
    for R_s, most in ((0.0, 1), (0.001, 1), (5.0, 3)):
        q = p.replace(R_s=R_s)
        counts = []
        for drive in np.linspace(-3.0, 0.5, 201):
            found = steady_voltages(q, "voltage", drive)
            np.testing.assert_allclose(found + R_s * steady_current(q, found), drive, atol=1e-9)
            counts.append(found.size)
        assert max(counts) == most


NULLS = {
    "branch": {"R_1": 1.0, "C_1": 0.0},
    "capacitance": {"C_0": 0.0, "V_c": 0.3},
    "leak": {"I_l": 0.0, "V_l": 0.3},
    "second_polarity": {"i_c0n": 0.0, "V_Tn": 0.8, "V_mn": 0.05},
}
NULLS["all of them"] = {name: value for part in NULLS.values() for name, value in part.items()}


@pytest.mark.parametrize("R_s", [0.1, 0.0])
@pytest.mark.parametrize("nulls", NULLS.values(), ids=NULLS)
def test_parts_of_no_size_are_the_plainest_device(nulls, R_s):
    """In all that is asked of a device, to 1e-12; it goes through the general step."""
    p = Parameters.from_mapping({**VALUES["seed"]["parameters"], "R_s": R_s})
    q = p.replace(**nulls)
    assert q.parts
    u = np.linspace(-1.0, 2.0, 13)
    current = steady_current(p, u)
    np.testing.assert_allclose(steady_current(q, u), current, rtol=1e-12)
    for control, drive in (("current", current), ("voltage", u)):
        np.testing.assert_allclose(
            junction_voltage(q, control, drive), junction_voltage(p, control, drive), atol=1e-12
        )
    frequency = np.geomspace(1e-3, 1e3, 30)
    for one in u:
        np.testing.assert_allclose(impedance(q, frequency, one), impedance(p, frequency, one), rtol=1e-12)
    time = np.linspace(0.0, 12.0, 100)
    for drive in (
        Drive("voltage", [0.0, 5.0, 10.0], [0.0, 1.3, 0.0]),
        pulse("voltage", 1.1, on=1.0, off=6.0, end=10.0),
        pulse("current", 6.0, on=1.0, off=6.0, end=10.0),
    ):
        runs = DriveSet([drive], [time])
        own, general = (runs.respond(one, tolerance=1e-12).values for one in (p, q))
        np.testing.assert_allclose(general, own, rtol=0.0, atol=1e-12 * np.ptp(own))
    points, others = hopf_points(p), hopf_points(q)
    assert len(points) == len(others) == 2
    for point, other in zip(points, others, strict=True):
        assert other.u == pytest.approx(point.u, rel=1e-12)
        assert other.omega == pytest.approx(point.omega, rel=1e-12)
