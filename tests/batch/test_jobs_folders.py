"""Which folders are devices."""

import pytest

from memfit.batch.jobs import find_devices
from memfit.errors import InputError

TABLE = "Voltage (V), Current (A)\n0, 0\n0.1, 1e-6\n0.2, 2e-6\n"


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(TABLE)


def test_at_any_depth_and_in_order(tmp_path):
    put(tmp_path, "w2/b/iv.csv", "w2/a/iv.csv", "w1/deep/er/iv.csv", "lone/iv.csv")
    assert list(find_devices(tmp_path, tmp_path / "out").folders) == ["lone", "w1/deep/er", "w2/a", "w2/b"]


def test_a_device_toml_makes_a_device(tmp_path):
    """Whatever lies below it belongs to it."""
    put(tmp_path, "a/raw/iv.csv", "a/device.toml", "b/device.toml")
    assert list(find_devices(tmp_path, tmp_path / "out").folders) == ["a", "b"]


def test_what_is_no_device(tmp_path):
    put(
        tmp_path,
        "a/iv.csv",
        ".hidden/iv.csv",
        "out/devices/a/iv.csv",
        "old/result.json",
        "old/parameters.csv",
    )
    put(tmp_path, "old/result.json", "old/parameters.csv", "notes/readme.md", "wafer_map.csv")
    found = find_devices(tmp_path, tmp_path / "out")
    assert list(found.folders) == ["a"]
    assert len(found.notes) == 1
    assert "files beside the folders of devices" in found.notes[0]


def test_root_itself(tmp_path):
    put(tmp_path, "chip/iv.csv")
    assert list(find_devices(tmp_path / "chip", tmp_path / "out").folders) == ["chip"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path, "root/a/iv.csv", "elsewhere/iv.csv")
    (tmp_path / "root" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    assert list(find_devices(tmp_path / "root", tmp_path / "out").folders) == ["a", "b"]


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="found no such folder"):
        find_devices(tmp_path / "absent", tmp_path)
    with pytest.raises(InputError, match="one for each device; found none"):
        find_devices(tmp_path, tmp_path / "out")
