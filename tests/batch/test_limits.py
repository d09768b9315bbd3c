"""Limits of a device: texts there and back."""

import pytest

from memfit.batch.limits import Limits, parse_bytes, size_text, time_text
from memfit.errors import MemfitError


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
