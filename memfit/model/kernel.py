"""The compiled integrator: implicit collocation made for this model, with forward sensitivities.

Unknowns. Under current control x = u, the junction voltage; under voltage control x = I, the terminal current
that is measured. Both obey one linear equation, with u in the same breath:

    eps x' = s(t) - kappa x + sigma i_c,     u = a(t) + b x

    current:  eps = C_m,      s = I(t),                    kappa = 1/R_b,        sigma = -1,  a = 0,     b = 1
    voltage:  eps = R_s C_m,  s = C_m V'(t) + V(t)/R_b,    kappa = 1 + R_s/R_b,  sigma = +1,  a = V(t),  b = -R_s

so R_s = 0 (eps = 0) needs no other code, and what is measured is integrated itself, not a small difference.

Step. Radau IIA with stages X, C, F for x, i_c, f and the inverse Butcher matrix W = A^-1. The equations of x and i_c are
linear: C = Q (tau_d/h W 1 i_c + i_c0 F), X = P (eps/h W 1 x + S + sigma C) with the resolvents
P = (eps/h W + kappa)^-1, Q = (tau_d/h W + 1)^-1. Newton's method is left with the s stages of f only,

    (tau_k f_ss(U_i)/h) sum_j W_ij (F_j - f) + F_i - f_ss(U_i) = 0,    U = U_0 + G F,

which is Eq. 12 times f_ss: no large exponential is left, and tau_k = 0 is the 2D model. Derivatives of the stages
by every parameter solve the same linear system once more. The step polynomial gives the output anywhere.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from memfit.arrays import FloatArray
from memfit.model.radau import radau_iia

STAGES = 7
"""Order 13 at the ends of steps; 7 stages were the fastest of 5, 7 and 9 at tolerances of 1e-6 to 1e-10."""
MAX_STEPS_PER_PIECE = 20_000
SENSITIVITIES = 12
"""Columns: 8 parameters (R_b .. R_s), 3 initial values (u, i_c, f), time."""

OK, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2, 3

_TABLEAU = radau_iia(STAGES)
_NODES, _W, _POWERS, _TAIL = _TABLEAU.nodes, _TABLEAU.inverse, _TABLEAU.powers, _TABLEAU.tail
_W1 = _W.sum(axis=1)
_LAMBDA = _TABLEAU.eigenvalues
_BASIS = _TABLEAU.real_basis()
_R_B, _C_M, _I_C0, _V_T, _V_M, _TAU_D, _TAU_K, _R_S, _U_0, _I_0, _F_0, _TIME = range(SENSITIVITIES)
_PARAMETERS, _STATES = 8, 11

_NEWTON_ITERATIONS = 12
_NEWTON_TOLERANCE = 1e-2  # of the error tolerance
_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 10.0
_EXPONENT = -1.0 / (STAGES + 1)
_FAR = 0.01  # u beyond 100 V_m matters to itself only: its error is measured against itself
_NEWTON_FLOOR = 2e-15
_ROUGH = 6.0
_ROUNDING = 2e-14
_FIRST_STEP = 0.05  # of the fastest time scale seen at a jump


def _compile(function: Any) -> Any:
    """Compile with NumPy's division, without the GIL, and keep the machine code on disk.

    The cache is beside this file or, where that cannot be written, in the user's cache folder.
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder at all can be written
        return numba.njit(nogil=True, error_model="numpy")(function)


class Equation(NamedTuple):
    """Coefficients of the model as the step needs them."""

    voltage: bool
    R_b: float
    C_m: float
    i_c0: float
    V_T: float
    V_m: float
    tau_d: float
    tau_k: float
    R_s: float
    eps: float
    kappa: float
    sigma: float
    b: float


