"""Tables and warnings of what the data say about oscillation without the model, beside the model."""

from collections.abc import Sequence

from memfit.reporting.content import Bullets, Column, ColumnKind, Table
from memfit.reporting.evidence import PulseEvidence, SpectrumEvidence, predicted_range
from memfit.reporting.numbers import MISSING, interval, quantity, quantity_digits, series, span
from memfit.reporting.words import COLUMNS, TABLE_CAPTIONS

_SIGMAS, _SAME_PERIOD = 4.0, 0.05
"""Standard errors, and share of the period, by which periods must differ to be called different."""


def spectra_evidence_table(items: Sequence[SpectrumEvidence]) -> Table:
    """The verdict of each spectrum beside that of the model."""
    rows = tuple(
        (
            item.record,
            bias,
            _says(unstable=item.model_unstable),
            quantity_digits(item.model_gain_margin),
            MISSING if item.found.unstable_poles is None else _says(unstable=item.found.unstable_poles > 0),
            quantity_digits(item.found.crossing_frequency_Hz, "Hz"),
            quantity(item.found.resistance_at_crossing, "ohm", item.found.resistance_stderr),
            interval(item.found.gain_margin_ci95),
        )
        for item, bias in zip(items, _biases(items), strict=True)
    )
    columns = _columns(
        ("record", "file"),
        ("bias", "number"),
        ("model", "text"),
        ("model_margin", "number"),
        ("spectrum", "text"),
        ("crossing", "number"),
        ("resistance", "number"),
        ("margin", "number"),
    )
    return Table("spectra_evidence", TABLE_CAPTIONS["spectra_evidence"], columns, rows)


def _biases(items: Sequence[SpectrumEvidence]) -> list[str]:
    """The biases, with as many decimals everywhere where they are of one unit."""
    units = {item.bias_unit for item in items}
    if len(units) == 1:
        return series([item.bias for item in items], units.pop())
    return [quantity(item.bias, item.bias_unit) for item in items]


def pulses_evidence_table(items: Sequence[PulseEvidence]) -> Table:
    """Periods and extremes, measured and predicted."""
    rows = []
    for item in items:
        source, measured = ("A", "V") if item.control == "current" else ("V", "A")
        predicted, ends, modelled = item.predicted, predicted_range(item), item.modelled
        rows.append(
            (
                item.record,
                quantity_digits(item.source, source),
                quantity(item.found.period, "s", item.found.period_stderr),
                MISSING if modelled is None else quantity_digits(modelled.period, "s", 4),
                "none" if predicted is None else quantity_digits(predicted.period, "s", 4),
                span(item.found.low, item.found.high, measured),
                MISSING if modelled is None else span(modelled.low, modelled.high, measured),
                "none" if ends is None else span(*ends, measured),
            )
        )
    columns = _columns(
        ("record", "file"),
        ("source", "number"),
        ("period", "number"),
        ("period_trace", "number"),
        ("period_model", "number"),
        ("range", "number"),
        ("range_trace", "number"),
        ("range_model", "number"),
    )
    return Table("pulses_evidence", TABLE_CAPTIONS["pulses_evidence"], columns, tuple(rows))


def evidence_warnings(spectra: Sequence[SpectrumEvidence], pulses: Sequence[PulseEvidence]) -> Bullets:
    """A sentence for each record that contradicts the model."""
    found = [f"{item.record}: {item.warning}" for item in spectra if item.warning is not None]
    found += [
        f"{item.record}: it oscillates at a source of "
        f"{quantity_digits(item.source, 'A' if item.control == 'current' else 'V')}, "
        "where the fitted model has no stable limit cycle."
        for item in pulses
        if item.predicted is None
    ]
    found += [text for item in pulses if (text := _other_period(item))]
    return Bullets(tuple(found), "care")


def _other_period(item: PulseEvidence) -> str:
    """A sentence where the period of a trace is not that of the model's trace; else nothing."""
    if item.modelled is None:
        return ""
    apart = abs(item.found.period - item.modelled.period)
    if apart < max(_SIGMAS * item.found.period_stderr, _SAME_PERIOD * item.modelled.period):
        return ""
    return (
        f"{item.record}: its period is {quantity_digits(item.found.period, 's', 3)}, that of the fitted "
        f"model under the same drive {quantity_digits(item.modelled.period, 's', 3)}."
    )


def _says(*, unstable: bool) -> str:
    """A verdict in a word."""
    return "unstable" if unstable else "stable"


def _columns(*keys: tuple[str, ColumnKind]) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(COLUMNS[key], kind) for key, kind in keys)
