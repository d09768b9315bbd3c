"""What is dropped on the page: names are no paths, and there are limits in count, size and kind."""

import base64

import pytest

from memfit.app import uploads
from memfit.errors import InputError


def as_sent(content: bytes) -> str:
    return "data:text/csv;base64," + base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("name", "own"),
    [("../../etc/eis.csv", "eis.csv"), ("C:\\data\\iv.txt", "iv.txt"), ("folder/a b.csv", "a b.csv")],
)
def test_names_of_files_are_no_paths(tmp_path, name, own):
    folder, _ = uploads.store(tmp_path, [name], [as_sent(b"1,2\n")])
    assert folder.parent == tmp_path
    assert [path.name for path in folder.iterdir()] == [own]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "name", ["..", "", ".bashrc", "a\x00b.csv", "con.csv", "x" * 300 + ".csv", "a:b.csv"]
)
def test_names_that_nobody_gives_a_measurement(name):
    with pytest.raises(InputError):
        uploads.plain_name(name)


def test_uploads_have_limits_in_count_size_and_kind(tmp_path, monkeypatch):
    many = uploads.SETTINGS.files + 1
    with pytest.raises(InputError, match="at most 500 files"):
        uploads.store(tmp_path, ["a.csv"] * many, [as_sent(b"1")] * many)
    with pytest.raises(InputError, match="None of these"):
        uploads.store(tmp_path, ["run.py", "page.html"], [as_sent(b"1")] * 2)
    with pytest.raises(InputError, match="None of these"):
        uploads.store(tmp_path, ["a.csv"], ["http://elsewhere/a.csv"])
    small = uploads.Settings(one=10, all=15)
    monkeypatch.setattr(uploads, "SETTINGS", small)
    with pytest.raises(InputError, match="None of these"):
        uploads.store(tmp_path, ["a.csv"], [as_sent(b"x" * 100)])
    with pytest.raises(InputError, match="at once"):
        uploads.store(tmp_path, ["a.csv", "b.csv"], [as_sent(b"x" * 9)] * 2)
    assert list(tmp_path.iterdir()) == []
    _, left_out = uploads.store(tmp_path, ["a.csv", "x/a.csv", "b.py"], [as_sent(b"1")] * 3)
    assert len(left_out) == 2


def test_nothing_that_is_there_is_replaced(tmp_path):
    first, _ = uploads.store(tmp_path, ["a.csv"], [as_sent(b"1")])
    second, _ = uploads.store(tmp_path, ["a.csv"], [as_sent(b"2")])
    assert first != second
    assert (first / "a.csv").read_bytes() == b"1"