class Work(NamedTuple):
    """Arrays of one step."""

    P: FloatArray
    Q: FloatArray
    G: FloatArray
    """dX/dF."""
    X: FloatArray
    C: FloatArray
    F: FloatArray
    X_0: FloatArray
    """Stages of x where F = 0."""
    C_0: FloatArray
    S: FloatArray
    a: FloatArray
    U: FloatArray
    f_ss: FloatArray
    slope: FloatArray
    """df_ss/du at the stages."""
    F_rate: FloatArray
    M: FloatArray
    pivot: Any
    delta: FloatArray
    X_p: FloatArray
    """(stages, 11) derivatives of the stages."""
    C_p: FloatArray
    F_p: FloatArray
    rhs: FloatArray
    f_powers: FloatArray
    x_powers: FloatArray
    """(stages + 1, 12) polynomial of x (last column) and of its derivatives."""


@_compile
def _equation(p: FloatArray, voltage: bool) -> Equation:
    """Coefficients for one control mode."""
    if voltage:
        eps, kappa, sigma, b = p[7] * p[1], 1.0 + p[7] / p[0], 1.0, -p[7]
    else:
        eps, kappa, sigma, b = p[1], 1.0 / p[0], -1.0, 1.0
    return Equation(voltage, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], eps, kappa, sigma, b)


@_compile
def _workspace() -> Work:
    """Fresh arrays for one record."""
    n = STAGES
    square, vector, wide = (n, n), n, (n, _STATES)
    return Work(
        np.empty(square), np.empty(square), np.empty(square),
        np.empty(vector), np.empty(vector), np.empty(vector), np.empty(vector), np.empty(vector),
        np.empty(vector), np.empty(vector), np.empty(vector), np.empty(vector), np.empty(vector),
        np.empty(vector), np.empty(square), np.empty(vector, dtype=np.int64), np.empty(vector),
        np.zeros(wide), np.zeros(wide), np.zeros(wide), np.zeros(wide),
        np.empty(n + 1), np.zeros((n + 1, SENSITIVITIES)),
    )  # fmt: skip


@_compile
def _activation(eq: Equation, u: float) -> tuple[float, float]:
    """f_ss(u) and df_ss/du without overflow or cancellation."""
    z = (u - eq.V_T) / eq.V_m
    e = math.exp(-abs(z))
    large = 1.0 / (1.0 + e)
    small = e * large
    return (large if z >= 0 else small), large * small / eq.V_m


@_compile
def _resolvents(eq: Equation, h: float, w: Work) -> None:
    """P, Q and G = sigma i_c0 P Q from the spectrum of W."""
    w.P[:] = 0.0
    w.Q[:] = 0.0
    w.G[:] = 0.0
    size = STAGES * STAGES
    P, Q, G = w.P.reshape(size), w.Q.reshape(size), w.G.reshape(size)
    row = 0
    for k in range(_LAMBDA.size):
        p = 1.0 / (eq.eps / h * _LAMBDA[k] + eq.kappa)
        q = 1.0 / (eq.tau_d / h * _LAMBDA[k] + 1.0)
        g = eq.sigma * eq.i_c0 * p * q
        _add_scaled(p.real, q.real, g.real, _BASIS[row], P, Q, G)
        row += 1
        if _LAMBDA[k].imag > 0.0:
            _add_scaled(-p.imag, -q.imag, -g.imag, _BASIS[row], P, Q, G)
            row += 1


@_compile
def _add_scaled(
    p: float, q: float, g: float, basis: FloatArray, P: FloatArray, Q: FloatArray, G: FloatArray
) -> None:
    """Add multiples of one basis matrix to three matrices (all flat)."""
    for i in range(STAGES * STAGES):
        P[i] += p * basis[i]
        Q[i] += q * basis[i]
        G[i] += g * basis[i]


@_compile
def _factor(M: FloatArray, pivot: Any) -> None:
    """LU factors in place, rows exchanged as `pivot` says."""
    n = STAGES
    for c in range(n):
        best = c
        for i in range(c + 1, n):
            if abs(M[i, c]) > abs(M[best, c]):
                best = i
        pivot[c] = best
        if best != c:
            for j in range(n):
                M[c, j], M[best, j] = M[best, j], M[c, j]
        inverse = 1.0 / M[c, c]
        for i in range(c + 1, n):
            m = M[i, c] * inverse
            M[i, c] = m
            for j in range(c + 1, n):
                M[i, j] -= m * M[c, j]


