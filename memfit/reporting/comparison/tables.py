"""The tables of a comparison. Their numbers are text, made by `numbers`; in full in `comparisonframes`.

Texts of a comparison: p-values, areas, values, intervals and spreads, names of devices.

Tables of a comparison: what goes with area, temperature and attributes.

Tables of a comparison: correlations between devices, and of the errors in their fits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memfit.analysis.comparison.correlation import BetweenCorrelation
from memfit.analysis.comparison.pooling import Pooled
from memfit.analysis.comparison.ranking import ComparedDevice, Quantity, Sample
from memfit.analysis.comparison.record import MOST_LISTED, Comparison
from memfit.analysis.comparison.regression import Trend
from memfit.fitting.result import Estimate
from memfit.reporting.comparison.text import (
    CAPTIONS,
    COLUMNS,
    IN_FILE,
    LAWS,
    MORE,
    MORE_ROWS,
    NOT_LISTED,
    SENTENCES,
)
from memfit.reporting.content import Cell, Column, ColumnKind, Graded, Table
from memfit.reporting.numbers import (
    MISSING,
    fixed,
    interval,
    percent,
    quantity,
    quantity_digits,
    span,
    unit_symbol,
)
from memfit.reporting.text import CIRCUIT, STATUS_OF_FIT

LEVEL = 0.05
"""p-value below which something is beyond chance."""
CM2 = 1e4  # cm^2 in a m^2
_SMALLEST_P = 1e-4
_AREA_UNITS = {"ohm m²": ("Ω cm²", CM2), "F/m²": ("µF/cm²", 1e6 / CM2), "A/m²": ("mA/cm²", 1e3 / CM2)}


def titled(*keys: tuple[str, ColumnKind]) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(COLUMNS[key], kind) for key, kind in keys)


def p_text(p: float | None) -> str:
    """A p-value without digits that mean nothing."""
    if p is None or not np.isfinite(p):
        return MISSING
    return "< 0.0001" if p < _SMALLEST_P else quantity_digits(p, "1", 2)


def area_text(area: float | None) -> str:
    """An area in cm²."""
    return MISSING if area is None else f"{quantity(area * CM2)} cm²"


def shown_unit(unit: str) -> tuple[str, float]:
    """Unit as printed and the factor to it, for quantities of unit area; others stay."""
    return _AREA_UNITS.get(unit, (unit or "1", 1.0))


def value_text(one: Quantity, value: float, error: float | None = None) -> str:
    """A value in SI as text; `error` is in the scale of the fit."""
    unit, factor = shown_unit(one.unit)
    stderr = None if error is None else error * (abs(value) if one.logarithmic else 1.0) * factor
    return quantity(value * factor, unit, stderr)


def interval_text(one: Quantity, ends: tuple[float, float]) -> str:
    """An interval from the scale of the fit, as text; each end by itself where it is wide."""
    unit, factor = shown_unit(one.unit)
    low, high = (one.outer(end) * factor for end in ends)
    if one.logarithmic and high > 3.0 * low > 0.0:
        return f"{quantity_digits(low, unit)} to {quantity_digits(high, unit)}"
    return interval((low, high), unit)


def spread_text(one: Quantity, tau: float) -> str:
    """A spread between devices: a factor for logarithms, else in the unit."""
    if tau <= 0.0:
        return "none"
    if not one.logarithmic:
        return f"± {quantity_digits(tau, one.unit, 2)}"
    if tau < 0.1:
        return f"± {quantity_digits(100.0 * tau, '1', 2)} %"
    return f"×/÷ {quantity_digits(one.outer(tau), '1', 3)}"


def named(devices: Sequence[ComparedDevice], most: int = 5) -> str:
    """Names of devices in a sentence, the first few where there are many."""
    labels = [device.label for device in devices]
    if len(labels) > most:
        return f"{', '.join(labels[:most])} and {len(labels) - most} more"
    return f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) > 1 else "".join(labels)


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


_MOST_CORRELATIONS = 12
_LEVELS = 4


def between_table(found: Comparison) -> Table:
    """Correlations between devices, shaded where they are beyond chance."""
    return _matrix("between", found, _between_cell)


def within_table(found: Comparison) -> Table:
    """Mean correlations of the errors in the fits."""
    return _matrix("within", found, lambda one: Graded(fixed(one.within, 2), round(one.within * _LEVELS)))


def _between_cell(one: BetweenCorrelation) -> Cell:
    """A correlation between devices, in brackets where it may be chance."""
    if one.between is None:
        return MISSING
    sure = one.p_value is not None and one.p_value < LEVEL
    text = fixed(one.between, 2)
    return Graded(text if sure else f"({text})", round(one.between * _LEVELS) if sure else 0)


def _matrix(key: str, found: Comparison, cell: Any) -> Table:
    """A symmetric table of the quantities that are paired."""
    known = {(one.first, one.second): one for one in found.correlations}
    names = [name for name in found.sample.names if any(name in pair for pair in known)]
    rows: list[tuple[Cell, ...]] = []
    for a in names:
        cells = [known.get((a, b)) or known.get((b, a)) for b in names]
        rows.append(
            (
                a,
                *(
                    "1" if a == b else MISSING if one is None else cell(one)
                    for b, one in zip(names, cells, strict=True)
                ),
            )
        )
    columns = (Column("", "symbol"), *(Column(name, "symbol") for name in names))
    return Table(f"correlation_{key}", CAPTIONS[key], columns, tuple(rows))


def strongest_table(found: Comparison) -> Table:
    """The strongest correlations with their intervals."""
    known = [one for one in found.correlations if one.between is not None]
    known.sort(key=lambda one: (one.p_value if one.p_value is not None else 1.0, -abs(one.between or 0.0)))
    rows = tuple(
        (
            f"{one.first}, {one.second}",
            fixed(one.between, 2),
            MISSING if one.ci95 is None else f"{fixed(one.ci95[0], 2)} to {fixed(one.ci95[1], 2)}",
            p_text(one.p_value),
            fixed(one.observed, 2),
            fixed(one.within, 2),
        )
        for one in known[:_MOST_CORRELATIONS]
    )
    columns = titled(
        ("quantity", "prose"),
        ("between", "number"),
        ("between_ci95", "number"),
        ("p_outlying", "number"),
        ("observed", "number"),
        ("within", "number"),
    )
    return Table("strongest", CAPTIONS["strongest"], columns, rows)


FAR = 10.0
"""Gain margin from which a device is far from oscillation."""
MOST_ROWS = 60
"""Devices that a table shows."""
MOST_PAIRS = 66
"""Pairs of devices that a table shows: those of twelve."""
_MOST_OMITTED = 60
_NO_BREAK = "\u00a0"


def devices_table(found: Comparison) -> Table:
    """Parameters of every device, the first ones where there are many."""
    names = [one.name for one in found.sample.quantities]
    rows = tuple(
        (
            device.label,
            STATUS_OF_FIT.get(device.status.code, device.status.code),
            area_text(device.area),
            MISSING if device.temperature is None else quantity(device.temperature, "K"),
            *(_estimate_text({**device.parameters, **device.derived}.get(name)) for name in names),
        )
        for device in found.devices[:MOST_ROWS]
    )
    head = titled(("device", "file"), ("status", "text"), ("area", "number"), ("temperature", "number"))
    columns = (*head, *(Column(name, "number") for name in names))
    return Table("devices", CAPTIONS["devices"].format(more=_more(len(found.devices))), columns, rows)


def _estimate_text(e: Estimate | None) -> str:
    """A value with its error; in brackets where it takes no part."""
    if e is None or e.value is None:
        return MISSING
    if e.status in ("fixed", "at_bound"):
        return f"[{quantity_digits(e.value, e.unit or '1', 3)}]"
    return quantity(e.value, e.unit or "1", e.stderr)


def per_area_table(scaled: Sample) -> Table:
    """What scales with the area, of unit area."""
    rows = tuple(
        (device.label, area_text(device.area), *_scaled_cells(scaled, place))
        for place, device in enumerate(scaled.devices[:MOST_ROWS])
    )
    columns = (
        *titled(("device", "file"), ("area", "number")),
        *(Column(name, "number") for name in scaled.names),
    )
    return Table("per_area", CAPTIONS["per_area"].format(more=_more(len(scaled.devices))), columns, rows)


def _scaled_cells(scaled: Sample, place: int) -> tuple[str, ...]:
    """Values of unit area of one device."""
    return tuple(
        value_text(one, one.outer(x), float(np.sqrt(v))) if np.isfinite(x) else MISSING
        for one, x, v in zip(
            scaled.quantities, scaled.x[place], np.diag(scaled.covariance[place]), strict=True
        )
    )


def pooled_table(key: str, sample: Sample, pooled: Mapping[str, Pooled]) -> Table:
    """Mean, spread and heterogeneity of every quantity."""
    rows = tuple(
        _pooled_row(sample.quantities[sample.names.index(name)], one) for name, one in pooled.items()
    )
    columns = titled(
        ("quantity", "symbol"),
        ("devices", "number"),
        ("mean", "number"),
        ("mean_ci95", "number"),
        ("spread", "number"),
        ("spread_ci95", "number"),
        ("predicted", "number"),
        ("Q", "number"),
        ("p", "number"),
        ("I2", "number"),
    )
    return Table(key, CAPTIONS[key], columns, rows)


def _pooled_row(one: Quantity, pooled: Pooled) -> tuple[str, ...]:
    """One quantity over all devices."""
    low, high = (spread_text(one, tau) for tau in pooled.tau_ci95)
    return (
        one.name,
        str(pooled.devices),
        value_text(one, one.outer(pooled.mean), pooled.stderr),
        interval_text(one, pooled.mean_ci95),
        spread_text(one, pooled.tau),
        f"{low} to {high.removeprefix('×/÷ ').removeprefix('± ')}"
        if low.split()[0] == high.split()[0]
        else f"{low} to {high}",
        interval_text(one, pooled.predicted95),
        quantity_digits(pooled.Q, "1", 3),
        p_text(pooled.p_heterogeneity),
        percent(pooled.I2),
    )


def ranking_table(found: Comparison, circuit: str) -> Table:
    """Devices in the order of their gain margin."""
    ranked = [one for one in found.ranking if one.circuit == circuit]
    rows = tuple(
        (
            str(one.rank),
            found.devices[one.device].label,
            one.verdict,
            quantity_digits(one.gain_margin, "1", 3),
            _margin_text(one.gain_margin_ci95),
            MISSING if one.probability_oscillates is None else percent(one.probability_oscillates),
            span(min(one.hopf_V), max(one.hopf_V), "V", 4) if one.hopf_V else MISSING,
            " and ".join(quantity_digits(f, "Hz", 3) for f in one.hopf_frequency_Hz) or MISSING,
        )
        for one in ranked[:MOST_ROWS]
    )
    columns = titled(
        ("rank", "number"),
        ("device", "file"),
        ("verdict", "text"),
        ("margin", "number"),
        ("margin_ci95", "number"),
        ("chance", "number"),
        ("hopf", "number"),
        ("frequency", "number"),
    )
    name = CIRCUIT.get(circuit, circuit)
    caption = CAPTIONS["ranking"].format(circuit=name, more=_more(len(ranked)))
    return Table(f"ranking_{circuit}", caption, columns, rows)


def matters(found: Comparison, circuit: str) -> bool:
    """Whether any device comes near to oscillation in a circuit."""
    margins = [one.gain_margin for one in found.ranking if one.circuit == circuit]
    known = [margin for margin in margins if margin is not None]
    return circuit == "current" or not known or min(known) < FAR


def far_sentence(found: Comparison, circuit: str) -> str:
    """Instead of a ranking, where all devices are far from oscillation."""
    margins = [one.gain_margin for one in found.ranking if one.circuit == circuit]
    least = min(margin for margin in margins if margin is not None)
    return SENTENCES["far"].format(
        circuit=CIRCUIT.get(circuit, circuit), margin=quantity_digits(least, "1", 2)
    )


def _margin_text(bounds: tuple[float, float] | None) -> str:
    """An interval of a gain margin."""
    if bounds is None:
        return MISSING
    low, high = bounds
    if high > 3.0 * low:
        return f"{quantity_digits(low)} to {quantity_digits(high)}"
    return interval(bounds)


def outlying_table(found: Comparison) -> Table:
    """Devices that one quantity sets apart."""
    rows = tuple(
        (found.devices[one.device].label, one.quantity, fixed(one.score, 1), p_text(one.p_value))
        for one in found.outlying[:MOST_ROWS]
    )
    columns = titled(
        ("device", "file"), ("quantity", "symbol"), ("score", "number"), ("p_outlying", "number")
    )
    return Table("outlying", CAPTIONS["outlying"], columns, rows)


def differences_table(found: Comparison) -> Table | None:
    """Pairs of devices one by one, or how many of them differ; None where there were too many to examine."""
    pairs = found.pairs
    if pairs is None:
        return None
    if len(pairs.first) > MOST_PAIRS:
        return _counts_table(found)
    rows: list[tuple[Cell, ...]] = []
    for m, (i, j) in enumerate(zip(pairs.first, pairs.second, strict=True)):
        cells = [_difference(found, m, k) for k in range(len(pairs.names))]
        head = f"{found.devices[i].label} / {found.devices[j].label}"
        rows.append((head, *cells, p_text(float(pairs.joint_p_value[m]))))
    columns = (
        Column(COLUMNS["pair"], "file"),
        *(Column(name, "symbol") for name in pairs.names),
        Column(COLUMNS["joint"], "number"),
    )
    return Table("differences", CAPTIONS["differences"], columns, tuple(rows))


def _difference(found: Comparison, m: int, k: int) -> Cell:
    """How one parameter differs in one pair; shaded where it does."""
    pairs = found.pairs
    if pairs is None or not np.isfinite(pairs.difference[m, k]):
        return MISSING
    one = found.sample.quantities[k]
    d, s = float(pairs.difference[m, k]), float(pairs.stderr[m, k])
    if one.logarithmic:
        ratio = one.outer(d)
        text = f"× {quantity(ratio, '1', ratio * s)}"
    else:
        text = quantity(d, one.unit, s)
    text = text.replace(" ", _NO_BREAK)
    return Graded(text, 2 * int(np.sign(d)) if pairs.differ[m, k] else 0)


def _counts_table(found: Comparison) -> Table:
    """How many pairs differ, parameter by parameter."""
    pairs = found.pairs
    if pairs is None:
        return Table("counts", "", (), ())
    tested = np.isfinite(pairs.difference).sum(axis=0)
    rows = tuple(
        (name, f"{int(differ)} of {int(count)}", percent(float(differ) / max(float(count), 1.0)))
        for name, differ, count in zip(pairs.names, pairs.differ.sum(axis=0), tested, strict=True)
    )
    listed = IN_FILE if len(pairs.first) <= MOST_LISTED else NOT_LISTED
    columns = (*titled(("quantity", "symbol"), ("count", "number")), Column("", "number"))
    return Table("counts", CAPTIONS["counts"].format(pairs=len(pairs.first), more=listed), columns, rows)


def left_out_table(found: Comparison) -> Table:
    """What takes no part."""
    rows = tuple((one.label, one.what or "all of it", one.reason) for one in found.omitted[:_MOST_OMITTED])
    count = len(found.omitted)
    more = (
        MORE_ROWS.format(shown=_MOST_OMITTED, count=count, file="comparison.json")
        if count > _MOST_OMITTED
        else ""
    )
    columns = titled(("who", "file"), ("what", "symbol"), ("why", "text"))
    return Table("left_out", CAPTIONS["left_out"].format(more=more), columns, rows)


def _more(count: int) -> str:
    """A word on rows that are not shown."""
    return MORE.format(shown=MOST_ROWS, count=count) if count > MOST_ROWS else ""
