"""What a command says: results on stdout, talk on stderr, as much of it as was asked for."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memfit.listing import Listing, others, read_listing

_MOST_NAMED = 5


@dataclass(frozen=True)
class Console:
    """How talkative a command is."""

    quiet: bool = False
    verbose: bool = False

    def say(self, text: str) -> None:
        """Progress and whatever is worth knowing, unless --quiet."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def say_written(self, out: Path) -> None:
        """What a command wrote into a folder, and what it left there."""
        listing = read_listing(out) or Listing()
        self.say(f"Written to {out}: {', '.join(sorted({name.split('/')[0] for name in listing.files}))}")
        left = others(out)
        if left:
            more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
            named = f"{', '.join(left[:_MOST_NAMED])}{more}"
            self.say(f"Left there as it was, since no list says that memfit wrote it: {named}")

    def detail(self, text: str) -> None:
        """What only -v shows."""
        if self.verbose:
            print(text, file=sys.stderr, flush=True)

    def follow_log(self) -> None:
        """With -v, show what the rooms of memfit log while they work."""
        log = logging.getLogger("memfit")
        log.handlers = [logging.StreamHandler(sys.stderr)] if self.verbose else []
        log.setLevel(logging.INFO if self.verbose else logging.WARNING)
        for handler in log.handlers:
            handler.setFormatter(logging.Formatter("  %(message)s"))


def print_json(data: Mapping[str, Any] | Sequence[Any]) -> None:
    """A result as JSON on stdout; NaN cannot be written."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def columns(rows: Sequence[Sequence[str]], *, indent: str = "  ") -> str:
    """Rows of text in columns, flush left, two blanks between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)
