"""Drift of the channel from record to record: i_c0 exp(d_i t), held through a record.

t is the time of the record since the first one of the session, s where the files say when they began, else
how many records later it is; then d_i counts per record. Two polarities that are alike drift alike, otherwise
i_c0n stays. Met where a channel forms or wears off while it is measured.
"""

import math

import numpy as np

from memfit.arrays import FloatArray
from memfit.model.parameters import COLUMN, Parameters

PART = "drift"
_LARGEST = 50.0
"""Of d_i t, either way."""


def at(p: Parameters, t: float) -> Parameters:
    """The device as it is in a record, without drift.

    Parameters
    ----------
    p : Parameters
    t : float, s or number of records
    """
    growth = math.exp(min(max(p.d_i * t, -_LARGEST), _LARGEST))
    second = {"i_c0n": p.i_c0n * growth} if is_symmetric(p) else {}
    return p.replace(i_c0=p.i_c0 * growth, d_i=0.0, **second)


def is_symmetric(p: Parameters) -> bool:
    """Whether both polarities are the same."""
    return (p.i_c0n, p.V_Tn, p.V_mn) == (p.i_c0, p.V_T, p.V_m)


def with_drift(p: Parameters, t: float | FloatArray, by: FloatArray) -> FloatArray:
    """(n, p) derivatives by the parameters of the device that drifts.

    Parameters
    ----------
    p : Parameters
        That device.
    t : float or (n,) array
        Time of each value.
    by : (n, p) array
        Derivatives by those of the device `at` that time, in the order of `NAMES`.
    """
    result = by.copy()
    growth = np.exp(np.clip(p.d_i * np.asarray(t), -_LARGEST, _LARGEST))
    drifting = ("i_c0", "i_c0n") if is_symmetric(p) else ("i_c0",)
    result[:, COLUMN["d_i"]] = 0.0
    for name in drifting:
        result[:, COLUMN[name]] *= growth
        result[:, COLUMN["d_i"]] += getattr(p, name) * t * result[:, COLUMN[name]]
    return result
