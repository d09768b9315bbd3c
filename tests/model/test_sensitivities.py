"""Sensitivities against differences of tightly integrated curves, stiff sets included."""

import numpy as np
import pytest

from memfit.model.parameters import NAMES, Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import Drive, pulse, sweep

BASE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
UNDERSHOOT = BASE.replace(tau_d=0.05, i_c0=3e-4, R_s=5.0)
CURRENT = pulse("current", 3e-5, on=0.1, off=0.6, end=1.0)
VOLTAGE = pulse("voltage", 1.0, on=0.1, off=0.6, end=1.0)
LOOP = sweep("voltage", [0.0, 1.2, 0.0], rate=2.4)
FREE_CURRENT = Drive("current", [0.0, 1.0], [1e-5, 1e-5], "free")
FREE_VOLTAGE = Drive("voltage", [0.0, 1.0], [0.8, 0.8], "free")
CASES = {
    "current pulse": (BASE, CURRENT),
    "voltage pulse": (BASE, VOLTAGE),
    "voltage loop": (BASE, LOOP),
    "voltage loop, R_s 0": (BASE.replace(R_s=0.0), LOOP),
    "voltage pulse, R_s 0": (BASE.replace(R_s=0.0), VOLTAGE),
    "2D current pulse": (BASE.replace(tau_k=0.0), CURRENT),
    "2D voltage pulse": (BASE.replace(tau_k=0.0), VOLTAGE),
    "2D voltage loop, R_s 0": (BASE.replace(tau_k=0.0, R_s=0.0), LOOP),
    "tau_d 0, voltage": (BASE.replace(tau_d=0.0), VOLTAGE),
    "tau_d 0, current": (BASE.replace(tau_d=0.0), CURRENT),
    "R_s C_m of 5 us under 100 s": (
        BASE.replace(tau_d=5.0, tau_k=2.0),
        sweep("voltage", [0.0, 1.2, 0.0], rate=0.024),
    ),
    "undershoot": (UNDERSHOOT, pulse("current", 1.8e-4, on=0.1, off=0.6, end=1.0)),
    "free start, current": (BASE, FREE_CURRENT),
    "free start, voltage": (BASE, FREE_VOLTAGE),
    "free start, R_s 0": (BASE.replace(R_s=0.0), FREE_VOLTAGE),
}
START = np.array([[0.5, 2e-5, 0.3]])


def difference(function, step):
    """Central difference of fourth order."""
    near = function(step) - function(-step)
    far = function(2 * step) - function(-2 * step)
    return (8.0 * near - far) / (12.0 * step)


def sampling(drive):
    """Times beside the jumps, where a shift in time is no derivative."""
    time = np.linspace(drive.time[0], drive.time[-1], 203)
    distance = np.abs(time[:, None] - drive.time).min(axis=1)
    return time[distance > 1e-4 * drive.time[-1]]


@pytest.mark.parametrize("case", CASES)
def test_against_differences(case):
    p, drive = CASES[case]
    length = drive.time[-1]
    runs = DriveSet([drive], [sampling(drive)], [0.01 * length])
    free = drive.initial == "free"

    def values(device=p, start=START, delay=0.0):
        shift = np.array([delay])
        return runs.respond(device, initial=start, delay=shift, tolerance=1e-11).values

    found = runs.respond(p, initial=START, sensitivities=True, tolerance=1e-10)
    assert found.ok
    span = np.ptp(found.values)

    def check(column, numeric, size):
        """Derivative times the size of its quantity, against the span."""
        scale = np.abs(numeric).max() + 0.1 * span / size
        assert np.abs(found.derivatives[:, column] - numeric).max() <= 1e-6 * scale

    for k, name in enumerate(NAMES[:8]):
        value = getattr(p, name)
        if value > 0.0:
            check(
                k, difference(lambda h, n=name, v=value: values(p.replace(**{n: v + h})), 3e-4 * value), value
            )
    if free:
        for k, size in enumerate((0.5, 2e-5, 0.3)):
            unit = np.eye(3)[k]
            check(8 + k, difference(lambda h, e=unit: values(start=START + h * e), 1e-3 * size), size)
    check(11, -difference(lambda h: values(delay=h), 1e-5 * length), length)


def test_undershoot_goes_a_hundred_widths_below_threshold():
    p, drive = CASES["undershoot"]
    states = DriveSet([drive], [np.linspace(0.0, 1.0, 5000)]).respond(p, states=True).states
    assert states[:, 0].min() < p.V_T - 100.0 * p.V_m


def test_by_a_series_resistance_that_is_zero():
    """At R_s = 0 the derivative is one-sided (and beside a jump of the voltage it is a delta function)."""
    p = BASE.replace(R_s=0.0)
    runs = DriveSet([LOOP], [sampling(LOOP)])
    exact = runs.respond(p, sensitivities=True, tolerance=1e-10).derivatives[:, NAMES.index("R_s")]
    one, two = (runs.respond(p.replace(R_s=h), tolerance=1e-11).values for h in (0.5, 1.0))
    numeric = (4.0 * one - two - 3.0 * runs.respond(p, tolerance=1e-11).values) / 1.0
    assert np.abs(exact - numeric).max() <= 1e-4 * np.abs(numeric).max()


def test_what_has_no_influence_has_no_derivative():
    found = DriveSet([CURRENT], [sampling(CURRENT)]).respond(BASE, sensitivities=True)
    assert not found.derivatives[:, 8:11].any()
