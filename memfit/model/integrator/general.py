"""One step of the general integrator: Newton's method on u and the activations; all that lags is eliminated.

Given the stages of u and f, those of a lag are y = y[0] + Q (g s - y[0]), Q = (tau/h W + 1)^-1. What is left,
with D from values to derivatives at the points of the step (see `memfit.model.integrator.step`), is at every
stage

    F_i = C(u_i) (a' + b x'_i) + j(u_i) + sum_l y_li (alpha_l + beta_l u_i) - I_i = 0
    H_i = tau_f(u_i) f'_i + f_i - f_ss(u_i) = 0

which Newton's method solves: each activation is eliminated by its own matrix T, x by the Schur complement.
Errors are estimated and weighed as in `memfit.model.integrator.step`.
"""

from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import POINTS, STAGES, TABLEAU, compile_part, factor, inline_part, solve
from memfit.model.integrator.member import (
    C_SCALE,
    H_KNOWN,
    H_MATRICES,
    STALE,
    X_SCALE,
    activation,
    at_once,
    capacitance,
    voltage_at,
)
from memfit.model.integrator.step import inverse, layer, mix, tail
from memfit.model.terms import ACTIVATION, AT_VOLTAGE, LAG

_THETA, _D, _POWERS = TABLEAU.points, TABLEAU.derivative, TABLEAU.powers
_LAMBDA_RE, _LAMBDA_IM = TABLEAU.eigenvalues.real.copy(), TABLEAU.eigenvalues.imag.copy()

_FAR = 0.01  # u beyond 100 V_m matters to itself only
_NEWTON_ITERATIONS = 12
_NEWTON_TOLERANCE = 1e-2  # of the error tolerance
_NEWTON_FLOOR = 1e-14


@inline_part
def try_step(eq: Any, level: float, slope: float, h: float, tolerance: float, w: Any) -> float:
    """Find the stages of a step; its error over the tolerance, infinite where Newton's method fails."""
    if h != w.known[H_MATRICES]:
        _resolvents(eq, h, w)
        w.known[H_MATRICES] = h
    _set_scales(eq, level, w)
    for i in range(1, POINTS):
        w.offset[i] = level + slope * _THETA[i] * h
    _stages_of_lags_without_sources(eq, w)
    _predict(eq, h, w)
    if not _find_stages(eq, slope, h, max(_NEWTON_TOLERANCE * tolerance, _NEWTON_FLOOR), w):
        return np.inf
    error: float = _error_of_step(eq, h, level, slope, w) / tolerance
    return error


@compile_part
def _resolvents(eq: Any, h: float, w: Any) -> None:
    """Q of every lag, and K of those behind u."""
    w.K[:] = 0.0
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        tau = eq.numbers[at]
        row = 0
        for e in range(_LAMBDA_RE.size):
            re, im = inverse(tau / h * _LAMBDA_RE[e] + 1.0, tau / h * _LAMBDA_IM[e])
            w.shares[row] = re
            row += 1
            if _LAMBDA_IM[e] > 0.0:
                w.shares[row] = -im
                row += 1
        mix(w.shares, w.Q[k])
        if eq.sources[k] == AT_VOLTAGE:
            share = eq.numbers[at + 1] * eq.numbers[at + 2]
            for i in range(1, POINTS):
                for j in range(1, POINTS):
                    w.K[i, j] += share * w.Q[k, i, j]


@compile_part
def source_at_start(eq: Any, k: int, w: Any) -> float:
    """What lag k follows, at the start of the step."""
    where = eq.sources[k]
    value: float = w.u[0] if where == AT_VOLTAGE else w.f[where, 0]
    return value


@compile_part
def _stages_of_lags_without_sources(eq: Any, w: Any) -> None:
    """Stages of the lags as they would be with their sources as at the start."""
    for k in range(eq.lags):
        lag = eq.numbers[eq.at_lags + LAG * k + 1] * source_at_start(eq, k, w) - w.y[k, 0]
        for i in range(1, POINTS):
            total = 0.0
            for j in range(1, POINTS):
                total += w.Q[k, i, j]
            w.y_free[k, i] = w.y[k, 0] + total * lag


