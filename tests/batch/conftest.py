"""Folders of devices for the engine, and one real result."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_device import PLANNED, TRUTH, is_servant

import memfit as mf
from memfit.synthetic.measurements import simulate_device

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
