"""The response in time of devices of the family: from parameters to the call of the general integrator.

The parts of a device say what they are in time (`memfit.model.terms`); dispersion is followed by a ladder
over the band that the sampling shows.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import ParameterError
from memfit.model import integrator as kernel
from memfit.model.parameters import PARAMETERS, Parameters
from memfit.model.parts import terms_in_time
from memfit.model.terms import Terms

FIRST = ("u", "i_c", "f")
"""The states of the plainest device, before all others; with any values of these a record may begin."""
_STEP, _LINE = 2.0, 0.25
"""Time of a step, and of each state with a block of derivatives, in steps of the plainest device: 2.4 in all
with photocurrent, 2.7 with a branch, 6 with all parts but dispersion (measured)."""


def names_in_time(p: Parameters) -> tuple[str, ...]:
    """Parameters that the response in time of a device depends on.

    Parameters
    ----------
    p : Parameters
    """
    parts = p.parts
    return tuple(
        n for n, row in PARAMETERS.items() if row.in_time and (not row.extension or row.part in parts)
    )


@dataclass(frozen=True, kw_only=True)
class Records:
    """Drives and samples of several records, laid end to end as the compiled code takes them."""

    voltage: np.ndarray
    """(r,) whether each is under voltage control."""
    u: FloatArray
    """(r,) junction voltage (V) before the drive sets in; not a number where it is the only steady one."""
    before: FloatArray
    """(r,) the drive at whose steady state each begins."""
    edges: FloatArray
    """Ends of the pieces of the drives, one more than pieces for each record."""
    level: FloatArray
    slope: FloatArray
    piece_offset: np.ndarray
    free: np.ndarray
    """(r,) whether each begins anywhere."""
    initial: FloatArray
    """(r, 3) u, i_c, f of those that do; other states are in equilibrium with u. Or (r, m): the other
    activations and lags too, in the order of the terms."""
    time: FloatArray
    """(n,) s."""
    offsets: np.ndarray
    """(r + 1,) where each record begins in `time`."""
    band: tuple[float, float]
    """Frequencies, rad/s, that the sampling shows."""


def integrate(
    p: Parameters, records: Records, *, sensitivities: bool, states: bool, tolerance: float
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[str, ...], np.ndarray, FloatArray, int]:
    """All records of a device in one compiled call.

    Parameters
    ----------
    p : Parameters
    records : Records
    sensitivities, states : bool
        Whether to compute the derivatives and the states.
    tolerance : float
        Error of the measured quantity relative to its size.

    Returns
    -------
    values : (n,) array
    derivatives : (n, k + 4) array
        By `names_in_time`, initial u, i_c, f, and time; (0, k + 4) if not asked for.
    states : (n, m) array
        (0, m) if not asked for.
    state_names : tuple of str
        u, i_c, f and those of other parts.
    status : (r,) array of int
    reached : (r,) array, s
    work : int
        Steps of the plainest device that take as long as those that were tried.

    Raises
    ------
    ParameterError
        The ladder of the dispersion would need more branches than there are.
    """
    terms = terms_in_time(p, records.band)
    if len(terms.lags) > kernel.LAGS:
        raise ParameterError(
            f"Dispersion (n = {p.n:g}) between the shortest and the longest time of these records needs "
            f"{len(terms.lags)} branches, and there are {kernel.LAGS}; shorten the records or take n = 1."
        )
    names = names_in_time(p)
    values, derivatives, course, status, reached, work = run(
        terms, names, records, sensitivities=sensitivities, states=states, tolerance=tolerance
    )
    place = terms.columns()
    state_names = tuple(dict.fromkeys((*FIRST, *place)))
    ordered = course[:, [place[name] for name in state_names]]
    return values, derivatives, ordered, state_names, status, reached, work


def run(
    terms: Terms,
    names: tuple[str, ...],
    records: Records,
    *,
    sensitivities: bool,
    states: bool,
    tolerance: float,
) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray, FloatArray, int]:
    """As `integrate`, of terms that are there, with derivatives by `names` of those of their numbers.

    The states are u, all activations and all lags.

    Parameters
    ----------
    terms : Terms
    names : tuple of str
    records : Records
    sensitivities, states : bool
    tolerance : float
    """
    numbers, by = terms.stacked(names)
    count, time = records.voltage.size, records.time
    width = len(names) + (len(FIRST) if np.any(records.free) else 0) if sensitivities else 0
    all_by = np.zeros((count, numbers.size, width))
    if sensitivities:
        all_by[..., : len(names)] = by
    values = np.empty(time.size)
    derivatives = np.zeros((time.size if sensitivities else 0, len(names) + len(FIRST) + 1))
    course = np.empty((time.size if states else 0, 1 + len(terms.activations) + len(terms.lags)))
    course[:] = np.nan
    status, reached = np.empty(count, dtype=np.int64), np.empty(count)
    kernel.prepare(kernel.integrate_members)
    steps = kernel.integrate_members(
        numbers[None, :].repeat(count, axis=0),
        all_by,
        terms.signs,
        terms.sources,
        terms.shape,
        records.u,
        records.voltage,
        records.before,
        records.edges,
        records.level,
        records.slope,
        records.piece_offset,
        records.free,
        records.initial,
        time,
        records.offsets,
        tolerance,
        values,
        derivatives,
        course,
        status,
        reached,
    )
    lines = (len(terms.activations) + len(terms.lags)) * max(math.ceil(width / kernel.BLOCK), 1)
    work = round(int(steps) * (_STEP + _LINE * lines))
    return values, derivatives, course, status, reached, work


def band_of(time: FloatArray, offsets: np.ndarray) -> tuple[float, float]:
    """Frequencies, rad/s, between the length of the records and the distance of their samples."""
    low, high = np.inf, 0.0
    for start, end in itertools.pairwise(offsets):
        gaps = np.diff(time[start:end])
        gaps = gaps[gaps > 0.0]
        if gaps.size:
            low = min(low, 1.0 / float(time[end - 1] - time[start]))
            high = max(high, 1.0 / float(np.min(gaps)))
    return (low, high) if high > 0.0 else (1.0, 1.0)
