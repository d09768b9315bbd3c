"""The general integrator: adaptive steps, dense output, one call for all records of a device of the family.

It does what `memfit.model.integrator.run` does for the plainest device, with the step of
`memfit.model.integrator.general`. Numbers of the device may differ from record to record.
"""

import math
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.integrator.cache import compile_entry
from memfit.model.integrator.equation import POINTS, STAGES, TABLEAU, compile_part, inline_part
from memfit.model.integrator.general import remember, try_step
from memfit.model.integrator.general_slopes import advance, go_on
from memfit.model.integrator.general_start import begin, enter, first_step_of, into_layer
from memfit.model.integrator.member import (
    BLOCK,
    FREE,
    H_KNOWN,
    MEMBER,
    WORK,
    H,
    set_member,
    voltage_at,
)
from memfit.model.integrator.run import (
    MAX_STEPS_PER_PIECE,
    NOT_FINITE,
    OK,
    STEP_TOO_SMALL,
    TOO_MANY_STEPS,
    edition,
    growth,
    shrinkage,
)
from memfit.model.parameters import NAMES

_THETA, _BARYCENTRIC = TABLEAU.points, TABLEAU.barycentric


@inline_part
def _run_piece(
    eq: Any,
    begins: float,
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
    w: Any,
) -> tuple[int, float, int, int]:
    """Steps through one piece of the drive.

    Returns status, time reached since its beginning, samples written, steps tried.
    """
    t = 0.0
    rejected = False
    for tried in range(1, MAX_STEPS_PER_PIECE + 1):
        if not w.known[H] > 4e-16 * t:
            return STEP_TOO_SMALL, t, done, tried
        closes = t + 1.0001 * w.known[H] >= length
        h = length - t if closes else w.known[H]
        error = try_step(eq, level + slope * t, slope, h, tolerance, w)
        if not error <= 1.0:
            w.known[H] = h * shrinkage(error)
            if not error < np.inf:
                w.known[H_KNOWN] = 0.0
            rejected = True
            continue
        if not math.isfinite(w.x[STAGES] + w.u[STAGES]):
            return NOT_FINITE, t, done, tried
        if y_p.shape[0] > 0:
            advance(eq, h, slope, w)
        arrival = length if closes else t + h
        until = np.inf if closes and is_last else arrival
        while done < time.size and time[done] - begins < until:
            since = time[done] - begins
            _write(eq, since, (since - t) / h, level, slope, done, y, y_p, states, w)
            done += 1
        remember(eq, h, w)
        go_on(eq, w)
        t = arrival
        w.known[H] = h * growth(error, rejected)
        rejected = False
        if closes:
            return OK, t, done, tried
    return TOO_MANY_STEPS, t, done, MAX_STEPS_PER_PIECE


@inline_part
def _write(
    eq: Any,
    since: float,
    theta: float,
    level: float,
    slope: float,
    place: int,
    y: FloatArray,
    y_p: FloatArray,
    states: FloatArray,
    w: Any,
) -> None:
    """One sample: what is measured, its derivatives, the states."""
    _set_weights(theta, w.weights)
    drive = level + slope * since
    x = _value(w.x, w.weights)
    y[place] = x if eq.voltage else x + eq.numbers[0] * drive
    if y_p.shape[0] > 0:
        for c in range(eq.blocks):
            _write_block(eq, c, drive, place, y_p, w)
        rate = _value(w.x_rate, w.weights)
        y_p[place, -1] = rate if eq.voltage else rate + eq.numbers[0] * slope
    if states.shape[0] > 0:
        states[place, 0] = voltage_at(eq, drive, x)
        for k in range(eq.activations):
            states[place, 1 + k] = _value(w.f[k], w.weights)
        for k in range(eq.lags):
            states[place, 1 + eq.activations + k] = _value(w.y[k], w.weights)


@compile_part
def _write_block(eq: Any, c: int, drive: float, place: int, y_p: FloatArray, w: Any) -> None:
    """A block of the derivatives of a sample."""
    by_R_s, here = eq.by[c, 0], y_p[place]
    through = 0.0 if eq.voltage else drive
    x_p = w.x_p[c]
    for m in range(min(BLOCK, eq.columns - BLOCK * c)):
        total = through * by_R_s[m]
        for i in range(POINTS):
            total += w.weights[i] * x_p[i, m]
        here[BLOCK * c + m] = total