@_compile
def _solve(M: FloatArray, pivot: Any, rhs: FloatArray, columns: int) -> None:
    """Solve in place for the first columns of a (stages, k) right-hand side."""
    n = STAGES
    for i in range(n):
        best = pivot[i]
        if best != i:
            for m in range(columns):
                rhs[i, m], rhs[best, m] = rhs[best, m], rhs[i, m]
    for i in range(n):
        for j in range(i):
            factor = M[i, j]
            for m in range(columns):
                rhs[i, m] -= factor * rhs[j, m]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            factor = M[i, j]
            for m in range(columns):
                rhs[i, m] -= factor * rhs[j, m]
        inverse = 1.0 / M[i, i]
        for m in range(columns):
            rhs[i, m] *= inverse


@_compile
def _stage_drive(eq: Equation, level: float, slope: float, h: float, w: Work) -> None:
    """Source S and offset a at the stages; `level` is the drive at the start of the step."""
    for i in range(STAGES):
        drive = level + slope * _NODES[i] * h
        w.S[i] = eq.C_m * slope + drive / eq.R_b if eq.voltage else drive
        w.a[i] = drive if eq.voltage else 0.0


@_compile
def _stages_without_f(eq: Equation, h: float, x: float, c: float, w: Work) -> None:
    """Stages of i_c and x for F = 0: C_0 and X_0."""
    n = STAGES
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += w.Q[i, j] * _W1[j]
        w.C_0[i] = total * (eq.tau_d / h) * c
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += w.P[i, j] * (eq.eps / h * _W1[j] * x + w.S[j] + eq.sigma * w.C_0[j])
        w.X_0[i] = total


@_compile
def _linearise(eq: Equation, h: float, f: float, w: Work) -> None:
    """U, f_ss, dF/dt at the stages for the present F, the residual in `delta` and its derivative in M."""
    n = STAGES
    for i in range(n):
        x = w.X_0[i]
        rate = 0.0
        for j in range(n):
            x += w.G[i, j] * w.F[j]
            rate += _W[i, j] * (w.F[j] - f)
        w.X[i] = x
        w.U[i] = w.a[i] + eq.b * x
        w.F_rate[i] = rate / h
        w.f_ss[i], w.slope[i] = _activation(eq, w.U[i])
        w.delta[i] = -(eq.tau_k * w.f_ss[i] * w.F_rate[i] + w.F[i] - w.f_ss[i])
        gain = (1.0 - eq.tau_k * w.F_rate[i]) * w.slope[i] * eq.b
        for j in range(n):
            w.M[i, j] = eq.tau_k * w.f_ss[i] / h * _W[i, j] - gain * w.G[i, j]
        w.M[i, i] += 1.0


@_compile
def _find_stages(eq: Equation, h: float, f: float, tolerance: float, w: Work) -> bool:
    """Newton's method on the stages of f, from the prediction in w.F; True when converged."""
    n = STAGES
    previous = 0.0
    for iteration in range(_NEWTON_ITERATIONS):
        _linearise(eq, h, f, w)
        _factor(w.M, w.pivot)
        for i in range(n):
            w.rhs[i, 0] = w.delta[i]
        _solve(w.M, w.pivot, w.rhs, 1)
        change = 0.0
        for i in range(n):
            w.F[i] += w.rhs[i, 0]
            change = max(change, abs(w.rhs[i, 0]))
        if not change < 1e3:
            return False
        ratio = change / previous if iteration > 0 else 1.0
        if change <= tolerance or (iteration > 0 and ratio < 0.3 and change * ratio * ratio <= tolerance):
            return True
        if iteration > 3 and ratio > 2.0:
            return False
        previous = change
    return False


@_compile
def _finish_stages(eq: Equation, w: Work) -> None:
    """X, C and U for the converged F."""
    n = STAGES
    for i in range(n):
        x, c = w.X_0[i], w.C_0[i]
        for j in range(n):
            x += w.G[i, j] * w.F[j]
            c += w.Q[i, j] * eq.i_c0 * w.F[j]
        w.X[i], w.C[i] = x, c
        w.U[i] = w.a[i] + eq.b * x


