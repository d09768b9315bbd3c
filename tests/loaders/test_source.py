"""Bytes and text: what is no table is called by its name."""

import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"CPYA 4.3380\n", "Origin"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x07\x00\x01\x02", "other binary data"),
    ],
)
def test_binary_files_are_called_by_their_names(first, name):
    with pytest.raises(FileFormatError, match=f"found [^;]*{name}.*export the measurement as CSV"):
        read_source(Source("x.dat", first + bytes(range(256)) * 20))


@pytest.mark.parametrize(
    "text",
    [
        '{"frequency": [1, 2, 3]}',
        '[{"f": 1, "z": 2}, {"f": 2, "z": 3}]',
        "[[1, 2], [3, 4]]",
        '{\n  "data": {\n',
        '["a", "b"]',
    ],
)
def test_json_is_called_json(text):
    with pytest.raises(FileFormatError, match="found JSON"):
        read_source(Source("x.txt", text.encode()))


def test_labels_in_brackets_are_no_json():
    rows = "".join(f"{k}.5,{k * k}\n" for k in range(20))
    with pytest.raises(FileFormatError, match=r"expected (?!a table, found JSON)"):
        read_source(Source("iv.csv", ("[V] one,[A] two\n" + rows).encode()))


@pytest.mark.parametrize(
    ("data", "words"), [(b"\x89PNG\r\n\x1a\n", "picture"), (b"SQLite format 3\x00", "database")]
)
def test_what_zeros_follow_is_known_by_its_name(data, words):
    with pytest.raises(FileFormatError, match=words):
        read_source(Source("a.dat", data + bytes(300)))
