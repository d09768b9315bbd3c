"""Derivatives of a step of the general integrator by the parameters and the initial state.

The derivative of each equation of a step is linear in the unknown derivatives, with the matrices that
Newton's method left behind (see `memfit.model.integrator.general`). With x_m, f_m, y_m the derivatives at the
start of the step, z and r the rises of those of x and f,

    T r + b E z = -(f_m + E u_m + explicit),     A z + B r = -(dF/dx x_m + weight y_m + explicit),

where `explicit` is the derivative of the equation by the numbers of the device, times theirs by the
parameters. What all blocks of columns share is computed once.
"""

import math
from typing import Any

from memfit.model.integrator.equation import POINTS, STAGES, compile_part, inline_part
from memfit.model.integrator.general import linearise, rates, reduce_matrix
from memfit.model.integrator.member import (
    BLOCK,
    LARGEST_EXPONENT,
    STALE,
    capacitance,
    product,
    solve_block,
)
from memfit.model.terms import ACTIVATION, AT_VOLTAGE, GROWING, LAG, SINGLE

_SAME_MATRIX = 1e-8  # change of the matrices that derivatives may not notice


@inline_part
def advance(eq: Any, h: float, slope: float, w: Any) -> None:
    """Derivatives at all points of the step, from those at its start."""
    if w.known[STALE] > _SAME_MATRIX:
        linearise(eq, slope, h, w)
        reduce_matrix(eq, w)
        rates(w.x, h, w.x_rate)
    _note_stages(eq, h, slope, w)
    for c in range(eq.blocks):
        _own_motion(eq, c, w)
        for k in range(eq.lags):
            _free_lag(eq, c, k, w)
        _balance(eq, c, w)
        for k in range(eq.activations):
            _free_activation(eq, c, k, w)
        _solve_derivatives(eq, c, w)
        _ends_of_lags(eq, c, w)


@compile_part
def _note_stages(eq: Any, h: float, slope: float, w: Any) -> None:
    """What the derivatives by all columns need of each stage."""
    p = eq.numbers
    for k in range(eq.lags):
        rates(w.y[k], h, w.y_rate[k])
    for i in range(1, POINTS):
        w.C[i], _ = capacitance(eq, w.u[i])
        w.u_rate[i] = (slope if eq.voltage else 0.0) + eq.b * w.x_rate[i]
        for k in range(eq.lags):
            at = eq.at_lags + LAG * k
            w.weight[k, i] = p[at + 2] + p[at + 3] * w.u[i]
        for e in range(eq.currents + eq.capacitances):
            width = p[SINGLE + GROWING * e + 1]
            growth = math.exp(min(w.u[i] / width, LARGEST_EXPONENT))
            w.growth[e, i] = growth * (1.0 if e < eq.currents else w.u_rate[i])


@compile_part
def _own_motion(eq: Any, c: int, w: Any) -> None:
    """Explicit derivative of u at all points."""
    u_p, by = w.u_p, eq.by[c]
    for i in range(POINTS):
        for m in range(BLOCK):
            u_p[i, m] = -w.x[i] * by[0, m] if eq.voltage else 0.0


@compile_part
def _free_lag(eq: Any, c: int, k: int, w: Any) -> None:
    """Derivatives of the stages of a lag where those of its source stay as at the start."""
    at, where = eq.at_lags + LAG * k, eq.sources[k]
    gain, by, right, free, Q = eq.numbers[at + 1], eq.by[c], w.right, w.y_free_p[k], w.Q[k]
    x_p, u_p, y_p = w.x_p[c], w.u_p, w.y_p[k, c]
    for j in range(1, POINTS):
        rate = w.y_rate[k, j]
        if where == AT_VOLTAGE:
            for m in range(BLOCK):
                right[j, m] = gain * (eq.b * x_p[0, m] + u_p[j, m]) + by[at + 1, m] * w.u[j]
        else:
            for m in range(BLOCK):
                right[j, m] = gain * w.f_p[where, c, 0, m] + by[at + 1, m] * w.f[where, j]
        for m in range(BLOCK):
            right[j, m] -= y_p[0, m] + by[at, m] * rate
    product(Q, right, free)
    for i in range(1, POINTS):
        for m in range(BLOCK):
            free[i, m] += y_p[0, m]


