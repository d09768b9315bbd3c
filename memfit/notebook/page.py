"""What a notebook shows of a value: sentences and tables of the reports, nothing of its own."""

from collections.abc import Sequence
from dataclasses import replace

from memfit.analysis.comparison import Comparison
from memfit.analysis.design import NextMeasurements
from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, PulseTransient, Record, extent_of
from memfit.fitting import FitResult
from memfit.reporting.comparison.page import answers as compared
from memfit.reporting.comparison.tables import pooled_table, ranking_table
from memfit.reporting.content import (
    HEADINGS,
    KIND,
    Answer,
    Block,
    Bullets,
    Report,
    Section,
    Table,
    counted,
    says_something,
    table_of,
)
from memfit.reporting.fit.curves import bias_of
from memfit.reporting.fit.intervals import plan_report
from memfit.reporting.fit.summary import answers, circuit_sentence, given_names
from memfit.reporting.fit.tables import changes_table, estimates_table, hopf_table
from memfit.reporting.numbers import MISSING, quantity, quantity_digits, span
from memfit.reporting.writers.html import render_fragment
from memfit.workflow.stability import Verdicts

Shown = Device | Record | FitResult | NextMeasurements | Comparison | Verdicts
_UNITS = {"frequency": "Hz", "voltage": "V", "current": "A", "time": "s"}
_MOST_NOTES = 8
_WIDE = 20.0
"""Ratio of the ends of a range from which each has its own digits."""


def html_of(value: Shown) -> str:
    """A value as an element of a notebook.

    Parameters
    ----------
    value : Device, record, FitResult, or what `plan_next`, `compare` and `stability` return
    """
    return render_fragment(report_of(value))


def report_of(value: Shown) -> Report:
    """The words and tables that a notebook shows of a value.

    Parameters
    ----------
    value : Device, record, FitResult, or what `plan_next`, `compare` and `stability` return
    """
    if isinstance(value, FitResult):
        title = str(value.device.get("name") or "Device")
        tables = [
            estimates_table("parameters", value.parameters),
            estimates_table("derived", value.derived),
        ]
        said = tuple(replace(answer, facts=()) for answer in answers(value))  # which the table has
        return _report(title, tables, answers=said, names=given_names(value))
    if isinstance(value, NextMeasurements):
        return plan_report(value)
    if isinstance(value, Comparison):
        circuits = list(dict.fromkeys(one.circuit for one in value.ranking))
        tables = [ranking_table(value, circuit) for circuit in circuits[:1]]
        tables.append(pooled_table("pooled", value.sample, value.pooled))
        names = frozenset(device.label for device in value.devices)
        return _report(counted(len(value.devices), "device"), tables, answers=compared(value), names=names)
    if isinstance(value, Verdicts):
        verdicts = Bullets(tuple(circuit_sentence(*item) for item in value.items()))
        return _report(HEADINGS["stability"], [verdicts, hopf_table(value), changes_table(value)])
    if isinstance(value, Device):
        about = [
            quantity(value.area * 1e4, "cm²") if value.area else "",
            quantity(value.temperature, "K") if value.temperature else "",
            *(f"{name}: {said}" for name, said in value.attributes.items()),
        ]
        blocks: list[Block] = [records_table(value.records), Bullets(value.notes[:_MOST_NOTES])]
        names = frozenset({value.name, *(record.name for record in value)})
        return _report(value.name, blocks, subtitle=", ".join(part for part in about if part), names=names)
    return _report(value.name, [records_table([value])], names=frozenset({value.name}))


def records_table(records: Sequence[Record]) -> Table:
    """What was measured, a row a record.

    Parameters
    ----------
    records : sequence of Record
    """
    rows = []
    for record in records:
        bias, unit = bias_of(record) if isinstance(record, ImpedanceSpectrum) else (None, "V")
        extent = extent_of(record)
        shown = [key for key in _UNITS if key in _seen(record) and key in extent]
        covers = [_covered(*extent[key], _UNITS[key]) for key in shown]
        rows.append(
            (
                record.name,
                KIND[record.kind],
                str(record.points),
                record.control,
                MISSING if bias is None else quantity(bias, unit),
                ", ".join(covers),
                " ".join(record.notes[:_MOST_NOTES]) or MISSING,
            )
        )
    return table_of("records", ("record", "kind", "points", "control", "bias", "covers", "notes"), rows)


def _covered(low: float, high: float, unit: str) -> str:
    """A range in words; each end of one over decades with its own digits."""
    if low > 0.0 and high > _WIDE * low:
        return f"{quantity_digits(low, unit)} to {quantity_digits(high, unit)}"
    return span(low, high, unit)


def _seen(record: Record) -> set[str]:
    """Quantities whose range says what a record covers."""
    if isinstance(record, IVSweep | PulseTransient):
        return {"voltage", "current", "time"}
    return {"frequency"}


def _report(
    title: str,
    blocks: Sequence[Block | None],
    *,
    subtitle: str = "",
    answers: tuple[Answer, ...] = (),
    names: frozenset[str] = frozenset(),
) -> Report:
    """A report of one section without a heading."""
    section = Section(
        "all", "", tuple(block for block in blocks if block is not None and says_something(block))
    )
    return Report(
        title=title, subtitle=subtitle, answers=answers, sections=(section,), footer="", names=names
    )
