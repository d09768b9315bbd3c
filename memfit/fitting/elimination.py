"""Many unknowns of which most belong to one record each: reduced record by record, in time linear in records.

A term of one record (an edge, an offset, a state at the start) has no derivatives elsewhere, so the Jacobian
of a device is block-diagonal with a border of what all records share. The rows of each record are reduced by
themselves; only what they leave of the shared unknowns is stacked and reduced again (Bjorck, Numerical
Methods for Least Squares Problems, SIAM 1996, section 6.3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.linear import triangle

MANY = 32
"""Unknowns from which it pays."""


@dataclass(frozen=True)
class Part:
    """A record with terms of its own, or all records that have none."""

    columns: list[int]
    """Of the vector: its own terms first, then what all share."""
    own: int
    """How many are its own."""
    points: np.ndarray
    """(k,) its points that count, among all points."""
    rows: np.ndarray
    """(k,) the same, among the points that count."""


def parts_of(records: Sequence[int | None], record_of_point: np.ndarray, kept: np.ndarray) -> list[Part]:
    """The records without own terms together, then each of the others.

    Parameters
    ----------
    records : sequence of int, optional
        The record that each unknown belongs to; None for what all share.
    record_of_point : (n,) array of int
    kept : (k,) array of int
        Points that count.
    """
    own = {k: [j for j, record in enumerate(records) if record == k] for k in set(records) - {None}}
    shared, owner = [j for j, record in enumerate(records) if record is None], record_of_point[kept]
    others = ~np.isin(owner, [k for k in own if k is not None])
    found = []
    for columns, chosen in [([], others), *((own[k], owner == k) for k in own)]:
        rows = np.flatnonzero(chosen)
        found.append(Part([*columns, *shared], len(columns), kept[rows], rows))
    return found


def reduced_by_records(
    parts: Sequence[Part], rows_of: Callable[[Part], FloatArray], more: FloatArray
) -> FloatArray:
    """(m + 1, m + 1) rows with the sums of squares of all rows of [J r].

    Parameters
    ----------
    parts : sequence of Part
    rows_of : callable
        Gives the rows (k, c + 1) of [J r] of a part, for its columns alone.
    more : (p, m + 1) array
        Further rows, of what all share.
    """
    size = more.shape[1] - 1
    shared = [*parts[0].columns, size]
    above, left = [], [more[:, shared]]
    for part in parts:
        reduced = triangle(rows_of(part))
        block = np.zeros((part.own, size + 1))
        block[:, [*part.columns, size]] = reduced[: part.own]
        above.append(block)
        left.append(reduced[part.own :, part.own :])
    last = np.zeros((len(shared), size + 1))
    last[:, shared] = triangle(np.concatenate(left))
    return np.concatenate([*above, last])
