"""The tables of a fit: for people, with numbers that are text, and in full for other programs as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from memfit.datasets import QUANTITIES, ImpedanceSpectrum
from memfit.fitting import Estimate, FitResult, FittedRecord
from memfit.reporting.content import (
    CIRCUIT,
    COLUMNS,
    KIND,
    KINDS,
    SENTENCES,
    STATUS_OF_ESTIMATE,
    Cell,
    Column,
    Graded,
    Table,
    capitalised,
    meaning,
    table_of,
)
from memfit.reporting.fit.summary import error_of, interval_text, value_text
from memfit.reporting.numbers import (
    MISSING,
    csv_field,
    csv_numbers,
    fixed,
    plain,
    quantity,
    quantity_digits,
    series,
)

RESIDUAL_COLUMNS = (
    "record",
    "index",
    "quantity",
    "coordinate",
    "unit",
    "component",
    "data",
    "model",
    "sigma",
    "residual",
    "used",
)
ESTIMATE_COLUMNS = ("parameter", "value", "unit", "stderr", "ci95_low", "ci95_high", "status")
PROFILE_COLUMNS = ("quantity", "unit", "value", "chi2_rise", "slope", "threshold")
_ADDED_UNITS = {"R_load": "ohm", "R_shunt": "ohm", "C_external": "F"}
_LEVELS = 4
"""Steps of shading in the table of correlations, each way."""


def estimates_table(key: str, estimates: Mapping[str, Estimate], records: Sequence[str] = ()) -> Table:
    """Values with intervals and status.

    Parameters
    ----------
    key : str
        Of the table: "parameters", "derived" or "nuisance".
    estimates : mapping of str to Estimate
    records : sequence of str
        Names of the fit's records.
    """
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
    columns = ("symbol", "estimate", "interval", "status", "meaning")
    return table_of(key, columns, rows)


def goodness_table(result: FitResult) -> Table:
    """How well each record is described.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    Table
        A row a record; the noise in ohm, A or V.
    """
    controls = {item.file: item.control for item in result.inputs}
    rows = tuple(
        (
            item.file,
            KIND.get(item.kind, item.kind),
            str(item.points),
            fixed(item.effective_points, 0),
            quantity_digits(item.chi2_reduced if item.misfit is None else item.misfit**2, "1", 3),
            noise_text(
                item.noise_model_free or item.noise,
                {"impedance": "ohm", "paired_pulse": "1"}.get(
                    item.kind, "A" if controls.get(item.file) != "current" else "V"
                ),
            ),
            item.where or MISSING,
            fixed(item.lag1_autocorrelation, 2),
        )
        for item in result.goodness.datasets
    )
    columns = ("record", "kind", "used", "effective", "chi2", "noise", "misfit", "lag1")
    return table_of("goodness", columns, rows)


def noise_text(noise: Mapping[str, float], unit: str) -> str:
    """Noise as "0.98 % + 1.2 nA"; what is zero is left out.

    Parameters
    ----------
    noise : mapping
        Its relative part, and its floor in SI.
    unit : str
        Of the floor.
    """
    relative, floor = noise.get("relative") or 0.0, noise.get("floor") or 0.0
    parts = [
        f"{quantity_digits(100 * relative, '1', 2)} %" if relative > 0.0 else "",
        quantity_digits(floor, unit, 2) if floor > 0.0 else "",
    ]
    return " + ".join(part for part in parts if part) or MISSING


def correlation_table(result: FitResult) -> Table:
    """Correlations of the fitted quantities, shaded by size.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    Table
        Square, of the m free quantities; empty without a covariance.
    """
    names, matrix = result.covariance_names if result.covariance else (), result.correlation
    rows: list[tuple[Cell, ...]] = []
    for name, row in zip(names, matrix, strict=True):
        shaded = (Graded(fixed(float(value), 2), round(float(value) * _LEVELS)) for value in row)
        rows.append((name, *shaded))
    columns = (Column("", "symbol"), *(Column(name, "symbol") for name in names))
    return table_of("correlation", columns, rows)


def hopf_table(stability: Mapping[str, Any]) -> Table | None:
    """Hopf points of every circuit; None where there are none.

    Parameters
    ----------
    stability : mapping
        By circuit, as in the report: plain data of `FitResult.stability`.
    """
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
    columns = ("circuit", "u", "V", "I", "frequency", "criticality")
    return table_of("hopf", columns, rows)


def changes_table(stability: Mapping[str, Any]) -> Table | None:
    """What brings the device to the threshold, by circuit and quantity; None where unknown.

    Parameters
    ----------
    stability : mapping
        By circuit, as in the report: plain data of `FitResult.stability`.
    """
    blocks = {name: b for name, b in stability.items() if isinstance(b, Mapping) and _is_analysed(b)}
    if not blocks:
        return None
    rows = []
    for name in dict.fromkeys(name for b in blocks.values() for name in b["changes_to_hopf"]):
        factors = [b["changes_to_hopf"].get(name) for b in blocks.values()]
        texts = ["" if factor is None else f"× {quantity_digits(factor, '1', 3)}" for factor in factors]
        rows.append((name, meaning(name), *(text or SENTENCES["no_value"] for text in texts)))
    added = {circuit: _added(circuit, b.get("values_to_hopf") or {}) for circuit, b in blocks.items()}
    for name in dict.fromkeys(name for values in added.values() for name in values):
        unit = _ADDED_UNITS.get(name, "1")
        texts = [
            MISSING if name not in values else quantity_digits(values[name], unit, 3) if values[name] else ""
            for values in added.values()
        ]
        rows.append((name, meaning(name), *(text or SENTENCES["no_value"] for text in texts)))
    circuits = (Column(capitalised(CIRCUIT.get(name, name)), "number") for name in blocks)
    columns: list[str | Column] = ["symbol", "meaning", *circuits]
    return table_of("changes", columns, rows)


def _is_analysed(block: Mapping[str, Any]) -> bool:
    """Whether a circuit was analysed: without a parameter set nothing is known of what would change it."""
    changes = block.get("changes_to_hopf") or {}
    known = any(value is not None for value in (*changes.values(), block.get("gain_margin_min")))
    return bool(changes) and (known or bool(block.get("hopf_points")))


def _added(circuit: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What can be added to a circuit; older results call a resistance across the device a load too."""
    across = circuit == "current"
    return {"R_shunt" if across and name == "R_load" else name: value for name, value in values.items()}


