"""Beginnings and jumps of the general integrator, with their derivatives, and the first step after them.

Derivatives come in blocks of columns, the same for each block.
"""

import math
from typing import Any

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import compile_part, inline_part
from memfit.model.integrator.general import source_at_start
from memfit.model.integrator.member import (
    BLOCK,
    FREE,
    LARGEST_EXPONENT,
    activation,
    at_once,
    capacitance,
    voltage_at,
)
from memfit.model.terms import ACTIVATION, AT_VOLTAGE, GROWING, LAG, SINGLE

_FIRST_STEP = 0.05  # of the fastest time scale seen at a jump
_INTO_LAYER = 5.0  # of the thickness of the layer behind a kink
_MOST_ITERATIONS = 200  # bisection alone needs about 60
_FARTHEST = 1e30  # V, at which a bracket is no longer widened


@inline_part
def begin(eq: Any, drive: float, u: float, free: bool, initial: FloatArray, w: Any) -> None:
    """All in equilibrium at u, not a number: at the drive; free: but for what `initial` gives.

    Those are u, lag 0, activation 0 and, where there are more, the other activations and lags. Where a record
    is free the last 3 columns are derivatives by the first three.
    """
    w.u[0] = _settled(eq, drive) if math.isnan(u) else u
    for k in range(eq.activations):
        w.f[k, 0] = activation(eq, k, w.u[0])[0]
    if free:
        w.f[0, 0] = initial[2]
    for k in range(eq.lags):
        w.y[k, 0] = eq.numbers[eq.at_lags + LAG * k + 1] * source_at_start(eq, k, w)
    if free:
        w.y[0, 0] = initial[1]
        if initial.size > FREE:
            for k in range(1, eq.activations):
                w.f[k, 0] = initial[FREE - 1 + k]
            for k in range(1, eq.lags):
                w.y[k, 0] = initial[FREE - 2 + eq.activations + k]
    if not eq.voltage:
        w.x[0] = w.u[0]
    elif free and eq.numbers[0] > 0.0:
        w.x[0] = (drive - w.u[0]) / eq.numbers[0]
    else:
        w.x[0] = _current(eq, w.u[0], 0.0, w)
    for c in range(eq.blocks):
        _begin_block(eq, c, free, w)


@compile_part
def _steady_current(eq: Any, u: float) -> tuple[float, float]:
    """I(u) in equilibrium, and its derivative."""
    p = eq.numbers
    current, slope = at_once(eq, u)
    for k in range(eq.lags):
        at, where = eq.at_lags + LAG * k, eq.sources[k]
        value, by_u = u, 1.0
        if where != AT_VOLTAGE:
            value, _, _, f_z, _, _, _ = activation(eq, where, u)
            by_u = f_z * eq.signs[where] / p[eq.at_activations + ACTIVATION * where + 1]
        weight = p[at + 2] + p[at + 3] * u
        current += p[at + 1] * value * weight
        slope += p[at + 1] * (by_u * weight + value * p[at + 3])
    return current, slope


@compile_part
def _settled(eq: Any, drive: float) -> Any:
    """The steady u of a device whose I(u) rises: Newton's method inside a bracket."""
    R_s, V_m = eq.numbers[0], eq.numbers[eq.at_activations + 1]
    own, share = (1.0, R_s) if eq.voltage else (0.0, 1.0)  # own u + share I(u) = drive
    if share == 0.0:
        return drive
    current, _ = _steady_current(eq, 0.0)
    up = 1.0 if drive > share * current else -1.0
    near, far = 0.0, up * V_m
    while up * (own * far + share * _steady_current(eq, far)[0] - drive) < 0.0 and abs(far) < _FARTHEST:
        near, far = far, 2.0 * far
    low, high = min(near, far), max(near, far)
    u, last = far, high - low
    for _ in range(_MOST_ITERATIONS):
        current, slope = _steady_current(eq, u)
        excess = own * u + share * current - drive
        if excess > 0.0:
            high = u
        else:
            low = u
        new = u - excess / (own + share * slope)
        # a step that is neither small nor half the last one may run in circles
        if not (low <= new <= high and abs(new - u) <= 0.5 * last + 1e-9 * max(abs(u), V_m)):
            new = 0.5 * (low + high)
        last = abs(new - u)
        u = new
        if last <= 4e-16 * max(abs(u), V_m):
            break
    return u


