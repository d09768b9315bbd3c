"""How one would integrate the model without memfit: scipy and CVODE, finite differences or sensitivities.

Equations 1, 11, 12 of Bisquert & Guerrero (J. Phys. Chem. Lett. 2022, 13, 3789) with u, i_c, f as states.
Every solver gets its best chance: exponent clipped, each piece of the drive on its own, the exact Jacobian
where that makes it faster. A piece of a drive is (begin, end, value at the begin, slope).
"""

import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

try:
    from sksundae.cvode import CVODE
except ImportError:
    CVODE = None

NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")


def pieces_of(drive):
    """Pieces of a drive of memfit."""
    return [
        (a, b, v, (w - v) / (b - a))
        for a, b, v, w in zip(drive.time[:-1], drive.time[1:], drive.value[:-1], drive.value[1:], strict=True)
        if b > a
    ]


def steady_state(p, control, value):
    """u, i_c, f at rest."""
    R_b, _, i_c0, V_T, V_m, _, _, R_s = p

    def current(u):
        return u / R_b + i_c0 / (1.0 + math.exp(min(-(u - V_T) / V_m, 600.0)))

    def excess(u):
        return u + R_s * current(u) - value if control == "voltage" else current(u) - value

    reach = 10.0 + abs(value) * (1.0 if control == "voltage" else R_b) + i_c0 * (R_b + R_s)
    u = brentq(excess, -reach, reach, xtol=1e-15)
    f = 1.0 / (1.0 + math.exp(min(-(u - V_T) / V_m, 600.0)))
    return np.array([u, i_c0 * f, f])


def field(p, control, piece):
    """du/dt, di_c/dt, df/dt as a function of t and the states."""
    R_b, C_m, i_c0, V_T, V_m, tau_d, tau_k, R_s = map(float, p)
    begin, _, level, slope = piece

    def rates(t, y):
        u, c, f = y
        drive = level + slope * (t - begin)
        current = (drive - u) / R_s if control == "voltage" else drive
        decay = math.exp(min(-(u - V_T) / V_m, 600.0))
        return [
            (current - u / R_b - c) / C_m,
            (i_c0 * f - c) / tau_d,
            ((1.0 - f) - decay * f) / tau_k,
        ]

    return rates


def jacobian(p, control):
    """Its derivative by the states."""
    R_b, C_m, i_c0, V_T, V_m, tau_d, tau_k, R_s = map(float, p)
    leak = (1.0 / R_b + (1.0 / R_s if control == "voltage" else 0.0)) / C_m

    def slopes(_, y):
        decay = math.exp(min(-(y[0] - V_T) / V_m, 600.0))
        return np.array(
            [
                [-leak, -1.0 / C_m, 0.0],
                [0.0, -1.0 / tau_d, i_c0 / tau_d],
                [decay * y[2] / (V_m * tau_k), 0.0, -(1.0 + decay) / tau_k],
            ]
        )

    return slopes


def response(p, control, pieces, time, *, method="LSODA", rtol=1e-8, with_jacobian=False):
    """Terminal voltage (current control) or current (voltage control) at `time`."""
    state = steady_state(p, control, pieces[0][2])
    atol = rtol * 1e-3 * np.array([p[4], p[2], 1.0])
    result = np.full(time.size, np.nan)
    options = {"jac": jacobian(p, control)} if with_jacobian else {}
    for k, piece in enumerate(pieces):
        begin, end, level, slope = piece
        here = (time >= begin) & ((time < end) | (k == len(pieces) - 1))
        at = time[here]
        solution = solve_ivp(
            field(p, control, piece),
            (begin, end),
            state,
            method=method,
            t_eval=np.append(at, [] if at.size and at[-1] == end else [end]),
            rtol=rtol,
            atol=atol,
            **options,
        )
        if not solution.success:
            return result
        state = solution.y[:, -1]
        u, drive = solution.y[0, : at.size], level + slope * (at - begin)
        result[here] = (drive - u) / p[7] if control == "voltage" else u + p[7] * drive
    return result


def finite_differences(p, control, pieces, time, **options):
    """Response and its forward differences: what a minimiser does that knows no derivatives."""
    base = response(p, control, pieces, time, **options)
    slopes = np.empty((time.size, 8))
    for k in range(8):
        step = 1e-4 * p[k]
        moved = p.copy()
        moved[k] += step
        slopes[:, k] = (response(moved, control, pieces, time, **options) - base) / step
    return base, slopes


