"""Folders of devices for the engine, and one real result."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import memfit as mf
from memfit.model.parameters import Parameters
from memfit.synthetic.device import simulate_device
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, spectrum

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)
PLANNED = [
    *(spectrum(bias, np.geomspace(1e5, 0.1, 20)) for bias in (0.4, 0.6, 0.7)),
    loop([0.0, 0.9, 0.0], 0.05, points=61),
]

Words = Callable[..., Path]


@pytest.fixture
def words(tmp_path: Path) -> Words:
    """A ROOT whose devices say what `work.fit` is to do, by name."""

    def make(**deeds: str) -> Path:
        root = tmp_path / "root"
        for name, deed in deeds.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / "iv.csv").write_text(f"{deed}\n")
        return root

    return make


@pytest.fixture
def fits(tmp_path: Path) -> Callable[[], list[str]]:
    """Devices that were fitted so far, once for each time."""

    def read() -> list[str]:
        log = tmp_path / "fits.log"
        return log.read_text().split() if log.exists() else []

    return read


def make_device(folder: Path, name: str, seed: int, **about: Any) -> None:
    """A small device that can be fitted in a moment."""
    folder.mkdir(parents=True)
    write_device(simulate_device(TRUTH, PLANNED, seed=seed, name=name, **about), TRUTH, folder)


@pytest.fixture(scope="session")
def result_data() -> dict[str, Any]:
    """The result of a real fit, as plain data."""
    device = simulate_device(TRUTH, PLANNED, seed=1, name="real", area=4e-6, attributes={"batch": "7"})
    return mf.fit(device).to_dict()


@pytest.fixture
def results(tmp_path: Path, result_data: dict[str, Any]) -> Callable[..., Path]:
    """A folder of results whose data are changed as asked, by folder."""

    def make(**changes: Callable[[dict[str, Any]], None] | None) -> Path:
        out = tmp_path / "out"
        for name, change in changes.items():
            folder = out / "devices" / name
            folder.mkdir(parents=True, exist_ok=True)
            data = json.loads(json.dumps(result_data))
            if change is not None:
                change(data)
            (folder / "result.json").write_text(json.dumps(data), encoding="utf-8")
        return out

    return make


@pytest.fixture(autouse=True, scope="module")
def no_process_left() -> Iterator[None]:
    """Whatever the tests of a file did, nothing of it goes on."""
    yield
    servants = [child for child in psutil.Process().children(recursive=True) if is_servant(child)]
    _, alive = psutil.wait_procs(servants, timeout=5)
    assert not alive


def is_servant(process: psutil.Process) -> bool:
    """Whether a process is one that fits."""
    try:
        return "memfit.batch.worker_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False