@compile_part
def _balance(eq: Any, c: int, w: Any) -> None:
    """Right side of the balance of currents at all stages."""
    right, by, x_p, u_p = w.right, eq.by[c], w.x_p[c], w.u_p
    for i in range(1, POINTS):
        u, rate = w.u[i], w.u_rate[i]
        by_x = eq.b * w.slope[i] - (1.0 if eq.voltage else 0.0)
        series = -w.C[i] * w.x_rate[i] if eq.voltage else 0.0
        for m in range(BLOCK):
            right[i, m] = (
                by_x * x_p[0, m]
                + w.slope[i] * u_p[i, m]
                + series * by[0, m]
                + by[1, m]
                + u * by[2, m]
                + rate * by[3, m]
            )
        for e in range(eq.currents + eq.capacitances):
            k = SINGLE + GROWING * e
            growth = w.growth[e, i]
            by_width = -eq.numbers[k] * growth * u / eq.numbers[k + 1] ** 2
            for m in range(BLOCK):
                right[i, m] += growth * by[k, m] + by_width * by[k + 1, m]
        for k in range(eq.lags):
            at, y, weight = eq.at_lags + LAG * k, w.y[k, i], w.weight[k, i]
            free = w.y_free_p[k]
            for m in range(BLOCK):
                right[i, m] += weight * free[i, m] + y * (by[at + 2, m] + u * by[at + 3, m])


@compile_part
def _free_activation(eq: Any, c: int, k: int, w: Any) -> None:
    """Right side of the equation of an activation at all stages, solved by its own matrix."""
    at, by = eq.at_activations + ACTIVATION * k, eq.by[c]
    right, x_p, u_p, f_p = w.f_right[k], w.x_p[c], w.u_p, w.f_p[k, c]
    for i in range(1, POINTS):
        E, z = w.E[k, i], w.z[k, i]
        shift = E * eq.signs[k]  # the sign once more: by z/V_m
        by_time = w.shape[k, i] * w.f_rate[k, i]
        moving = eq.numbers[at + 2] * by_time
        for m in range(BLOCK):
            right[i, m] = (
                f_p[0, m]
                + E * (eq.b * x_p[0, m] + u_p[i, m])
                - shift * (by[at, m] + z * by[at + 1, m])
                + by_time * by[at + 2, m]
                + moving * (w.log_f[k, i] * by[at + 3, m] + w.log_rest[k, i] * by[at + 4, m])
            )
    solve_block(w.T[k], right)


@compile_part
def _solve_derivatives(eq: Any, c: int, w: Any) -> None:
    """Derivatives of x and f."""
    right, x_p = w.right, w.x_p[c]
    for k in range(eq.lags):
        where = eq.sources[k]
        if where == AT_VOLTAGE:
            continue
        gain, Q, f_right = eq.numbers[eq.at_lags + LAG * k + 1], w.Q[k], w.f_right[where]
        product(Q, f_right, w.product)
        for i in range(1, POINTS):
            weight = w.weight[k, i] * gain
            for m in range(BLOCK):
                right[i, m] -= weight * w.product[i, m]
    solve_block(w.A, right)
    for i in range(1, POINTS):
        for m in range(BLOCK):
            x_p[i, m] = x_p[0, m] - right[i, m]
    for k in range(eq.activations):
        f_p, f_right, X = w.f_p[k, c], w.f_right[k], w.X[k]
        product(X, right, w.product)
        for i in range(1, POINTS):
            for m in range(BLOCK):
                f_p[i, m] = f_p[0, m] - f_right[i, m] + w.product[i, m]


@compile_part
def _ends_of_lags(eq: Any, c: int, w: Any) -> None:
    """Derivatives of the lags at the end of the step; nobody asks for those at other stages."""
    right = w.right
    for k in range(eq.lags):
        where, gain, Q = eq.sources[k], eq.numbers[eq.at_lags + LAG * k + 1], w.Q[k]
        free, y_p = w.y_free_p[k], w.y_p[k, c]
        for m in range(BLOCK):
            total = 0.0
            for j in range(1, POINTS):
                rise = (
                    -eq.b * right[j, m]
                    if where == AT_VOLTAGE
                    else w.f_p[where, c, j, m] - w.f_p[where, c, 0, m]
                )
                total += Q[STAGES, j] * rise
            y_p[STAGES, m] = free[STAGES, m] + gain * total


@compile_part
def go_on(eq: Any, w: Any) -> None:
    """The end of the step becomes the start of the next one."""
    w.x[0] = w.x[STAGES]
    w.u[0] = w.u[STAGES]
    for k in range(eq.activations):
        w.f[k, 0] = w.f[k, STAGES]
    for k in range(eq.lags):
        w.y[k, 0] = w.y[k, STAGES]
    for c in range(eq.blocks):
        for m in range(BLOCK):
            w.x_p[c, 0, m] = w.x_p[c, STAGES, m]
        for k in range(eq.activations):
            for m in range(BLOCK):
                w.f_p[k, c, 0, m] = w.f_p[k, c, STAGES, m]
        for k in range(eq.lags):
            for m in range(BLOCK):
                w.y_p[k, c, 0, m] = w.y_p[k, c, STAGES, m]