@_compile
def _decay(values: FloatArray, start: float) -> float:
    """What the step polynomial leaves out, estimated from how its Legendre coefficients fall.

    Pairs of coefficients, since odd or even ones can vanish: (last pair)^2 / (pair before) is the next pair
    of a geometric series. A layer thinner than the first node gives a ratio near 1.4 and coefficients
    ten times smaller than itself, which the cubic term makes good.
    """
    a0, a1, a2, a3, largest = 0.0, 0.0, 0.0, 0.0, abs(start)
    for i in range(STAGES):
        increment = values[i] - start
        largest = max(largest, abs(values[i]))
        a0 += _TAIL[0, i] * increment
        a1 += _TAIL[1, i] * increment
        a2 += _TAIL[2, i] * increment
        a3 += _TAIL[3, i] * increment
    last, before = max(abs(a0), abs(a1)), max(abs(a2), abs(a3))
    if last < _ROUNDING * largest:
        return 0.0
    ratio = min(2.0, last / (before + 1e-300))
    return last * ratio * (1.0 + _ROUGH * ratio**2)


@_compile
def _scales(eq: Equation, x: float, c: float, level: float, w: Work) -> tuple[float, float]:
    """Sizes of x and of current against which errors are measured."""
    largest, channel = abs(x), abs(c)
    for i in range(STAGES):
        largest = max(largest, abs(w.X[i]))
        channel = max(channel, abs(w.C[i]))
    if eq.voltage:
        current = max(largest, abs(level) / eq.R_b + channel, 1e-9 * eq.i_c0)
        if eq.R_s > 0.0:
            current = min(current, eq.V_m / eq.R_s)
        return current, current
    for i in range(STAGES):
        largest = max(largest, abs(w.U[i]))
    return max(eq.V_m, _FAR * largest), max(channel, eq.V_m / eq.R_b)


@_compile
def _error(eq: Equation, x: float, c: float, f: float, level: float, w: Work) -> float:
    """Largest error of the step polynomials of x, i_c and f, in their scales."""
    x_scale, c_scale = _scales(eq, x, c, level, w)
    return max(
        _decay(w.X, x) / x_scale, _decay(w.C, c) / c_scale, _decay(w.F, f) / min(1.0, c_scale / eq.i_c0)
    )


@_compile
def _stage_sensitivities(
    eq: Equation, h: float, x: float, f: float, level: float, slope: float, s: FloatArray, columns: int, w: Work
) -> None:
    """Derivatives of the stages, from those at the start of the step in the rows (x, i_c, f) of `s`.

    The derivative of each stage equation is linear in the unknown derivatives, with the matrix M of the
    last Newton step; C_p and X_p first hold what does not depend on F_p.
    """
    n = STAGES
    _linearise(eq, h, f, w)
    _factor(w.M, w.pivot)
    rhs = w.rhs
    for i in range(n):
        for m in range(columns):
            rhs[i, m] = eq.tau_d / h * _W1[i] * s[1, m]
        rhs[i, _I_C0] += w.F[i]
        if eq.tau_d > 0.0:
            rhs[i, _TAU_D] -= (eq.i_c0 * w.F[i] - w.C[i]) / eq.tau_d
        else:
            rate = 0.0
            for j in range(n):
                rate += _W[i, j] * w.F[j]
            rhs[i, _TAU_D] -= eq.i_c0 * (rate - _W1[i] * f) / h
    _multiply(w.Q, rhs, w.C_p, columns)
    for i in range(n):
        rate = 0.0
        for j in range(n):
            rate += _W[i, j] * w.X[j]
        rate = (rate - _W1[i] * x) / h
        for m in range(columns):
            rhs[i, m] = eq.eps / h * _W1[i] * s[0, m] + eq.sigma * w.C_p[i, m]
        rhs[i, _R_B] -= eq.sigma * w.U[i] / eq.R_b**2
        rhs[i, _C_M] += slope - eq.R_s * rate if eq.voltage else -rate
        if eq.voltage:
            rhs[i, _R_S] -= w.X[i] / eq.R_b + eq.C_m * rate
    _multiply(w.P, rhs, w.X_p, columns)
    for i in range(n):
        gain = (1.0 - eq.tau_k * w.F_rate[i]) * w.slope[i]
        memory = eq.tau_k * w.f_ss[i] / h * _W1[i]
        for m in range(columns):
            w.F_p[i, m] = gain * eq.b * w.X_p[i, m] + memory * s[2, m]
        w.F_p[i, _TAU_K] -= w.f_ss[i] * w.F_rate[i]
        w.F_p[i, _V_T] -= gain
        w.F_p[i, _V_M] -= gain * (w.U[i] - eq.V_T) / eq.V_m
        if eq.voltage:
            w.F_p[i, _R_S] -= gain * w.X[i]
    _solve(w.M, w.pivot, w.F_p, columns)
    for i in range(n):
        for j in range(n):
            by_f = w.G[i, j]
            for m in range(columns):
                w.X_p[i, m] += by_f * w.F_p[j, m]
    for j in range(n):  # of i_c only the end of the step is needed
        by_f = eq.i_c0 * w.Q[n - 1, j]
        for m in range(columns):
            w.C_p[n - 1, m] += by_f * w.F_p[j, m]


