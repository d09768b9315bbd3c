"""The integrator's accuracy on random devices, against a slow textbook solver, and under changes of scale."""

import draws
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.model.parameters import Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import Drive, pulse

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
TIME = np.linspace(0.0, 2.0, 300)
DRIVES = {
    "current": pulse("current", 5.7e-5, on=0.1, off=1.2, end=2.0),
    "voltage": pulse("voltage", 0.9, on=0.1, off=1.2, end=2.0),
    "loop": Drive("voltage", [0.0, 1.0, 2.0], [0.0, 1.1, 0.0]),
}


def values(p, drive, time=TIME, tolerance=1e-9):
    response = DriveSet([drive], [time]).respond(p, tolerance=tolerance)
    assert response.ok
    return response.values


@pytest.mark.parametrize("tolerance", [1e-6, 1e-8])
def test_a_thousand_random_devices(tolerance):
    rng = np.random.default_rng(20221104)
    errors = []
    for _ in range(1000):
        p = draws.random_device(rng)
        drive, time = draws.random_drive(rng, p)
        runs = DriveSet([drive], [time])
        found, exact = (runs.respond(p, tolerance=t) for t in (tolerance, 1e-3 * tolerance))
        assert found.ok, (p, drive)
        assert exact.ok, (p, drive)
        errors.append(np.abs(found.values - exact.values).max() / np.ptp(exact.values))
    assert max(errors) <= 10.0 * tolerance
    assert np.median(errors) <= 0.1 * tolerance


def test_a_sample_of_them_against_scipy():
    rng = np.random.default_rng(7)
    compared = 0
    while compared < 12:
        p = draws.random_device(rng)
        drive, time = draws.random_drive(rng, p)
        if p.tau_k == 0.0 or p.R_s * p.C_m < 1e-6 * time[-1]:
            continue  # the textbook's equations need R_s > 0, and (V - u)/R_s loses digits
        if 40.0 * p.V_m < p.V_T:
            continue  # at rest f follows within 1e-18 of tau_k: scipy's Newton leaves it where it was
        expected = oracle.response(p, drive, time[::4])
        if expected is None:
            continue
        compared += 1
        found = values(p, drive, time[::4], 1e-8)
        assert np.abs(found - expected).max() <= 1e-7 * np.ptp(expected)


@pytest.mark.parametrize("drive", DRIVES.values(), ids=DRIVES)
def test_the_paper_s_device_against_scipy(drive):
    expected = oracle.response(DEVICE, drive, TIME)
    tolerance = 3e-8 if drive.control == "current" else 1e-6  # of scipy: (V - u)/R_s loses digits
    assert np.abs(values(DEVICE, drive) - expected).max() <= tolerance * np.ptp(expected)


@given(st.floats(1e-6, 1e6), st.sampled_from(sorted(DRIVES)))
@settings(max_examples=30, deadline=None)
def test_stretching_time_stretches_the_answer(factor, name):
    drive = DRIVES[name]
    slow = DEVICE.replace(C_m=DEVICE.C_m * factor, tau_d=DEVICE.tau_d * factor, tau_k=DEVICE.tau_k * factor)
    stretched = Drive(drive.control, drive.time * factor, drive.value)
    expected = values(DEVICE, drive)
    assert np.abs(values(slow, stretched, TIME * factor) - expected).max() <= 3e-8 * np.ptp(expected)


@given(st.floats(1e-4, 1e4), st.sampled_from(sorted(DRIVES)))
@settings(max_examples=30, deadline=None)
def test_a_larger_area_carries_more_current(factor, name):
    drive = DRIVES[name]
    large = DEVICE.replace(
        C_m=DEVICE.C_m * factor, i_c0=DEVICE.i_c0 * factor, R_b=DEVICE.R_b / factor, R_s=DEVICE.R_s / factor
    )
    if drive.control == "current":
        found = values(large, Drive("current", drive.time, drive.value * factor))
    else:
        found = values(large, drive) / factor
    expected = values(DEVICE, drive)
    assert np.abs(found - expected).max() <= 3e-8 * np.ptp(expected)


@pytest.mark.parametrize("drive", DRIVES.values(), ids=DRIVES)
def test_2d_is_the_limit_of_a_short_kinetic_time(drive):
    smooth = TIME[(np.abs(TIME[:, None] - drive.time) > 0.02).all(axis=1)]
    limit = values(DEVICE.replace(tau_k=0.0), drive, smooth)
    far, near = (
        np.abs(values(DEVICE.replace(tau_k=tau_k), drive, smooth) - limit).max() for tau_k in (1e-5, 1e-6)
    )
    assert near <= 1e-3 * np.ptp(limit)
    assert near <= 0.2 * far


def test_tight_tolerances_converge():
    drive = DRIVES["current"]
    exact = values(DEVICE, drive, tolerance=1e-11)
    errors = [np.abs(values(DEVICE, drive, tolerance=t) - exact).max() for t in (1e-5, 1e-7, 1e-9)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] <= 1e-9 * np.ptp(exact)
