"""Beginnings, jumps and derivatives of the general integrator.

The derivative of each equation of a step is linear in the unknown derivatives, with the matrices that
Newton's method left behind (see `memfit.model.integrator.general`). With x_m, f_m, y_m the derivatives at the
start of the step, z and r the rises of those of x and f,

    T r + b E z = -(f_m + E u_m + explicit),     A z + B r = -(dF/dx x_m + weight y_m + explicit),

where `explicit` is the derivative of the equation by the numbers of the device, times theirs by the
parameters.
"""

import math
from typing import Any

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import POINTS, STAGES, compile_part, inline_part
from memfit.model.integrator.general import linearise, rates, reduce_matrix, source_at_start
from memfit.model.integrator.member import (
    FREE,
    LARGEST_EXPONENT,
    STALE,
    activation,
    at_once,
    capacitance,
    logarithms,
    voltage_at,
)
from memfit.model.terms import ACTIVATION, AT_VOLTAGE, GROWING, LAG, SINGLE

_FIRST_STEP = 0.05  # of the fastest time scale seen at a jump
_INTO_LAYER = 5.0  # of the thickness of the layer behind a kink
_SAME_MATRIX = 1e-8  # change of the matrices that derivatives may not notice


@inline_part
def begin(eq: Any, drive: float, u: float, u_p: FloatArray, free: bool, initial: FloatArray, w: Any) -> None:
    """All in equilibrium at u, whose derivatives are u_p (n,); free: but for u, activation 0 and lag 0.

    Of a free record the last 3 columns are derivatives by its initial values.
    """
    n = eq.columns
    first = n - FREE
    w.u[0] = u
    for k in range(eq.activations):
        _rest_activation(eq, k, u_p, w)
    if free:
        w.f[0, 0] = initial[2]
        for m in range(n):
            w.f_p[0, 0, m] = 1.0 if m == first + 2 else 0.0
    for k in range(eq.lags):
        _rest_lag(eq, k, u_p, w)
    if free:
        w.y[0, 0] = initial[1]
        for m in range(n):
            w.y_p[0, 0, m] = 1.0 if m == first + 1 else 0.0
    if not eq.voltage:
        w.x[0] = u
        for m in range(n):
            w.x_p[0, m] = u_p[m]
    elif free and eq.numbers[0] > 0.0:
        w.x[0] = (drive - u) / eq.numbers[0]
        for m in range(n):
            w.x_p[0, m] = -(u_p[m] + eq.by[0, m] * w.x[0]) / eq.numbers[0]
    else:
        w.x[0] = _current(eq, u, 0.0, w)
        _current_derivatives(eq, u, 0.0, u_p, w.x_p[0], w)


@compile_part
def _rest_activation(eq: Any, k: int, u_p: FloatArray, w: Any) -> None:
    """Activation k in equilibrium, with its derivatives."""
    at = eq.at_activations + ACTIVATION * k
    f_ss, _, z, f_z, _, _ = activation(eq, k, w.u[0])
    w.f[k, 0] = f_ss
    per_volt = f_z / eq.numbers[at + 1]
    for m in range(eq.columns):
        w.f_p[k, 0, m] = per_volt * (eq.signs[k] * u_p[m] - eq.by[at, m] - z * eq.by[at + 1, m])


@compile_part
def _rest_lag(eq: Any, k: int, u_p: FloatArray, w: Any) -> None:
    """Lag k in equilibrium, with its derivatives."""
    at, where = eq.at_lags + LAG * k, eq.sources[k]
    gain, value = eq.numbers[at + 1], source_at_start(eq, k, w)
    w.y[k, 0] = gain * value
    for m in range(eq.columns):
        source_p = u_p[m] if where == AT_VOLTAGE else w.f_p[where, 0, m]
        w.y_p[k, 0, m] = gain * source_p + eq.by[at + 1, m] * value


@compile_part
def _current(eq: Any, u: float, u_rate: float, w: Any) -> float:
    """All that leaves the junction at the start of a step, A, charging included."""
    current, _ = at_once(eq, u)
    C, _ = capacitance(eq, u)
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        current += w.y[k, 0] * (eq.numbers[at + 2] + eq.numbers[at + 3] * u)
    total: float = current + C * u_rate
    return total