@_compile
def _multiply(matrix: FloatArray, right: FloatArray, out: FloatArray, columns: int) -> None:
    """out = matrix @ right, for the first columns."""
    for i in range(STAGES):
        for m in range(columns):
            out[i, m] = 0.0
        for j in range(STAGES):
            factor = matrix[i, j]
            for m in range(columns):
                out[i, m] += factor * right[j, m]


@_compile
def _step_polynomials(x: float, s: FloatArray, columns: int, w: Work) -> None:
    """Coefficients of x (last column) and of its derivatives in powers of theta = (t - t_n)/h."""
    last = SENSITIVITIES - 1
    w.x_powers[0, last] = x
    for m in range(columns):
        w.x_powers[0, m] = s[0, m]
    for j in range(STAGES):
        for m in range(columns):
            w.x_powers[j + 1, m] = 0.0
        w.x_powers[j + 1, last] = 0.0
        for i in range(STAGES):
            power = _POWERS[j, i]
            w.x_powers[j + 1, last] += power * (w.X[i] - x)
            for m in range(columns):
                w.x_powers[j + 1, m] += power * (w.X_p[i, m] - s[0, m])


@_compile
def _write_point(
    eq: Equation, theta: float, h: float, drive: float, slope: float, columns: int, w: Work, row: FloatArray
) -> float:
    """The measured quantity at theta; its derivatives go to `row` where columns > 0."""
    last = SENSITIVITIES - 1
    x, rate = w.x_powers[STAGES, last], 0.0
    for j in range(STAGES - 1, -1, -1):
        rate = rate * theta + x
        x = x * theta + w.x_powers[j, last]
    series = 0.0 if eq.voltage else eq.R_s
    if columns > 0:
        for m in range(columns):
            row[m] = w.x_powers[STAGES, m]
        for j in range(STAGES - 1, -1, -1):
            for m in range(columns):
                row[m] = row[m] * theta + w.x_powers[j, m]
        row[_TIME] = rate / h + series * slope
        if not eq.voltage:
            row[_R_S] += drive
    return x + series * drive


@_compile
def _polynomial_at(values: FloatArray, start: float, theta: float) -> float:
    """The step polynomial through `start` and the stage values."""
    total = 0.0
    for j in range(STAGES - 1, -1, -1):
        coefficient = 0.0
        for i in range(STAGES):
            coefficient += _POWERS[j, i] * (values[i] - start)
        total = (total + coefficient) * theta
    return start + total


