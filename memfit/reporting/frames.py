"""Numbers for other programs, as CSV: every point of the fit, what stands behind each figure, printed tables.

Numbers are SI and in full, except in `table_csv`, which repeats a table of the report as printed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from memfit.arrays import BoolArray, FloatArray
from memfit.fitting.result import FittedRecord
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


def data_frame(columns: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Columns that may differ in length side by side, the shorter ones left empty below."""
    return pd.DataFrame({name: pd.Series(values) for name, values in columns.items()})


def table_csv(table: Table) -> str:
    """A table for people as CSV: numbers as they are printed in the report."""
    rows = [[value.text if isinstance(value, Graded) else value for value in row] for row in table.rows]
    frame = pd.DataFrame(rows, columns=[column.title for column in table.columns])
    return frame.to_csv(index=False, lineterminator="\n")
