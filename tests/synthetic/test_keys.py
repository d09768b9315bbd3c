"""Keys of several measurements: what is read, and what is a mistake."""

import pytest

from memfit.errors import ManifestError
from memfit.loaders.settings_file import Checker
from memfit.synthetic.keys import FILE, POINTS, levels, whole_number


def test_one_level_or_a_list():
    check = Checker("PARAMS.toml")
    assert levels(check, "5 uA", "bias", "current") == [5e-6]
    assert levels(check, ["0.5 V", 1], "bias", "voltage") == [0.5, 1.0]
    assert levels(check, ["0.5 V", "1 A"], "bias", "voltage") is None
    with pytest.raises(ManifestError, match="bias"):
        check.finish()


def test_whole_numbers_points_and_files():
    check = Checker("PARAMS.toml")
    read = check.keys({"points": 5, "file": "a.csv"}, "m", {"points": POINTS, "file": FILE})
    assert (read, whole_number(check, 4, "count", 1)) == ({"points": 5, "file": "a.csv"}, 4)
    check.finish()
    check.keys({"points": 2, "file": "../a.csv"}, "m", {"points": POINTS, "file": FILE})
    assert whole_number(check, 0, "count", 1) == 1
    with pytest.raises(ManifestError, match=r"(?s)at least 3.*plain name.*at least 1"):
        check.finish()