@_compile
def steady_junction_voltage(eq: Equation, drive: float) -> float:
    """Steady u by Newton's method in a shrinking bracket; see `memfit.model.steady`."""
    if eq.voltage:
        slope, weight, source = 1.0 + eq.R_s / eq.R_b, eq.R_s * eq.i_c0, drive
    else:
        slope, weight, source = 1.0, eq.R_b * eq.i_c0, drive * eq.R_b
    high, low = source / slope, (source - weight) / slope
    u = high
    last = high - low
    for _ in range(200):
        f, df = _activation(eq, u)
        excess = slope * u + weight * f - source
        if excess > 0:
            high = u
        else:
            low = u
        new = u - excess / (slope + weight * df)
        shrinks = abs(new - u) <= 0.5 * last + 1e-9 * max(abs(u), eq.V_m)
        if not (low <= new <= high and shrinks):  # Newton may run in circles
            new = 0.5 * (low + high)
        last = abs(new - u)
        done = abs(new - u) <= 4e-16 * max(abs(new), eq.V_m)
        u = new
        if done:
            break
    return u


@_compile
def _steady_start(eq: Equation, drive: float, state: FloatArray, s: FloatArray) -> None:
    """State (x, i_c, f) at the steady state of `drive`, and its derivatives by the parameters."""
    u = steady_junction_voltage(eq, drive)
    f, df = _activation(eq, u)
    current = u / eq.R_b + eq.i_c0 * f
    state[0] = current if eq.voltage else u
    state[1] = eq.i_c0 * f
    state[2] = f
    s[:] = 0.0
    s[2, _V_T] = -df
    s[2, _V_M] = -df * (u - eq.V_T) / eq.V_m
    for m in range(_PARAMETERS):
        s[1, m] = eq.i_c0 * s[2, m]
    s[1, _I_C0] += f
    conductance = 1.0 / eq.R_b + eq.i_c0 * df
    series = eq.R_s if eq.voltage else 1.0 / conductance
    damping = 1.0 + eq.R_s * conductance if eq.voltage else 1.0
    for m in range(_PARAMETERS):
        explicit = s[1, m]
        if m == _R_B:
            explicit -= u / eq.R_b**2
        u_m = -series * explicit / damping
        if m == _R_S and eq.voltage:
            u_m = -current / damping
        s[0, m] = explicit + conductance * u_m if eq.voltage else u_m
        s[2, m] += df * u_m
        s[1, m] += eq.i_c0 * df * u_m


@_compile
def _free_start(eq: Equation, drive: float, initial: FloatArray, state: FloatArray, s: FloatArray) -> None:
    """State (x, i_c, f) at a given (u, i_c, f) before the drive sets in."""
    s[:] = 0.0
    state[1], state[2] = initial[1], initial[2]
    s[1, _I_0], s[2, _F_0] = 1.0, 1.0
    if not eq.voltage:
        state[0] = initial[0]
        s[0, _U_0] = 1.0
    elif eq.R_s > 0.0:
        state[0] = (drive - initial[0]) / eq.R_s
        s[0, _U_0] = -1.0 / eq.R_s
        s[0, _R_S] = -state[0] / eq.R_s
    else:
        state[0] = drive / eq.R_b + initial[1]


@_compile
def _enter_piece(
    eq: Equation, level: float, slope: float, jump: float, state: FloatArray, s: FloatArray, columns: int
) -> None:
    """Carry the state over a kink or jump of the drive; what has no memory takes its new value."""
    if eq.voltage and eq.R_s > 0.0:
        state[0] += jump / eq.R_s
        s[0, _R_S] -= jump / eq.R_s**2
    if eq.tau_k == 0.0:
        u = (level if eq.voltage else 0.0) + eq.b * state[0]
        f, df = _activation(eq, u)
        state[2] = f
        for m in range(columns):
            s[2, m] = df * eq.b * s[0, m]
        s[2, _V_T] -= df
        s[2, _V_M] -= df * (u - eq.V_T) / eq.V_m
        if eq.voltage:
            s[2, _R_S] -= df * state[0]
    if eq.tau_d == 0.0:
        state[1] = eq.i_c0 * state[2]
        for m in range(columns):
            s[1, m] = eq.i_c0 * s[2, m]
        s[1, _I_C0] += state[2]
    if eq.voltage and eq.R_s == 0.0:
        state[0] = eq.C_m * slope + level / eq.R_b + state[1]
        for m in range(columns):
            s[0, m] = s[1, m]
        s[0, _R_B] -= level / eq.R_b**2
        s[0, _C_M] += slope
        rate = slope / eq.R_b + ((eq.i_c0 * state[2] - state[1]) / eq.tau_d if eq.tau_d > 0.0 else 0.0)
        s[0, _R_S] -= state[0] / eq.R_b + eq.C_m * rate


