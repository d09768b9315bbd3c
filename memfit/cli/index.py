"""`memfit index`: the index of a folder of results, made again."""

from argparse import Namespace
from pathlib import Path

from memfit.batch.store import build_index
from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.reporting.text import counted


def run(given: Namespace) -> int:
    """Read, write, tell."""
    console = Console(given.quiet, given.verbose)
    indexed = build_index(Path(given.out))
    for sentence in indexed.unreadable:
        console.say(sentence)
    console.detail(f"{indexed.read} read now, {indexed.rows - indexed.read} known from the index before.")
    console.say(f"{counted(indexed.rows, 'result')} in {indexed.path}")
    return USABLE