@compile_part
def _begin_block(eq: Any, c: int, free: bool, w: Any) -> None:
    """Derivatives at the beginning."""
    x_p, u_p = w.x_p[c, 0], w.u_p[0]
    of_u = eq.columns - FREE - BLOCK * c  # where, in this block, that by the initial u is
    for m in range(BLOCK):
        u_p[m] = 1.0 if free and m == of_u else 0.0
    _rest(eq, c, u_p, w)
    if not free:
        _move_with_parameters(eq, c, u_p, x_p, w)
        _rest(eq, c, u_p, w)
    for m in range(BLOCK if free else 0):
        w.f_p[0, c, 0, m] = 1.0 if m == of_u + 2 else 0.0
        w.y_p[0, c, 0, m] = 1.0 if m == of_u + 1 else 0.0
    if not eq.voltage:
        for m in range(BLOCK):
            x_p[m] = u_p[m]
    elif free and eq.numbers[0] > 0.0:
        for m in range(BLOCK):
            x_p[m] = -(u_p[m] + eq.by[c, 0, m] * w.x[0]) / eq.numbers[0]
    else:
        _current_derivatives(eq, c, w.u[0], 0.0, u_p, x_p, w)


@compile_part
def _move_with_parameters(eq: Any, c: int, u_p: FloatArray, scratch: FloatArray, w: Any) -> None:
    """Derivatives of the steady u, from those of what is at rest where u stays."""
    R_s = eq.numbers[0]
    current, slope = _steady_current(eq, w.u[0])
    _current_derivatives(eq, c, w.u[0], 0.0, u_p, scratch, w)
    for m in range(BLOCK):
        if eq.voltage:
            u_p[m] = -(R_s * scratch[m] + current * eq.by[c, 0, m]) / (1.0 + R_s * slope)
        else:
            u_p[m] = -scratch[m] / slope


@compile_part
def _rest(eq: Any, c: int, u_p: FloatArray, w: Any) -> None:
    """Derivatives of all activations and lags in equilibrium."""
    for k in range(eq.activations):
        _rest_activation(eq, c, k, u_p, w)
    for k in range(eq.lags):
        _rest_lag(eq, c, k, u_p, w)


@compile_part
def _rest_activation(eq: Any, c: int, k: int, u_p: FloatArray, w: Any) -> None:
    """Derivatives of activation k in equilibrium."""
    at, by = eq.at_activations + ACTIVATION * k, eq.by[c]
    _, _, z, f_z, _, _, _ = activation(eq, k, w.u[0])
    per_volt = f_z / eq.numbers[at + 1]
    for m in range(BLOCK):
        w.f_p[k, c, 0, m] = per_volt * (eq.signs[k] * u_p[m] - by[at, m] - z * by[at + 1, m])