@compile_part
def _current_derivatives(eq: Any, u: float, u_rate: float, u_p: FloatArray, out: FloatArray, w: Any) -> None:
    """Derivatives of `_current`, u moving with u_p at the same rate."""
    _, by_u = at_once(eq, u)
    _, C_u = capacitance(eq, u)
    by_u += C_u * u_rate
    for k in range(eq.lags):
        by_u += eq.numbers[eq.at_lags + LAG * k + 3] * w.y[k, 0]
    for m in range(eq.columns):
        out[m] = by_u * u_p[m]
    _add_explicit(eq, u, u_rate, out)
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        weight, y = eq.numbers[at + 2] + eq.numbers[at + 3] * u, w.y[k, 0]
        for m in range(eq.columns):
            out[m] += weight * w.y_p[k, 0, m] + y * (eq.by[at + 2, m] + u * eq.by[at + 3, m])


@compile_part
def _add_explicit(eq: Any, u: float, u_rate: float, out: FloatArray) -> None:
    """Add the derivatives of j(u) + C(u) u' by their own numbers."""
    by = eq.by
    for m in range(eq.columns):
        out[m] += by[1, m] + u * by[2, m] + u_rate * by[3, m]
    for e in range(eq.currents + eq.capacitances):
        k = SINGLE + GROWING * e
        amplitude, width = eq.numbers[k], eq.numbers[k + 1]
        growth = math.exp(min(u / width, LARGEST_EXPONENT)) * (1.0 if e < eq.currents else u_rate)
        by_width = -amplitude * growth * u / width**2
        for m in range(eq.columns):
            out[m] += growth * by[k, m] + by_width * by[k + 1, m]


@inline_part
def enter(eq: Any, level: float, slope: float, jump: float, w: Any) -> None:
    """Carry the state over a kink or jump of the drive; what has no memory takes its new value."""
    R_s = eq.numbers[0]
    u_p = w.u_p[0]
    if eq.voltage and R_s > 0.0:
        w.x[0] += jump / R_s
        for m in range(eq.columns):
            w.x_p[0, m] -= jump / R_s**2 * eq.by[0, m]
    w.u[0] = voltage_at(eq, level, w.x[0])
    for m in range(eq.columns):
        u_p[m] = eq.b * w.x_p[0, m] - (w.x[0] * eq.by[0, m] if eq.voltage else 0.0)
    for k in range(eq.activations):
        if eq.numbers[eq.at_activations + ACTIVATION * k + 2] == 0.0:
            _rest_activation(eq, k, u_p, w)
    for k in range(eq.lags):
        if eq.numbers[eq.at_lags + LAG * k] == 0.0:
            _rest_lag(eq, k, u_p, w)
    if eq.voltage and R_s == 0.0:
        _follow_drive(eq, slope, w)


@inline_part
def _follow_drive(eq: Any, slope: float, w: Any) -> None:
    """Without R_s the current follows the drive at once; its derivative by R_s is that of the first ohm."""
    u = w.u[0]
    w.x[0] = _current(eq, u, slope, w)
    u_p = w.u_p[0]
    for m in range(eq.columns):
        u_p[m] = -w.x[0] * eq.by[0, m]
    _current_derivatives(eq, u, slope, u_p, w.x_p[0], w)
    _, by_u = at_once(eq, u)
    C, C_u = capacitance(eq, u)
    rate = (C_u * slope + by_u) * slope
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        tau, y = eq.numbers[at], w.y[k, 0]
        lag = (eq.numbers[at + 1] * source_at_start(eq, k, w) - y) / tau if tau > 0.0 else 0.0
        rate += (eq.numbers[at + 2] + eq.numbers[at + 3] * u) * lag + eq.numbers[at + 3] * slope * y
    for m in range(eq.columns):
        w.x_p[0, m] -= C * rate * eq.by[0, m]


@compile_part
def first_step_of(eq: Any, level: float, slope: float, length: float, w: Any) -> float:
    """A fraction of the fastest change just after a jump."""
    u, rate = w.u[0], 1.0 / length
    V_m = eq.numbers[eq.at_activations + 1]
    C, _ = capacitance(eq, u)
    current = _current(eq, u, 0.0, w)
    if abs(eq.b) > 0.0:
        u_rate = ((w.x[0] if eq.voltage else level) - current) / C
        rate = max(rate, abs(u_rate) / V_m)
    else:
        rate = max(rate, abs(slope) / V_m)
    for k in range(eq.activations):
        f_ss, tau, _, _, _, _ = activation(eq, k, u)
        if tau > 0.0:
            rate = max(rate, abs(f_ss - w.f[k, 0]) / tau)
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        tau, gain = eq.numbers[at], eq.numbers[at + 1]
        unit = V_m if eq.sources[k] == AT_VOLTAGE else gain
        if tau > 0.0 and unit > 0.0:
            rate = max(rate, abs(gain * source_at_start(eq, k, w) - w.y[k, 0]) / (tau * unit))
    first: float = min(length, _FIRST_STEP / rate)
    return first


