"""Derivatives of a collocation step by the parameters and by the initial state (the tangents of the flow).

The derivative of each equation of a step is linear in the unknown derivatives, with the matrix M that
Newton's method left behind (see `memfit.model.integrator.step`). With x_m, c_m, f_m the derivatives of x,
i_c, f at the start of the step and y the rise of the derivative of f,

    c_m <- c_m + Q (i_c0 (f_m + y) - c_m + explicit),    x_m <- x_m + P (sigma c_m - kappa x_m + explicit),
    M y = gain (b x_m + explicit) - f_m + explicit,      gain = (1 - tau_k df/dt) df_ss/du,

where `explicit` is the derivative of the equation by the parameter itself. Columns come in blocks of 8: by
the parameters R_b .. R_s (block 0), by the initial u, i_c, f (block 1).
"""

from typing import Any

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import (
    BLOCK,
    POINTS,
    STAGES,
    TABLEAU,
    Equation,
    compile_part,
    inline_part,
)
from memfit.model.integrator.step import factor, linearise

R_B, C_M, I_C0, V_T, V_M, TAU_D, TAU_K, R_S = range(8)
"""Columns of the block of parameters."""
PARAMETERS, INITIAL = 0, 1
"""The blocks."""

_D = TABLEAU.derivative
_SAME_MATRIX = 1e-8  # change of M that derivatives may not notice


@inline_part
def advance_tangents(eq: Equation, h: float, slope: float, blocks: int, w: Any) -> None:
    """Derivatives at all points of the step, from those at its start."""
    _rates(w.x, h, w.x_rate)
    _rates(w.c, h, w.c_rate)
    if w.stale > _SAME_MATRIX:
        linearise(eq, h, w)
        factor(w.M)
    for block in range(blocks):
        _channel_without_f(eq, block, w)
        _terminal_without_f(eq, slope, block, w)
        _activation(eq, block, w)


@compile_part
def _rates(values: FloatArray, h: float, rate: FloatArray) -> None:
    """Derivative by time at all points."""
    for i in range(POINTS):
        total = 0.0
        for j in range(1, POINTS):
            total += _D[i, j] * (values[j] - values[0])
        rate[i] = total / h


@compile_part
def _channel_without_f(eq: Equation, block: int, w: Any) -> None:
    """c_p where the derivative of f stays as at the start."""
    c_p, f_p, right = w.c_p[block], w.f_p[block], w.right
    for i in range(1, POINTS):
        for m in range(BLOCK):
            right[i, m] = eq.i_c0 * f_p[0, m] - c_p[0, m]
        if block == PARAMETERS:
            right[i, I_C0] += w.f[i]
            right[i, TAU_D] -= w.c_rate[i]
    _add_product(c_p, w.Q, right)


@compile_part
def _terminal_without_f(eq: Equation, slope: float, block: int, w: Any) -> None:
    """x_p where the derivative of f stays as at the start."""
    x_p, c_p, right = w.x_p[block], w.c_p[block], w.right
    for i in range(1, POINTS):
        for m in range(BLOCK):
            right[i, m] = eq.sigma * c_p[i, m] - eq.kappa * x_p[0, m]
        if block == PARAMETERS:
            right[i, R_B] -= eq.sigma * w.u[i] / eq.R_b**2
            if eq.voltage:
                right[i, C_M] += slope - eq.R_s * w.x_rate[i]
                right[i, R_S] -= w.x[i] / eq.R_b + eq.C_m * w.x_rate[i]
            else:
                right[i, C_M] -= w.x_rate[i]
    _add_product(x_p, w.P, right)


@compile_part
def _activation(eq: Equation, block: int, w: Any) -> None:
    """f_p, and with it x_p and the end of c_p (at other stages nobody asks for c_p)."""
    x_p, c_p, f_p, right = w.x_p[block], w.c_p[block], w.f_p[block], w.right
    for i in range(1, POINTS):
        gain = (1.0 - eq.tau_k * w.f_rate[i]) * w.slope[i]
        for m in range(BLOCK):
            right[i, m] = gain * eq.b * x_p[i, m] - f_p[0, m]
        if block == PARAMETERS:
            right[i, TAU_K] -= w.f_ss[i] * w.f_rate[i]
            right[i, V_T] -= gain
            right[i, V_M] -= gain * (w.u[i] - eq.V_T) / eq.V_m
            if eq.voltage:
                right[i, R_S] -= gain * w.x[i]
    _solve_block(w.M, right)
    for i in range(1, POINTS):
        for m in range(BLOCK):
            total = x_p[i, m]
            for j in range(1, POINTS):
                total += w.G[i, j] * right[j, m]
            x_p[i, m] = total
            f_p[i, m] = f_p[0, m] + right[i, m]
    for m in range(BLOCK):
        total = c_p[STAGES, m]
        for j in range(1, POINTS):
            total += eq.i_c0 * w.Q[STAGES, j] * right[j, m]
        c_p[STAGES, m] = total


@compile_part
def _add_product(tangent: FloatArray, matrix: FloatArray, right: FloatArray) -> None:
    """tangent[i] = tangent[0] + sum_j matrix[i, j] right[j] at every stage."""
    for i in range(1, POINTS):
        for m in range(BLOCK):
            total = tangent[0, m]
            for j in range(1, POINTS):
                total += matrix[i, j] * right[j, m]
            tangent[i, m] = total


@compile_part
def _solve_block(M: FloatArray, right: FloatArray) -> None:
    """Solve in place for all columns of a block, with the factors of M."""
    for i in range(2, POINTS):
        for j in range(1, i):
            share = M[i, j]
            for m in range(BLOCK):
                right[i, m] -= share * right[j, m]
    for i in range(STAGES, 0, -1):
        for j in range(i + 1, POINTS):
            share = M[i, j]
            for m in range(BLOCK):
                right[i, m] -= share * right[j, m]
        for m in range(BLOCK):
            right[i, m] *= M[i, i]


@compile_part
def move_on(blocks: int, w: Any) -> None:
    """The end of the step becomes the start of the next one."""
    w.x[0], w.c[0], w.f[0] = w.x[STAGES], w.c[STAGES], w.f[STAGES]
    for block in range(blocks):
        for m in range(BLOCK):
            w.x_p[block, 0, m] = w.x_p[block, STAGES, m]
            w.c_p[block, 0, m] = w.c_p[block, STAGES, m]
            w.f_p[block, 0, m] = w.f_p[block, STAGES, m]
