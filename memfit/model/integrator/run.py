"""The compiled integrator: adaptive steps, dense output, one call for all records of a device.

The step itself is in `memfit.model.integrator.step`, beginnings and derivatives in
`memfit.model.integrator.start`. Steps end at every jump and kink of the drive, and their number is bounded: a
run that does not finish says so by its status and leaves NaN where it did not come.

Machine code is kept in the user's cache folder (`memfit.model.integrator.cache`); importing compiles nothing.
Numba looks for changes in this file only: `edition` is a number that stands for the other
sources, and the entry has to close over it.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.integrator import cache
from memfit.model.integrator.cache import compile_entry
from memfit.model.integrator.equation import (
    BLOCK,
    INITIAL,
    PARAMETERS,
    POINTS,
    R_S,
    STAGES,
    TABLEAU,
    WORK,
    Equation,
    compile_part,
    equation,
    inline_part,
)
from memfit.model.integrator.start import (
    advance_tangents,
    enter_piece,
    first_step,
    free_start,
    move_on,
    steady_start,
    step_into_layer,
)
from memfit.model.integrator.step import attempt, remember_f
from memfit.model.parameters import IN_TIME

_SOURCES = tuple(sorted(Path(__file__).parent.glob("*.py")))
"""Files that the machine code is made of."""

MAX_STEPS_PER_PIECE = 20_000
SENSITIVITIES = BLOCK + 4
"""Columns: the parameters `IN_TIME`, 3 initial values (u, i_c, f), time."""

OK, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2, 3

_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 10.0
_EXPONENT = -1.0 / (STAGES + 1)
_KEEP_BELOW, _KEEP_ABOVE = 1.15, 0.95  # a step size that is nearly right stays: its matrices are known
_THETA, _BARYCENTRIC = TABLEAU.points, TABLEAU.barycentric
_TIME = SENSITIVITIES - 1


@inline_part
def _run_piece(
    eq: Equation,
    begin: float,
    length: float,
    level: float,
    slope: float,
    is_last: bool,
    time: FloatArray,
    tolerance: float,
    y: FloatArray,
    y_p: FloatArray,
    states: FloatArray,
    done: int,
    blocks: int,
    w: Any,
) -> tuple[int, float, int, int]:
    """Steps through one piece of the drive; `done` samples are written already.

    Returns status, time reached since `begin`, samples written, steps tried. Time counts from the start of
    the piece, so that layers far thinner than the resolution of the record's clock are resolved.
    """
    t = 0.0
    rejected = False
    for tried in range(1, MAX_STEPS_PER_PIECE + 1):
        if not w.h > 4e-16 * t:
            return STEP_TOO_SMALL, t, done, tried
        closes = t + 1.0001 * w.h >= length
        h = length - t if closes else w.h
        error = attempt(eq, level + slope * t, slope, h, tolerance, w)
        if not error <= 1.0:
            w.h = h * shrinkage(error)
            w.h_known = w.h_known if error < np.inf else 0.0
            rejected = True
            continue
        if not math.isfinite(w.x[STAGES] + w.c[STAGES] + w.f[STAGES]):
            return NOT_FINITE, t, done, tried
        if blocks > 0:
            advance_tangents(eq, h, slope, blocks, w)
        arrival = length if closes else t + h
        until = np.inf if closes and is_last else arrival
        done = _write_points(eq, begin, t, until, h, level, slope, done, blocks, time, y, y_p, states, w)
        remember_f(h, w)
        move_on(blocks, w)
        t = arrival
        w.h = h * growth(error, rejected)
        rejected = False
        if closes:
            return OK, t, done, tried
    return TOO_MANY_STEPS, t, done, MAX_STEPS_PER_PIECE


@compile_part
def shrinkage(error: float) -> float:
    """Factor of the step after a rejection; a quarter where Newton's method failed."""
    return max(_SHRINK, _SAFETY * error**_EXPONENT) if error < np.inf else 0.25


