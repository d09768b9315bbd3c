"""Parts of an expression written as SQL, and what its names stand for: columns of the index, attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from memfit.batch.rows import COLUMNS
from memfit.errors import InputError, meant

Kind = Literal["number", "text", "truth", "any", "none"]
_ATTRIBUTE = "(SELECT value FROM attributes AS a WHERE a.folder = devices.folder AND a.name = ?)"


@dataclass(frozen=True)
class Term:
    """A part of an expression, written as SQL."""

    sql: str
    values: tuple[str | float, ...]
    kind: Kind
    dimension: str = ""
    said: str = ""
    """As the user wrote it."""
    constant: str | float | None = None


def joined(word: str, terms: Sequence[Term]) -> Term:
    """Conditions joined by AND or OR."""
    values = tuple(value for term in terms for value in term.values)
    return Term(f"({word.join(term.sql for term in terms)})", values, "truth")


class Vocabulary:
    """The names that an expression may use, and those that it did use.

    Parameters
    ----------
    attributes : sequence of str
        Names of attributes that some device has.
    """

    def __init__(self, attributes: Sequence[str]) -> None:
        self._attributes = tuple(attributes)
        self._used: dict[str, None] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """Columns and attributes, each once."""
        return tuple(self._used)

    def named(self, name: str) -> Term:
        """A column of the index, or else an attribute."""
        if name in COLUMNS:
            info = COLUMNS[name]
            self._used[name] = None
            return Term(name, (), info.kind, info.dimension, name)
        if name in self._attributes:
            return self.attribute(name)
        return _unknown(
            name,
            [*COLUMNS, *self._attributes],
            "a text needs quotes; `memfit query --help` lists the names.",
        )

    def attribute(self, name: str) -> Term:
        """An attribute of the device, a text or a number."""
        if name not in self._attributes:
            known = f"there are {', '.join(self._attributes)}." if self._attributes else "there are none."
            return _unknown(name, self._attributes, known)
        self._used[name] = None
        return Term(_ATTRIBUTE, (name,), "any", said=name)


def _unknown(name: str, known: Sequence[str], otherwise: str) -> NoReturn:
    """Refuse a name nobody knows, with those that may be meant."""
    raise InputError(
        f"The expression speaks of {name!r}, which the index does not have; "
        f"{meant(name, known, otherwise, most=3)}"
    )
