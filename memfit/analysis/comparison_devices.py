"""From results of fits to the devices that are compared: each once, in the order of their names.

What was fitted twice counts once, with the newer fit; equal names are told apart.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memfit.analysis.comparison_sample import ComparedDevice, Omitted
from memfit.errors import InputError
from memfit.fitting.result import FitResult
from memfit.model.parameters import Parameters

_DIGITS = re.compile(r"(\d+)")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorting key by which "device 2" stands before "device 10"."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in _DIGITS.split(text)
        if part
    )


def gather(
    results: Sequence[FitResult], sources: Sequence[str], stability: Sequence[Mapping[str, Any]]
) -> tuple[tuple[ComparedDevice, ...], tuple[Omitted, ...], tuple[FitResult, ...]]:
    """Devices in the order of their names, each once; what was fitted twice counts once.

    Returns
    -------
    devices : tuple of ComparedDevice
    omitted : tuple of Omitted
        Older results of the same measurements.
    results : tuple of FitResult
        Those of the devices, in their order.
    """
    order = sorted(range(len(results)), key=lambda i: _rank(results[i], sources[i]))
    kept: list[int] = []
    omitted: list[Omitted] = []
    first: dict[tuple[str, frozenset[str]], int] = {}
    for i in order:
        identity = _identity(results[i])
        if identity is not None and identity in first:
            other = sources[first[identity]] or "another result"
            reason = f"the same measurements as in {other}, which is the newer fit; a device counts once"
            omitted.append(Omitted(label=sources[i] or _name(results[i]), what="", reason=reason))
            continue
        if identity is not None:
            first[identity] = i
        kept.append(i)
    labels = _labels([results[i] for i in kept], [sources[i] for i in kept])
    devices = [
        _device(results[i], label, sources[i], stability[i]) for i, label in zip(kept, labels, strict=True)
    ]
    again = sorted(range(len(kept)), key=lambda k: natural(devices[k].label))
    return (
        tuple(devices[k] for k in again),
        tuple(omitted),
        tuple(results[kept[k]] for k in again),
    )


def repeated_names(results: Sequence[FitResult]) -> tuple[str, ...]:
    """Names that several results bear."""
    return tuple(sorted(name for name, count in Counter(map(_name, results)).items() if count > 1))


def _rank(result: FitResult, source: str) -> tuple[Any, ...]:
    """By name; of one name the newest first, and then by what does not depend on the order given."""
    values = tuple((name, repr(e.value)) for name, e in sorted(result.parameters.items()))
    age = tuple(-ord(letter) for letter in str(result.environment.get("started") or ""))
    return natural(_name(result)), age, natural(source), values


def _identity(result: FitResult) -> tuple[str, frozenset[str]] | None:
    """Name and digests of the measurements; None where they are not all known."""
    digests = [item.sha256 for item in result.inputs]
    return (_name(result), frozenset(digests)) if digests and all(digests) else None


def _name(result: FitResult) -> str:
    """Of the device."""
    return str(result.device.get("name") or "device")


def _labels(results: Sequence[FitResult], sources: Sequence[str]) -> list[str]:
    """Names made distinct: by their folder, or else numbered."""
    names = [_name(result) for result in results]
    often = Counter(names)
    labels = [
        f"{name} ({_folder(source)})" if often[name] > 1 and source else name
        for name, source in zip(names, sources, strict=True)
    ]
    twice = Counter(labels)
    return [
        f"{label} #{labels[: k + 1].count(label)}" if twice[label] > 1 else label
        for k, label in enumerate(labels)
    ]


def _folder(source: str) -> str:
    """The folder of a result, by which a reader knows it."""
    parts = source.replace("\\", "/").split("/")
    return (parts[-2] if len(parts) > 1 and parts[-1].endswith(".json") else parts[-1]) or source


def _device(result: FitResult, label: str, source: str, stability: Mapping[str, Any]) -> ComparedDevice:
    """What is known of one device."""
    known = result.device
    return ComparedDevice(
        label=label,
        source=source,
        status=result.status,
        model=result.model,
        area=_positive(known.get("area_m2")),
        temperature=_positive(known.get("temperature_K")),
        attributes=dict(known.get("attributes") or {}),
        parameters=result.parameters,
        derived=result.derived,
        stability=stability,
        values=_values(result),
        correlation=_correlations(result),
    )


def _positive(value: Any) -> float | None:
    """A number above zero, or None."""
    return float(value) if isinstance(value, (int, float)) and 0.0 < value < np.inf else None


def _values(result: FitResult) -> Parameters | None:
    """The parameters, where all are known and mean something."""
    if result.status.code == "not_converged":
        return None
    try:
        return result.values()
    except InputError:
        return None


def _correlations(result: FitResult) -> Mapping[tuple[str, str], float]:
    """Correlations of the errors of the parameters, by pair of names."""
    places = [(k, name) for k, name in enumerate(result.covariance_names) if name in result.parameters]
    matrix = result.correlation
    return {(a, b): float(matrix[i, j]) for i, a in places for j, b in places if i != j}
