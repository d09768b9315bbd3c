"""A device small enough to fit in a moment, and a way to run a command."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from small_device import TRUTH

from memfit.cli.main import main
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, simulate_device, spectrum


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `memfit` with some words, in this process."""

    def call(*words: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def small_device(tmp_path: Path) -> Path:
    """A folder with three spectra and a loop."""
    folder = tmp_path / "small"
    folder.mkdir()
    frequency = np.geomspace(1e5, 0.1, 30)
    planned = [
        *(spectrum(bias, frequency) for bias in (0.4, 0.6, 0.7)),
        loop([0.0, 0.9, 0.0], 0.05, points=81),
    ]
    write_device(simulate_device(TRUTH, planned, seed=2, name="small"), TRUTH, folder)
    return folder