@inline_part
def _predict(eq: Any, h: float, w: Any) -> None:
    """First values for Newton's method: the last step's polynomials continued, else as at the start."""
    ratio = h / w.known[H_KNOWN] if w.known[H_KNOWN] > 0.0 else 0.0
    for i in range(1, POINTS):
        w.x[i] = w.x[0]
        for k in range(eq.activations):
            w.f[k, i] = w.f[k, 0]
        if ratio > 0.0:
            theta = 1.0 + _THETA[i] * ratio
            w.x[i] = _polynomial(w.powers[0], theta)
            for k in range(eq.activations):
                w.f[k, i] = min(1.0, max(0.0, _polynomial(w.powers[1 + k], theta)))


@compile_part
def _polynomial(powers: FloatArray, theta: float) -> float:
    """Horner's rule."""
    value: float = powers[STAGES]
    for j in range(STAGES - 1, -1, -1):
        value = value * theta + powers[j]
    return value


@compile_part
def remember(eq: Any, h: float, w: Any) -> None:
    """Keep the polynomials of x and f for the next prediction."""
    for j in range(POINTS):
        total = 0.0
        for i in range(POINTS):
            total += _POWERS[j, i] * w.x[i]
        w.powers[0, j] = total
        for k in range(eq.activations):
            total = 0.0
            for i in range(POINTS):
                total += _POWERS[j, i] * w.f[k, i]
            w.powers[1 + k, j] = total
    w.known[H_KNOWN] = h


@compile_part
def linearise(eq: Any, slope: float, h: float, w: Any) -> None:
    """Residuals and matrices at the present stages; lags and rates follow."""
    for i in range(1, POINTS):
        w.u[i] = voltage_at(eq, w.offset[i], w.x[i])
        rate = 0.0
        for j in range(1, POINTS):
            rate += _D[i, j] * (w.x[j] - w.x[0])
        w.x_rate[i] = rate / h
    for k in range(eq.lags):
        _follow(eq, k, w)
    for i in range(1, POINTS):
        u, rate = w.u[i], (slope if eq.voltage else 0.0) + eq.b * w.x_rate[i]
        current, by_u = at_once(eq, u)
        C, C_u = capacitance(eq, u)
        by_u += C_u * rate
        for k in range(eq.lags):
            at = eq.at_lags + LAG * k
            w.weight[k, i] = eq.numbers[at + 2] + eq.numbers[at + 3] * u
            current += w.weight[k, i] * w.y[k, i]
            by_u += eq.numbers[at + 3] * w.y[k, i]
        w.slope[i] = by_u
        w.residual[i] = C * rate + current - (w.x[i] if eq.voltage else w.offset[i])
        inertia = C * eq.b / h
        for j in range(1, POINTS):
            w.A[i, j] = inertia * _D[i, j] + eq.b * w.K[i, j]
        w.A[i, i] += eq.b * by_u - (1.0 if eq.voltage else 0.0)
    for k in range(eq.activations):
        _linearise_activation(eq, k, h, w)


@compile_part
def _follow(eq: Any, k: int, w: Any) -> None:
    """Stages of lag k."""
    gain, where = eq.numbers[eq.at_lags + LAG * k + 1], eq.sources[k]
    for i in range(1, POINTS):
        total = 0.0
        for j in range(1, POINTS):
            rise = w.u[j] - w.u[0] if where == AT_VOLTAGE else w.f[where, j] - w.f[where, 0]
            total += w.Q[k, i, j] * rise
        w.y[k, i] = w.y_free[k, i] + gain * total


@compile_part
def _linearise_activation(eq: Any, k: int, h: float, w: Any) -> None:
    """Residual of activation k, its factored matrix, and how it depends on u."""
    at = eq.at_activations + ACTIVATION * k
    V_m, tau_k = eq.numbers[at + 1], eq.numbers[at + 2]
    for i in range(1, POINTS):
        rate = 0.0
        for j in range(1, POINTS):
            rate += _D[i, j] * (w.f[k, j] - w.f[k, 0])
        w.f_rate[k, i] = rate / h
        f_ss, shape, z, f_z, shape_z, log_f, log_rest = activation(eq, k, w.u[i])
        w.z[k, i], w.shape[k, i], w.log_f[k, i], w.log_rest[k, i] = z, shape, log_f, log_rest
        tau = tau_k * shape
        w.h_residual[k, i] = tau * w.f_rate[k, i] + w.f[k, i] - f_ss
        w.E[k, i] = (tau_k * shape_z * w.f_rate[k, i] - f_z) * eq.signs[k] / V_m
        for j in range(1, POINTS):
            w.T[k, i, j] = tau / h * _D[i, j]
            w.X[k, i, j] = 0.0
        w.T[k, i, i] += 1.0
        w.X[k, i, i] = eq.b * w.E[k, i]
    factor(w.T[k])


