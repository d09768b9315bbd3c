"""Keys that several measurements of PARAMS.toml have: levels, points, file, state at the start."""

from pathlib import Path

from memfit.loaders.raw import INITIALS
from memfit.loaders.settings_file import Checker, Key
from memfit.protocols import Control

_FEWEST_POINTS, _MOST_POINTS = 3, 1_000_000
_LARGEST_INTEGER = 2**63 - 1


def levels(check: Checker, value: object, place: str, control: Control) -> list[float] | None:
    """A voltage or current, or a list of them, V or A; None where one is a mistake.

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    control : {"voltage", "current"}
    """
    items = value if isinstance(value, list) else [value]
    read = [check.quantity(item, place, control) for item in items]
    known = [level for level in read if level is not None]
    return known if len(known) == len(read) else None


def _file(check: Checker, value: object, place: str) -> str | None:
    """Name of the file."""
    name = check.text(value, place)
    if name is not None and (name != Path(name).name or name.startswith(".")):
        check.mistake(place, f"expected the plain name of a file, found {name!r}")
        return None
    return name


def whole_number(check: Checker, value: object, place: str, least: int) -> int:
    """A whole number; the least where it is a mistake.

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    least : int
        That is allowed.
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _LARGEST_INTEGER:
        return value
    check.mistake(place, f"expected a whole number of at least {least}, found {value!r}")
    return least


def _points(check: Checker, value: object, place: str) -> int:
    """How many points to measure."""
    points = whole_number(check, value, place, _FEWEST_POINTS)
    if points > _MOST_POINTS:
        check.mistake(place, f"expected at most {_MOST_POINTS}, found {points}")
        return _FEWEST_POINTS
    return points


POINTS = Key("how many to measure", _points)
FILE = Key("to write to", _file)
INITIAL = Key("state at the start", Checker.word, (INITIALS,))
