"""Intervals beside open parameters: where the data end them; linear theory is straight where valleys bend."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from memfit.fitting.excursions import ALLOWED
from memfit.fitting.intervals import Ends
from memfit.fitting.knowledge import OpenParameter, Reach
from memfit.fitting.result import Estimate
from memfit.fitting.uncertainty import UNDETERMINED, WEAK, Z95
from memfit.fitting.unknowns import Unknown


def spanning(ends: Ends, low: float | None, high: float | None) -> Ends:
    """An interval that includes two more ends; open where either is."""
    first, last = ends
    return (
        None if first is None or low is None else min(first, low),
        None if last is None or high is None else max(last, high),
    )


def including(e: Estimate, others: Sequence[float]) -> Estimate:
    """An estimate whose interval includes its values at other minima that are as good."""
    if e.ci95 is None or e.status == "fixed" or not others:
        return e
    return replace(e, ci95=spanning(e.ci95, min(others), max(others)))


def widened(e: Estimate, shift: tuple[Unknown, float] | None) -> Estimate:
    """An estimate whose error is at least what excursions of others suggest: linear theory ends at them."""
    if shift is None or e.value is None or e.stderr is None or e.ci95 is None:
        return e
    unknown, way = shift
    error, scale = way / np.sqrt(ALLOWED), e.value if unknown.logarithmic else 1.0
    if error * scale <= e.stderr:
        return e
    low, high = (unknown.outer(unknown.inner(e.value) + side * Z95 * error) for side in (-1.0, 1.0))
    return replace(
        e,
        stderr=float(error * scale),
        ci95=spanning(e.ci95, max(low, unknown.lower), min(high, unknown.upper)),
        status="weak" if e.status == "determined" and unknown.logarithmic and error > WEAK else e.status,
    )


def with_ends(
    estimates: Mapping[str, Estimate], found: Mapping[str, Ends], V_m: float
) -> dict[str, Estimate]:
    """Estimates whose intervals include the ends that were found, open where they are."""
    return {n: _with_ends(n, e, found[n], V_m) if n in found else e for n, e in estimates.items()}


def _with_ends(name: str, e: Estimate, found: Ends, V_m: float) -> Estimate:
    """One of them."""
    if e.ci95 is None or e.value is None or e.stderr is None:
        return e
    ends = spanning(e.ci95, *found)
    width = _width(name, ends, V_m)
    if not np.isfinite(width):
        return replace(e, ci95=ends)
    error = width / (2.0 * Z95)
    size = 2.0 * V_m if name == "V_T" else e.value
    status = "weak" if error > WEAK and e.status == "determined" else e.status
    return replace(e, ci95=ends, stderr=max(e.stderr, error * size), status=status)


def _width(name: str, ends: Ends, V_m: float) -> float:
    """Width of an interval in the logarithm, of V_T in units of 2 V_m."""
    low, high = ends
    if low is None or high is None:
        return np.inf
    return (high - low) / (2.0 * V_m) if name == "V_T" else float(np.log(high / max(low, 1e-300)))


def reach_of(e: Estimate, name: str, V_m: float) -> OpenParameter | None:
    """How far a parameter can go whose interval is wider than that of any that counts as known."""
    if e.status not in ("determined", "weak") or e.ci95 is None:
        return None
    low, high = e.ci95
    if low is None or high is None:
        reach: Reach = "both sides" if low is None and high is None else "below" if low is None else "above"
        return OpenParameter(reach=reach, known=(low, high))
    far = _width(name, e.ci95, V_m) > 2.0 * Z95 * UNDETERMINED
    return OpenParameter(reach="other minimum") if far else None
