"""The tables of a report. Their numbers are already text, made by `numbers`; `frames` has them in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from memfit.fitting.result import Estimate, FitResult
from memfit.reporting.content import Cell, Column, ColumnKind, Graded, Table, interval_text, value_text
from memfit.reporting.fit.summary import error_of
from memfit.reporting.numbers import MISSING, fixed, plain, quantity, quantity_digits, series
from memfit.reporting.text import (
    CIRCUIT,
    COLUMNS,
    KIND,
    KINDS,
    SENTENCES,
    STATUS_OF_ESTIMATE,
    TABLE_CAPTIONS,
    capitalised,
    meaning,
)

_ADDED_UNITS = {"R_load": "ohm", "C_external": "F"}
_LEVELS = 4
"""Steps of shading in the table of correlations, each way."""


def _columns(*keys: tuple[str, ColumnKind]) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(COLUMNS[key], kind) for key, kind in keys)


def estimates_table(key: str, estimates: Mapping[str, Estimate], records: Sequence[str] = ()) -> Table:
    """Values with intervals and status; `records` are the names of the fit's records."""
    rows = tuple(
        (
            name,
            value_text(e),
            interval_text(e),
            STATUS_OF_ESTIMATE[e.status],
            meaning(name, records),
        )
        for name, e in estimates.items()
    )
    columns = _columns(
        ("symbol", "symbol"),
        ("estimate", "number"),
        ("interval", "number"),
        ("status", "text"),
        ("meaning", "prose"),
    )
    return Table(key, TABLE_CAPTIONS[key], columns, rows)


def goodness_table(result: FitResult) -> Table:
    """How well each record is described."""
    controls = {item.file: item.control for item in result.inputs}
    rows = tuple(
        (
            item.file,
            KIND.get(item.kind, item.kind),
            str(item.points),
            fixed(item.effective_points, 0),
            quantity_digits(item.chi2_reduced, "1", 3),
            noise_text(item.noise, _response_unit(item.kind, controls.get(item.file, "voltage"))),
            fixed(item.lag1_autocorrelation, 2),
        )
        for item in result.goodness.datasets
    )
    columns = _columns(
        ("record", "file"),
        ("kind", "text"),
        ("used", "number"),
        ("effective", "number"),
        ("chi2", "number"),
        ("noise", "number"),
        ("lag1", "number"),
    )
    return Table("goodness", TABLE_CAPTIONS["goodness"], columns, rows)


def noise_text(noise: Mapping[str, float], unit: str) -> str:
    """Noise as "0.98 % + 1.2 nA"; what is zero is left out."""
    relative, floor = noise.get("relative") or 0.0, noise.get("floor") or 0.0
    parts = [
        f"{quantity_digits(100 * relative, '1', 2)} %" if relative > 0.0 else "",
        quantity_digits(floor, unit, 2) if floor > 0.0 else "",
    ]
    return " + ".join(part for part in parts if part) or MISSING


def _response_unit(kind: str, control: str) -> str:
    """Unit of what a record measured."""
    return "ohm" if kind == "impedance" else "A" if control == "voltage" else "V"


def correlation_table(result: FitResult) -> Table:
    """Correlations of the fitted quantities, shaded by size."""
    names, matrix = result.covariance_names if result.covariance else (), result.correlation
    rows: list[tuple[Cell, ...]] = []
    for name, row in zip(names, matrix, strict=True):
        rows.append((name, *(_graded(float(value)) for value in row)))
    columns = (Column("", "symbol"), *(Column(name, "symbol") for name in names))
    return Table("correlation", TABLE_CAPTIONS["correlation"], columns, tuple(rows))


def _graded(value: float) -> Graded:
    """A correlation as text with its level."""
    return Graded(fixed(value, 2), round(value * _LEVELS))


def hopf_table(stability: Mapping[str, Any]) -> Table | None:
    """Hopf points of every circuit; None where there are none."""
    rows = [
        (
            CIRCUIT.get(circuit, circuit),
            quantity(point["u"], "V", error_of(point.get("u_ci95"))),
            quantity_digits(point["V"], "V", 4),
            quantity_digits(point["I"], "A", 4),
            quantity_digits(point["frequency_Hz"], "Hz", 4),
            point.get("criticality") or MISSING,
        )
        for circuit, block in stability.items()
        if isinstance(block, Mapping)
        for point in block.get("hopf_points") or ()
    ]
    if not rows:
        return None
    columns = _columns(
        ("circuit", "prose"),
        ("u", "number"),
        ("V", "number"),
        ("I", "number"),
        ("frequency", "number"),
        ("criticality", "text"),
    )
    return Table("hopf", TABLE_CAPTIONS["hopf"], columns, tuple(rows))