def starts_table(result: FitResult) -> Table:
    """First values beside the final ones.

    Parameters
    ----------
    result : FitResult
    """
    rows = tuple(
        (name, quantity_digits(e.start, e.unit, 3), value_text(e), e.reason or MISSING)
        for name, e in {**result.parameters, **result.nuisance}.items()
        if e.start is not None or e.reason
    )
    columns = ("symbol", "start", "estimate", "reason")
    return table_of("starts", columns, rows)


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
    return table_of("alternatives", columns, rows)


def conflicts_table(result: FitResult) -> Table:
    """Parameters on which the kinds of data disagree."""
    rows = tuple(
        (item.parameter, KINDS.get(item.left_out, item.left_out), fixed(item.shift, 1))
        for item in result.conflicts
    )
    columns = ("symbol", "left_out", "shift")
    return table_of("conflicts", columns, rows)


def inputs_table(result: FitResult) -> Table:
    """Records that went in, with their digests and warnings.

    Parameters
    ----------
    result : FitResult
    """
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
    columns = ("record", "kind", "points", "bias", "control", "sha256", "notes")
    return table_of("inputs", columns, rows)


def excluded_table(result: FitResult) -> Table:
    """Points left out, with reasons."""
    rows = tuple((item.file, str(item.index), item.at, item.reason) for item in result.excluded)
    columns = ("record", Column("Row", "number"), "at", "why")
    return table_of("excluded", columns, rows)


