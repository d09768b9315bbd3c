"""State and derivatives: where they begin, how a jump or kink carries them over, and through a step.

States are (x, i_c, f) as in `memfit.model.integrator.equation`, with their derivatives (the tangents of the
flow) by the parameters (block 0) and by the initial u, i_c, f (block 1). At a jump or kink of the drive u,
i_c and f go on; what has no memory takes its new value.

The derivative of each equation of a step is linear in the unknown derivatives, with the matrix M that
Newton's method left behind (see `memfit.model.integrator.step`). With x_m, c_m, f_m the derivatives of x,
i_c, f at the start of the step and y the rise of the derivative of f,

    c_m <- c_m + Q (i_c0 (f_m + y) - c_m + explicit),    x_m <- x_m + P (sigma c_m - kappa x_m + explicit),
    M y = gain (b x_m + explicit) - f_m + explicit,      gain = (1 - tau_k df/dt) df_ss/du,

where `explicit` is the derivative of the equation by the parameter itself.
"""

from typing import Any

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import (
    BLOCK,
    C_M,
    I_C0,
    INITIAL,
    PARAMETERS,
    POINTS,
    R_B,
    R_S,
    STAGES,
    TABLEAU,
    TAU_D,
    TAU_K,
    V_M,
    V_T,
    Equation,
    activation,
    compile_part,
    factor,
    inline_part,
    linearise,
    source,
)

_FIRST_STEP = 0.05  # of the fastest time scale seen at a jump
_INTO_LAYER = 5.0  # of the thickness of the layer behind a kink
_D = TABLEAU.derivative
_SAME_MATRIX = 1e-8  # change of M that derivatives may not notice


@compile_part
def _steady_junction_voltage(eq: Equation, drive: float) -> float:
    """Steady u by Newton's method in a shrinking bracket; see `memfit.model.steady`."""
    if eq.voltage:
        slope, weight, aim = 1.0 + eq.R_s / eq.R_b, eq.R_s * eq.i_c0, drive
    else:
        slope, weight, aim = 1.0, eq.R_b * eq.i_c0, drive * eq.R_b
    high, low = aim / slope, (aim - weight) / slope
    u = high
    last = high - low
    for _ in range(200):
        f, df = activation(eq, u)
        excess = slope * u + weight * f - aim
        if excess > 0:
            high = u
        else:
            low = u
        new = u - excess / (slope + weight * df)
        shrinks = abs(new - u) <= 0.5 * last + 1e-9 * max(abs(u), eq.V_m)
        if not (low <= new <= high and shrinks):  # Newton may run in circles between the ends
            new = 0.5 * (low + high)
        last = abs(new - u)
        done = abs(new - u) <= 4e-16 * max(abs(new), eq.V_m)
        u = new
        if done:
            break
    return u


@compile_part
def steady_start(eq: Equation, drive: float, w: Any) -> None:
    """The steady state of `drive`, and its derivatives by the parameters."""
    u = _steady_junction_voltage(eq, drive)
    f, df = activation(eq, u)
    current = u / eq.R_b + eq.i_c0 * f
    w.x[0], w.c[0], w.f[0] = (current if eq.voltage else u), eq.i_c0 * f, f
    x_p, c_p, f_p = w.x_p[PARAMETERS, 0], w.c_p[PARAMETERS, 0], w.f_p[PARAMETERS, 0]
    f_p[:] = 0.0
    f_p[V_T] = -df
    f_p[V_M] = -df * (u - eq.V_T) / eq.V_m
    conductance = 1.0 / eq.R_b + eq.i_c0 * df
    damping = 1.0 + eq.R_s * conductance if eq.voltage else conductance
    for m in range(BLOCK):
        explicit = eq.i_c0 * f_p[m]  # of the current, at fixed u
        if m == I_C0:
            explicit += f
        c_p[m] = explicit
        if m == R_B:
            explicit -= u / eq.R_b**2
        u_m = -(eq.R_s if eq.voltage else 1.0) * explicit / damping
        if m == R_S and eq.voltage:
            u_m = -current / damping
        x_p[m] = explicit + conductance * u_m if eq.voltage else u_m
        f_p[m] += df * u_m
        c_p[m] += eq.i_c0 * df * u_m


@compile_part
def free_start(eq: Equation, drive: float, initial: FloatArray, w: Any) -> None:
    """A given (u, i_c, f) before the drive sets in."""
    for block in range(2):
        for m in range(BLOCK):
            w.x_p[block, 0, m], w.c_p[block, 0, m], w.f_p[block, 0, m] = 0.0, 0.0, 0.0
    w.c[0], w.f[0] = initial[1], initial[2]
    w.c_p[INITIAL, 0, 1], w.f_p[INITIAL, 0, 2] = 1.0, 1.0
    if not eq.voltage:
        w.x[0] = initial[0]
        w.x_p[INITIAL, 0, 0] = 1.0
    elif eq.R_s > 0.0:
        w.x[0] = (drive - initial[0]) / eq.R_s
        w.x_p[INITIAL, 0, 0] = -1.0 / eq.R_s
        w.x_p[PARAMETERS, 0, R_S] = -w.x[0] / eq.R_s
    else:
        w.x[0] = drive / eq.R_b + initial[1]