@compile_part
def growth(error: float, rejected: bool) -> float:
    """Factor of the next step; no growth just after a rejection."""
    factor = min(1.0 if rejected else _GROW, _SAFETY * max(error, 1e-9) ** _EXPONENT)
    return 1.0 if _KEEP_ABOVE < factor < _KEEP_BELOW else factor


@inline_part
def _write_points(
    eq: Equation,
    begin: float,
    t: float,
    until: float,
    h: float,
    level: float,
    slope: float,
    done: int,
    blocks: int,
    time: FloatArray,
    y: FloatArray,
    y_p: FloatArray,
    states: FloatArray,
    w: Any,
) -> int:
    """Samples before `until` (since `begin`), from the step that begins at t; the number written so far."""
    while done < time.size and time[done] - begin < until:
        since = time[done] - begin
        drive = level + slope * since
        _set_weights((since - t) / h, w)
        x = _value(w.x, w)
        y[done] = x if eq.voltage else x + eq.R_s * drive
        if blocks > 0:
            _write_derivatives(eq, drive, slope, blocks, w, y_p[done])
        if states.shape[0] > 0:
            states[done, 0] = drive - eq.R_s * x if eq.voltage else x
            states[done, 1] = _value(w.c, w)
            states[done, 2] = _value(w.f, w)
        done += 1
    return done


@compile_part
def _set_weights(theta: float, w: Any) -> None:
    """Lagrange's weights of the points of the step for its value at theta."""
    product = 1.0
    for i in range(POINTS):
        w.weights[i] = product * _BARYCENTRIC[i]
        product *= theta - _THETA[i]
    product = 1.0
    for i in range(STAGES, -1, -1):
        w.weights[i] *= product
        product *= theta - _THETA[i]


@compile_part
def _value(values: FloatArray, w: Any) -> float:
    """The polynomial through `values`, where the weights are set."""
    total = 0.0
    for i in range(POINTS):
        total += w.weights[i] * values[i]
    return total


@compile_part
def _write_derivatives(
    eq: Equation, drive: float, slope: float, blocks: int, w: Any, row: FloatArray
) -> None:
    """Derivatives of the measured quantity by parameters, initial state (if free) and time."""
    for m in range(BLOCK):
        total = 0.0
        for i in range(POINTS):
            total += w.weights[i] * w.x_p[PARAMETERS, i, m]
        row[m] = total
    if blocks > 1:
        for m in range(3):
            row[BLOCK + m] = _value(w.x_p[INITIAL, :, m], w)
    row[_TIME] = _value(w.x_rate, w)
    if not eq.voltage:
        row[R_S] += drive
        row[_TIME] += eq.R_s * slope


@inline_part
def _integrate(
    p: FloatArray,
    voltage: bool,
    before: float,
    edges: FloatArray,
    level: FloatArray,
    slope: FloatArray,
    free: bool,
    initial: FloatArray,
    time: FloatArray,
    tolerance: float,
    y: FloatArray,
    y_p: FloatArray,
    states: FloatArray,
    w: Any,
) -> tuple[int, float, int]:
    """One record: fills y, y_p and states; returns status, time reached (s) and steps tried.

    p has the parameters `IN_TIME`; `before` the drive at whose steady state the device begins (unless `free`,
    then `initial` is u, i_c, f); edges (k + 1,), level (k,), slope (k,) the pieces of the drive; `time` (n,)
    sorted, within the edges; y_p (n, SENSITIVITIES) and states (n, 3) are not computed where they have no
    rows.
    """
    eq = equation(p, voltage)
    blocks = 0
    if y_p.shape[0] > 0:
        blocks = 2 if free else 1
    if free:
        free_start(eq, before, initial, w)
    else:
        steady_start(eq, before, w)
    y[:] = np.nan
    w.h, w.h_matrices, w.h_known = 0.0, 0.0, 0.0
    done, tried = 0, 0
    last_level, last_slope = before, 0.0
    for k in range(level.size):
        length = edges[k + 1] - edges[k]
        jump = level[k] - last_level
        enter_piece(eq, level[k], slope[k], jump, blocks, w)
        if jump != 0.0 or w.h == 0.0 or eq.eps == 0.0:
            w.h = first_step(eq, level[k], slope[k], length, w)
            w.h_known = 0.0
        if slope[k] != last_slope:
            w.h = min(w.h, step_into_layer(eq, slope[k] - last_slope, tolerance, w))
            w.h_known = 0.0
        last_level, last_slope = level[k] + slope[k] * length, slope[k]
        is_last = k == level.size - 1
        status, t, done, steps = _run_piece(
            eq, edges[k], length, level[k], slope[k], is_last, time, tolerance,
            y, y_p, states, done, blocks, w,
        )  # fmt: skip
        tried += steps
        if status != OK:
            return status, edges[k] + t, tried
    return OK, edges[-1], tried


