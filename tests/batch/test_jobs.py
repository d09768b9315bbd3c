"""Limits as a user writes them."""

import pytest

from memfit.batch.jobs import Limits, find_devices, parse_bytes, size_text, time_text
from memfit.errors import InputError, MemfitError


@pytest.mark.parametrize(
    ("text", "size"),
    [("2 GB", 2e9), ("512MiB", 512 * 2**20), (1e9, 1e9), ("1.5g", 1.5e9), ("300", 300.0), ("4 kB", 4e3)],
)
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("time", "memory"), [("10 F", "2 GB"), ("10 s", "two"), ("0 s", "2 GB"), ("5 s", "-1")]
)
def test_limits_that_make_no_sense(time, memory):
    with pytest.raises(MemfitError):
        Limits.read(time, memory)


def test_limits():
    assert Limits.read("10 min", "2 GB") == Limits(time=600.0, memory=2e9) == Limits()
    assert Limits.read("none", None) == Limits(time=None, memory=None)
    assert (time_text(90), time_text(600), time_text(7200), size_text(2e9)) == (
        "90 s",
        "10 min",
        "2 h",
        "2 GB",
    )


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
