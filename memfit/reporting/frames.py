"""Numbers for other programs, as CSV: every point of the fit, what stands behind each figure, printed tables.

Numbers are SI and in full, except in `table_csv`, which repeats a table of the report as printed.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import isnan

import numpy as np
import pandas as pd

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.content import Graded, Table

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
_QUOTED = set(',"\n')
"""Characters for which CSV quotes a field."""


def residuals_frame(fitted: Sequence[FittedRecord]) -> pd.DataFrame:
    """Every point of every record with its model, standard deviation and residual, SI."""
    parts = [frame for item in fitted for frame in _residual_parts(item)]
    if not parts:
        return pd.DataFrame(columns=list(RESIDUAL_COLUMNS))
    return pd.concat(parts, ignore_index=True)


def _residual_parts(fitted: FittedRecord) -> list[pd.DataFrame]:
    """One table a component: two of a spectrum, one of any other record."""
    record = fitted.record
    if record.kind == "impedance":
        Z, model = record.impedance, np.asarray(fitted.predicted)  # type: ignore[union-attr]
        place = ("frequency", record.frequency, "Hz")  # type: ignore[union-attr]
        return [
            _residual_frame(fitted, place, name, data, predicted)
            for name, data, predicted in (("Z_real", Z.real, model.real), ("Z_imag", Z.imag, model.imag))
        ]
    time = record.time  # type: ignore[union-attr]
    place = ("time", time, "s") if time is not None else ("voltage", record.voltage, "V")  # type: ignore[union-attr]
    component = "current" if record.control == "voltage" else "voltage"
    response = record.response  # type: ignore[union-attr]
    return [_residual_frame(fitted, place, component, response, np.asarray(fitted.predicted).real)]


def _residual_frame(
    fitted: FittedRecord,
    place: tuple[str, FloatArray, str],
    component: str,
    data: FloatArray,
    model: FloatArray,
) -> pd.DataFrame:
    """Points of one component."""
    name, coordinate, unit = place
    used: BoolArray = fitted.used
    columns = (
        fitted.record.name,
        np.arange(data.size),
        name,
        coordinate,
        unit,
        component,
        data,
        model,
        fitted.sigma,
        (data - model) / fitted.sigma,
        used,
    )
    return pd.DataFrame(dict(zip(RESIDUAL_COLUMNS, columns, strict=True)))


def interval_frames(result: FitResult) -> dict[str, pd.DataFrame]:
    """Profiles point by point and samples row by row, by the file they are written to; SI."""
    frames = {}
    if result.profiles:
        frames["profiles.csv"] = pd.DataFrame(
            [
                (name, p.unit, value, rise, slope, p.threshold)
                for name, p in result.profiles.items()
                for value, rise, slope in zip(p.value, p.rise, p.slope, strict=True)
            ],
            columns=["quantity", "unit", "value", "chi2_rise", "slope", "threshold"],
        )
    samples = [s for s in (result.bootstrap, result.posterior) if s is not None]
    if samples:
        parts = [pd.DataFrame(s.samples, columns=list(s.names)).assign(kind=s.kind) for s in samples]
        together = pd.concat(parts, ignore_index=True)
        frames["samples.csv"] = together[["kind", *(n for n in together.columns if n != "kind")]]
    return frames


def columns_csv(columns: Mapping[str, FloatArray]) -> str:
    """Columns side by side as CSV, shorter ones empty below; what is not a number is empty.

    Written by hand: for the many small files of a report, three times faster than a DataFrame.
    """
    texts = [_texts(column) for column in columns.values()]
    rows = [",".join(row) for row in zip_longest(*texts, fillvalue="")]
    return "\n".join([",".join(map(_quoted, columns)), *rows]) + "\n"


def _texts(column: FloatArray) -> list[str]:
    """Numbers with nine digits; empty where there is none."""
    return ["" if isnan(value) else f"{value:.9g}" for value in column.tolist()]


def _quoted(field: str) -> str:
    """A field as CSV has it."""
    return '"' + field.replace('"', '""') + '"' if _QUOTED & set(field) else field


def table_csv(table: Table) -> str:
    """A table for people as CSV: numbers as they are printed in the report."""
    rows = [[value.text if isinstance(value, Graded) else value for value in row] for row in table.rows]
    frame = pd.DataFrame(rows, columns=[column.title for column in table.columns])
    return frame.to_csv(index=False, lineterminator="\n")