def changes_table(stability: Mapping[str, Any]) -> Table | None:
    """What brings the device to the threshold, by circuit and quantity; None where unknown."""
    blocks = {name: b for name, b in stability.items() if isinstance(b, Mapping) and b.get("changes_to_hopf")}
    if not blocks:
        return None
    names = dict.fromkeys(name for b in blocks.values() for name in b["changes_to_hopf"])
    added = dict.fromkeys(name for b in blocks.values() for name in b.get("values_to_hopf") or {})
    rows = [
        (name, meaning(name), *(_factor(b["changes_to_hopf"].get(name)) for b in blocks.values()))
        for name in names
    ]
    rows += [(name, meaning(name), *(_addition(name, b) for b in blocks.values())) for name in added]
    columns = (
        Column(COLUMNS["symbol"], "symbol"),
        Column(COLUMNS["meaning"], "prose"),
        *(Column(capitalised(CIRCUIT.get(name, name)), "number") for name in blocks),
    )
    return Table("changes", TABLE_CAPTIONS["changes"], columns, tuple(rows))


def _factor(factor: float | None) -> str:
    """A change of a parameter: "× 1.06"."""
    return SENTENCES["no_value"] if factor is None else f"× {quantity_digits(factor, '1', 3)}"


def _addition(name: str, block: Mapping[str, Any]) -> str:
    """A value of something that can be soldered to the device."""
    value = (block.get("values_to_hopf") or {}).get(name)
    return SENTENCES["no_value"] if value is None else quantity_digits(value, _ADDED_UNITS.get(name, "1"), 3)


def starts_table(result: FitResult) -> Table:
    """First values beside the final ones."""
    rows = tuple(
        (name, quantity_digits(e.start, e.unit, 3), value_text(e), e.reason or MISSING)
        for name, e in {**result.parameters, **result.nuisance}.items()
        if e.start is not None or e.reason
    )
    columns = _columns(("symbol", "symbol"), ("start", "number"), ("estimate", "number"), ("reason", "prose"))
    return Table("starts", TABLE_CAPTIONS["starts"], columns, rows)


def alternatives_table(result: FitResult) -> Table:
    """Other minima with their parameters."""
    units = {name: e.unit for name, e in {**result.parameters, **result.nuisance}.items()}
    names = [name for name in units if any(name in item.parameters for item in result.alternatives)]
    rows = tuple(
        (
            item.note or MISSING,
            quantity_digits(item.chi2, "1", 4),
            *(quantity_digits(item.parameters.get(name), units.get(name, "1"), 3) for name in names),
        )
        for item in result.alternatives
    )
    columns = (Column("Note", "prose"), Column("χ²", "number"), *(Column(name, "symbol") for name in names))
    return Table("alternatives", TABLE_CAPTIONS["alternatives"], columns, rows)


def conflicts_table(result: FitResult) -> Table:
    """Parameters on which the kinds of data disagree."""
    rows = tuple(
        (item.parameter, KINDS.get(item.left_out, item.left_out), fixed(item.shift, 1))
        for item in result.conflicts
    )
    columns = _columns(("symbol", "symbol"), ("left_out", "text"), ("shift", "number"))
    return Table("conflicts", TABLE_CAPTIONS["conflicts"], columns, rows)


def inputs_table(result: FitResult) -> Table:
    """Records that went in, with their digests and warnings."""
    biases = iter(series([item.bias_V for item in result.inputs if item.bias_V is not None], "V"))
    rows = tuple(
        (
            item.file,
            KIND.get(item.kind, item.kind),
            f"{item.used} of {item.points}",
            MISSING if item.bias_V is None else next(biases),
            item.control,
            item.sha256 or MISSING,
            " ".join(item.warnings) or MISSING,
        )
        for item in result.inputs
    )
    columns = _columns(
        ("record", "file"),
        ("kind", "text"),
        ("points", "number"),
        ("bias", "number"),
        ("control", "text"),
        ("sha256", "code"),
        ("notes", "text"),
    )
    return Table("inputs", TABLE_CAPTIONS["inputs"], columns, rows)


def excluded_table(result: FitResult) -> Table:
    """Points left out, with reasons."""
    rows = tuple((item.file, str(item.index), item.at, item.reason) for item in result.excluded)
    columns = (
        Column(COLUMNS["record"], "file"),
        Column("Row", "number"),
        Column(COLUMNS["at"], "text"),
        Column(COLUMNS["why"], "text"),
    )
    return Table("excluded", TABLE_CAPTIONS["excluded"], columns, rows)


def mapping_table(key: str, values: Mapping[str, Any]) -> Table:
    """Nested settings as one row each, names joined by dots."""
    rows = tuple((name, text) for name, text in _flat(values))
    return Table(key, TABLE_CAPTIONS[key], _columns(("item", "code"), ("content", "code")), rows)


def _flat(values: Mapping[str, Any], head: str = "") -> list[tuple[str, str]]:
    """Leaves of nested mappings with their paths."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        path = f"{head}{name}"
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{path}.")
        else:
            found.append((path, _leaf(value)))
    return found


def _leaf(value: Any) -> str:
    """A setting as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return plain(value, 8)
    if isinstance(value, (list, tuple)):
        return ", ".join(_leaf(item) for item in value) or "none"
    return "none" if value is None or value == {} else str(value)
