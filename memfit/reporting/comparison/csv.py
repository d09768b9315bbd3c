"""A comparison for other programs: CSV tables in full, and the same as sheets of one Excel workbook."""

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.analysis.comparison.pooling import Pooled
from memfit.analysis.comparison.ranking import Sample
from memfit.analysis.comparison.record import MOST_LISTED, Comparison

if TYPE_CHECKING:
    import pandas as pd

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a workbook cannot hold."""
_WIDEST = 28
_LONGEST_TEXT = 32_767  # letters of a cell


def frames(found: Comparison) -> "dict[str, pd.DataFrame]":
    """All tables by name: devices, pooled, outlying, differences, correlations, trends, left_out."""
    return {
        "devices": found.to_frame().reset_index(),
        "pooled": _pooled_frame(found),
        "outlying": _outlying_frame(found),
        "differences": differences_frame(found),
        "correlations": _correlations_frame(found),
        "trends": _trends_frame(found),
        "left_out": _frame(
            [(one.label, one.what, one.reason) for one in found.omitted], columns=["of", "what", "reason"]
        ),
    }


def _frame(rows: Any = None, columns: list[str] | None = None) -> "pd.DataFrame":
    """A table; pandas is loaded with the first one, so that other commands need not wait for it."""
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(rows, columns=columns)


def csv_text(frame: "pd.DataFrame") -> str:
    """A table as CSV with nine digits; empty where there is none."""
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.9g")


def workbook(tables: "Mapping[str, pd.DataFrame]") -> bytes:
    """An Excel workbook with a sheet a table; texts stay texts, whatever they begin with."""
    from openpyxl import Workbook  # noqa: PLC0415 - only this function needs it
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    for name, frame in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "B2"
        for place, title in enumerate(frame.columns, start=1):
            width = min(max(len(str(title)), 10) + 2, _WIDEST)
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.append([_cell(sheet, str(title)) for title in frame.columns])
        for row in frame.itertuples(index=False, name=None):
            sheet.append([_cell(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(sheet: Any, value: object) -> object:
    """A value as a cell holds it; empty where there is none."""
    if isinstance(value, str):
        return _text(sheet, value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, (int, np.integer)):
        return int(value)
    return None if value is None else _text(sheet, str(value))


def _text(sheet: Any, text: str) -> object:
    """A text that no program takes for a formula, without characters that a workbook cannot hold."""
    clean = _ILLEGAL.sub("", text)[:_LONGEST_TEXT]
    if not clean.startswith("="):
        return clean
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - only this function needs it

    cell = WriteOnlyCell(sheet, value=clean)
    cell.data_type = "s"
    return cell


def _pooled_frame(found: Comparison) -> "pd.DataFrame":
    """Mean, spread and heterogeneity, of unit area below."""
    rows = _pooled_rows(found.sample, found.pooled, "")
    if found.normalised is not None:
        rows += _pooled_rows(found.normalised, found.normalised_pooled, " per area")
    return _frame(rows)


def _pooled_rows(sample: Sample, pooled: Mapping[str, Pooled], tail: str) -> list[dict[str, object]]:
    """One row a quantity."""
    rows: list[dict[str, object]] = []
    for name, one in pooled.items():
        quantity = sample.quantities[sample.names.index(name)]
        rows.append(
            {
                "quantity": f"{name}{tail}",
                "unit": quantity.unit,
                "scale": "log" if quantity.logarithmic else "linear",
                "devices": one.devices,
                "mean": quantity.outer(one.mean),
                "mean_ci95_low": quantity.outer(one.mean_ci95[0]),
                "mean_ci95_high": quantity.outer(one.mean_ci95[1]),
                "mean_in_scale": one.mean,
                "stderr_in_scale": one.stderr,
                "spread_in_scale": one.tau,
                "spread_ci95_low": one.tau_ci95[0],
                "spread_ci95_high": one.tau_ci95[1],
                "predicted95_low": quantity.outer(one.predicted95[0]),
                "predicted95_high": quantity.outer(one.predicted95[1]),
                "Q": one.Q,
                "dof": one.dof,
                "p_heterogeneity": one.p_heterogeneity,
                "I2": one.I2,
            }
        )
    return rows


def _outlying_frame(found: Comparison) -> "pd.DataFrame":
    """Devices set apart."""
    rows = [
        (found.devices[one.device].label, one.quantity, one.deviation, one.score, one.p_value)
        for one in found.outlying
    ]
    return _frame(rows, columns=["device", "quantity", "deviation_in_scale", "score", "p_value"])


def differences_frame(found: Comparison) -> "pd.DataFrame":
    """Every pair and parameter, and the joint test of the pair; empty where there are too many pairs."""
    columns = ["first", "second", "quantity", "scale", "difference", "stderr", "p_holm", "joint_p_holm"]
    pairs = found.pairs
    if pairs is None or len(pairs.first) > MOST_LISTED:
        return _frame(columns=columns)
    labels = np.array([device.label for device in found.devices], dtype=object)
    count, q = pairs.difference.shape
    scales = ["log" if one.logarithmic else "linear" for one in found.sample.quantities[:q]]
    table = _frame(
        {
            "first": np.repeat(labels[pairs.first], q),
            "second": np.repeat(labels[pairs.second], q),
            "quantity": np.tile(np.array(pairs.names, dtype=object), count),
            "scale": np.tile(np.array(scales, dtype=object), count),
            "difference": pairs.difference.ravel(),
            "stderr": pairs.stderr.ravel(),
            "p_holm": pairs.p_value.ravel(),
            "joint_p_holm": np.repeat(pairs.joint_p_value, q),
        }
    )
    return table[np.isfinite(pairs.difference.ravel())].reset_index(drop=True)


def _correlations_frame(found: Comparison) -> "pd.DataFrame":
    """Correlations between devices beside those of the fits."""
    rows = [
        {
            "first": one.first,
            "second": one.second,
            "devices": one.devices,
            "between": one.between,
            "between_ci95_low": one.ci95[0] if one.ci95 else None,
            "between_ci95_high": one.ci95[1] if one.ci95 else None,
            "p_holm": one.p_value,
            "within_fits": one.within,
            "observed": one.observed,
            "per_area": found.equal_area,
            "remark": one.reason,
        }
        for one in found.correlations
    ]
    return _frame(rows)


def _trends_frame(found: Comparison) -> "pd.DataFrame":
    """Trends; one row a mean for words."""
    rows: list[dict[str, object]] = []
    for one in found.trends:
        known: dict[str, object] = {
            "covariate": one.covariate,
            "quantity": one.quantity,
            "kind": one.kind,
            "devices": one.devices,
            "p_holm": one.p_value,
            "explained": one.explained,
            "spread_left": one.tau,
        }
        if one.levels:
            rows += [
                {**known, "word": level.word, "word_devices": level.devices, "mean_in_scale": level.mean}
                | {"mean_ci95_low": level.ci95[0], "mean_ci95_high": level.ci95[1]}
                for level in one.levels
            ]
            continue
        low, high = one.slope_ci95 or (None, None)
        rows.append(
            {**known, "slope": one.slope, "stderr": one.stderr, "ci95_low": low, "ci95_high": high}
            | {"expected": one.expected, "p_expected_holm": one.p_expected}
        )
    return _frame(rows)
