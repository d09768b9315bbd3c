"""The slow reference: scipy's Radau with the exact Jacobian, piece by piece, as a textbook would."""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from memfit.model.equations import activation, jacobian, steady_current, vector_field


def steady_state(p, drive):
    """u, i_c, f at rest at the first value of the drive."""
    value = drive.value[0]
    series = p.R_s if drive.control == "voltage" else 0.0

    def excess(u):
        if drive.control == "voltage":
            return u + series * float(steady_current(p, u)) - value
        return float(steady_current(p, u)) - value

    span = 10.0 + abs(value) * (1.0 if drive.control == "voltage" else p.R_b) + p.i_c0 * (p.R_b + series)
    u = brentq(excess, -span, span, xtol=1e-15, rtol=4 * np.finfo(float).eps)
    f = float(activation(p, u))
    return np.array([u, p.i_c0 * f, f])


def response(p, drive, time, rtol=1e-10):
    """Terminal voltage (current control) or current (voltage control, R_s > 0); None where scipy gives up."""
    state = steady_state(p, drive)
    scale = np.array([p.V_m, p.i_c0, 1.0])
    result = np.full(time.size, np.nan)
    resistance = p.R_s if drive.control == "voltage" else np.inf

    def current(t, u):
        value = level + slope * (t - begin)
        return (value - u) / p.R_s if drive.control == "voltage" else value

    for k in range(drive.time.size - 1):
        begin, end = drive.time[k], drive.time[k + 1]
        if end == begin:
            continue
        level, slope = drive.value[k], (drive.value[k + 1] - drive.value[k]) / (end - begin)
        here = (time >= begin) & ((time < end) | (k == drive.time.size - 2))
        with np.errstate(over="ignore"):  # of a first step that is far too long, and rejected
            solution = solve_ivp(
                lambda t, y: vector_field(p, y, current(t, y[0])),
                (begin, end),
                state,
                method="Radau",
                jac=lambda t, y: jacobian(p, y, resistance),
                t_eval=np.append(time[here], [] if here.any() and time[here][-1] == end else [end]),
                rtol=rtol,
                atol=rtol * 1e-3 * scale,
            )
        if not solution.success:
            return None
        state = solution.y[:, -1]
        u = solution.y[0, : here.sum()]
        if drive.control == "voltage":
            result[here] = current(time[here], u)
        else:
            result[here] = u + p.R_s * current(time[here], u)
    return result
