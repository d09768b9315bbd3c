"""The tables of a comparison. Their numbers are text, made by `numbers`; in full in `comparisonframes`."""

from collections.abc import Mapping

import numpy as np

from memfit.analysis.comparison_pooling import Pooled
from memfit.analysis.comparison_record import MOST_LISTED, Comparison
from memfit.analysis.comparison_sample import Quantity, Sample
from memfit.fitting.result import Estimate
from memfit.reporting.comparisoncells import area_text, interval_text, p_text, spread_text, titled, value_text
from memfit.reporting.comparisonwords import (
    CAPTIONS,
    COLUMNS,
    IN_FILE,
    MORE,
    MORE_ROWS,
    NOT_LISTED,
    SENTENCES,
)
from memfit.reporting.content import Cell, Column, Graded, Table
from memfit.reporting.numbers import (
    MISSING,
    fixed,
    interval,
    percent,
    quantity,
    quantity_digits,
    span,
)
from memfit.reporting.words import CIRCUIT, STATUS_OF_FIT

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
