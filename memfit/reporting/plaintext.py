"""What all writers but HTML share: text made harmless before it is put between the signs of a markup."""

import re
from collections.abc import Callable

from memfit.reporting.words import Symbol, split_symbols

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def harmless(text: str) -> str:
    """Text on one line, without control characters and without those that turn the direction of writing."""
    return _CONTROLS.sub("\ufffd", text.replace("\n", " ").replace("\t", " "))


def with_symbols(text: str, escape: Callable[[str], str], write: Callable[[Symbol], str]) -> str:
    """A sentence with its plain parts escaped and the names of quantities written as symbols."""
    return "".join(
        escape(piece) if symbol is None else write(symbol) for piece, symbol in split_symbols(harmless(text))
    )