@compile_part
def reduce_matrix(eq: Any, w: Any) -> None:
    """Eliminate the activations from the balance of currents: A becomes its Schur complement, in factors."""
    for k in range(eq.activations):
        _solve_columns(w.T[k], w.X[k])
    for k in range(eq.lags):
        where = eq.sources[k]
        if where == AT_VOLTAGE:
            continue
        gain = eq.numbers[eq.at_lags + LAG * k + 1]
        for i in range(1, POINTS):
            share = w.weight[k, i] * gain
            for m in range(1, POINTS):
                by_f = share * w.Q[k, i, m]
                for j in range(1, POINTS):
                    w.A[i, j] -= by_f * w.X[where, m, j]
    factor(w.A)


@inline_part
def _find_stages(eq: Any, slope: float, h: float, tolerance: float, w: Any) -> bool:
    """Newton's method on x and f; True when converged. The matrices are those of the last stages but one."""
    previous = 0.0
    for iteration in range(_NEWTON_ITERATIONS):
        linearise(eq, slope, h, w)
        reduce_matrix(eq, w)
        change = _newton_step(eq, w)
        if not change < 1e6:
            return False
        ratio = change / previous if iteration > 0 else 1.0
        w.known[STALE] = ratio * ratio if iteration > 0 else change
        if change <= tolerance or (ratio < 0.3 and change * ratio * ratio <= tolerance):
            _finish(eq, h, w)
            return True
        if iteration > 3 and ratio > 2.0:
            return False
        previous = change
    return False


@compile_part
def _finish(eq: Any, h: float, w: Any) -> None:
    """What follows the stages of x and f."""
    for i in range(1, POINTS):
        w.u[i] = voltage_at(eq, w.offset[i], w.x[i])
    rates(w.x, h, w.x_rate)
    for k in range(eq.activations):
        rates(w.f[k], h, w.f_rate[k])
    for k in range(eq.lags):
        _follow(eq, k, w)


@compile_part
def rates(values: FloatArray, h: float, rate: FloatArray) -> None:
    """Derivative by time at all points."""
    for i in range(POINTS):
        total = 0.0
        for j in range(1, POINTS):
            total += _D[i, j] * (values[j] - values[0])
        rate[i] = total / h


@inline_part
def _newton_step(eq: Any, w: Any) -> float:
    """One correction of x and f; the largest, in their scales."""
    right, f_right = w.residual, w.h_residual
    for k in range(eq.activations):
        solve(w.T[k], f_right[k])
    for k in range(eq.lags):
        where = eq.sources[k]
        if where == AT_VOLTAGE:
            continue
        gain = eq.numbers[eq.at_lags + LAG * k + 1]
        for i in range(1, POINTS):
            total = 0.0
            for j in range(1, POINTS):
                total += w.Q[k, i, j] * f_right[where, j]
            right[i] -= w.weight[k, i] * gain * total
    solve(w.A, right)
    change = 0.0
    for i in range(1, POINTS):
        w.x[i] -= right[i]
        change = max(change, abs(right[i]) / w.known[X_SCALE])
    for k in range(eq.activations):
        for i in range(1, POINTS):
            total = f_right[k, i]
            for j in range(1, POINTS):
                total -= w.X[k, i, j] * right[j]
            w.f[k, i] -= total
            change = max(change, abs(total))
    return change


