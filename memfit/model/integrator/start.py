"""Where the compiled integrator begins: initial state, entry into a piece of the drive, first step.

States are (x, i_c, f) as in `memfit.model.integrator.equation`, with their derivatives by the parameters
(block 0) and by the initial state (block 1). At a jump or kink of the drive u, i_c and f go on; what has no
memory takes its new value.
"""

from typing import Any

from memfit.arrays import FloatArray
from memfit.model.integrator.equation import BLOCK, Equation, activation, compile_part, source
from memfit.model.integrator.sensitivities import (
    C_M,
    I_C0,
    INITIAL,
    PARAMETERS,
    R_B,
    R_S,
    V_M,
    V_T,
)

_FIRST_STEP = 0.05  # of the fastest time scale seen at a jump
_INTO_LAYER = 5.0  # of the thickness of the layer behind a kink


@compile_part
def steady_junction_voltage(eq: Equation, drive: float) -> float:
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
    u = steady_junction_voltage(eq, drive)
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
