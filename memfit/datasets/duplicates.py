"""The same measurement twice: a copied file, one file under two names, the same rows in another format.

A measurement counts once: n copies taken for independent data make every standard error sqrt(n) too small.
Two measurements are copies where kind, control and bias agree and every number does, to the five digits that
the shortest text keeps; a part of a measurement is a copy as well. Noise tells two real measurements of the
same thing apart, even noise of 1e-4.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum, Record

_DIGITS = 5.5e-5
"""Of a number, or of the largest in its column: what text of five digits rounds away."""
_SAME_BIAS = 1e-3
"""V, or of the larger one."""
_SAME_FREQUENCY = 1e-3
"""Relative."""
_LEAST_ROWS = 5
"""Rows, and different responses, of a part that is no chance."""


def copies(records: Sequence[Record]) -> dict[int, int]:
    """Which records are copies, and of which.

    Parameters
    ----------
    records : sequence of Record

    Returns
    -------
    dict of int to int
        Place of each copy: place of the first record with the same numbers, or of one that holds more.
    """
    found: dict[int, int] = {}
    for place, record in enumerate(records):
        first = next((k for k in range(place) if k not in found and _same(records[k], record)), None)
        if first is not None:
            found[place] = first
            continue
        for k in range(place):
            if k not in found and records[k].points != record.points:
                part, whole = (k, place) if records[k].points < record.points else (place, k)
                if _is_part(records[part], records[whole]):
                    found[part] = whole
                    break
    return found


def without_copies(records: Sequence[Record]) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """The records, each measurement once, and a sentence for each copy that is left out.

    Parameters
    ----------
    records : sequence of Record
    """
    found = copies(records)
    kept = tuple(record for place, record in enumerate(records) if place not in found)
    said = tuple(
        f"{records[copy].name} holds the same numbers as {records[first].name}: counted once."
        for copy, first in found.items()
    )
    return kept, said


def _same(one: Record, other: Record) -> bool:
    """Whether two records are one measurement."""
    if (one.control, one.points) != (other.control, other.points):
        return False
    if isinstance(one, ImpedanceSpectrum) and isinstance(other, ImpedanceSpectrum):
        return _same_spectrum(one, other)
    if isinstance(one, ImpedanceSpectrum) or isinstance(other, ImpedanceSpectrum) or one.kind != other.kind:
        return False
    driven = "voltage" if one.control == "voltage" else "current"
    for name in ("time", driven):
        mine, theirs = getattr(one, name), getattr(other, name)
        if (mine is None) != (theirs is None) or not (mine is None or _equal(mine, theirs)):
            return False
    return _equal(one.response, other.response)


def _is_part(part: Record, whole: Record) -> bool:
    """Whether the rows of a record are some of those of another."""
    if part.control != whole.control or part.kind != whole.kind or part.points < _LEAST_ROWS:
        return False
    if part.kind not in ("impedance", "iv", "transient"):
        return False
    if isinstance(part, ImpedanceSpectrum) and isinstance(whole, ImpedanceSpectrum):
        apart = np.abs(whole.frequency - part.frequency[:, np.newaxis])
        rows = np.argmin(apart, axis=1)
        same = replace(whole, frequency=whole.frequency[rows], impedance=whole.impedance[rows])
        return np.unique(rows).size == part.points and _same_spectrum(part, same)
    if isinstance(part, ImpedanceSpectrum) or isinstance(whole, ImpedanceSpectrum):
        return False
    response, there = part.response, whole.response
    near = _DIGITS * np.max(np.abs(response), initial=0.0)
    if np.unique(np.round(response / (near or 1.0))).size < _LEAST_ROWS:
        return False
    driven, drives = (_driven(record) for record in (part, whole))
    for start in np.flatnonzero(np.abs(there[: there.size - response.size + 1] - response[0]) <= near):
        window = slice(start, start + response.size)
        if _equal(response, there[window]) and (
            driven is drives is None
            or (driven is not None and drives is not None and _equal(driven, drives[window]))
        ):
            return True
    return False


def _driven(record: Record) -> FloatArray | None:
    """What was applied at each sample, where the record has it."""
    column: FloatArray | None = getattr(record, "voltage" if record.control == "voltage" else "current")
    return column


def _same_spectrum(one: ImpedanceSpectrum, other: ImpedanceSpectrum) -> bool:
    """Whether two spectra are one, in whatever order their points stand."""
    for name, least in (("bias_voltage", _SAME_BIAS), ("bias_current", 0.0)):
        mine, theirs = getattr(one, name), getattr(other, name)
        known = mine is not None and theirs is not None
        if known and abs(mine - theirs) > max(least, _SAME_BIAS * max(abs(mine), abs(theirs))):
            return False
    order, others = (np.lexsort((s.impedance.real, s.frequency)) for s in (one, other))
    frequency, Z, W = one.frequency[order], one.impedance[order], other.impedance[others]
    if not np.allclose(frequency, other.frequency[others], rtol=_SAME_FREQUENCY, atol=0.0):
        return False
    return bool(np.all(np.abs(Z - W) <= _DIGITS * np.abs(Z)))


def _equal(one: FloatArray, other: FloatArray) -> bool:
    """Whether two columns agree to the digits that text keeps."""
    return bool(np.all(np.abs(one - other) <= _DIGITS * np.max(np.abs(one), initial=0.0)))
