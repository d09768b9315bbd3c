"""Formats that memfit knows by name and does not read: each is refused with the way out (refused.toml).

A layout that is not certain would be guessed, and a guess may be wrong in silence.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memfit.loaders.raw import FileSettings, RawTable, Reader
from memfit.loaders.source import Source
from memfit.loaders.tables import read_text_tables

_SEEN = 4000
"""Characters at the head of a file."""


def _recognises(known: Mapping[str, Any], source: Source) -> bool:
    """True where the head of the text, or the extension of a format that has no other mark, is its own."""
    head = source.head[:_SEEN].lower()
    if "contains" in known:
        return all(word in head for word in known["contains"])
    if "begins" in known:
        return head.lstrip().startswith(tuple(known["begins"]))
    return source.suffix in known["suffixes"] and not source.is_text


def _reader(known: Mapping[str, Any]) -> Reader:
    """What refuses a format."""

    def refuse(source: Source, settings: FileSettings) -> list[RawTable]:
        if settings.columns and known.get("unless") == "columns":
            return read_text_tables(source, settings)
        raise source.error(f"memfit does not read {known['name']}: {known['out']}")

    return Reader(known["name"], lambda source: _recognises(known, source), refuse)


READERS = tuple(
    map(
        _reader, tomllib.loads(Path(__file__).with_name("refused.toml").read_text(encoding="utf-8"))["format"]
    )
)