@compile_part
def into_layer(eq: Any, bend: float, tolerance: float, w: Any) -> float:
    """Longest first step after the slope of the drive has changed by `bend`; see `step_into_layer`."""
    u = w.u[0]
    C, _ = capacitance(eq, u)
    _, by_u = at_once(eq, u)
    by_x = abs(eq.b * by_u - (1.0 if eq.voltage else 0.0))
    if not by_x > 0.0:
        return math.inf
    thickness = abs(C * eq.b) / by_x
    height = abs(bend) * (C if eq.voltage else thickness) / by_x
    seen = tolerance * (abs(w.x[0]) if eq.voltage else eq.numbers[eq.at_activations + 1])
    return _INTO_LAYER * thickness if thickness > 0.0 and height > seen else math.inf


@inline_part
def advance(eq: Any, h: float, slope: float, w: Any) -> None:
    """Derivatives at all points of the step, from those at its start."""
    if w.known[STALE] > _SAME_MATRIX:
        linearise(eq, slope, h, w)
        reduce_matrix(eq, w)
        rates(w.x, h, w.x_rate)
    for i in range(POINTS):
        for m in range(eq.columns):
            w.u_p[i, m] = -w.x[i] * eq.by[0, m] if eq.voltage else 0.0
    for k in range(eq.lags):
        _free_lag(eq, k, h, w)
    for i in range(1, POINTS):
        _balance(eq, i, slope, w)
    for k in range(eq.activations):
        _free_activation(eq, k, w)
    _solve_derivatives(eq, w)
    _ends_of_lags(eq, w)


@inline_part
def _free_lag(eq: Any, k: int, h: float, w: Any) -> None:
    """Derivatives of the stages of a lag where those of its source stay as at the start."""
    at, where = eq.at_lags + LAG * k, eq.sources[k]
    gain, n = eq.numbers[at + 1], eq.columns
    rates(w.y[k], h, w.y_rate[k])
    for j in range(1, POINTS):
        for m in range(n):
            start = eq.b * w.x_p[0, m] + w.u_p[j, m] if where == AT_VOLTAGE else w.f_p[where, 0, m]
            w.right[j, m] = gain * start - w.y_p[k, 0, m] - eq.by[at, m] * w.y_rate[k, j]
        source = w.u[j] if where == AT_VOLTAGE else w.f[where, j]
        for m in range(n):
            w.right[j, m] += eq.by[at + 1, m] * source
    for i in range(1, POINTS):
        for m in range(n):
            w.y_free_p[k, i, m] = w.y_p[k, 0, m]
        for j in range(1, POINTS):
            share = w.Q[k, i, j]
            for m in range(n):
                w.y_free_p[k, i, m] += share * w.right[j, m]


@inline_part
def _balance(eq: Any, i: int, slope: float, w: Any) -> None:
    """Right side of the balance of currents at stage i."""
    n, u = eq.columns, w.u[i]
    right = w.right[i]
    u_rate = (slope if eq.voltage else 0.0) + eq.b * w.x_rate[i]
    C, _ = capacitance(eq, u)
    by_x = eq.b * w.slope[i] - (1.0 if eq.voltage else 0.0)
    series = -C * w.x_rate[i] if eq.voltage else 0.0
    for m in range(n):
        right[m] = by_x * w.x_p[0, m] + w.slope[i] * w.u_p[i, m] + series * eq.by[0, m]
    _add_explicit(eq, u, u_rate, right)
    for k in range(eq.lags):
        at, y = eq.at_lags + LAG * k, w.y[k, i]
        weight = eq.numbers[at + 2] + eq.numbers[at + 3] * u
        for m in range(n):
            right[m] += weight * w.y_free_p[k, i, m] + y * (eq.by[at + 2, m] + u * eq.by[at + 3, m])


