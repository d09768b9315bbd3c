"""Options that choose figures of merit, and the conditions at which they are stated."""

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from memfit.cli.console import Parser, option_quantity, whole

if TYPE_CHECKING:
    from memfit.analysis.figures_of_merit.conditions import Conditions

_CONDITIONS = {
    "amplitude": ("voltage", "of loops and of pulses that potentiate, as in 0.9V"),
    "read": ("voltage", "at which states are read, as in 0.2V"),
    "rate": ("voltage_rate", "scan rate of loops, as in 100mV/s"),
    "depression": ("voltage", "of pulses that depress"),
    "base": ("voltage", "between pulses"),
    "width": ("time", "of a pulse, as in 10ms"),
    "interval": ("time", "from the end of a pulse to the next"),
    "duration": ("time", "for which retention is followed"),
    "current": ("current", "at which the device may spike"),
}
"""Options that state conditions: dimension and help."""


def _option(name: str) -> str:
    """The option that states a condition; `--width` is that of figures."""
    return "--pulse-width" if name == "width" else f"--{name}"


def add_conditions(parser: Parser) -> None:
    """The options that state conditions."""
    asked = parser.add_argument_group("conditions of figures of merit")
    for name, (_, summary) in _CONDITIONS.items():
        asked.add_argument(_option(name), metavar="VALUE", help=summary)
    asked.add_argument("--count", type=whole(1), metavar="N", help="pulses up, and pulses down")


def add_merits(parser: Parser) -> None:
    """The option that chooses figures of merit for many devices."""
    parser.add_argument(
        "--merit",
        default="",
        metavar="LIST",
        help="figures of merit, as in V_set,on_off; all or none; default: a few (docs/figures_of_merit.md)",
    )


def merit_names(given: Namespace) -> tuple[str, ...]:
    """Those asked for; empty for the usual ones."""
    return tuple(word.strip() for word in given.merit.split(",") if word.strip())


def conditions_of(given: Namespace) -> "Conditions":
    """Those asked for."""
    from memfit.analysis.figures_of_merit.conditions import Conditions

    asked: dict[str, Any] = {"count": given.count}
    for name, (dimension, _) in _CONDITIONS.items():
        text = getattr(given, _option(name).strip("-").replace("-", "_"))
        if text is not None:
            asked[name] = option_quantity(_option(name), text, dimension)
    return Conditions(**asked)
