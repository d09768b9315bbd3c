"""Tables of a comparison: what goes with area, temperature and attributes."""

from memfit.analysis.comparison_record import Comparison
from memfit.analysis.comparison_sample import Quantity
from memfit.analysis.comparison_trends import Trend
from memfit.reporting.comparisoncells import CM2, p_text, titled, value_text
from memfit.reporting.comparisonwords import CAPTIONS, LAWS, MORE_ROWS
from memfit.reporting.content import Column, Table
from memfit.reporting.numbers import MISSING, fixed, interval, percent, quantity, unit_symbol

_MOST_TRENDS = 24


def trends_tables(found: Comparison) -> tuple[Table, ...]:
    """Area, temperature and attributes, each only where it has rows."""
    by = {"area": [], "temperature": [], "attributes": []}  # type: dict[str, list[Trend]]
    for one in found.trends:
        by[one.covariate if one.covariate in ("area", "temperature") else "attributes"].append(one)
    by["attributes"].sort(key=lambda one: one.p_value)
    count = len(by["attributes"])
    by["attributes"] = by["attributes"][:_MOST_TRENDS]
    more = (
        MORE_ROWS.format(shown=_MOST_TRENDS, count=count, file="trends.csv") if count > _MOST_TRENDS else ""
    )
    tables = [
        Table(
            f"trends_{key}",
            CAPTIONS[key].format(more=more),
            _trend_columns(key),
            tuple(_trend_row(found, one, key) for one in trends),
        )
        for key, trends in by.items()
    ]
    return tuple(table for table in tables if table.rows)


def _trend_columns(key: str) -> tuple[Column, ...]:
    """Columns of one table of trends."""
    first = titled(("attribute", "text"), ("quantity", "symbol"), ("law", "text"))
    middle = titled(("slope", "number"), ("mean_ci95", "number"))
    expected = titled(("expected", "number")) if key == "area" else ()
    last = titled(("p_trend", "number"), ("explained", "number"), ("devices", "number"))
    return ((first if key == "attributes" else first[1:2]) + middle) + expected + last


def _trend_row(found: Comparison, one: Trend, key: str) -> tuple[str, ...]:
    """One trend."""
    first = (one.covariate, one.quantity, LAWS[one.kind]) if key == "attributes" else (one.quantity,)
    expected = (_expected_text(one),) if key == "area" else ()
    return (
        *first,
        *slope_texts(found, one),
        *expected,
        p_text(one.p_value),
        percent(one.explained),
        str(one.devices),
    )


def _expected_text(one: Trend) -> str:
    """The exponent of a uniform junction and whether it holds."""
    if one.expected is None:
        return MISSING
    return f"{fixed(one.expected, 0)} (p = {p_text(one.p_expected)})"


def slope_texts(found: Comparison, one: Trend) -> tuple[str, str]:
    """Slope and interval of a trend as text; means for words."""
    sample = found.sample_of(one)
    quantity_of = sample.quantities[sample.names.index(one.quantity)]
    if one.slope is None or one.slope_ci95 is None:
        means = "; ".join(
            f"{level.word}: {value_text(quantity_of, quantity_of.outer(level.mean))}" for level in one.levels
        )
        return means, MISSING
    factor, unit = _slope_unit(quantity_of, one)
    slope, stderr = one.slope * factor, None if one.stderr is None else one.stderr * factor
    ends = (one.slope_ci95[0] * factor, one.slope_ci95[1] * factor)
    if one.kind in ("power", "arrhenius"):
        return quantity(slope, unit, stderr), interval(ends, unit, stderr)
    return f"{quantity(slope, '1', stderr)} {unit}", f"{interval(ends, '1', stderr)} {unit}"


def _slope_unit(quantity_of: Quantity, one: Trend) -> tuple[float, str]:
    """Factor on a slope and its unit; small changes of a logarithm are fractions, in per cent."""
    if one.kind in ("arrhenius", "power"):
        return 1.0, "eV" if one.kind == "arrhenius" else "1"
    factor, per = (1.0 / CM2, "cm²") if one.covariate == "area" else (1.0, one.covariate_unit or "unit")
    if quantity_of.logarithmic:
        return 100.0 * factor, f"%/{per}"
    return factor, f"{unit_symbol(quantity_of.unit)}/{per}"
