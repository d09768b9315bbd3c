"""Intervals by every method side by side, and how far the chains of a posterior have converged."""

from collections.abc import Mapping

from memfit.fitting.intervals import SampleSet
from memfit.fitting.result import FitResult
from memfit.reporting.content import Cell, Column, Table
from memfit.reporting.numbers import MISSING, fixed, interval, quantity_digits
from memfit.reporting.words import COLUMNS, METHODS, PROFILE_CLASS, PROFILED, TABLE_CAPTIONS

_METHODS = ("linear", "profile", "bootstrap", "posterior")


def quantity_label(name: str) -> str:
    """What a profiled quantity is called: a parameter by its name, the rest in words."""
    circuit, _, what = name.partition(".")
    return PROFILED[what].format(circuit=circuit) if what in PROFILED else name


def intervals_table(result: FitResult) -> Table | None:
    """95 % intervals of every fitted quantity by each method; None where only the linear one was used."""
    samples = {"bootstrap": result.bootstrap, "posterior": result.posterior}
    used = ["linear", *(["profile"] if result.profiles else []), *(m for m, s in samples.items() if s)]
    if len(used) == 1:
        return None
    estimates = {**result.parameters, **result.nuisance}
    names = dict.fromkeys([*(n for n, e in estimates.items() if e.status != "fixed"), *result.profiles])
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        found = _intervals(result, name, samples)
        unit = found.pop("unit", "1") or "1"
        cells = [interval(found.get(method), unit) for method in used]  # type: ignore[arg-type]
        verdict = PROFILE_CLASS[result.profiles[name].kind] if name in result.profiles else MISSING
        rows.append((quantity_label(name), *cells, *([verdict] if result.profiles else [])))
    columns = [Column(COLUMNS["symbol"], "symbol"), *(Column(METHODS[m], "number") for m in used)]
    if result.profiles:
        columns.append(Column(COLUMNS["profile_says"], "text"))
    return Table("intervals", TABLE_CAPTIONS["intervals"], tuple(columns), tuple(rows))


def _intervals(result: FitResult, name: str, samples: Mapping[str, SampleSet | None]) -> dict[str, object]:
    """Unit and intervals of one quantity, by method."""
    found: dict[str, object] = {}
    estimate = {**result.parameters, **result.nuisance}.get(name)
    if estimate is not None:
        found |= {"unit": estimate.unit, "linear": estimate.ci95}
    if name in result.profiles:
        profile = result.profiles[name]
        known = estimate is None or estimate.status != "undetermined"
        found |= {"unit": profile.unit, "linear": profile.linear_ci95 if known else None}
        found["profile"] = profile.ci95
    unknown = estimate is not None and estimate.status == "undetermined"
    for method, sample in samples.items():
        if method == "bootstrap" and unknown:  # refits stay near where they start
            continue
        if sample and name in sample.estimates:
            found[method] = sample.estimates[name].ci95
    return found


def convergence_table(sample: SampleSet | None) -> Table | None:
    """Autocorrelation, agreement and effective samples of a chain; None where there is none."""
    if sample is None or not sample.convergence:
        return None
    rows = tuple(
        (
            name,
            quantity_digits(item.autocorrelation_time, "1", 2),
            fixed(item.r_hat, 3),
            fixed(item.effective_samples, 0),
        )
        for name, item in sample.convergence.items()
    )
    columns = (
        Column(COLUMNS["symbol"], "symbol"),
        Column(COLUMNS["autocorrelation_time"], "number"),
        Column(COLUMNS["r_hat"], "number"),
        Column(COLUMNS["effective_samples"], "number"),
    )
    return Table("convergence", TABLE_CAPTIONS["convergence"], columns, rows)
