"""The tables of a comparison: for its page, and in full for other programs as CSV and one Excel workbook."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.analysis.comparison import (
    MOST_LISTED,
    BetweenCorrelation,
    ComparedDevice,
    Comparison,
    Pooled,
    Sample,
)
from memfit.reporting.comparison.columns import (
    CM2,
    LEFT_OUT,
    LIMITS,
    POOLED,
    SIGNIFICANT,
    TEXT,
    WIDE,
    Field,
    correlation_fields,
    file_row,
    outlying_fields,
    p_text,
    pooled_rows,
    sentence,
    strongest,
    trend_fields,
    value_text,
)
from memfit.reporting.content import CIRCUIT, STATUS_OF_FIT, Cell, Column, Graded, Table
from memfit.reporting.numbers import MISSING, fixed, interval, percent, quantity, quantity_digits, span

_NEEDLESS = {"area": ("attribute", "law"), "temperature": ("attribute", "law", "expected")}
"""Columns that say nothing in one of the tables of trends."""


def _table(
    key: str, fields: Sequence[Field], rows: Iterable[object], name: str = "", **words: object
) -> Table:
    """A table of the page; `key` is that of its caption, `name` the stem of its file where it is another."""
    return Table(
        name or key,
        sentence(key, "captions", **words),
        tuple(Column(TEXT["columns"].get(one.key, one.key), one.kind) for one in fields),
        tuple(tuple(one.text(row) for one in fields) for row in rows),
    )


def _more(count: int, most: int = LIMITS.rows, file: str = "devices.csv") -> str:
    """What a caption says where rows are not shown."""
    return sentence("more", "parts", shown=most, count=count, file=file) if count > most else ""


def _area_text(area: float | None) -> str:
    """An area in cm²."""
    return MISSING if area is None else f"{quantity(area * CM2)} cm²"


# What is known of every device


def devices_table(comparison: Comparison) -> Table:
    """Parameters of every device, the first ones where there are many."""
    fields = [
        Field("device", lambda d: d.label, kind="file"),
        Field("status", lambda d: STATUS_OF_FIT.get(d.status.code, d.status.code), kind="text"),
        Field("area", lambda d: _area_text(d.area)),
        Field("temperature", lambda d: quantity(d.temperature, "K")),
    ]
    fields += [
        Field(name, partial(_estimate_text, name)) for name in comparison.sample.without_merits().names
    ]
    rows = comparison.devices[: LIMITS.rows]
    return _table("devices", fields, rows, more=_more(len(comparison.devices)))


def merits_table(comparison: Comparison) -> Table | None:
    """Figures of merit of every device, the first ones where there are many; None where there are none."""
    if not comparison.merits.names:
        return None
    fields = [Field("device", lambda d: d.label, kind="file")]
    fields += [Field(name, partial(_estimate_text, name)) for name in comparison.merits.names]
    rows = comparison.devices[: LIMITS.rows]
    return _table("merits", fields, rows, more=_more(len(comparison.devices)))


def _estimate_text(name: str, device: ComparedDevice) -> str:
    """A value with its error; in brackets where it takes no part."""
    e = device.estimates.get(name)
    if e is None or e.value is None:
        return MISSING
    if e.status in ("fixed", "at_bound"):
        return f"[{quantity_digits(e.value, e.unit or '1', 3)}]"
    return quantity(e.value, e.unit or "1", e.stderr)


def per_area_table(sample: Sample) -> Table:
    """What scales with the area, of unit area.

    Parameters
    ----------
    sample : Sample
        Devices of one square metre.
    """

    def scaled_text(k: int, row: int) -> str:
        of, x = sample.quantities[k], sample.x[row, k]
        error = float(np.sqrt(sample.covariance[row, k, k]))
        return value_text(of, of.outer(x), error) if np.isfinite(x) else MISSING

    fields = [
        Field("device", lambda row: sample.devices[row].label, kind="file"),
        Field("area", lambda row: _area_text(sample.devices[row].area)),
    ]
    fields += [Field(name, partial(scaled_text, k)) for k, name in enumerate(sample.names)]
    count = len(sample.devices)
    return _table("per_area", fields, range(min(count, LIMITS.rows)), more=_more(count))


# Mean and spread over the devices


def pooled_table(key: str, sample: Sample, pooled: Mapping[str, Pooled]) -> Table:
    """Mean, spread and heterogeneity of every quantity.

    Parameters
    ----------
    key : str
        "pooled", or "pooled_per_area" where the sample is of unit area.
    sample : Sample
    pooled : mapping of str to Pooled
    """
    return _table(key, POOLED, pooled_rows(sample, pooled))


# Nearness to oscillation


def ranking_table(comparison: Comparison, circuit: str) -> Table:
    """Devices in the order of their gain margin.

    Parameters
    ----------
    comparison : Comparison
    circuit : str
        Name of one of the circuits that the devices are ranked in.
    """

    def margin_text(ends: tuple[float, float] | None) -> str:
        if ends is not None and ends[1] > WIDE * ends[0]:
            return f"{quantity_digits(ends[0])} to {quantity_digits(ends[1])}"
        return interval(ends)

    fields = (
        Field("rank", lambda r: str(r.rank)),
        Field("device", lambda r: comparison.devices[r.device].label, kind="file"),
        Field("verdict", lambda r: r.verdict, kind="text"),
        Field("margin", lambda r: quantity_digits(r.gain_margin, "1", 3)),
        Field("margin_ci95", lambda r: margin_text(r.gain_margin_ci95)),
        Field("chance", lambda r: percent(r.probability_oscillates)),
        Field("hopf", lambda r: span(min(r.hopf_V), max(r.hopf_V), "V", 4) if r.hopf_V else MISSING),
        Field(
            "frequency",
            lambda r: " and ".join(quantity_digits(f, "Hz", 3) for f in r.hopf_frequency_Hz) or MISSING,
        ),
    )
    ranked = [one for one in comparison.ranking if one.circuit == circuit]
    words = {"circuit": CIRCUIT.get(circuit, circuit), "more": _more(len(ranked))}
    return _table("ranking", fields, ranked[: LIMITS.rows], f"ranking_{circuit}", **words)


# What sets devices apart


def outlying_table(comparison: Comparison) -> Table:
    """Devices that one quantity sets apart."""
    return _table("outlying", outlying_fields(comparison), comparison.outlying[: LIMITS.rows])


def left_out_table(comparison: Comparison) -> Table:
    """What takes no part, and why."""
    more = _more(len(comparison.omitted), file="comparison.json")
    return _table("left_out", LEFT_OUT, comparison.omitted[: LIMITS.rows], more=more)


def differences_table(comparison: Comparison) -> Table | None:
    """Pairs of devices one by one, or how many of them differ; None where there were too many to examine."""
    pairs = comparison.pairs
    if pairs is None:
        return None
    if len(pairs.first) > LIMITS.pairs:
        tested, differ = np.isfinite(pairs.difference).sum(axis=0), pairs.differ.sum(axis=0)
        fields = [
            Field("quantity", lambda k: pairs.names[k], kind="symbol"),
            Field("count", lambda k: f"{int(differ[k])} of {int(tested[k])}"),
            Field("", lambda k: percent(float(differ[k]) / max(float(tested[k]), 1.0))),
        ]
        where = sentence("in_file" if len(pairs.first) <= MOST_LISTED else "not_listed", "parts")
        rows = range(len(pairs.names))
        return _table("counts", fields, rows, pairs=len(pairs.first), more=where)

    def difference_text(k: int, m: int) -> Cell:
        """How one parameter differs in one pair: a ratio or a difference, shaded where it does."""
        of, d, s = comparison.sample.quantities[k], float(pairs.difference[m, k]), float(pairs.stderr[m, k])
        if not np.isfinite(d):
            return MISSING
        text = (
            f"× {quantity(of.outer(d), '1', of.outer(d) * s)}" if of.logarithmic else quantity(d, of.unit, s)
        )
        return Graded(text.replace(" ", "\u00a0"), 2 * int(np.sign(d)) if pairs.differ[m, k] else 0)

    labels = [device.label for device in comparison.devices]
    fields = [Field("pair", lambda m: f"{labels[pairs.first[m]]} / {labels[pairs.second[m]]}", kind="file")]
    fields += [Field(name, partial(difference_text, k), kind="symbol") for k, name in enumerate(pairs.names)]
    fields.append(Field("joint", lambda m: p_text(float(pairs.joint_p_value[m]))))
    return _table("differences", fields, range(len(pairs.first)))


# What goes with area, temperature and attributes


def trends_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Area, temperature and attributes, each only where it has rows.

    Parameters
    ----------
    comparison : Comparison
    """
    by = {key: [t for t in comparison.trends if t.covariate == key] for key in ("area", "temperature")}
    others = [trend for trend in comparison.trends if trend.covariate not in by]
    by["attributes"] = sorted(others, key=lambda trend: trend.p_value)
    tables = []
    for key, trends in by.items():
        fields = [one for one in trend_fields(comparison) if one.key not in _NEEDLESS.get(key, ("expected",))]
        shown = trends[: LIMITS.trends] if key == "attributes" else trends
        more = _more(len(trends), len(shown), "trends.csv")
        tables.append(_table(key, fields, shown, f"trends_{key}", more=more))
    return tuple(table for table in tables if table.rows)


