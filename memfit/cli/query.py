"""`memfit query`: devices of a batch for which an expression holds."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from memfit.batch.columns import COLUMNS, Row, flat_row
from memfit.batch.store import select
from memfit.cli.console import Console, columns, print_json
from memfit.cli.main import USABLE
from memfit.reporting.numbers import MISSING, percent, quantity_digits
from memfit.reporting.text import counted
from memfit.units import DIMENSIONS

_ALWAYS = ("folder", "device", "status", "gain_margin_min", "probability_oscillates")


def run(given: Namespace) -> int:
    """Ask, print."""
    console = Console(given.quiet, given.verbose)
    out = Path(given.out)
    rows, names = select(out, given.expression)
    if given.json:
        print_json([flat_row(row) for row in rows])
    elif given.paths:
        for row in rows:
            print(out / row["folder"])
    elif rows:
        print(_table(rows, [*_ALWAYS, *(name for name in names if name not in _ALWAYS)]))
    console.say(f"{counted(len(rows), 'device')}.")
    return USABLE


def _table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """What identifies a device, its state, and what was asked for."""
    flat = [flat_row(row) for row in rows]
    return columns(
        [tuple(names), *(tuple(_text(name, row.get(name)) for name in names) for row in flat)], indent=""
    )


def _text(name: str, value: object) -> str:
    """A value with its unit."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) if not isinstance(value, bool) else ("yes" if value else "no")
    if "probability" in name:
        return percent(value)
    dimension = COLUMNS[name].dimension if name in COLUMNS else ""
    return quantity_digits(value, DIMENSIONS[dimension][1] if dimension else "1", 4)