@_compile
def _first_step(eq: Equation, level: float, slope: float, state: FloatArray, length: float) -> float:
    """A fraction of the fastest change just after a jump."""
    x, c, f = state[0], state[1], state[2]
    source = eq.C_m * slope + level / eq.R_b if eq.voltage else level
    u = (level if eq.voltage else 0.0) + eq.b * x
    f_ss, _ = _activation(eq, u)
    rate = 1.0 / length
    if eq.eps > 0.0:
        u_rate = eq.b * (source - eq.kappa * x + eq.sigma * c) / eq.eps
        rate = max(rate, abs(u_rate + (slope if eq.voltage else 0.0)) / eq.V_m)
    if eq.tau_k * f_ss > 0.0:
        rate = max(rate, abs(f_ss - f) / (eq.tau_k * f_ss))
    if eq.tau_d > 0.0:
        rate = max(rate, abs(eq.i_c0 * f - c) / (eq.tau_d * eq.i_c0))
    return min(length, _FIRST_STEP / rate)


@_compile
def _predict_f(f: float, ratio: float, known: bool, w: Work) -> None:
    """First values for Newton's method: the last step's polynomial continued, else f itself."""
    for i in range(STAGES):
        value = f
        if known:
            theta = 1.0 + _NODES[i] * ratio
            value = w.f_powers[STAGES]
            for j in range(STAGES - 1, -1, -1):
                value = value * theta + w.f_powers[j]
            value = min(1.0, max(0.0, value))
        w.F[i] = value


@_compile
def _keep_f_polynomial(f: float, w: Work) -> None:
    """Remember the polynomial of f for the next prediction."""
    w.f_powers[0] = f
    for j in range(STAGES):
        total = 0.0
        for i in range(STAGES):
            total += _POWERS[j, i] * (w.F[i] - f)
        w.f_powers[j + 1] = total