@compile_part
def _solve_columns(M: FloatArray, right: FloatArray) -> None:
    """Solve in place for the columns 1 to STAGES of a matrix."""
    for i in range(2, POINTS):
        for j in range(1, i):
            share = M[i, j]
            for m in range(1, POINTS):
                right[i, m] -= share * right[j, m]
    for i in range(STAGES, 0, -1):
        for j in range(i + 1, POINTS):
            share = M[i, j]
            for m in range(1, POINTS):
                right[i, m] -= share * right[j, m]
        for m in range(1, POINTS):
            right[i, m] *= M[i, i]


@compile_part
def _set_scales(eq: Any, level: float, w: Any) -> None:
    """Sizes of x and of current against which errors are measured, from the start of the step."""
    p = eq.numbers
    V_m = p[eq.at_activations + 1]
    for k in range(1, eq.activations):
        V_m = min(V_m, p[eq.at_activations + ACTIVATION * k + 1])
    u = voltage_at(eq, level, w.x[0])
    w.u[0] = u
    current, slope = at_once(eq, u)
    channel, largest = 0.0, 0.0
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        if eq.sources[k] == AT_VOLTAGE:
            slope += p[at + 1] * p[at + 2]
            current += p[at + 1] * p[at + 2] * u
        else:
            channel += abs(w.y[k, 0] * (p[at + 2] + p[at + 3] * u))
            largest = max(largest, p[at + 1])
    if not eq.voltage:
        w.known[X_SCALE] = max(V_m, _FAR * abs(w.x[0]))
        w.known[C_SCALE] = max(channel, V_m * slope)
        return
    size = max(abs(w.x[0]), abs(current) + channel, 1e-9 * largest)
    if p[0] > 0.0:
        size = min(size, V_m / p[0])
    w.known[X_SCALE], w.known[C_SCALE] = size, size


@inline_part
def _error_of_step(eq: Any, h: float, level: float, slope: float, w: Any) -> float:
    """Largest error of the step polynomials of x, the activations and the lags, in their scales."""
    error: float = max(tail(w.x), _layer_of_balance(eq, h, level, slope, w)) / w.known[X_SCALE]
    largest = 1e-300
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        weight = abs(eq.numbers[at + 2] + eq.numbers[at + 3] * w.u[0])
        for i in range(1, POINTS):
            weight = max(weight, abs(eq.numbers[at + 2] + eq.numbers[at + 3] * w.u[i]))
        gain = eq.numbers[at + 1]
        if eq.sources[k] == AT_VOLTAGE:
            own = w.known[X_SCALE] if not eq.voltage else w.known[C_SCALE] / weight
        else:
            own = w.known[C_SCALE] / weight
            largest = max(largest, gain * weight)
        aim = gain * source_at_start(eq, k, w)
        error = max(error, max(tail(w.y[k]), layer(w.y[k], h, eq.numbers[at], 1.0, aim)) / own)
    f_scale = min(1.0, w.known[C_SCALE] / largest)
    for k in range(eq.activations):
        f_ss, shape, _, _, _, _, _ = activation(eq, k, w.u[0])
        tau = eq.numbers[eq.at_activations + ACTIVATION * k + 2] * shape
        error = max(error, max(tail(w.f[k]), layer(w.f[k], h, tau, 1.0, f_ss)) / f_scale)
    return error


@compile_part
def _layer_of_balance(eq: Any, h: float, level: float, slope: float, w: Any) -> float:
    """What x misses at the start of the step; see `layer`."""
    rate = 0.0
    for j in range(1, POINTS):
        rate += _D[0, j] * (w.x[j] - w.x[0])
    u, u_rate = w.u[0], (slope if eq.voltage else 0.0) + eq.b * rate / h
    current, by_u = at_once(eq, u)
    C, C_u = capacitance(eq, u)
    by_u += C_u * u_rate
    for k in range(eq.lags):
        at = eq.at_lags + LAG * k
        current += w.y[k, 0] * (eq.numbers[at + 2] + eq.numbers[at + 3] * u)
        by_u += eq.numbers[at + 3] * w.y[k, 0]
    defect = C * u_rate + current - (w.x[0] if eq.voltage else level)
    by_x = eq.b * by_u - (1.0 if eq.voltage else 0.0)
    height: float = abs(defect) / (abs(C * eq.b / h * _D[0, 0]) + abs(by_x))
    return height
