"""Derivatives by the amplitude of an absent part, against differences between devices with a little of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from memfit.errors import ParameterError
from memfit.model.directions import Direction, by_amplitudes
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import BiasGrid, impedance_at, impedance_with_derivatives
from memfit.model.steady import junction_voltage, response_at, steady_response
from memfit.model.transient import DriveSet
from memfit.protocols import Drive

VALUES = json.loads((Path(__file__).parents[1] / "reference" / "family_values.json").read_text())
SEED = VALUES["seed"]
PLAIN = Parameters.from_mapping(SEED["parameters"])
TIME = np.array(SEED["time"])
WITH_BRANCH = Parameters.from_mapping(VALUES["branch_kappa_activation"]["parameters"])
MEMBER = WITH_BRANCH.replace(kappa=0.0, p_k=1.0, q_k=0.0)
V_m, V_T = PLAIN.V_m, PLAIN.V_T

DIRECTIONS = [
    Direction("R_1", {"tau_1": 0.3 * PLAIN.tau_d}),
    Direction("R_1", {"tau_1": 3.0 * PLAIN.tau_k}),
    Direction("n"),
    Direction("C_0", {"V_c": 4.0 * V_m}),
    Direction("C_0", {"V_c": 10.0 * V_m}),
    Direction("I_l", {"V_l": 5.0 * V_m}),
    Direction("I_ph"),
    Direction("i_c0n", {"V_Tn": 0.1 * V_T, "V_mn": V_m}),
    Direction("i_c0n", {"V_Tn": 0.5 * V_T, "V_mn": 2.0 * V_m}),
    Direction("kappa"),
    Direction("p_k"),
    Direction("q_k"),
]
NAMES = [f"{d.parameter} {k}" for k, d in enumerate(DIRECTIONS)]


def with_a_little(p, direction, size):
    """The device with a little of the part, and the amplitude of it."""
    name, shape = direction.parameter, direction.shape
    if name == "R_1":
        return p.replace(R_1=p.R_b / size, C_1=shape["tau_1"] * size / p.R_b), size / p.R_b
    unit = {"C_0": p.C_m, "I_l": p.i_c0, "I_ph": p.i_c0, "i_c0n": p.i_c0}.get(name, 1.0) * size
    value = {"n": 1.0 - size, "p_k": 1.0 + size}.get(name, unit)
    return p.replace(**shape, **{name: value}), size if name in ("n", "p_k") else unit


def check(found, answer, p, direction, tolerance, change=1e-5):
    """A derivative against differences of what changes by this share of its span."""
    none = answer(p)
    if not np.any(found):
        np.testing.assert_allclose(answer(with_a_little(p, direction, 0.1)[0]), none, rtol=1e-13)
        return
    unit = with_a_little(p, direction, 0.5)[1] * 2.0
    size = min(change * np.ptp(np.abs(none)) / np.abs(found * unit).max(), 0.1)
    once, twice = (
        (answer(q) - none) / amplitude
        for q, amplitude in (with_a_little(p, direction, size), with_a_little(p, direction, 2.0 * size))
    )
    expected = 2.0 * once - twice
    assert np.max(np.abs(found - expected)) < tolerance * np.abs(expected).max(), direction


def bases(direction):
    """Devices that do not have the part."""
    return [p for p in (PLAIN, MEMBER) if direction.part not in p.parts]


@pytest.mark.parametrize("control", ["voltage", "current"])
@pytest.mark.parametrize("direction", DIRECTIONS, ids=NAMES)
def test_steady_curve(direction, control):
    for p in bases(direction):
        drive = np.array(SEED["steady"]["u"]) if control == "voltage" else np.array(SEED["steady"]["I"])
        u = junction_voltage(p, control, drive)
        found = by_amplitudes(p, [direction], lambda q: response_at(q, control, drive, u)[1])[:, 0]  # noqa: B023
        check(found, lambda q: steady_response(q, control, drive)[0], p, direction, 1e-5)  # noqa: B023


@pytest.mark.parametrize("direction", DIRECTIONS, ids=NAMES)
def test_impedance(direction):
    frequency = np.tile(SEED["impedance"][0]["frequency"], 3)
    bias = np.array([s["V_terminal"] for s in SEED["impedance"][:3]])
    grid = BiasGrid("voltage", bias, frequency, np.repeat(np.arange(3), frequency.size // 3))
    for p in bases(direction):
        u = junction_voltage(p, "voltage", bias)
        found = by_amplitudes(p, [direction], lambda q: impedance_at(q, grid, u)[1])[:, 0]  # noqa: B023
        check(found, lambda q: impedance_with_derivatives(q, grid)[0], p, direction, 1e-5)


@pytest.mark.parametrize("kind", ["voltage_sweep", "current_pulse", "free"])
def test_all_directions_of_a_response_in_time_at_once(kind):
    course = SEED["current_pulse" if kind == "free" else kind]
    knots = np.array(course["knots"])
    initial = "free" if kind == "free" else "steady"
    runs = DriveSet([Drive(course["control"], knots[:, 0], knots[:, 1], initial)], [TIME])
    start = np.array([[0.8 * V_T, 0.2 * PLAIN.i_c0, 0.3]])
    for p in (PLAIN, MEMBER):
        chosen = [d for d in DIRECTIONS if d.part not in p.parts]
        found = runs.along(p, chosen, initial=start, tolerance=1e-10)
        assert found.shape == (TIME.size, len(chosen))
        for direction, column in zip(chosen, found.T, strict=True):
            check(
                column,
                lambda q: runs.respond(q, initial=start, tolerance=1e-12).values,
                p,
                direction,
                1e-4,
                1e-4,
            )


def test_many_directions_go_in_groups():
    course = SEED["current_pulse"]
    knots = np.array(course["knots"])
    runs = DriveSet([Drive(course["control"], knots[:, 0], knots[:, 1])], [TIME])
    many = [Direction("R_1", {"tau_1": tau}) for tau in np.geomspace(0.01, 100.0, 40) * PLAIN.tau_d]
    found = runs.along(PLAIN, [*many, Direction("n")])
    np.testing.assert_allclose(
        found[:, [3, 39]], runs.along(PLAIN, [many[3], many[39]]), rtol=1e-4, atol=1e-6 * np.abs(found).max()
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Direction("R_b"), "as the amplitude of a part; found R_b"),
        (lambda: Direction("C_0"), "needs V_c; found none"),
        (lambda: Direction("kappa").device(WITH_BRANCH), "has the part conductance already"),
        (lambda: Direction("kappa").device(PLAIN.replace(V_T=-0.1)), "needs V_T above 0 V"),
    ],
)
def test_what_has_no_direction_is_refused(make, words):
    with pytest.raises(ParameterError, match=words):
        make()
