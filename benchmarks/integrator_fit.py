"""The joint fit: memfit against lmfit + LSODA as a user writes it, from the same starts on the same data.

11 spectra of 60 frequencies, 3 I-V loops and 4 current pulses of 1000 samples, 1 % noise, 8 parameters. Both
minimise the same weighted residuals. The user's program has linear parameters with min=0, finite differences
with the minimiser's own steps, and integrates each record by itself.
"""

import statistics
import time as clock

import integrator_rivals as rivals
import lmfit
import numpy as np

from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.fitting import FitPlan
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import Problem
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.starts.starting_values import guess
from memfit.model import Parameters, impedance, junction_voltage, steady_current
from memfit.model.transient import simulate
from memfit.protocols import pulse, sweep

NAMES = rivals.NAMES
TRUTH = Parameters(R_b=1e5, C_m=1e-7, i_c0=4e-5, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)
NOISE = 0.01
FAR = {"R_b": 0.6, "C_m": 1.6, "i_c0": 1.5, "V_T": 1.0, "V_m": 1.5, "tau_d": 2.0, "tau_k": 0.5, "R_s": 2.0}
"""Factors of a start that is far off and from which both converge (V_T starts 1.5 V_m too high)."""
LSODA_TOLERANCE = 1e-8


def measure_device(seed=1):
    """Records with noise, and the standard deviation of every point in memfit's order."""
    rng = np.random.default_rng(seed)
    records, sigma = [], []
    for V in TRUTH.V_T + TRUTH.V_m * np.linspace(-5.0, 5.0, 11):
        frequency = np.geomspace(1e5, 5e-2, 60)
        Z = impedance(TRUTH, frequency, junction_voltage(TRUTH, "voltage", [V]))
        noise = NOISE * np.abs(Z)
        Z = Z + noise * (rng.normal(size=60) + 1j * rng.normal(size=60))
        records.append(ImpedanceSpectrum(name=f"Z{V:.2f}", frequency=frequency, impedance=Z, bias_voltage=V))
        sigma += [noise, noise]
    for rate in (0.05, 0.5, 5.0):
        drive = sweep("voltage", [0.0, 1.1, 0.0], rate=rate)
        time = np.linspace(0.0, drive.time[-1], 1000)
        course = simulate(TRUTH, drive, time)
        noise = NOISE * np.abs(course.current).max()
        current = course.current + noise * rng.normal(size=1000)
        records.append(
            IVSweep(name=f"IV{rate}", voltage=course.voltage, current=current, time=time, drive=drive)
        )
        sigma.append(np.full(1000, noise))
    for x in (-1.0, 0.5, 1.5, 3.0):
        amplitude = float(steady_current(TRUTH, TRUTH.V_T + x * TRUTH.V_m))
        drive = pulse("current", amplitude, on=0.1, off=1.2, end=2.0)
        time = np.linspace(0.0, 2.0, 1000)
        course = simulate(TRUTH, drive, time)
        noise = NOISE * np.ptp(course.voltage)
        voltage = course.voltage + noise * rng.normal(size=1000)
        records.append(PulseTransient(name=f"P{x}", time=time, voltage=voltage, current=None, drive=drive))
        sigma.append(np.full(1000, noise))
    return records, np.concatenate(sigma)


def far_start():
    """A start that is 1.5 to 2 times off in each parameter."""
    values = {name: FAR[name] * getattr(TRUTH, name) for name in NAMES}
    return {**values, "V_T": TRUTH.V_T + 1.5 * TRUTH.V_m}


def fit_with_memfit(records, sigma, start):
    """Parameters and chi2 by memfit's solver."""
    problem = Problem(Predictor(records), (), sigma, np.ones(sigma.size, dtype=bool))
    base = Parameters(**start)
    unknowns = Unknowns(physical_unknowns(FitPlan(), NAMES), base, problem.kinds)
    state = minimise(problem, unknowns, unknowns.encode(start), near=False)
    return unknowns.parameters(state.x).as_array()[:8], state.minimum.chi2


def user_residuals(records, sigma):
    """The residual function that a user writes."""
    weight = 1.0 / sigma

    def impedance_of(p, frequency, V):
        R_b, C_m, i_c0, _, V_m, tau_d, tau_k, R_s = p
        _, _, f = rivals.steady_state(p, "voltage", V)
        s = 2j * np.pi * frequency
        Y = s * C_m + 1.0 / R_b + i_c0 * f * (1.0 - f) / V_m / ((1.0 + s * tau_d) * (1.0 + s * f * tau_k))
        return R_s + 1.0 / Y

    def residuals(parameters):
        p = np.array([parameters[name].value for name in NAMES])
        parts = []
        for record in records:
            if isinstance(record, ImpedanceSpectrum):
                difference = impedance_of(p, record.frequency, record.bias_voltage) - record.impedance
                parts += [difference.real, difference.imag]
                continue
            control = record.drive.control
            data = record.current if control == "voltage" else record.voltage
            found = rivals.response(
                p, control, rivals.pieces_of(record.drive), record.time, rtol=LSODA_TOLERANCE
            )
            parts.append(np.where(np.isfinite(found), found, 1e3) - data)
        return np.concatenate(parts) * weight

    return residuals


def fit_as_a_user(records, sigma, start):
    """Parameters and chi2 by lmfit with its defaults."""
    parameters = lmfit.Parameters()
    for name in NAMES:
        parameters.add(name, value=start[name], min=0.0)
    outcome = lmfit.minimize(user_residuals(records, sigma), parameters)
    return np.array([outcome.params[name].value for name in NAMES]), float(outcome.chisqr)


def table():
    """Markdown lines."""
    records, sigma = measure_device()
    candidate = guess(records, {})[0]
    own = {name: float(candidate.values.get(name, 1.0)) for name in NAMES}
    lines = [
        "| start | off by | memfit, ms | lmfit + LSODA, s | ratio | chi2 | chi2 lmfit | results differ by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, start in (("memfit's own guess", own), ("far off", far_start())):
        fit_with_memfit(records, sigma, start)
        times = []
        for _ in range(9):
            begin = clock.perf_counter()
            ours, chi2 = fit_with_memfit(records, sigma, start)
            times.append(clock.perf_counter() - begin)
        begin = clock.perf_counter()
        theirs, chi2_user = fit_as_a_user(records, sigma, start)
        seconds = clock.perf_counter() - begin
        median = statistics.median(times)
        off = max(max(start[n] / getattr(TRUTH, n), getattr(TRUTH, n) / start[n]) for n in NAMES)
        lines.append(
            f"| {name} | {off:.2g}x | {1e3 * median:.0f} | {seconds:.1f} | {seconds / median:.0f} "
            f"| {chi2:.1f} | {chi2_user:.1f} | {np.abs(theirs / ours - 1.0).max():.1e} |"
        )
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
