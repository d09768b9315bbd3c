"""Numbers for other programs, as CSV: every point of the fit, what stands behind each figure, printed tables.

Numbers are SI and in full, except in `table_csv`, which repeats a table of the report as printed. Written by
hand, without DataFrames: for the many small files of a report that is several times faster.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.content import Graded, Table
from memfit.reporting.numbers import plain

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
_DIGITS = 9
_QUOTED = set(',"\n\r')
"""Characters for which CSV quotes a field."""


def residuals_csv(fitted: Sequence[FittedRecord]) -> str:
    """Every point of every record with its model, standard deviation and residual, SI, as CSV."""
    lines = [",".join(RESIDUAL_COLUMNS)]
    for item in fitted:
        for component, data, model in _components(item):
            lines += _residual_lines(item, component, data, model)
    return "\n".join(lines) + "\n"


def _components(fitted: FittedRecord) -> list[tuple[str, FloatArray, FloatArray]]:
    """Name, data and model of each real component: two of a spectrum, one of any other record."""
    record = fitted.record
    if isinstance(record, ImpedanceSpectrum):
        Z, model = record.impedance, np.asarray(fitted.predicted)
        return [("Z_real", Z.real, model.real), ("Z_imag", Z.imag, model.imag)]
    name = "current" if record.control == "voltage" else "voltage"
    return [(name, record.response, np.asarray(fitted.predicted).real)]


def _coordinate(record: Record) -> tuple[str, FloatArray, str]:
    """Name, values and unit of what the points of a record stand against."""
    if isinstance(record, ImpedanceSpectrum):
        return "frequency", record.frequency, "Hz"
    if record.time is not None:
        return "time", record.time, "s"
    return "voltage", np.asarray(record.voltage), "V"


def _residual_lines(
    fitted: FittedRecord, component: str, data: FloatArray, model: FloatArray
) -> Iterator[str]:
    """Points of one component, a line each."""
    name, coordinate, unit = _coordinate(fitted.record)
    head = _quoted(fitted.record.name)
    numbers = (coordinate, data, model, fitted.sigma, (data - model) / fitted.sigma)
    columns = zip(*(_texts(column) for column in numbers), fitted.used.tolist(), strict=True)
    for index, (at, measured, predicted, sigma, residual, used) in enumerate(columns):
        point = f"{head},{index},{name},{at},{unit},{component}"
        yield f"{point},{measured},{predicted},{sigma},{residual},{used}"


def estimates_csv(result: FitResult) -> str:
    """The parameters and what is derived from them, SI, as CSV."""
    lines = [",".join(ESTIMATE_COLUMNS)]
    for name, e in {**result.parameters, **result.derived}.items():
        numbers = (e.stderr, *(e.ci95 or (None, None)))
        texts = [plain(value, _DIGITS) for value in (e.value, *numbers)]
        lines.append(",".join((name, texts[0], e.unit, *texts[1:], e.status)))
    return "\n".join(lines) + "\n"


def interval_csvs(result: FitResult) -> dict[str, str]:
    """Profiles point by point and samples row by row as CSV, SI, by the file they are written to."""
    files = {}
    if result.profiles:
        lines = ["quantity,unit,value,chi2_rise,slope,threshold"]
        for name, p in result.profiles.items():
            lines += [
                ",".join((name, p.unit, *(plain(v, _DIGITS) for v in (*point, p.threshold))))
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
                lines.append(",".join([s.kind, *(plain(values.get(name), _DIGITS) for name in names)]))
        files["samples.csv"] = "\n".join(lines) + "\n"
    return files


def columns_csv(columns: Mapping[str, FloatArray]) -> str:
    """Columns side by side as CSV, shorter ones empty below; what is not a number is empty."""
    texts = [_texts(column) for column in columns.values()]
    rows = [",".join(row) for row in zip_longest(*texts, fillvalue="")]
    return "\n".join([",".join(map(_quoted, columns)), *rows]) + "\n"


def _texts(column: FloatArray) -> list[str]:
    """Numbers with nine digits; empty where there is none."""
    return [plain(value, _DIGITS) for value in column.tolist()]


def _quoted(field: str) -> str:
    """A field as CSV has it."""
    return '"' + field.replace('"', '""') + '"' if _QUOTED & set(field) else field


def table_csv(table: Table) -> str:
    """A table for people as CSV: numbers as they are printed in the report."""
    rows = [[value.text if isinstance(value, Graded) else value for value in row] for row in table.rows]
    head = [column.title for column in table.columns]
    return "".join(",".join(map(_quoted, row)) + "\n" for row in [head, *rows])
