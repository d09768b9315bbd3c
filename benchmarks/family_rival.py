"""The sensitivity equations of a member with branch, conductance and activation time, written by hand.

    C_m du/dt     = I - u/R_b - i_c w - (u - v)/R_1,   w = 1 - kappa + kappa u/V_T
    tau_d di_c/dt = i_c0 f - i_c
    tau_f df/dt   = f_ss - f,                          tau_f = tau_k f_ss^p_k (1 - f_ss)^q_k
    R_1 C_1 dv/dt = u - v

4 states and 4 times 13 derivatives, for solvers of scipy; nothing is imported from memfit.
"""

import math
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s", "R_1", "C_1", "kappa", "p_k", "q_k")
R_B, C_M, I_C0, V_T_, V_M, TAU_D, TAU_K, R_S, R_1_, C_1_, KAPPA, P_K, Q_K = range(13)
_CLIP = 36.0


def _activation(V_T, V_m, tau_k, p_k, q_k, u):
    """f_ss, its slope by z, tau_f, its slope by z, ln f_ss, ln(1 - f_ss), z."""
    z = (u - V_T) / V_m
    held = min(max(z, -_CLIP), _CLIP)
    f = 1.0 / (1.0 + math.exp(-held))
    log_f, log_rest = -math.log1p(math.exp(-held)), -math.log1p(math.exp(held))
    tau = tau_k * math.exp(p_k * log_f + q_k * log_rest)
    inside = abs(z) < _CLIP
    return f, f * (1.0 - f), tau, tau * (p_k * (1.0 - f) - q_k * f) if inside else 0.0, log_f, log_rest, z


def equations(p, level):
    """dy/dt of the states u, i_c, f, v and their derivatives by `NAMES`, at a constant current."""
    R_b, C_m, i_c0, V_T, V_m, tau_d, tau_k, _, R_1, C_1, kappa, p_k, q_k = map(float, p)
    J, out = np.zeros((4, 4)), np.empty(56)
    J[0, 3], J[1, 1], J[1, 2] = 1.0 / (R_1 * C_m), -1.0 / tau_d, i_c0 / tau_d
    J[3, 0], J[3, 3] = 1.0 / (R_1 * C_1), -1.0 / (R_1 * C_1)

    def rates(_, y):
        u, c, f, v = y[:4]
        f_ss, f_z, tau, tau_z, log_f, log_rest, z = _activation(V_T, V_m, tau_k, p_k, q_k, u)
        w = 1.0 - kappa + kappa * u / V_T
        u_rate = (level - u / R_b - c * w - (u - v) / R_1) / C_m
        c_rate = (i_c0 * f - c) / tau_d
        f_rate = (f_ss - f) / tau
        v_rate = (u - v) / (R_1 * C_1)
        out[:4] = u_rate, c_rate, f_rate, v_rate
        J[0, 0], J[0, 1] = -(1.0 / R_b + c * kappa / V_T + 1.0 / R_1) / C_m, -w / C_m
        by_z = (f_z - f_rate * tau_z) / tau
        J[2, 0], J[2, 2] = by_z / V_m, -1.0 / tau
        T = J @ y[4:].reshape(4, 13)
        T[0, R_B] += u / (R_b * R_b * C_m)
        T[0, C_M] -= u_rate / C_m
        T[0, R_1_] += (u - v) / (R_1 * R_1 * C_m)
        T[0, KAPPA] -= c * (u / V_T - 1.0) / C_m
        T[0, V_T_] += c * kappa * u / (V_T * V_T * C_m)
        T[1, I_C0] += f / tau_d
        T[1, TAU_D] -= c_rate / tau_d
        T[2, V_T_] -= by_z / V_m
        T[2, V_M] -= by_z * z / V_m
        T[2, TAU_K] -= f_rate / tau_k
        T[2, P_K] -= f_rate * log_f
        T[2, Q_K] -= f_rate * log_rest
        T[3, R_1_] -= v_rate / R_1
        T[3, C_1_] -= v_rate / C_1
        out[4:] = T.ravel()
        return out

    return rates


def at_rest(p, level):
    """States and derivatives in the steady state at a current."""
    R_b, _, i_c0, V_T, V_m, _, tau_k, _, _, _, kappa, p_k, q_k = map(float, p)

    def current(u):
        f = _activation(V_T, V_m, tau_k, p_k, q_k, u)[0]
        return u / R_b + i_c0 * f * (1.0 - kappa + kappa * u / V_T)

    reach = 10.0 + abs(level) * R_b
    u = brentq(lambda v: current(v) - level, -reach, reach, xtol=1e-15, rtol=1e-15)
    f, f_z, *_, z = _activation(V_T, V_m, tau_k, p_k, q_k, u)
    w = 1.0 - kappa + kappa * u / V_T
    by = np.zeros(13)
    by[R_B], by[I_C0], by[KAPPA] = -u / R_b**2, f * w, i_c0 * f * (u / V_T - 1.0)
    by[V_T_] = -i_c0 * (f_z / V_m * w + f * kappa * u / V_T**2)
    by[V_M] = -i_c0 * f_z / V_m * z * w
    u_p = -by / (1.0 / R_b + i_c0 * (f_z / V_m * w + f * kappa / V_T))
    f_p = f_z / V_m * u_p
    f_p[V_T_] -= f_z / V_m
    f_p[V_M] -= f_z / V_m * z
    c_p = i_c0 * f_p
    c_p[I_C0] += f
    return np.concatenate([[u, i_c0 * f, f, u], u_p, c_p, f_p, u_p])


def course(p, knots, time, rtol, method="LSODA"):
    """Terminal voltage and its 13 derivatives under a current that is constant between its jumps."""
    values, slopes = np.full(time.size, np.nan), np.full((time.size, 13), np.nan)
    y = at_rest(p, knots[0][1])
    scale = np.array([p[V_M], p[I_C0], 1.0, p[V_M]])
    least = rtol * 1e-3 * np.concatenate([scale, np.outer(scale, 1.0 / np.asarray(p)).ravel()])
    for (t0, level), (t1, _) in pairwise(knots):
        if t1 == t0:
            continue
        here = (time >= t0) & ((time < t1) | (t1 == knots[-1][0]))
        at = np.unique(np.append(time[here], t1))
        found = solve_ivp(equations(p, level), (t0, t1), y, method, at, rtol=rtol, atol=least)
        if not found.success:
            break
        count = int(np.count_nonzero(here))
        values[here] = found.y[0, :count] + p[R_S] * level
        slopes[here] = found.y[4:17, :count].T
        slopes[here, R_S] += level
        y = found.y[:, -1]
    return values, slopes