@inline_part
def _free_activation(eq: Any, k: int, w: Any) -> None:
    """Right side of the equation of an activation at all stages, solved by its own matrix."""
    at, n, by = eq.at_activations + ACTIVATION * k, eq.columns, eq.by
    p = eq.numbers
    for i in range(1, POINTS):
        _, tau, z, _, _, _ = activation(eq, k, w.u[i])
        log_f, log_rest = logarithms(z)
        moving = tau * w.f_rate[k, i]
        by_time = math.exp(p[at + 3] * log_f + p[at + 4] * log_rest) * w.f_rate[k, i]
        E = w.E[k, i]
        shift = E * eq.signs[k]  # the sign once more: by z/V_m
        for m in range(n):
            w.f_right[k, i, m] = (
                w.f_p[k, 0, m]
                + E * (eq.b * w.x_p[0, m] + w.u_p[i, m])
                - shift * (by[at, m] + z * by[at + 1, m])
                + by_time * by[at + 2, m]
                + moving * (log_f * by[at + 3, m] + log_rest * by[at + 4, m])
            )
    _solve_block(w.T[k], w.f_right[k], n)


@inline_part
def _solve_derivatives(eq: Any, w: Any) -> None:
    """Derivatives of x and f."""
    n = eq.columns
    for k in range(eq.lags):
        where = eq.sources[k]
        if where == AT_VOLTAGE:
            continue
        at = eq.at_lags + LAG * k
        for i in range(1, POINTS):
            weight = (eq.numbers[at + 2] + eq.numbers[at + 3] * w.u[i]) * eq.numbers[at + 1]
            for j in range(1, POINTS):
                share = weight * w.Q[k, i, j]
                for m in range(n):
                    w.right[i, m] -= share * w.f_right[where, j, m]
    _solve_block(w.A, w.right, n)
    for i in range(1, POINTS):
        for m in range(n):
            w.x_p[i, m] = w.x_p[0, m] - w.right[i, m]
    for k in range(eq.activations):
        for i in range(1, POINTS):
            for m in range(n):
                w.f_p[k, i, m] = w.f_p[k, 0, m] - w.f_right[k, i, m]
            for j in range(1, POINTS):
                share = w.X[k, i, j]
                for m in range(n):
                    w.f_p[k, i, m] += share * w.right[j, m]


@inline_part
def _ends_of_lags(eq: Any, w: Any) -> None:
    """Derivatives of the lags at the end of the step; nobody asks for those at other stages."""
    n = eq.columns
    for k in range(eq.lags):
        where, gain = eq.sources[k], eq.numbers[eq.at_lags + LAG * k + 1]
        for m in range(n):
            w.y_p[k, STAGES, m] = w.y_free_p[k, STAGES, m]
        for j in range(1, POINTS):
            share = gain * w.Q[k, STAGES, j]
            for m in range(n):
                rise = (
                    -eq.b * w.right[j, m] if where == AT_VOLTAGE else w.f_p[where, j, m] - w.f_p[where, 0, m]
                )
                w.y_p[k, STAGES, m] += share * rise


@compile_part
def _solve_block(M: FloatArray, right: FloatArray, n: int) -> None:
    """Solve in place for n columns, with the factors of M."""
    for i in range(2, POINTS):
        for j in range(1, i):
            share = M[i, j]
            for m in range(n):
                right[i, m] -= share * right[j, m]
    for i in range(STAGES, 0, -1):
        for j in range(i + 1, POINTS):
            share = M[i, j]
            for m in range(n):
                right[i, m] -= share * right[j, m]
        for m in range(n):
            right[i, m] *= M[i, i]


@compile_part
def go_on(eq: Any, w: Any) -> None:
    """The end of the step becomes the start of the next one."""
    w.x[0] = w.x[STAGES]
    w.u[0] = w.u[STAGES]
    for k in range(eq.activations):
        w.f[k, 0] = w.f[k, STAGES]
    for k in range(eq.lags):
        w.y[k, 0] = w.y[k, STAGES]
    for m in range(eq.columns):
        w.x_p[0, m] = w.x_p[STAGES, m]
        for k in range(eq.activations):
            w.f_p[k, 0, m] = w.f_p[k, STAGES, m]
        for k in range(eq.lags):
            w.y_p[k, 0, m] = w.y_p[k, STAGES, m]
