"""Which folders are devices, and which tab has which."""

import shutil
import threading

import pytest

from memfit.app.desk import Desk, Opened
from memfit.errors import InputError

TAB = "0123456789abcdef"


def test_devices_below_a_folder(sample_data, tmp_path):
    for name in ("mapbi3_a", "mapbi3_c"):
        shutil.copytree(sample_data / name, tmp_path / name)
    desk = Desk(Opened(tmp_path))
    assert list(desk.folders()) == ["mapbi3_a", "mapbi3_c"]
    one, other = (desk.session(TAB, desk.key_of(path)) for path in desk.folders().values())
    assert one is not other
    assert one.name != other.name
    assert desk.session(TAB, desk.key_of(tmp_path / "mapbi3_a")) is one
    assert desk.folder_named("mapbi3_a") == (tmp_path / "mapbi3_a").resolve()
    assert desk.session(TAB, "0" * 16) is None
    with pytest.raises(InputError, match="no name"):
        desk.session("../x", desk.key_of(tmp_path / "mapbi3_a"))
    desk.close()


def test_after_the_end_nothing_is_written(sample_data, tmp_path):
    """A request that still runs waits for ever: the process that ends must not cut it off amid a write."""
    shutil.copytree(sample_data / "mapbi3_c", tmp_path / "mapbi3_c")
    desk = Desk(Opened(tmp_path))
    (path,) = desk.folders().values()
    session = desk.session(TAB, desk.key_of(path))
    desk.close()
    ended = threading.Event()
    threading.Thread(target=lambda: (session.save(), ended.set()), daemon=True).start()
    assert not ended.wait(0.3)
    assert not list(tmp_path.rglob("state-*.json*"))


def test_an_empty_folder_is_no_mistake(tmp_path):
    desk = Desk(Opened(tmp_path))
    assert desk.folders() == {}
    assert desk.results() == []
