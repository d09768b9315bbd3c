"""One pulse with all sensitivities: memfit against scipy and CVODE, each as loose as accuracy allows."""

import os
import statistics
import time as clock
import warnings
from contextlib import contextmanager
from dataclasses import dataclass

import integrator_rivals as rivals
import numpy as np

from memfit.model import Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import pulse

TIME_CONSTANTS = {"R_b": 1e5, "C_m": 1e-7, "V_T": 0.7, "V_m": 0.06, "tau_k": 0.2}
CASES = {
    "stiff": (
        Parameters(i_c0=2e-5, tau_d=0.02, R_s=50.0, **TIME_CONSTANTS),
        pulse("current", 5.7e-5, on=0.1, off=0.6, end=1.0),
    ),
    "stiffer": (
        Parameters(i_c0=2e-4, tau_d=0.05, R_s=5.0, **TIME_CONSTANTS),
        pulse("current", 1.2e-4, on=0.1, off=0.6, end=1.0),
    ),
}
"""After switch-off u falls to V_T - 26 V_m, where f relaxes in 1e-12 s, or to V_T - 93 V_m: 1e-41 s."""
TIME = np.linspace(0.0, 1.0, 1000)
ACCURACY = 1e-6
"""Largest error of the curve, of its span."""
TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)


@dataclass
class Row:
    """One competitor."""

    name: str
    run: object
    tolerances: tuple
    repeats: int
    tolerance: float = 0.0
    error: float = np.nan
    slope_error: float = np.nan
    seconds: float = np.nan


def competitors(device, drive):
    """Everyone who takes part, memfit first."""
    p, pieces = device.as_array()[:8], rivals.pieces_of(drive)
    runs = DriveSet([drive], [TIME])

    def memfit(tolerance):
        found = runs.respond(device, sensitivities=True, tolerance=tolerance)
        return found.values, found.derivatives[:, :8]

    def differences(method, with_jacobian=False):
        return lambda rtol: rivals.finite_differences(
            p, "current", pieces, TIME, method=method, rtol=rtol, with_jacobian=with_jacobian
        )

    def equations(solver, with_jacobian):
        return lambda rtol: rivals.sensitivities(
            p, pieces, TIME, solver=solver, rtol=rtol, with_jacobian=with_jacobian
        )

    rows = [
        Row("memfit", memfit, (1e-6,), 100),
        Row("memfit, default tolerance", memfit, (1e-8,), 100),
        Row("LSODA, finite differences", differences("LSODA"), TOLERANCES, 5),
        Row("Radau (scipy), finite differences", differences("Radau"), TOLERANCES, 1),
        Row("LSODA, sensitivity equations", equations("LSODA", False), TOLERANCES, 5),
        Row("LSODA, sensitivity equations and Jacobian", equations("LSODA", True), TOLERANCES, 5),
    ]
    if rivals.CVODE is None:
        print("scikit-sundae is not installed: no CVODE")
        return rows
    return [
        *rows,
        Row("CVODE, sensitivity equations", equations("CVODE", False), TOLERANCES, 5),
        Row("CVODE, sensitivity equations and Jacobian", equations("CVODE", True), TOLERANCES, 5),
    ]


def exact(device, drive):
    """The curve by scipy's Radau with the exact Jacobian at 1e-12; derivatives by memfit at 1e-12."""
    p, pieces = device.as_array()[:8], rivals.pieces_of(drive)
    curve = rivals.response(p, "current", pieces, TIME, method="Radau", rtol=1e-12, with_jacobian=True)
    found = DriveSet([drive], [TIME]).respond(device, sensitivities=True, tolerance=1e-12)
    return curve, found.derivatives[:, :8]


def error_of(found, expected):
    """Largest error of curve and of derivatives, of their spans (infinite where it did not finish)."""
    curve, slopes = found
    error = np.abs(curve - expected[0]).max() / np.ptp(expected[0])
    slope_error = (np.abs(slopes - expected[1]).max(axis=0) / np.abs(expected[1]).max(axis=0)).max()
    return (error, slope_error) if np.isfinite(error + slope_error) else (np.inf, np.inf)


def settle(row, expected):
    """The loosest tolerance that is accurate enough; the tightest where none is."""
    for tolerance in row.tolerances:
        row.tolerance = tolerance
        row.error, row.slope_error = error_of(row.run(tolerance), expected)
        if row.error <= ACCURACY:
            return


def measure(rows, rounds=3):
    """Medians of those that are accurate enough, everyone in turn in every round."""
    rows = [row for row in rows if row.error <= ACCURACY]
    times = {row.name: [] for row in rows}
    for _ in range(rounds):
        for row in rows:
            for _ in range(row.repeats):
                begin = clock.perf_counter()
                row.run(row.tolerance)
                times[row.name].append(clock.perf_counter() - begin)
    for row in rows:
        row.seconds = statistics.median(times[row.name])


@contextmanager
def silence():
    """What solvers print when they fail is counted in the table."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    for stream in kept:
        os.dup2(nowhere, stream)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nowhere)


def line(row, fastest):
    """A row of the table."""
    if not row.error <= ACCURACY:
        found = "does not finish" if np.isinf(row.error) else f"{row.error:.0e}"
        return f"| {row.name} | down to {row.tolerance:.0e} | {found} | | | |"
    return (
        f"| {row.name} | {row.tolerance:.0e} | {row.error:.0e} | {row.slope_error:.0e} "
        f"| {1e3 * row.seconds:.3g} | {row.seconds / fastest:.0f} |"
    )


def table(case):
    """Markdown lines."""
    device, drive = CASES[case]
    rows = competitors(device, drive)
    with silence():
        expected = exact(device, drive)
        for row in rows:
            settle(row, expected)
        measure(rows)
    return [
        "| 1000 samples | tolerance | error of curve | of derivatives | ms | times memfit |",
        "|---|---|---|---|---|---|",
        *(line(row, rows[0].seconds) for row in rows),
    ]


if __name__ == "__main__":
    for case in CASES:
        print(case, *table(case), sep="\n")