def sensitivity_field(p, piece):
    """The 27 sensitivity equations under current control, written by hand."""
    R_b, C_m, i_c0, V_T, V_m, tau_d, tau_k, _ = map(float, p)
    begin, _, level, slope = piece
    J = np.array([[-1.0 / (R_b * C_m), -1.0 / C_m, 0.0], [0.0, -1.0 / tau_d, i_c0 / tau_d], [0.0, 0.0, 0.0]])
    out = np.empty(27)
    tangents = out[3:].reshape(3, 8)

    def rates(t, y):
        u, c, f = y[:3]
        decay = math.exp(min(-(u - V_T) / V_m, 600.0))
        u_rate = (level + slope * (t - begin) - u / R_b - c) / C_m
        c_rate = (i_c0 * f - c) / tau_d
        f_rate = ((1.0 - f) - decay * f) / tau_k
        out[:3] = u_rate, c_rate, f_rate
        gain = decay * f / (V_m * tau_k)
        J[2, 0], J[2, 2] = gain, -(1.0 + decay) / tau_k
        np.matmul(J, y[3:].reshape(3, 8), out=tangents)
        tangents[0, 0] += u / (R_b * R_b * C_m)
        tangents[0, 1] -= u_rate / C_m
        tangents[1, 2] += f / tau_d
        tangents[1, 5] -= c_rate / tau_d
        tangents[2, 3] -= gain
        tangents[2, 4] -= gain * (u - V_T) / V_m
        tangents[2, 6] -= f_rate / tau_k
        return out

    return rates


def sensitivity_jacobian(p):
    """The Jacobian of the 27 equations without second derivatives: enough for Newton's method."""
    slopes = jacobian(p, "current")

    def matrix(t, y):
        J = slopes(t, y)
        full = np.zeros((27, 27))
        full[:3, :3] = J
        full[3:, 3:] = np.kron(J, np.eye(8))
        return full

    return matrix


def _sensitivity_start(p, value):
    """States and their derivatives at rest, by implicit differentiation."""
    R_b, _, i_c0, V_T, V_m, _, _, _ = p
    u, c, f = steady_state(p, "current", value)
    df = f * (1.0 - f) / V_m
    explicit = np.zeros((3, 8))
    explicit[2, 3], explicit[2, 4] = -df, -df * (u - V_T) / V_m
    explicit[1] = i_c0 * explicit[2]
    explicit[1, 2] += f
    by_current = explicit[1].copy()
    by_current[0] -= u / R_b**2
    u_p = -by_current / (1.0 / R_b + i_c0 * df)
    tangents = explicit + np.outer([0.0, i_c0 * df, df], u_p)
    tangents[0] = u_p
    return np.concatenate([[u, c, f], tangents.ravel()])


def _sensitivity_tolerance(p, rtol):
    """Absolute tolerances of states and tangents."""
    scale = np.array([p[4], p[2], 1.0])
    return rtol * 1e-3 * np.concatenate([scale, np.outer(scale, 1.0 / np.asarray(p)).ravel()])


def sensitivities(p, pieces, time, *, solver="LSODA", rtol=1e-8, with_jacobian=True):
    """Terminal voltage under current control and its derivatives, from the 27 equations."""
    state = _sensitivity_start(p, pieces[0][2])
    result, slopes = np.full(time.size, np.nan), np.full((time.size, 8), np.nan)
    for k, piece in enumerate(pieces):
        begin, end, level, slope = piece
        here = (time >= begin) & ((time < end) | (k == len(pieces) - 1))
        at = time[here]
        run = _cvode if solver == "CVODE" else _solve_ivp
        course = run(p, piece, state, at, solver, rtol, with_jacobian)
        if course is None:
            return result, slopes
        state = course[-1]
        drive = level + slope * (at - begin)
        result[here] = course[: at.size, 0] + p[7] * drive
        slopes[here] = course[: at.size, 3:11]
        slopes[here, 7] += drive
    return result, slopes


def _solve_ivp(p, piece, state, at, method, rtol, with_jacobian):
    """(n + 1, 27) course at the samples and at the end of the piece."""
    solution = solve_ivp(
        sensitivity_field(p, piece),
        piece[:2],
        state,
        method=method,
        t_eval=np.append(at, [] if at.size and at[-1] == piece[1] else [piece[1]]),
        rtol=rtol,
        atol=_sensitivity_tolerance(p, rtol),
        **({"jac": sensitivity_jacobian(p)} if with_jacobian else {}),
    )
    return solution.y.T if solution.success else None


def _cvode(p, piece, state, at, _, rtol, with_jacobian):
    """The same with CVODE of SUNDIALS (scikit-sundae)."""
    rates = sensitivity_field(p, piece)
    matrix = sensitivity_jacobian(p)

    def right_hand_side(t, y, yp):
        yp[:] = rates(t, y)

    def derivative(t, y, _, JJ):
        JJ[:, :] = matrix(t, y)

    options = {"jacfn": derivative} if with_jacobian else {}
    solver = CVODE(
        right_hand_side,
        rtol=rtol,
        atol=_sensitivity_tolerance(p, rtol),
        max_num_steps=100_000,
        **options,
    )
    grid = np.unique(np.concatenate([[piece[0]], at, [piece[1]]]))
    solution = solver.solve(grid, state)
    if not solution.success:
        return None
    rows = np.searchsorted(grid, np.append(at, [] if at.size and at[-1] == piece[1] else [piece[1]]))
    return solution.y[rows]
