"""A fit run again from the plan in its result: what is the same, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memfit.fitting.plan import FitPlan
from memfit.fitting.result import FitResult

SAME = 1e-9
"""Relative difference at which a repeated number is the same."""
_VERSIONS = ("memfit", "python", "platform")


@dataclass(frozen=True)
class Change:
    """Something that was one thing then and is another now."""

    what: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """How a fit that was run again compares with the first."""

    largest: float
    """Largest relative difference of a value, of its standard error or of chi2."""
    where: str
    """Name of the quantity with the largest difference."""
    count: int
    """Numbers compared."""
    lost: tuple[str, ...] = ()
    """Quantities that only one of the two has."""
    inputs: tuple[Change, ...] = ()
    """Files whose bytes differ, by SHA-256."""
    versions: tuple[Change, ...] = ()
    plan: tuple[Change, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all numbers are the same to `SAME`."""
        return self.largest <= SAME and not self.lost


def compare_repetition(then: FitResult, now: FitResult) -> Repetition:
    """Compare a result with that of the same plan run again.

    Parameters
    ----------
    then, now : FitResult
    """
    old, new = dict(_numbers(then)), dict(_numbers(now))
    common = [name for name in old if name in new]
    differences = {name: _relative(old[name], new[name]) for name in common}
    where = max(differences, key=lambda name: differences[name], default="")
    return Repetition(
        largest=differences.get(where, 0.0),
        where=where,
        count=len(common),
        lost=tuple(sorted(set(old) ^ set(new))),
        inputs=_changes(_digests(then), _digests(now)),
        versions=_changes(_versions(then), _versions(now)),
        plan=_changes(_plan(then), _plan(now)),
    )


def plan_of(result: FitResult) -> FitPlan:
    """The plan of a result.

    Raises
    ------
    ParameterError
        It was edited to something that is no plan.
    """
    return FitPlan.from_dict(result.plan)


def _numbers(result: FitResult) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name, value and size of every number that a repetition must give again."""
    for name, e in {**result.parameters, **result.derived, **result.nuisance}.items():
        if e.value is None:
            continue
        error = e.stderr or 0.0
        yield name, (e.value, max(abs(e.value), error))
        if error:
            yield f"standard error of {name}", (error, error)
    yield "chi2", (result.goodness.chi2, result.goodness.chi2)


def _relative(then: tuple[float, float], now: tuple[float, float]) -> float:
    """Difference relative to the size."""
    return abs(now[0] - then[0]) / (max(then[1], now[1]) or 1.0)


def _digests(result: FitResult) -> dict[str, str]:
    """SHA-256 of each input, of its numbers where it came from no file."""
    return {item.file: item.sha256 or item.content_sha256 for item in result.inputs}


def _versions(result: FitResult) -> dict[str, str]:
    """Versions of everything the numbers may depend on."""
    environment = {"memfit": result.memfit_version, **result.environment}
    packages = environment.get("packages")
    known = {name: str(environment[name]) for name in _VERSIONS if environment.get(name)}
    return {**known, **({n: str(v) for n, v in packages.items()} if isinstance(packages, Mapping) else {})}


def _plan(result: FitResult) -> dict[str, str]:
    """Settings as text, nested ones by their path."""
    return {name: str(value) for name, value in _flat(result.plan)}


def _flat(values: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings with their paths."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", list(value) if isinstance(value, tuple) else value


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    """What differs; what only one side has is empty on the other."""
    names = [*then, *(name for name in now if name not in then)]
    return tuple(
        Change(name, then.get(name, ""), now.get(name, ""))
        for name in names
        if then.get(name, "") != now.get(name, "")
    )
