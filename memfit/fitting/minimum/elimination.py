"""Many unknowns of which most belong to one record each: reduced record by record, in time linear in records.

A term of one record (an edge, an offset, a state at the start) has no derivatives elsewhere, so the Jacobian
of a device is block-diagonal with a border of what all records share. The rows of each record are reduced by
themselves; only what they leave of the shared unknowns is stacked and reduced again (Bjorck, Numerical
Methods for Least Squares Problems, SIAM 1996, section 6.3). Records with terms of the same kinds are reduced
together.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.minimum.linear import triangle
from memfit.fitting.plan import Term

MANY = 32
"""Unknowns from which it pays."""


@dataclass(frozen=True)
class Part:
    """Records with terms of their own, of the same kinds, or all records that have none."""

    columns: np.ndarray
    """(g, c) of the vector, a line for each record: its own terms first, then what all share."""
    own: int
    """How many are its own."""
    points: np.ndarray
    """(g, k) points that count, among all points; -1 beyond the last one of a record."""
    rows: np.ndarray
    """(g, k) the same, among the points that count."""


def parts_of(
    terms: Sequence[Term | None], kinds: Sequence[str], record_of_point: np.ndarray, kept: np.ndarray
) -> list[Part]:
    """The records without own terms together, then those of the others that are alike.

    Parameters
    ----------
    terms : sequence of Term, optional
        What each unknown is of an instrument; None for a parameter of the model.
    kinds : sequence of str
        Kind of each record.
    record_of_point : (n,) array of int
    kept : (k,) array of int
        Points that count.
    """
    records = [None if term is None else term.record for term in terms]
    own: dict[int, list[int]] = {}
    for j, record in enumerate(records):
        if record is not None:
            own.setdefault(record, []).append(j)
    shared, owner = [j for j, record in enumerate(records) if record is None], record_of_point[kept]
    rest = np.flatnonzero(~np.isin(owner, list(own)))
    found = [Part(np.array([shared], dtype=int), 0, kept[rest][None], rest[None])]
    alike: dict[Hashable, list[int]] = {}
    rows_of = {k: np.flatnonzero(owner == k) for k in own}
    for k, its in own.items():
        size = rows_of[k].size.bit_length()  # records of very different lengths would be filled up
        what = [(term.kind, term.index) for j in its if (term := terms[j]) is not None]
        alike.setdefault((size, kinds[k], *what), []).append(k)
    for group in alike.values():
        rows = np.full((len(group), max(rows_of[k].size for k in group)), -1)
        for row, k in zip(rows, group, strict=True):
            row[: rows_of[k].size] = rows_of[k]
        columns = np.array([[*own[k], *shared] for k in group])
        found.append(Part(columns, len(own[group[0]]), np.append(kept, -1)[rows], rows))
    return found


def reduced_by_records(
    parts: Sequence[Part], rows_of: Callable[[Part], FloatArray], more: FloatArray
) -> FloatArray:
    """(m + 1, m + 1) rows with the sums of squares of all rows of [J r].

    Parameters
    ----------
    parts : sequence of Part
    rows_of : callable
        Gives the rows (g, k, c + 1) of [J r] of a part, for its columns alone; 0 where a record has no more.
    more : (p, m + 1) array
        Further rows, of what all share.
    """
    size = more.shape[1] - 1
    shared = [*parts[0].columns[0], size]
    above, left = [], [more[:, shared]]
    for part in parts:
        rows = rows_of(part)
        count, _, width = rows.shape
        if count == 1:
            reduced = triangle(rows[0])[None]
        else:
            missing = max(width - rows.shape[1], 0)
            reduced = np.asarray(np.linalg.qr(np.pad(rows, ((0, 0), (0, missing), (0, 0))), mode="r"))
        block = np.zeros((count, part.own, size + 1))
        columns = np.column_stack([part.columns, np.full(count, size)])
        np.put_along_axis(
            block, np.repeat(columns[:, None], part.own, axis=1), reduced[:, : part.own], axis=2
        )
        above.append(block.reshape(-1, size + 1))
        left.append(reduced[:, part.own :, part.own :].reshape(-1, width - part.own))
    last = np.zeros((len(shared), size + 1))
    last[:, shared] = triangle(np.concatenate(left))
    return np.concatenate([*above, last])
