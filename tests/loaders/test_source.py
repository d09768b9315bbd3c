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


@pytest.mark.parametrize("codec", ["gb18030", "gbk"])
@pytest.mark.parametrize(
    "header", ["频率(Hz),实部(Ω),-虚部(Ω)", "频率（Hz）,Z'（Ω）,-Z''（Ω）", "样品: 甲\nFreq/Hz,Z'/Ω,-Z''/Ω"]
)
def test_headers_in_chinese_code_pages(codec, header):
    rows = "".join(f"{1e5 / 2**k:.6g},{100 + k},{5 + k}\n" for k in range(12))
    (record,) = read_source(Source("x.csv", f"{header}\n{rows}".encode(codec)))
    assert record.frequency[0] == pytest.approx(1e5)
    assert record.impedance[1] == pytest.approx(101 - 6j)


@pytest.mark.parametrize(
    ("codec", "header"),
    [
        ("gb18030", "时间(s),电压(V),电流(μA)"),
        ("cp932", "時間(s),電圧(V),電流(μA)"),
        ("big5", "時間(s),電壓(V),電流(μA)"),
        ("cp949", "시간(s),전압(V),전류(uA)"),
        ("cp1252", "Größe\nZeit (s),Spannung (V),Strom (µA)"),
        ("latin-1", "Température (°C): 20\nTemps (s),Tension (V),Courant (µA)"),
    ],
)
def test_code_pages_are_told_by_their_words(codec, header):
    rows = "".join(f"{k},{10 - abs(k - 10)},{20 - 2 * abs(k - 10)}\n" for k in range(21))
    (record,) = read_source(Source("x.csv", f"{header}\n{rows}".encode(codec)))
    assert (record.points, record.voltage.max()) == (21, 10.0)
    assert record.current.max() == pytest.approx(2e-5)