def edition(names: Sequence[str]) -> int:
    """A number that changes with any of the sources, or with the names that give arrays their sizes."""
    digest = hashlib.sha256(
        b"".join(path.read_bytes() for path in _SOURCES) + " ".join(names).encode()
    ).digest()
    return int.from_bytes(digest[:7], "big")


def _entry(sources: int) -> Any:
    """The compiled function; numba looks for changes in this file only, `sources` stands for the others."""

    def integrate_all(
        p: FloatArray,
        voltage: Any,
        before: FloatArray,
        edges: FloatArray,
        level: FloatArray,
        slope: FloatArray,
        piece_offset: Any,
        free: Any,
        initial: FloatArray,
        time: FloatArray,
        time_offset: Any,
        tolerance: float,
        y: FloatArray,
        y_p: FloatArray,
        states: FloatArray,
        status: Any,
        reached: FloatArray,
    ) -> int:
        """All records of a device in one call, laid end to end; see `_integrate`.

        `piece_offset` and `time_offset` (r + 1,) say where each record begins; `edges` has one entry more
        than pieces for each record. Fills `status` and `reached` (r,); returns the number of steps tried.
        """
        _ = sources
        work = np.zeros(1, WORK)
        tried = 0
        for r in range(voltage.size):
            a, b = piece_offset[r], piece_offset[r + 1]
            m, n = time_offset[r], time_offset[r + 1]
            status[r], reached[r], steps = _integrate(
                p,
                voltage[r],
                before[r],
                edges[a + r : b + r + 1],
                level[a:b],
                slope[a:b],
                free[r],
                initial[r],
                time[m:n],
                tolerance,
                y[m:n],
                y_p[m:n] if y_p.shape[0] > 0 else y_p,
                states[m:n] if states.shape[0] > 0 else states,
                work[0],
            )
            tried += steps
        return tried if work.size == 1 else 0  # the records of `work` live as long as it does

    return compile_entry(integrate_all)


integrate_all = _entry(edition(IN_TIME))


def call_once() -> None:
    """The smallest call, which compiles: one record of two samples under no current."""
    none, two = np.zeros(1), np.array([0.0, 1.0])
    ends = np.array([0, 1], dtype=np.int64)
    no = np.zeros(1, dtype=np.bool_)
    integrate_all(
        np.ones(len(IN_TIME)),
        no, none, two, none, none, ends, no, np.zeros((1, 3)), two, 2 * ends, 1e-6,
        np.empty(2), np.zeros((0, SENSITIVITIES)), np.zeros((0, 3)), np.empty(1, dtype=np.int64), np.empty(1),
    )  # fmt: skip


def is_compiled(entry: Any) -> bool:
    """Whether machine code of an entry is on disk, so that the first call will not have to compile.

    Parameters
    ----------
    entry : compiled function
        `integrate_all`.
    """
    return cache.is_compiled(entry, _SOURCES)


def prepare(entry: Any) -> None:
    """Have an entry compiled by another process, if it never was: by `call_once` of its module.

    Parameters
    ----------
    entry : compiled function
        `integrate_all`.
    """
    cache.prepare(entry, _SOURCES)
