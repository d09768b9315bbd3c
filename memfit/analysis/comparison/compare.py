"""Many devices side by side: which differ, what drives it, which will spike.

Results of fits go in, one frozen record comes out. The parts are in `comparison_devices` (which they are),
`comparison_values` (their values as arrays) and `comparison_sample` (the arrays), `comparison_pooling` and
`comparison_outliers` (one quantity over devices), `comparison_pairs` (any two devices),
`comparison_correlation` (two quantities over devices), `comparison_trends` (attributes) and
`comparison_stability`. All statistics are in the scale in which parameters are fitted: the natural logarithm
of positive ones.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memfit.analysis.comparison.correlation import correlate
from memfit.analysis.comparison.devices import fault_of, gather, natural, repeated_names, sample_of
from memfit.analysis.comparison.pooling import Pooled, compare_pairs, find_outliers, pool
from memfit.analysis.comparison.ranking import (
    ComparedDevice,
    Omitted,
    Sample,
    normalised,
    of_equal_area,
    rank_devices,
    stability_plane,
)
from memfit.analysis.comparison.record import Comparison, Outlying
from memfit.analysis.comparison.regression import find_trends
from memfit.analysis.stability.assess import analyse_result
from memfit.errors import InputError
from memfit.fitting.result import FitResult

_FEWEST = 2


def compare_results(
    results: Sequence[FitResult], sources: Sequence[str] | None = None, omitted: Sequence[Omitted] = ()
) -> Comparison:
    """Compare devices by the results of their fits.

    Parameters
    ----------
    results : sequence of FitResult
        One a device, in any order.
    sources : sequence of str, optional
        Where each came from.
    omitted : sequence of Omitted
        What could not be read, to be carried along.

    Raises
    ------
    InputError
        Fewer than two devices remain.
    """
    whole, origin, damaged = _without_faults(results, sources or [""] * len(results))
    devices, twice, kept = gather(whole, origin, [_stability(result) for result in whole])
    left_out = sorted((*omitted, *damaged, *twice), key=lambda one: natural(one.label))
    _require_two(len(devices), left_out)
    sample = sample_of(devices, kept)
    _require_two(int(np.isfinite(sample.x).any(axis=1).sum()), [*left_out, *sample.omitted])
    scaled, like = normalised(sample), of_equal_area(sample)
    trends, idle, confounded = find_trends(sample, like)
    fitted = sample.fitted
    parameters = sample.names[:fitted], sample.covariance[:, :fitted, :fitted]
    return Comparison(
        sample=sample,
        like=like,
        pooled=_pooled(sample),
        normalised=scaled,
        normalised_pooled={} if scaled is None else _pooled(scaled),
        outlying=_outlying(like),
        pairs=compare_pairs(parameters[0], sample.x[:, :fitted], parameters[1]),
        correlations=correlate(parameters[0], like.x[:, :fitted], parameters[1]),
        trends=trends,
        confounded=confounded,
        ranking=rank_devices(devices),
        plane=stability_plane(sample),
        omitted=(*left_out, *sample.omitted, *idle),
        notes=_notes(kept, devices),
    )


def _without_faults(
    results: Sequence[FitResult], sources: Sequence[str]
) -> tuple[list[FitResult], list[str], list[Omitted]]:
    """The results that hold together, where they came from, and the others with what is wrong with them."""
    whole, origin, damaged = [], [], []
    for result, source in zip(results, sources, strict=True):
        fault = fault_of(result)
        if fault:
            damaged.append(Omitted(label=source or "a result", what="", reason=f"damaged: {fault}"))
        else:
            whole.append(result)
            origin.append(source)
    return whole, origin, damaged


def _require_two(count: int, left_out: Sequence[Omitted]) -> None:
    """An error where too few devices remain, with what became of the others."""
    if count >= _FEWEST:
        return
    reasons = "".join(f" {one.label}: {one.reason}." for one in left_out[:3] if not one.what)
    found = "none" if count == 0 else "one"
    raise InputError(
        f"Expected results of at least two devices that can be compared, found {found}.{reasons} "
        "Give more results, or a folder that holds them."
    )


def _stability(result: FitResult) -> Mapping[str, Any]:
    """The stability stored with a result; made now where there is none, or where the fit did not converge."""
    stored = result.stability if result.status.code != "not_converged" else {}
    return stored or analyse_result(result)


def _pooled(sample: Sample) -> dict[str, Pooled]:
    """Every quantity that at least two devices have."""
    columns = {name: sample.column(name) for name in sample.names}
    return {name: pool(y, v) for name, (_, y, v) in columns.items() if y.size >= _FEWEST}


def _outlying(sample: Sample) -> tuple[Outlying, ...]:
    """Devices set apart by any quantity, the most extreme first."""
    found = []
    for name in sample.names:
        there, y, v = sample.column(name)
        found += [
            Outlying(
                device=int(there[one.device]),
                quantity=name,
                deviation=one.deviation,
                score=one.score,
                p_value=one.p_value,
            )
            for one in find_outliers(y, v)
        ]
    return tuple(sorted(found, key=lambda one: (one.p_value, -abs(one.score), one.device)))


def _notes(results: Sequence[FitResult], devices: Sequence[ComparedDevice]) -> tuple[str, ...]:
    """Names that occur more than once, and fits that are not what they should be."""
    notes = [
        f"Several results are called {name!r}; they are told apart by their folders or numbers."
        for name in repeated_names(results)
    ]
    notes += [f"{device.label}: {device.status.message}" for device in devices if device.status.code != "ok"]
    owner: dict[str, str] = {}
    for result, device in zip(results, devices, strict=True):
        others = {owner.setdefault(item.sha256, device.label) for item in result.inputs if item.sha256}
        notes += [
            f"{other} and {device.label} were fitted to the same files; they are not independent."
            for other in sorted(others - {device.label})
        ]
    return tuple(dict.fromkeys(notes))
