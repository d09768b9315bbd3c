"""A comparison for other programs: CSV tables in full, and the same as sheets of one Excel workbook."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.analysis.comparison import MOST_LISTED, Comparison
from memfit.reporting.comparison.columns import (
    LEFT_OUT,
    POOLED,
    Field,
    correlation_fields,
    file_row,
    outlying_fields,
    pooled_rows,
    trend_fields,
)

if TYPE_CHECKING:
    import pandas as pd

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a workbook cannot hold."""
_WIDEST = 28
_LONGEST_TEXT = 32_767  # letters of a cell


def frames(comparison: Comparison) -> "dict[str, pd.DataFrame]":
    """All tables by name: devices, pooled, outlying, differences, correlations, trends, left_out.

    Parameters
    ----------
    comparison : Comparison
    """
    import pandas as pd  # noqa: PLC0415 - other commands need not wait for it

    pooled = pooled_rows(comparison.sample, comparison.pooled)
    if comparison.normalised is not None:
        pooled += pooled_rows(comparison.normalised, comparison.normalised_pooled, " per area")
    outlying, correlated = outlying_fields(comparison), correlation_fields(comparison)
    trends: list[dict[str, object]] = []
    for trend in comparison.trends:
        known = file_row(trend_fields(comparison), trend)
        low, high = trend.slope_ci95 or (None, None)
        slope: dict[str, object] = {
            "slope": trend.slope,
            "stderr": trend.stderr,
            "ci95_low": low,
            "ci95_high": high,
        }
        slope |= {"expected": trend.expected, "p_expected_holm": trend.p_expected}
        means: list[dict[str, object]] = [
            {
                "word": level.word,
                "word_devices": level.devices,
                "mean_in_scale": level.mean,
                "mean_ci95_low": level.ci95[0],
                "mean_ci95_high": level.ci95[1],
            }
            for level in trend.levels
        ]
        trends += [known | said for said in means or [slope]]
    return {
        "devices": comparison.to_frame().reset_index(),
        "pooled": pd.DataFrame([file_row(POOLED, row) for row in pooled]),
        "outlying": _titled(outlying, comparison.outlying),
        "differences": differences_frame(comparison),
        "correlations": pd.DataFrame([file_row(correlated, one) for one in comparison.correlations]),
        "trends": pd.DataFrame(trends),
        "left_out": _titled(LEFT_OUT, comparison.omitted),
    }


def _titled(fields: Sequence[Field], items: Sequence[object]) -> "pd.DataFrame":
    """A table that has its titles also where it has no rows."""
    import pandas as pd  # noqa: PLC0415 - other commands need not wait for it

    titles = [title for one in fields for title in one.data]
    return pd.DataFrame([file_row(fields, one) for one in items], columns=titles)


def differences_frame(comparison: Comparison) -> "pd.DataFrame":
    """Every pair and parameter, and the joint test of the pair; empty where there are too many pairs.

    Parameters
    ----------
    comparison : Comparison
    """
    import pandas as pd  # noqa: PLC0415 - other commands need not wait for it

    columns = ["first", "second", "quantity", "scale", "difference", "stderr", "p_holm", "joint_p_holm"]
    pairs = comparison.pairs
    if pairs is None or len(pairs.first) > MOST_LISTED:
        return pd.DataFrame(columns=columns)
    labels = np.array([device.label for device in comparison.devices], dtype=object)
    count, q = pairs.difference.shape
    scales = ["log" if of.logarithmic else "linear" for of in comparison.sample.quantities[:q]]
    parts = (
        np.repeat(labels[pairs.first], q),
        np.repeat(labels[pairs.second], q),
        np.tile(np.array(pairs.names, dtype=object), count),
        np.tile(np.array(scales, dtype=object), count),
        pairs.difference.ravel(),
        pairs.stderr.ravel(),
        pairs.p_value.ravel(),
        np.repeat(pairs.joint_p_value, q),
    )
    table = pd.DataFrame(dict(zip(columns, parts, strict=True)))
    return table[np.isfinite(pairs.difference.ravel())].reset_index(drop=True)


def csv_text(frame: "pd.DataFrame") -> str:
    """A table as CSV with nine digits; empty where there is none.

    Parameters
    ----------
    frame : DataFrame
    """
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.9g")


def workbook(tables: "Mapping[str, pd.DataFrame]") -> bytes:
    """An Excel workbook with a sheet a table; texts stay texts, whatever they begin with.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the sheet.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - only this function needs it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    def cell(value: object) -> object:
        """A value as a cell holds it: no formula, no character that a workbook cannot hold."""
        if value is None or isinstance(value, (int, np.integer)):
            return None if value is None else int(value)
        if isinstance(value, (float, np.floating)):
            return float(value) if np.isfinite(value) else None
        clean = _ILLEGAL.sub("", str(value))[:_LONGEST_TEXT]
        if not clean.startswith("="):
            return clean
        text: Any = WriteOnlyCell(sheet, value=clean)
        text.data_type = "s"
        return text

    book = Workbook(write_only=True)
    for name, frame in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "B2"
        for place, title in enumerate(frame.columns, start=1):
            width = min(max(len(str(title)), 10) + 2, _WIDEST)
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.append([cell(str(title)) for title in frame.columns])
        for row in frame.itertuples(index=False, name=None):
            sheet.append([cell(value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
