"""Time responses: reference curves, what is refused, runs that cannot finish, long records, threads."""

import threading

import numpy as np
import pytest

from memfit.errors import InputError, ParameterError
from memfit.model import transient
from memfit.model.integrator import run as kernel
from memfit.model.parameters import Parameters
from memfit.model.steady import steady_response
from memfit.model.transient import DriveSet, kernel_is_compiled, simulate
from memfit.protocols import Drive, pulse, pulse_train, sweep

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
OSCILLATING = pulse("current", 5.7e-5, on=0.1, off=1.2, end=2.0)


def reference_drive(case, values):
    if case == "voltage_sweep":
        end = values["time"][-1]
        return Drive("voltage", [0.0, end / 2, end], [0.0, values["vertex"], 0.0])
    control = "current" if case == "current_pulse" else "voltage"
    end = values["time"][-1]
    return pulse(control, values["amplitude"], on=values["on"], off=values["off"], end=end)


@pytest.mark.parametrize("case", ["current_pulse", "voltage_sweep", "voltage_pulse"])
def test_reference_curves(reference, case):
    p, sets = reference
    values = sets[case]
    course = simulate(p, reference_drive(case, values), values["time"], tolerance=1e-9)
    assert course.outcome.ok
    measured = course.voltage if case == "current_pulse" else course.current
    expected = np.array(values["V_terminal" if case == "current_pulse" else "I"])
    assert np.abs(measured - expected).max() <= 1e-8 * np.ptp(expected)
    for name in ("u", "i_c", "f"):
        curve = np.array(values[name])
        assert np.abs(getattr(course, name) - curve).max() <= 1e-8 * np.ptp(curve)


def test_the_limit_cycle_of_the_reference(reference):
    p, sets = reference
    cycle = sets["limit_cycle"]
    time = np.linspace(0.0, 300 * cycle["period"], 30_001)
    late = time > 200 * cycle["period"]
    drive = Drive("current", [0.0, 0.0, time[-1]], [0.9 * cycle["I_app"], cycle["I_app"], cycle["I_app"]])
    course = simulate(p, drive, time, tolerance=1e-8)
    u = course.u[late]
    assert u.min() == pytest.approx(cycle["u_min"], abs=2e-3 * np.ptp(u))
    assert u.max() == pytest.approx(cycle["u_max"], abs=2e-3 * np.ptp(u))


def test_many_records_in_one_call_are_each_their_own():
    drives = [OSCILLATING, sweep("voltage", [0.0, 1.2, 0.0], rate=2.4)]
    times = [np.linspace(0.0, 2.0, 100), np.linspace(0.0, 1.0, 77)]
    both = DriveSet(drives, times).respond(DEVICE, sensitivities=True, states=True)
    for k in range(2):
        alone = DriveSet([drives[k]], [times[k]]).respond(DEVICE, sensitivities=True, states=True)
        part = slice(*DriveSet(drives, times).offsets[k : k + 2])
        assert np.array_equal(both.values[part], alone.values)
        assert np.array_equal(both.derivatives[part], alone.derivatives)
        assert np.array_equal(both.states[part], alone.states)


def test_without_sensitivities_the_curve_is_the_same():
    runs = DriveSet([OSCILLATING], [np.linspace(0.0, 2.0, 300)])
    assert np.array_equal(runs.respond(DEVICE).values, runs.respond(DEVICE, sensitivities=True).values)


def test_a_kink_at_a_sample_and_a_jump_at_a_sample():
    course = simulate(DEVICE, pulse("voltage", 1.0, on=0.1, off=0.6, end=1.0), [0.0, 0.1, 0.6, 1.0])
    jump = (1.0 - course.u[1]) / DEVICE.R_s
    assert course.current[1] == pytest.approx(jump, rel=1e-12)  # right-continuous: u has not moved yet
    assert course.u[0] == pytest.approx(course.u[1], abs=1e-12)


def test_samples_outside_the_drive_hold_its_ends():
    drive = Drive("voltage", [0.0, 1.0], [0.5, 0.5])
    course = simulate(DEVICE, drive, [-5.0, 0.5, 20.0])
    assert course.current == pytest.approx(
        np.full(3, steady_response(DEVICE, "voltage", [0.5])[0][0]), rel=1e-8
    )


def test_rest_and_free_starts():
    drive = Drive("voltage", [0.0, 1.0], [0.8, 0.8], "rest")
    assert simulate(DEVICE, drive, [0.0]).u[0] == pytest.approx(0.0, abs=1e-3)
    runs = DriveSet([Drive("current", [0.0, 1.0], [1e-5, 1e-5], "free")], [[0.0, 0.5]])
    begun = runs.respond(DEVICE, initial=np.array([[0.3, 2e-6, 0.1]]), states=True)
    assert begun.states[0] == pytest.approx([0.3, 2e-6, 0.1], rel=1e-12)


