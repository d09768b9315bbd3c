"""What memfit raises when it cannot go on.

    MemfitError
    ├── InputError            something a user gave cannot be used
    │   ├── FileFormatError   a file cannot be read: names file, line, column
    │   ├── ManifestError     device.toml (or PARAMS.toml) has mistakes: lists all of them
    │   ├── UnitError         a unit or a quantity cannot be understood
    │   └── ParameterError    a model parameter or an option is missing or out of range
    ├── OutputError           a result cannot be written where it was asked for
    └── DependencyError       an optional package is needed and absent

Every message says what was expected, what was found and what to do.
A numerical failure is not an exception: it is a status with a sentence in the result.
"""

import difflib
import reprlib
from collections.abc import Sequence


class MemfitError(Exception):
    """The parent of all errors that memfit raises on purpose."""


class InputError(MemfitError):
    """Something a user gave cannot be used."""


class FileFormatError(InputError):
    """A file cannot be read as measurements.

    Parameters
    ----------
    message : str
        What was expected, what was found, what to do.
    file, line, column : optional
        Where: file name, line counted from 1, name or number of the column.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | int | None = None,
    ) -> None:
        self.file, self.line, self.column = file, line, column
        places = [
            str(file) if file is not None else "",
            f"line {line}" if line is not None else "",
            f"column {column!r}" if isinstance(column, str) else (f"column {column}" if column else ""),
        ]
        where = ", ".join(place for place in places if place)
        super().__init__(f"{where}: {message}" if where else message)


class ManifestError(InputError):
    """A settings file (device.toml, PARAMS.toml) has mistakes; the message lists all of them."""


class UnitError(InputError):
    """A unit or a quantity with a unit cannot be understood."""


class ParameterError(InputError):
    """A model parameter or an option is missing, not finite or out of range."""


class OutputError(MemfitError):
    """A result cannot be written where it was asked for."""


class DependencyError(MemfitError):
    """An optional package is needed for what was asked, and it is not installed."""


_LONGEST_WORD = 300
"""Nobody mistypes a longer one."""


def meant(word: str, known: Sequence[str], otherwise: str | None = None, *, most: int = 1) -> str:
    """The end of a message about an unknown word: the known ones it may stand for, else all of them.

    Parameters
    ----------
    word : str
        As the user wrote it.
    known : sequence of str
    otherwise : str, optional
        What to say where none is near, with its full stop; by default all that is known.
    most : int
        How many to name.
    """
    folded = [name for name in known if name.lower() == word.lower()]
    if len(word) > _LONGEST_WORD:
        return otherwise or f"expected one of {', '.join(known)}."
    near = folded or difflib.get_close_matches(word, known, n=most, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return otherwise or f"expected one of {', '.join(known)}."


_MOST_DIGITS = 40


class _Brief(reprlib.Repr):
    """Values as Python writes them, cut where they are long, deep or endless."""

    def repr_int(self, number: int, level: int) -> str:  # noqa: ARG002 - the interface of reprlib
        """Python refuses to write out a number of thousands of digits, and nobody reads one."""
        digits = number.bit_length() * 0.30103
        return repr(number) if digits < _MOST_DIGITS else f"a whole number of {digits:.0f} digits"


_BRIEF = _Brief()
_BRIEF.maxstring = _BRIEF.maxother = 80
_BRIEF.maxlevel = 4


def shown(value: object) -> str:
    """Any value for a sentence, as Python writes it but never long, whatever it holds.

    Parameters
    ----------
    value : object
        From a file or a command line.
    """
    return _BRIEF.repr(value)
