"""What commands have in common: how a mistake in usage is told, shared options, how their values are read."""

import argparse
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NoReturn, TypeAlias, get_args

from memfit.errors import ParameterError, UnitError, meant
from memfit.fit_options import FitOptions

USABLE, FAILED, NOT_USABLE, INTERRUPTED = 0, 1, 3, 130
"""Exit codes; argparse has 2 for mistakes in usage."""

Group: TypeAlias = argparse._ActionsContainer


class Parser(argparse.ArgumentParser):
    """A parser that tells a mistake in one line.

    Parameters
    ----------
    details : str or callable
        What stands below the options; a callable makes it only when it is asked for.
    """

    def __init__(self, details: str | Callable[[], str] = "", **settings: Any) -> None:
        layout = partial(argparse.RawDescriptionHelpFormatter, max_help_position=30)
        super().__init__(**{"formatter_class": layout, **settings})
        self._details = details

    def format_help(self) -> str:
        """The whole help."""
        if self._details:
            self.epilog = self._details if isinstance(self._details, str) else self._details()
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """End the program with what was expected, what was found and where more is said."""
        end = "" if message.endswith(("?", ".")) else ";"
        self.exit(2, f"{self.prog}: {message}{end} `{self.prog} --help` tells more.\n")

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """End the program if words are left over that no option and no argument takes.

        Parameters
        ----------
        words : sequence of str
            What `parse_known_args` left over.
        """
        if not words:
            return
        options = [
            word for action in self._actions for word in action.option_strings if word.startswith("--")
        ]
        for word in words:
            name = word.partition("=")[0]
            if name.startswith("-"):
                self.error(f"unknown option {name!r}; {meant(name, options, 'there is none like it.')}")
        self.error(f"{words[0]!r} is one word too many; texts with blanks need quotes")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of `memfit`."""

    summary: str
    """A line of `memfit --help`."""
    details: str | Callable[[], str]
    """What stands below its options."""
    add_options: Callable[[Parser], None]
    run: Callable[[Namespace], int]
    """Does it; returns the exit code."""
    check: Callable[[Parser, Namespace], None] = lambda parser, given: None  # noqa: ARG005 - nothing to check
    """Ends the program where options do not go together."""


def add_talk(parser: argparse.ArgumentParser) -> None:
    """How much is said, of every command."""
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("--quiet", action="store_true", help="say nothing on stderr but errors")
    talk.add_argument("-v", "--verbose", action="store_true", help="say more")


def add_json(parser: Group) -> None:
    """The result for programs."""
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, and nothing else, on stdout"
    )


def add_overwrite(parser: Group) -> None:
    """Leave to write where something is."""
    parser.add_argument("--overwrite", action="store_true", help="replace files that are already there")


def add_files(parser: Group) -> None:
    """Measurements that need not be of one device."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="measurement files, or a device folder")


def add_result(parser: Group) -> None:
    """One stored fit."""
    parser.add_argument("result", metavar="RESULT", help="result.json, or the folder it is in")


def add_data(parser: Group, summary: str) -> None:
    """Where the measurements of a stored fit are."""
    parser.add_argument("--data", nargs="+", metavar="PATH", help=summary)


def add_plan(parser: Group) -> None:
    """What changes the plan of a fit."""
    parser.add_argument(
        "--model",
        choices=("3d", "2d", "2d-mirror", "auto"),
        help="default: what device.toml says, else 3d; auto compares them",
    )
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=_assignment,
        help='hold a parameter, as in R_s=20 or R_s="20 ohm"; may be repeated',
    )
    for option in fields(FitOptions):
        name, summary = f"--{option.name.replace('_', '-')}", option.metadata.get("command")
        if summary and option.type is bool:
            parser.add_argument(name, action="store_true", help=summary)
        elif summary and option.type is int:
            parser.add_argument(name, type=whole(0), metavar="N", help=summary)
        elif summary:
            parser.add_argument(name, choices=get_args(option.type), help=summary)


def add_seed(parser: Group, summary: str) -> None:
    """The start of what is random."""
    parser.add_argument("--seed", type=whole(0), metavar="N", help=summary)


def add_look(parser: Group) -> None:
    """How a report and its figures are written."""
    parser.add_argument(
        "--format", default="html", metavar="LIST", help="of the report: html,pdf,md,tex,csv; default html"
    )
    parser.add_argument(
        "--figures", default="svg", metavar="LIST", help="of the figures beside it: svg,pdf,png; default svg"
    )
    parser.add_argument(
        "--width",
        choices=("single", "double"),
        default="single",
        help="of the figures: a journal's column (8.5 cm) or page (17.5 cm)",
    )
    parser.add_argument("--style", metavar="FILE", help="matplotlib style laid over memfit's own")


def _assignment(text: str) -> tuple[str, str]:
    """NAME=VALUE as two texts."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE such as R_s=20, found {text!r}")
    return name.strip(), value.strip()


def whole(least: int) -> Callable[[str], int]:
    """What reads a whole number of at least so much.

    Parameters
    ----------
    least : int
        The smallest number that is taken.

    Returns
    -------
    callable
        The `type` of an argument of argparse.
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found {text!r}")
        return number

    return read


def option_quantity(option: str, text: str, dimension: str) -> float:
    """A quantity in SI units.

    Parameters
    ----------
    option : str
        As the user knows it, such as "--load".
    text : str
        With its unit, or an SI number.
    dimension : str
        A key of `memfit.units.DIMENSIONS`.

    Raises
    ------
    UnitError
        It cannot be read.
    """
    from memfit.units import parse_quantity

    try:
        return parse_quantity(text, dimension)
    except UnitError as problem:
        said = str(problem)
        raise UnitError(f"{option}: {said[:1].lower()}{said[1:]}") from problem


def plan_changes(given: Namespace) -> dict[str, Any]:
    """Fields of `FitPlan`, only those that were given.

    Parameters
    ----------
    given : Namespace
        Parsed arguments of a command that has `add_plan`.

    Returns
    -------
    dict
        Keyword arguments of `plan_for`; the values of `fix` in SI units.

    Raises
    ------
    ParameterError
        A name of --fix is unknown.
    UnitError
        A value of --fix cannot be read.
    """
    from memfit.loaders.manifest import DIMENSION_OF
    from memfit.model import NAMES

    wanted = ["model", *(option.name for option in fields(FitOptions) if option.metadata.get("command"))]
    said = {name: getattr(given, name) for name in wanted}
    changes = {name: value for name, value in said.items() if value is not None and value is not False}
    if given.fix:
        changes["fix"] = {}
    for name, text in given.fix:
        if name not in DIMENSION_OF:
            raise ParameterError(f"--fix: unknown parameter {name!r}; {meant(name, NAMES)}")
        changes["fix"][name] = option_quantity(f"--fix {name}", text, DIMENSION_OF[name])
    return changes