@compile_part
def _rest_lag(eq: Any, c: int, k: int, u_p: FloatArray, w: Any) -> None:
    """Derivatives of lag k in equilibrium."""
    at, where = eq.at_lags + LAG * k, eq.sources[k]
    gain, value = eq.numbers[at + 1], source_at_start(eq, k, w)
    for m in range(BLOCK):
        source_p = u_p[m] if where == AT_VOLTAGE else w.f_p[where, c, 0, m]
        w.y_p[k, c, 0, m] = gain * source_p + eq.by[c, at + 1, m] * value


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
def _current_derivatives(
    eq: Any, c: int, u: float, u_rate: float, u_p: FloatArray, out: FloatArray, w: Any
) -> None:
    """Derivatives of `_current`, u moving with u_p at the same rate."""
    _, by_u = at_once(eq, u)
    _, C_u = capacitance(eq, u)
    by = eq.by[c]
    by_u += C_u * u_rate
    for k in range(eq.lags):
        by_u += eq.numbers[eq.at_lags + LAG * k + 3] * w.y[k, 0]
    for m in range(BLOCK):
        out[m] = by_u * u_p[m] + by[1, m] + u * by[2, m] + u_rate * by[3, m]
    for e in range(eq.currents + eq.capacitances):
        k = SINGLE + GROWING * e
        amplitude, width = eq.numbers[k], eq.numbers[k + 1]
        growth = math.exp(min(u / width, LARGEST_EXPONENT)) * (1.0 if e < eq.currents else u_rate)
        by_width = -amplitude * growth * u / width**2
        for m in range(BLOCK):
            out[m] += growth * by[k, m] + by_width * by[k + 1, m]
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        weight, y = eq.numbers[at + 2] + eq.numbers[at + 3] * u, w.y[k, 0]
        for m in range(BLOCK):
            out[m] += weight * w.y_p[k, c, 0, m] + y * (by[at + 2, m] + u * by[at + 3, m])


@inline_part
def enter(eq: Any, level: float, slope: float, jump: float, w: Any) -> None:
    """Carry the state over a kink or jump of the drive; what has no memory takes its new value."""
    R_s = eq.numbers[0]
    if eq.voltage and R_s > 0.0:
        w.x[0] += jump / R_s
    u = voltage_at(eq, level, w.x[0])
    w.u[0] = u
    for k in range(eq.activations):
        if eq.numbers[eq.at_activations + ACTIVATION * k + 2] == 0.0:
            w.f[k, 0] = activation(eq, k, u)[0]
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        if eq.numbers[at] == 0.0:
            w.y[k, 0] = eq.numbers[at + 1] * source_at_start(eq, k, w)
    if eq.voltage and R_s == 0.0:
        w.x[0] = _current(eq, u, slope, w)
    for c in range(eq.blocks):
        _enter_block(eq, c, slope, jump, w)


@compile_part
def _enter_block(eq: Any, c: int, slope: float, jump: float, w: Any) -> None:
    """Derivatives just after a kink or jump."""
    R_s, by, x_p, u_p = eq.numbers[0], eq.by[c], w.x_p[c, 0], w.u_p[0]
    for m in range(BLOCK):
        x_p[m] -= jump / R_s**2 * by[0, m] if eq.voltage and R_s > 0.0 else 0.0
        u_p[m] = eq.b * x_p[m] - (w.x[0] * by[0, m] if eq.voltage else 0.0)
    for k in range(eq.activations):
        if eq.numbers[eq.at_activations + ACTIVATION * k + 2] == 0.0:
            _rest_activation(eq, c, k, u_p, w)
    for k in range(eq.lags):
        if eq.numbers[eq.at_lags + LAG * k] == 0.0:
            _rest_lag(eq, c, k, u_p, w)
    if eq.voltage and R_s == 0.0:
        _current_derivatives(eq, c, w.u[0], slope, u_p, x_p, w)
        charging = _charging(eq, slope, w)
        for m in range(BLOCK):
            x_p[m] -= charging * by[0, m]


@compile_part
def _charging(eq: Any, slope: float, w: Any) -> float:
    """C dI/dt where the voltage rises with `slope`: by the first ohm of R_s the current lags so much."""
    u = w.u[0]
    _, by_u = at_once(eq, u)
    C, C_u = capacitance(eq, u)
    rate = (C_u * slope + by_u) * slope
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        tau, y = eq.numbers[at], w.y[k, 0]
        lag = (eq.numbers[at + 1] * source_at_start(eq, k, w) - y) / tau if tau > 0.0 else 0.0
        rate += (eq.numbers[at + 2] + eq.numbers[at + 3] * u) * lag + eq.numbers[at + 3] * slope * y
    total: float = C * rate
    return total


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
        f_ss, shape, _, _, _, _, _ = activation(eq, k, u)
        tau = eq.numbers[eq.at_activations + ACTIVATION * k + 2] * shape
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