@_compile
def integrate(
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
) -> tuple[int, float, int]:
    """One record: the measured quantity at each time, its derivatives, the states.

    Parameters
    ----------
    p : (8,) array
        R_b .. R_s.
    voltage : bool
        Voltage control.
    before : float, A or V
        Drive before the record, at whose steady state the device is (unless `free`).
    edges, level, slope : (k + 1,), (k,), (k,) arrays
        Pieces of the drive: ends (s), value at the start of each, slope.
    free, initial : bool, (3,) array
        Start from the given u, i_c, f.
    time : (n,) array, s
        Sorted, within the edges.
    tolerance : float
        Error of what is measured, relative to its size.
    y : (n,) array
        Out: V under current control, I under voltage control; NaN where not reached.
    y_p : (n, 12) or (0, 12) array
        Out: derivatives; not computed where it has no rows.
    states : (n, 3) or (0, 3) array
        Out: u, i_c, f.

    Returns
    -------
    status : int
        OK, TOO_MANY_STEPS, STEP_TOO_SMALL or NOT_FINITE.
    reached : float, s
    steps : int
        Steps tried.
    """
    eq = _equation(p, voltage)
    w = _workspace()
    columns = 0 if y_p.shape[0] == 0 else (_STATES if free else _PARAMETERS)
    state, s = np.empty(3), np.zeros((3, SENSITIVITIES))
    if free:
        _free_start(eq, before, initial, state, s)
    else:
        _steady_start(eq, before, state, s)
    y[:] = np.nan
    done, tried = 0, 0
    h, h_matrices, h_known = 0.0, 0.0, 0.0
    last_level = before
    for k in range(level.size):
        t, end = 0.0, edges[k + 1] - edges[k]  # time since the start of the piece: layers far below eps * t resolve
        jump = level[k] - last_level
        _enter_piece(eq, level[k], slope[k], jump, state, s, columns)
        last_level = level[k] + slope[k] * end
        if jump != 0.0 or h == 0.0 or eq.eps == 0.0:
            h = _first_step(eq, level[k], slope[k], state, end)
            h_known = 0.0
        steps = 0
        while t < end:
            steps += 1
            tried += 1
            if steps > MAX_STEPS_PER_PIECE:
                return TOO_MANY_STEPS, edges[k] + t, tried
            if not h > 4e-16 * t:
                return STEP_TOO_SMALL, edges[k] + t, tried
            closes = t + 1.0001 * h >= end
            h = end - t if closes else h
            drive = level[k] + slope[k] * t
            if h != h_matrices:
                _resolvents(eq, h, w)
                h_matrices = h
            x, c, f = state[0], state[1], state[2]
            _stage_drive(eq, drive, slope[k], h, w)
            _stages_without_f(eq, h, x, c, w)
            _predict_f(f, h / h_known if h_known > 0.0 else 0.0, h_known > 0.0, w)
            f_scale = max(_NEWTON_TOLERANCE * tolerance * min(1.0, max(abs(f), 1e-3)), _NEWTON_FLOOR)
            if not _find_stages(eq, h, f, f_scale, w):
                h *= 0.25
                h_known = 0.0
                continue
            _finish_stages(eq, w)
            error = max(_error(eq, x, c, f, drive, w) / tolerance, 1e-8)
            factor = _SAFETY * error**_EXPONENT
            factor = min(_GROW, max(_SHRINK, factor))
            if not error <= 1.0:
                if not math.isfinite(error):
                    factor = _SHRINK
                h *= factor
                continue
            arrival = end if closes else t + h
            if columns > 0:
                _stage_sensitivities(eq, h, x, f, drive, slope[k], s, columns, w)
            reach = np.inf if closes and k == level.size - 1 else arrival
            if done < time.size and time[done] - edges[k] < reach:
                _step_polynomials(x, s, columns, w)
                while done < time.size and time[done] - edges[k] < reach:
                    theta = (time[done] - edges[k] - t) / h
                    at = level[k] + slope[k] * (time[done] - edges[k])
                    row = y_p[done] if columns > 0 else state
                    y[done] = _write_point(eq, theta, h, at, slope[k], columns, w, row)
                    if states.shape[0] > 0:
                        states[done, 0] = (at if eq.voltage else 0.0) + eq.b * _polynomial_at(w.X, x, theta)
                        states[done, 1] = _polynomial_at(w.C, c, theta)
                        states[done, 2] = _polynomial_at(w.F, f, theta)
                    done += 1
            _keep_f_polynomial(f, w)
            h_known = h
            t = arrival
            last = STAGES - 1
            state[0], state[1], state[2] = w.X[last], w.C[last], w.F[last]
            if not math.isfinite(state[0] + state[1] + state[2]):
                return NOT_FINITE, edges[k] + t, tried
            for m in range(columns):
                s[0, m], s[1, m], s[2, m] = w.X_p[last, m], w.C_p[last, m], w.F_p[last, m]
            if factor < 0.95 or factor > 1.15:
                h *= factor
    return OK, edges[-1], tried


@_compile
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
    """All records of a device in one call, laid end to end; see `integrate`.

    `piece_offset` and `time_offset` (r + 1,) say where each record begins; `edges` has one entry more than
    pieces for each record. Fills `status` and `reached` (r,); returns the number of steps tried.
    """
    tried = 0
    for r in range(voltage.size):
        a, b = piece_offset[r], piece_offset[r + 1]
        m, n = time_offset[r], time_offset[r + 1]
        status[r], reached[r], steps = integrate(
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
        )
        tried += steps
    return tried