def test_a_delay_shifts_the_record():
    time = np.linspace(0.2, 1.0, 50)
    runs = DriveSet([OSCILLATING], [time], [0.05])
    late = runs.respond(DEVICE, delay=np.array([0.02]))
    assert late.values == pytest.approx(simulate(DEVICE, OSCILLATING, time - 0.02).voltage, abs=1e-9)


def test_moved_jumps_are_those_of_drives_made_so():
    first = pulse("current", 2e-5, on=0.1, off=0.3, end=0.5)
    second = sweep("voltage", [0.0, 1.0, 0.0], rate=4.0)
    third = Drive("voltage", [0.0, 0.1, 0.1, 0.4, 0.4, 0.5], [0.0, 0.1, 0.9, 0.7, 0.0, 0.0])
    time = np.linspace(0.0, 0.5, 101)
    moved = DriveSet([first, second, third], [time] * 3).with_jumps_moved(
        np.array([[-1e-3, 2e-3], [5.0, 5.0], [3e-3, 0.0]])
    )
    made = [
        pulse("current", 2e-5, on=0.099, off=0.302, end=0.5),
        second,
        Drive("voltage", [0.0, 0.103, 0.103, 0.4, 0.4, 0.5], third.value),
    ]
    expected = DriveSet(made, [time] * 3).respond(DEVICE, sensitivities=True)
    found = moved.respond(DEVICE, sensitivities=True)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.derivatives, expected.derivatives, rtol=1e-5, atol=1e-9)


def test_a_jump_moves_as_far_as_its_neighbours_allow():
    drive = pulse("current", 2e-5, on=0.1, off=0.3, end=0.5)
    far = DriveSet([drive], [np.linspace(0.0, 0.5, 51)]).with_jumps_moved(np.array([[0.7, 0.0]]))
    assert np.all(np.isfinite(far.respond(DEVICE).values))


def test_a_run_that_cannot_finish_says_so():
    fast = DEVICE.replace(tau_d=5e-9, tau_k=2e-7, C_m=1e-13)  # oscillates with 45 ns for a second
    time = np.linspace(0.0, 2.0, 11)
    runs = DriveSet([OSCILLATING, OSCILLATING], [time, time[:1]])
    response = runs.respond(fast, sensitivities=True, states=True)
    assert not response.ok
    outcome = response.outcome(0)
    assert not outcome.ok
    assert 0.1 <= outcome.reached < 0.2
    assert str(kernel.MAX_STEPS_PER_PIECE) in outcome.message
    assert np.array_equal(np.isnan(response.values[:11]), time > outcome.reached)
    course = simulate(fast, OSCILLATING, time)
    for curve in (course.u, course.i_c, course.f, course.voltage):
        assert np.array_equal(np.isnan(curve), time > outcome.reached)


def test_absurd_parameters_end_with_a_status():
    absurd = DEVICE.replace(R_b=1e300, i_c0=1e300, tau_k=1e-300)
    response = DriveSet([OSCILLATING], [[0.0, 1.0, 2.0]]).respond(absurd, sensitivities=True)
    assert response.ok or np.isnan(response.values[-1])


@pytest.mark.parametrize(
    ("time", "value"),
    [([0.0, np.nan], [0.0, 1.0]), ([0.0, 1.0], [0.0, np.inf]), ([0.0, 2.0, 1.0], [0.0, 1.0, 1.0])],
)
def test_drives_that_are_none(time, value):
    with pytest.raises(InputError, match=r"finite|backward"):
        Drive("voltage", time, value)


@pytest.mark.parametrize("time", [[1.0, 0.0], [0.0, np.nan], [], [[0.0, 1.0]]])
def test_sampling_times_that_are_none(time):
    with pytest.raises(InputError, match="Sampling times"):
        DriveSet([OSCILLATING], [time])


def test_parameters_that_are_none():
    with pytest.raises(ParameterError, match="tau_d must not be negative"):
        DEVICE.replace(tau_d=-1.0)


def test_requests_that_cannot_be_answered():
    free = Drive("voltage", [0.0, 1.0], [0.0, 1.0], "free")
    with pytest.raises(InputError, match="initial state"):
        simulate(DEVICE, free, [0.0])
    runs = DriveSet([free], [[0.0, 1.0]], [0.1])
    with pytest.raises(InputError, match="initial states"):
        runs.respond(DEVICE)
    start = np.array([[0.1, 0.0, 0.5]])
    with pytest.raises(InputError, match="must be finite"):
        runs.respond(DEVICE, initial=np.nan * start)
    with pytest.raises(InputError, match="larger margin"):
        runs.respond(DEVICE, initial=start, delay=np.array([0.2]))
    with pytest.raises(InputError, match="larger margin"):
        runs.respond(DEVICE, initial=start, delay=np.array([np.nan]))
    with pytest.raises(InputError, match="tolerance"):
        runs.respond(DEVICE, initial=start, tolerance=0.0)


