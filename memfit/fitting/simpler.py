"""Simpler devices within the model, at which a search from the minimum may never arrive.

Where data describe one of them as well, what it does without is open: an activation that stands still, a
channel without current or with one that does not move, one that is fully on, or seen by its tail alone.
"""

from collections.abc import Sequence

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.excursions import ALLOWED, Excursion, moved, with_values
from memfit.fitting.predict import drive_of, junction_at
from memfit.fitting.state import State
from memfit.model.equations import activation

_LIMITS = (("tau_k", True), ("i_c0", False), ("tau_d", True))
"""Simpler devices within the model: an activation that stands still, no channel, a current that does."""
_TAIL = 9.0
"""Distance from V_T, in widths V_m, at which nothing but the tail of the activation is seen."""


def simpler_devices(base: State) -> list[Excursion]:
    """The simpler devices that describe the data as well, as excursions that went far.

    Parameters
    ----------
    base : State
        The minimum.
    """
    found, starts = [], (_half_activated(base), base.x)
    for name, upward in _LIMITS:
        if name in base.unknowns.names:
            j = base.unknowns.names.index(name)
            bound = base.unknowns.free[j].inner_bounds[int(upward)]
            found += _reached(base, j, upward, bound, starts)
    if "V_T" in base.unknowns.names:
        j = base.unknowns.names.index("V_T")
        for upward, start in _saturated_and_tail(base):
            found += _reached(base, j, upward, float(start[j]), [start])
    return found


def _reached(
    base: State, j: int, upward: bool, value: float, starts: Sequence[FloatArray]
) -> list[Excursion]:
    """The place with one unknown held at a value, from the first start that describes the data as well."""
    for start in starts:
        chi2, x = moved(base, j, value, start, np.zeros(start.size))
        if chi2 < base.minimum.chi2 + ALLOWED:
            name = base.unknowns.names[j]
            return [Excursion(name, upward, x, True, None, min(chi2, base.minimum.chi2))]
    return []


def _saturated_and_tail(base: State) -> list[tuple[bool, FloatArray]]:
    """The same channel current under the largest drive by full activation, and by its tail.

    A full activation shows i_c0 alone, a tail i_c0 exp(-V_T/V_m) and V_m.
    """
    names = base.unknowns.names
    drives = [drive for r in base.problem.predictor.records if (drive := drive_of(r)) is not None]
    if not drives or not {"V_T", "V_m", "i_c0"} <= set(names):
        return []
    p = base.unknowns.parameters(base.x)
    ends = [junction_at(p, (d.control, float(d.value[np.argmax(np.abs(d.value))]))) for d in drives]
    u = max(ends, key=abs)
    current = p.i_c0 * max(float(activation(p, u)), 1e-12)
    width = abs(u) / _TAIL
    places = (
        (False, {"V_T": u - 2 * _TAIL * width, "V_m": width / 2, "i_c0": current}),
        (True, {"V_T": u + _TAIL * width, "V_m": width, "i_c0": current * float(np.exp(_TAIL))}),
    )
    return [(upward, with_values(base, values)) for upward, values in places]


def _half_activated(base: State) -> FloatArray:
    """The same channel current before the first drive, by half the activation: where V_T leaves a trace.

    An activation that stands still shows i_c0 f of its start alone; where f is 1, nothing tells i_c0 from it.
    """
    names = base.unknowns.names
    drives = [drive for r in base.problem.predictor.records if (drive := drive_of(r)) is not None]
    if not drives or "V_T" not in names or "i_c0" not in names:
        return base.x
    p = base.unknowns.parameters(base.x)
    u = junction_at(p, (drives[0].control, float(drives[0].value[0])))
    return with_values(base, {"V_T": u, "i_c0": 2.0 * p.i_c0 * max(float(activation(p, u)), 1e-12)})
