"""Where the files are that tests read; the real files of instruments are not part of the repository."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY.parent / "shared" / "data"
REASON = "the instrument files of ../shared/data are not here"


def needs_real_files() -> None:
    """Skip the module that calls it, once, where the real files are absent."""
    if not DATA.is_dir():
        pytest.skip(REASON, allow_module_level=True)


def for_real_files(names: str, values: Sequence, **settings) -> Callable:
    """`parametrize` over real files; a single skip where they are absent."""
    return pytest.mark.parametrize(names, values, **settings) if DATA.is_dir() else pytest.mark.skip(REASON)