@compile_part
def enter_piece(eq: Equation, level: float, slope: float, jump: float, blocks: int, w: Any) -> None:
    """Carry the state over a kink or jump of the drive."""
    if eq.voltage and eq.R_s > 0.0:
        w.x[0] += jump / eq.R_s
        w.x_p[PARAMETERS, 0, R_S] -= jump / eq.R_s**2
    if eq.tau_k == 0.0:
        _follow_voltage(eq, level, blocks, w)
    if eq.tau_d == 0.0:
        _follow_activation(eq, blocks, w)
    if eq.voltage and eq.R_s == 0.0:
        _follow_drive(eq, level, slope, blocks, w)


@compile_part
def _follow_voltage(eq: Equation, level: float, blocks: int, w: Any) -> None:
    """Without kinetic time (tau_k = 0) f is f_ss(u) at once."""
    u = (level if eq.voltage else 0.0) + eq.b * w.x[0]
    f, df = activation(eq, u)
    w.f[0] = f
    for block in range(blocks):
        for m in range(BLOCK):
            w.f_p[block, 0, m] = df * eq.b * w.x_p[block, 0, m]
    w.f_p[PARAMETERS, 0, V_T] -= df
    w.f_p[PARAMETERS, 0, V_M] -= df * (u - eq.V_T) / eq.V_m
    if eq.voltage:
        w.f_p[PARAMETERS, 0, R_S] -= df * w.x[0]


@compile_part
def _follow_activation(eq: Equation, blocks: int, w: Any) -> None:
    """Without delay (tau_d = 0) i_c is i_c0 f at once."""
    w.c[0] = eq.i_c0 * w.f[0]
    for block in range(blocks):
        for m in range(BLOCK):
            w.c_p[block, 0, m] = eq.i_c0 * w.f_p[block, 0, m]
    w.c_p[PARAMETERS, 0, I_C0] += w.f[0]


@compile_part
def _follow_drive(eq: Equation, level: float, slope: float, blocks: int, w: Any) -> None:
    """Without R_s, I is C_m dV/dt + V/R_b + i_c at once; its derivative by R_s is that of the first ohm."""
    w.x[0] = eq.C_m * slope + level / eq.R_b + w.c[0]
    for block in range(blocks):
        for m in range(BLOCK):
            w.x_p[block, 0, m] = w.c_p[block, 0, m]
    lag = (eq.i_c0 * w.f[0] - w.c[0]) / eq.tau_d if eq.tau_d > 0.0 else 0.0
    w.x_p[PARAMETERS, 0, R_B] -= level / eq.R_b**2
    w.x_p[PARAMETERS, 0, C_M] += slope
    w.x_p[PARAMETERS, 0, R_S] -= w.x[0] / eq.R_b + eq.C_m * (slope / eq.R_b + lag)


@compile_part
def first_step(eq: Equation, level: float, slope: float, length: float, w: Any) -> float:
    """A fraction of the fastest change just after a jump."""
    x, c, f = w.x[0], w.c[0], w.f[0]
    u = (level if eq.voltage else 0.0) + eq.b * x
    f_ss, _ = activation(eq, u)
    rate = 1.0 / length
    if eq.eps > 0.0:
        u_rate = eq.b * (source(eq, level, slope) - eq.kappa * x + eq.sigma * c) / eq.eps
        rate = max(rate, abs(u_rate + (slope if eq.voltage else 0.0)) / eq.V_m)
    if eq.tau_k * f_ss > 0.0:
        rate = max(rate, abs(f_ss - f) / (eq.tau_k * f_ss))
    if eq.tau_d > 0.0:
        rate = max(rate, abs(eq.i_c0 * f - c) / (eq.tau_d * eq.i_c0))
    return min(length, _FIRST_STEP / rate)


@compile_part
def step_into_layer(eq: Equation, bend: float, tolerance: float, w: Any) -> float:
    """Longest first step after the slope of the drive has changed by `bend`.

    x follows within eps/kappa; where the layer is as high as an error that counts, the step begins inside it.
    """
    thickness = eq.eps / eq.kappa
    height = abs(bend) * (eq.C_m if eq.voltage else thickness) / eq.kappa
    seen = tolerance * (abs(w.x[0]) if eq.voltage else eq.V_m)
    return _INTO_LAYER * thickness if thickness > 0.0 and height > seen else w.h


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