@compile_part
def _set_weights(theta: float, weights: FloatArray) -> None:
    """Lagrange's weights of the points of the step for its value at theta."""
    product = 1.0
    for i in range(POINTS):
        weights[i] = product * _BARYCENTRIC[i]
        product *= theta - _THETA[i]
    product = 1.0
    for i in range(STAGES, -1, -1):
        weights[i] *= product
        product *= theta - _THETA[i]


@compile_part
def _value(values: FloatArray, weights: FloatArray) -> float:
    """The polynomial through `values`."""
    total = 0.0
    for i in range(POINTS):
        total += weights[i] * values[i]
    return total


@inline_part
def _integrate(
    eq: Any,
    before: float,
    u: float,
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
    """One record; status, time reached (s), steps tried."""
    begin(eq, before, u, free, initial, w)
    y[:] = np.nan
    w.known[:] = 0.0
    done, tried = 0, 0
    last_level, last_slope = before, 0.0
    for k in range(level.size):
        length = edges[k + 1] - edges[k]
        jump = level[k] - last_level
        enter(eq, level[k], slope[k], jump, w)
        if jump != 0.0 or w.known[H] == 0.0 or (eq.voltage and eq.numbers[0] == 0.0):
            w.known[H] = first_step_of(eq, level[k], slope[k], length, w)
            w.known[H_KNOWN] = 0.0
        if slope[k] != last_slope:
            w.known[H] = min(w.known[H], into_layer(eq, slope[k] - last_slope, tolerance, w))
            w.known[H_KNOWN] = 0.0
        last_level, last_slope = level[k] + slope[k] * length, slope[k]
        status, t, done, steps = _run_piece(
            eq, edges[k], length, level[k], slope[k], k == level.size - 1, time, tolerance,
            y, y_p, states, done, w,
        )  # fmt: skip
        tried += steps
        if status != OK:
            return status, edges[k] + t, tried
    return OK, edges[-1], tried


def _entry(sources: int) -> Any:
    """The compiled function; numba looks for changes in this file only, `sources` stands for the others."""

    def integrate_members(
        numbers: FloatArray,
        by: FloatArray,
        signs: FloatArray,
        of: Any,
        shape: Any,
        u: FloatArray,
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
        """All records in one call, laid end to end.

        numbers (r, k) and by (r, k, n or 0), the device of each record, as `memfit.model.terms`; its `signs`,
        sources `of` its lags and `shape`; u (r,) junction voltage before the drive, not a number where it
        is the only steady one; the rest as `integrate_all` of `memfit.model.integrator.run`. y_p begins as
        zeros; its last column is by time. Returns the number of steps tried.
        """
        _ = sources
        devices, memory = np.zeros(1, MEMBER), np.zeros(1, WORK)
        eq, w, tried = devices[0], memory[0], 0
        for r in range(voltage.size):
            a, b = piece_offset[r], piece_offset[r + 1]
            m, n = time_offset[r], time_offset[r + 1]
            set_member(eq, voltage[r], numbers[r], by[r], signs, of, shape)
            status[r], reached[r], steps = _integrate(
                eq,
                before[r],
                u[r],
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
                w,
            )
            tried += steps
        return tried if devices.size + memory.size else 0  # the records live as long as they do

    return compile_entry(integrate_members)


integrate_members = _entry(edition(NAMES))


def call_once() -> None:
    """The smallest call, which compiles: a resistance and a capacitance with a channel under no current."""
    none, two = np.zeros(1), np.array([0.0, 1.0])
    ends = np.array([0, 1], dtype=np.int64)
    no = np.zeros(1, dtype=np.bool_)
    numbers = np.array([[0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0]])
    integrate_members(
        numbers, np.zeros((1, numbers.size, FREE)), np.ones(1), np.zeros(1, dtype=np.int64),
        np.array([0, 0, 1, 1], dtype=np.int64), none,
        no, none, two, none, none, ends, no, np.zeros((1, 3)), two, 2 * ends, 1e-6,
        np.empty(2), np.zeros((2, FREE + 1)), np.zeros((0, 3)), np.empty(1, dtype=np.int64), np.empty(1),
    )  # fmt: skip