def test_ten_thousand_pulses():
    p = DEVICE.replace(tau_k=1e-3, tau_d=1e-3)
    train = pulse_train("voltage", 0.9, on=0.0, width=5e-3, period=1e-2, count=10_000, end=100.0)
    time = np.array([0.0049, 99.9949, 99.9999])
    response = DriveSet([train], [time]).respond(p, sensitivities=True)
    assert response.ok
    assert response.values[1] == pytest.approx(response.values[0], rel=0.1)
    cycle = DriveSet(
        [pulse_train("voltage", 0.9, on=0.0, width=5e-3, period=1e-2, count=200, end=2.0)], [[1.9949, 1.9999]]
    )
    assert response.values[1:] == pytest.approx(cycle.respond(p).values, rel=1e-6)


def test_a_million_samples():
    time = np.linspace(0.0, 2.0, 1_000_000)
    response = DriveSet([OSCILLATING], [time]).respond(DEVICE, sensitivities=True)
    assert response.ok
    few = DriveSet([OSCILLATING], [time[::1000]]).respond(DEVICE, sensitivities=True)
    assert response.values[::1000] == pytest.approx(few.values, abs=1e-12)
    assert np.all(np.isfinite(response.derivatives))


def test_threads_run_side_by_side_and_agree():
    """One thread computes while another one does: the interpreter's lock is free."""
    runs = DriveSet([OSCILLATING] * 4, [np.linspace(0.0, 2.0, 100_000)] * 4)
    alone = runs.respond(DEVICE, sensitivities=True)
    found = {}
    ticks = []
    busy = threading.Event()
    workers = [
        threading.Thread(target=lambda k=k: found.setdefault(k, runs.respond(DEVICE, sensitivities=True)))
        for k in range(2)
    ]
    watcher = threading.Thread(target=lambda: [ticks.append(1) for _ in iter(lambda: busy.wait(0.002), True)])
    watcher.start()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    busy.set()
    watcher.join()
    assert len(ticks) >= 3  # with the lock held it could not have counted
    for k in range(2):
        assert np.array_equal(found[k].values, alone.values)
        assert np.array_equal(found[k].derivatives, alone.derivatives)


def test_compiled_code_is_kept():
    simulate(DEVICE, OSCILLATING, [0.0])
    assert kernel_is_compiled()


def test_what_a_drive_does_after_the_last_sample_costs_nothing():
    train = pulse_train("current", 5.7e-5, on=0.01, width=0.01, period=0.05, count=99, end=5.0)
    few = np.linspace(0.0, 0.12, 50)
    course = DriveSet([train], [few], [0.01]).respond(DEVICE)
    vertices = int(np.searchsorted(train.time, 0.2))
    short = Drive("current", train.time[:vertices], train.value[:vertices], initial=train.initial)
    expected = DriveSet([short], [few], [0.01]).respond(DEVICE)
    assert course.steps <= expected.steps
    assert course.values == pytest.approx(expected.values, rel=1e-12)
    two = DriveSet([train, short], [few, few], [0.01, 0.01])
    offsets = np.full((2, train.jumps.size), 1e-4)
    moved = two.with_jumps_moved(offsets).respond(DEVICE)  # jumps after the samples are no one else's
    first, second = np.split(moved.values, 2)
    assert first == pytest.approx(second, rel=1e-9)


def test_records_on_several_cores_have_the_same_bytes(monkeypatch):
    drives = [pulse("current", 1e-5 * k, on=0.1, off=0.6, end=1.0) for k in range(1, 8)]
    drives.insert(3, Drive("voltage", [0.0, 2.0, 4.0], [0.0, 1.0, 0.0]))
    times = [np.linspace(0.0, drive.time[-1], 40 * k) for k, drive in enumerate(drives, 1)]
    runs, found = DriveSet(drives, times), []
    for cores, least in ((1, 30_000), (3, 0), (50, 0)):
        monkeypatch.setattr(transient, "free_cores", lambda cores=cores: cores)
        monkeypatch.setattr(transient, "_WORTH_A_CORE", least)
        found.append(runs.respond(DEVICE, sensitivities=True, states=True))
        assert len(runs._shares()) == min(cores, len(drives))
    for other in found[1:]:
        assert other.steps == found[0].steps
        for name in ("values", "derivatives", "states", "status", "reached"):
            assert getattr(other, name).tobytes() == getattr(found[0], name).tobytes()


def test_constant_drives_are_held_at_other_levels_and_times():
    levels, times = np.array([2e-5, 4e-5]), [np.array([0.0, 0.01, 0.02]), np.array([0.03, 0.3])]
    start = np.array([[0.5, 1e-5, 0.1], [0.7, 5e-5, 0.5]])
    drives = [Drive("current", [0.0], [level], initial="free") for level in levels]
    others = [Drive("current", [0.0], [0.0], initial="free")] * 2
    held = DriveSet(others, [np.arange(1.0, 4.0), np.arange(1.0, 3.0)]).held_at(levels, times)
    expected = DriveSet(drives, times).respond(DEVICE, initial=start, states=True)
    found = held.respond(DEVICE, initial=start, states=True)
    assert np.array_equal(found.states, expected.states)
    assert np.array_equal(found.values, expected.values)
