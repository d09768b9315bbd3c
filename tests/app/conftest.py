"""A server of the application, as `memfit app` starts it, on a folder of its own."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("dash", reason="memfit app needs the extra `app`")

from memfit.app.serve import Server

SAMPLE = Path(__file__).parents[2] / "sample_data" / "mapbi3_c"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of sample C."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "device"))


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Server]]:
    """Starts servers that end with the module."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(given: Path) -> Server:
        server = Server(given)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert server.ready.wait(120.0)
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stop()
        thread.join(20.0)