def mapping_table(key: str, values: Mapping[str, Any]) -> Table:
    """Nested settings as one row each, names joined by dots.

    Parameters
    ----------
    key : str
        Of the table: "plan" or "environment".
    values : mapping
        JSON data.
    """
    columns = (Column(COLUMNS["item"], "code"), Column(COLUMNS["content"], "code"))
    return table_of(key, columns, _flat(values))


def _flat(values: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, str]]:
    """Leaves of nested mappings as text, with their paths."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", _leaf(value)


def _leaf(value: Any) -> str:
    """A setting as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return plain(value, 8)
    if isinstance(value, (list, tuple)):
        return ", ".join(_leaf(item) for item in value) or "none"
    return "none" if value is None or value == {} else str(value)


# The same numbers in full, for other programs.


def csv_files(result: FitResult, fitted: Sequence[FittedRecord]) -> dict[str, str]:
    """Estimates, residuals, profiles point by point and samples row by row as CSV, SI.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        Its records beside the model, as far as they are at hand.

    Returns
    -------
    dict of str to str
        Text by name of the file.
    """
    files = {"parameters.csv": estimates_csv(result), "residuals.csv": residuals_csv(fitted)}
    if result.profiles:
        lines = [",".join(PROFILE_COLUMNS)]
        for name, p in result.profiles.items():
            lines += [
                ",".join((name, p.unit, *csv_numbers([*point, p.threshold])))
                for point in zip(p.value, p.rise, p.slope, strict=True)
            ]
        files["profiles.csv"] = "\n".join(lines) + "\n"
    samples = [s for s in (result.bootstrap, result.posterior) if s is not None]
    if samples:
        names = list(dict.fromkeys(name for s in samples for name in s.names))
        lines = [",".join(["kind", *names])]
        for s in samples:
            for row in s.samples:
                values = dict(zip(s.names, row, strict=True))
                lines.append(",".join([s.kind, *csv_numbers([values.get(name) for name in names])]))
        files["samples.csv"] = "\n".join(lines) + "\n"
    return files


def estimates_csv(result: FitResult) -> str:
    """The parameters and what is derived from them, SI, as CSV.

    Parameters
    ----------
    result : FitResult

    Returns
    -------
    str
        With a header, every number in full precision, lines ended by a line feed.
    """
    lines = [",".join(ESTIMATE_COLUMNS)]
    for name, e in {**result.parameters, **result.derived}.items():
        value, *errors = csv_numbers([e.value, e.stderr, *(e.ci95 or (None, None))])
        lines.append(",".join((name, value, e.unit, *errors, e.status)))
    return "\n".join(lines) + "\n"


def residuals_csv(fitted: Sequence[FittedRecord]) -> str:
    """Every point of every record with its model, standard deviation and residual, SI, as CSV.

    Parameters
    ----------
    fitted : sequence of FittedRecord
    """
    lines = [",".join(RESIDUAL_COLUMNS)]
    for item in fitted:
        record, model = item.record, np.asarray(item.predicted)
        if isinstance(record, ImpedanceSpectrum):
            data: Any = record.impedance
            name, coordinate, unit = "frequency", record.frequency, "Hz"
            components = [("Z_real", np.real), ("Z_imag", np.imag)]
        else:
            data = record.response
            if record.time is None:
                name, coordinate, unit = "voltage", np.asarray(record.voltage), "V"
            if record.time is not None:
                name, coordinate, unit = "time", record.time, "s"
            components = [(QUANTITIES[record.response_unit], np.real)]
        for component, part in components:
            numbers = (coordinate, part(data), part(model), item.sigma, part(data - model) / item.sigma)
            texts = [csv_numbers(column.tolist()) for column in numbers]
            head = csv_field(record.name)
            for index, (at, *rest, used) in enumerate(zip(*texts, item.used.tolist(), strict=True)):
                point = f"{head},{index},{name},{at},{unit},{component}"
                lines.append(f"{point},{','.join(rest)},{used}")
    return "\n".join(lines) + "\n"