# What goes together


def correlation_tables(comparison: Comparison) -> tuple[Table, Table, Table]:
    """Correlations between devices, those of the errors in the fits, and the strongest with intervals."""
    known = {(one.first, one.second): one for one in comparison.correlations}
    names = [name for name in comparison.sample.names if any(name in pair for pair in known)]

    def between(one: BetweenCorrelation) -> Cell:
        """Shaded where it is beyond chance; in brackets where it may be chance."""
        if one.between is None:
            return MISSING
        sure, text = one.p_value is not None and one.p_value < SIGNIFICANT, fixed(one.between, 2)
        return Graded(text, round(one.between * LIMITS.shades)) if sure else Graded(f"({text})", 0)

    def within(one: BetweenCorrelation) -> Cell:
        return Graded(fixed(one.within, 2), round(one.within * LIMITS.shades))

    def matrix(key: str, cell: Callable[[BetweenCorrelation], Cell]) -> Table:
        def at(column: str, row: str) -> Cell:
            one = known.get((row, column)) or known.get((column, row))
            return "1" if row == column else MISSING if one is None else cell(one)

        fields = [Field("", lambda row: row, kind="symbol")]
        fields += [Field(name, partial(at, name), kind="symbol") for name in names]
        return _table(key, fields, names, f"correlation_{key}")

    rows = strongest(comparison)[: LIMITS.correlations]
    fields = correlation_fields(comparison)
    return matrix("between", between), matrix("within", within), _table("strongest", fields, rows)


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
