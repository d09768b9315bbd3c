"""Time courses of members of the family against an independent integrator; derivatives by differences."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.errors import ParameterError
from memfit.model.family_run import integrate
from memfit.model.parameters import Parameters
from memfit.model.parts import dispersion, terms_in_time
from memfit.model.smallsignal import impedance
from memfit.model.transient import DriveSet, simulate
from memfit.protocols import Drive

REFERENCE = Path(__file__).parents[1] / "reference" / "family_values.json"
VALUES = json.loads(REFERENCE.read_text(encoding="utf-8"))
MEMBERS = [name for name in VALUES if "voltage_sweep" in VALUES[name] and name != "seed"]
COURSES = ("voltage_sweep", "current_pulse", "voltage_pulse")
TIME = np.array(VALUES["seed"]["time"])


def drive_of(course, initial="steady"):
    """The drive of a reference course."""
    knots = np.array(course["knots"])
    return Drive(course["control"], knots[:, 0], knots[:, 1], initial)


@pytest.mark.parametrize("kind", COURSES)
@pytest.mark.parametrize("name", MEMBERS)
def test_courses(name, kind):
    values = VALUES[name]
    course = values[kind]
    found = simulate(Parameters.from_mapping(values["parameters"]), drive_of(course), values["time"])
    assert found.outcome.ok
    states = {"u": found.u, "i_c": found.i_c, "f": found.f, **found.others}
    measured = {"I": found.current, "V_terminal": found.voltage}
    for state, expected in course.items():
        if state in states or state in measured:
            reference = np.array(expected)
            width = max(np.ptp(reference), 1e-3 * abs(reference).max())
            error = np.max(np.abs({**states, **measured}[state] - reference)) / width
            assert error < (1e-6 if state in measured else 1e-3), state


@pytest.mark.parametrize(
    ("name", "kind", "initial"),
    [
        ("all_but_dispersion", "voltage_sweep", "steady"),
        ("all_but_dispersion", "current_pulse", "free"),
        ("branch_kappa_activation", "voltage_pulse", "steady"),
        ("branch_dispersion", "current_pulse", "steady"),
        ("si_memristor", "voltage_sweep", "steady"),
        ("si_cell", "voltage_pulse", "steady"),
    ],
)
def test_derivatives_by_every_parameter_and_initial_value(name, kind, initial):
    values = VALUES[name]
    p = Parameters.from_mapping(values["parameters"])
    p = p.replace(kappa=min(p.kappa, 0.98))  # so that it has neighbours on both sides
    course = values.get(kind) or VALUES["seed"][kind]
    runs = DriveSet([drive_of(course, initial)], [values.get("time", TIME)])
    start = np.array([[0.8 * p.V_T, 0.2 * p.i_c0, 0.3]])

    def curve(p, start=start):
        return runs.respond(p, tolerance=1e-12, initial=start).values

    def slope(moved, size):
        """By six points: exact but for the sixth power of the step, and for rounding."""
        step, shares = 2e-3 * size, {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
        return sum(c * (moved(k * step) - moved(-k * step)) for k, c in shares.items()) / step

    response = runs.respond(p, tolerance=1e-12, sensitivities=True, initial=start)
    for name, exact in zip(response.names, response.by_parameters.T, strict=True):
        value = getattr(p, name)
        if value == 0.0:
            continue
        numeric = slope(lambda by, name=name, value=value: curve(p.replace(**{name: value + by})), value)
        scale = np.abs(numeric).max() + 1e-6 * np.abs(response.values).max() / abs(value)
        assert np.max(np.abs(numeric - exact)) < 1e-6 * scale, name
    for k, exact in enumerate(response.by_initial.T if initial == "free" else ()):
        numeric = slope(lambda by, k=k: curve(p, start + by * np.eye(3)[k]), start[0, k])
        assert np.max(np.abs(numeric - exact)) < 1e-6 * np.abs(numeric).max(), k


@pytest.mark.parametrize("kind", COURSES)
def test_the_plainest_device_by_the_general_step(kind):
    values = VALUES["seed"]
    p = Parameters.from_mapping(values["parameters"])
    runs = DriveSet([drive_of(values[kind])], [TIME])
    own = runs.respond(p, sensitivities=True, tolerance=1e-12)
    records = runs._records(p, np.zeros((1, 3)), TIME)
    general, derivatives, *_ = integrate(
        p,
        records,
        sensitivities=True,
        states=False,
        tolerance=1e-12,
    )
    np.testing.assert_allclose(general, own.values, atol=3e-12 * np.ptp(own.values))
    mine = derivatives[:, [k for k, name in enumerate(p.as_dict()) if name != "L_s"]][:, :8]
    scale = np.abs(own.by_parameters).max(axis=0)
    np.testing.assert_allclose(mine / scale, own.by_parameters / scale, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("n", [0.6, 0.9, 0.999])
def test_the_ladder_follows_the_dispersion_over_its_band(n):
    p = Parameters.from_mapping({**VALUES["seed"]["parameters"], "n": n})
    terms = terms_in_time(p, (0.1, 1e4))
    s = 1j * np.geomspace(0.1, 1e4, 50)
    Y = s * terms.capacitance.value + terms.conductance.value - 1.0 / p.R_b
    for _, (tau, _, weight, _) in terms.lags[1:]:
        Y = Y + weight.value / (1.0 + s * tau.value)
    exact = p.C_m * s + dispersion.admittance(p, s, 0.0)
    assert np.max(np.abs(Y / exact - 1.0)) < 0.002
    names = ("C_m", "n")
    values, by = terms.stacked(names)
    for k, name in enumerate(names):
        step = 1e-6 * getattr(p, name)
        up, down = (
            terms_in_time(p.replace(**{name: getattr(p, name) + d}), (0.1, 1e4)).stacked(names)[0]
            for d in (step, -step)
        )
        np.testing.assert_allclose(by[:, k], (up - down) / (2.0 * step), rtol=1e-5, atol=1e-8 * values.max())


@pytest.mark.parametrize("name", ["branch_dispersion", "si_cell", "kappa_second"])
def test_impedance_is_that_of_a_small_sine(name):
    p = Parameters.from_mapping({**VALUES[name]["parameters"], "R_s": 0.0})
    u = VALUES[name]["impedance"][0]["u"]
    frequency = VALUES[name]["impedance"][0]["frequency"][5]
    omega, size = 2.0 * np.pi * frequency, 1e-4 * p.V_m
    knots = np.linspace(0.0, 26.0 / frequency, 26 * 600 + 1)
    middle = 0.5 * (knots[1:] + knots[:-1])[24 * 600 :]  # of the straight pieces that make the sine
    drive = Drive("voltage", knots, u + size * np.sin(omega * knots))
    course = simulate(p, drive, middle, tolerance=1e-10)
    wave = np.exp(-1j * omega * middle)
    response = course.current - np.mean(course.current)
    Z = np.mean((course.voltage - u) * wave) / np.mean(response * wave)
    assert abs(Z / impedance(p, frequency, u) - 1.0) < (5e-3 if p.n < 1.0 else 1e-4)


def test_a_ladder_over_too_many_decades_is_refused():
    p = Parameters.from_mapping({**VALUES["seed"]["parameters"], "n": 0.9})
    drive = Drive("current", [0.0, 1e9], [0.0, 1.0])
    with pytest.raises(ParameterError, match="shorten the records or take n = 1"):
        simulate(p, drive, np.concatenate([[0.0, 1e-9], [1e9]]))
