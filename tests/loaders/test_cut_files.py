"""Files that are cut, or written otherwise, never give other values in silence."""

import io
import json
import random
from collections import Counter

import numpy as np
import pytest
from paths import DATA, for_real_files

from memfit.errors import FileFormatError, MemfitError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source

fuzz_truth = pytest.importorskip("fuzz_truth", reason="benchmarks/fuzz_truth.py is not beside the tests")
fuzz_edits = pytest.importorskip("fuzz_edits", reason="benchmarks/fuzz_edits.py is not beside the tests")
fuzz_seeds = pytest.importorskip("fuzz_seeds", reason="benchmarks/fuzz_seeds.py is not beside the tests")

TEXTS = [
    path
    for path in sorted(DATA.rglob("*"))
    if path.is_file() and path.suffix != ".md" and Source(path.name, path.read_bytes()[:20_000]).is_text
]


def shortened(path):
    """The first 12 kB, to a line end."""
    data = path.read_bytes()
    return data[: data.find(b"\n", fuzz_truth.SHORT) + 1] or data


@for_real_files("path", TEXTS, ids=lambda path: path.name)
def test_a_real_file_cut_or_written_otherwise_is_not_misread(path):
    data, rng = shortened(path), random.Random(path.name)
    assert [*fuzz_truth.check_changes(path.name, data, Counter())] == []
    assert [*fuzz_truth.check_cuts(path.name, data, 10, rng, Counter(), tail=12)] == []


@for_real_files("path", TEXTS, ids=lambda path: path.name)
def test_a_real_file_that_somebody_edited_is_not_misread(path):
    data, rng = shortened(path), random.Random(path.name)
    assert [*fuzz_edits.check_edits(path.name, data, 7, rng, Counter())] == []


@pytest.mark.parametrize("name", [name for name, _ in fuzz_seeds.texts()])
def test_a_written_file_that_somebody_edited_is_not_misread(name):
    data, rng = dict(fuzz_seeds.texts())[name].encode(), random.Random(name)
    assert [*fuzz_edits.check_edits(name, data, 14, rng, Counter())] == []


FREQUENCY = np.geomspace(1e5, 2, 25)
Z = 12.5 + 1e4 / (1 + 1j * FREQUENCY / 70)
FORMATS = {
    "fixed exponent": "{:.5E}".format,
    "fixed decimals": "{:.4f}".format,
    "shortest": repr,
    "general": "{:.6g}".format,
    "whole": "{:.0f}".format,
    "bare exponent": lambda x: f"{x:.3E}".replace("E+0", "E+").replace("E-0", "E-"),
    "decimal comma": lambda x: f"{x:.9g}".replace(".", ","),
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("word", FORMATS)
def test_a_table_cut_at_any_byte_gives_the_rows_of_the_whole_one_or_a_warning(word, ends):
    write = FORMATS[word]
    columns = (FREQUENCY.tolist(), Z.real.tolist(), Z.imag.tolist())
    text = "\n".join("\t".join(map(write, row)) for row in zip(*columns, strict=True))
    data = f"# bias: 0 V\nf (Hz)\tZ' (ohm)\tZ'' (ohm)\n{text}\n".replace("\n", ends).encode()
    whole = read_source(Source("eis.txt", data))
    known = set(fuzz_truth.rows(whole[0]))
    for place in range(len(data) - 120, len(data)):
        try:
            (cut,) = read_source(Source("eis.txt", data[:place]))
        except MemfitError:
            continue
        found = fuzz_truth.rows(cut)
        told = any("no line end" in note for note in cut.notes)
        assert set(found[:-1]) <= known
        assert found[-1] in known or told, data[place - 20 : place]
        begun = data[:place].rpartition(b"\n")[2].strip()
        assert told or not begun or len(found) == data[:place].count(b"\n") - 1, begun


@pytest.mark.parametrize(
    ("write", "last", "kept"),
    [
        ("{:.3E}".format, "-2.500E-03", True),
        ("{:.3E}".format, "-2.500E-0", False),
        ("{:.3E}".format, "-2.500", False),
        ("{:.3f}".format, "0.125", True),
        ("{:.3f}".format, "0.12", False),
        (repr, "0.1", False),
        (lambda x: f"{x:.2E}".replace("E-0", "E-"), "1.61E-1", True),
        (lambda x: f"{1e-8 * x:.2E}", "1.61E-1", False),
    ],
)
def test_a_last_number_is_judged_by_the_others(write, last, kept):
    voltage = np.linspace(0, 1, 12).tolist()
    rows = "".join(f"{v:.2f},{write(0.1 * v + 0.01 * v**3 + 1e-3 / 3)}\n" for v in voltage)
    (record,) = read_source(Source("iv.csv", f"Voltage (V),Current (A)\n{rows}1.10,{last}".encode()))
    assert record.points == (13 if kept else 12)
    certain = last in ("-2.500E-03", "0.125")
    assert any("line end" in note for note in record.notes) is not certain


def test_a_last_column_that_is_not_read_need_not_be_whole():
    rows = "".join(f"{f:.9g},{z.real:.9g},{z.imag:.9g},ready\n" for f, z in zip(FREQUENCY, Z, strict=True))
    text = f"# bias: 0 V\nf (Hz),Z' (ohm),Z'' (ohm),State\n{rows}"
    (record,) = read_source(Source("eis.csv", text.encode()[:-4]))
    assert record.points == FREQUENCY.size


def test_a_long_table_is_judged_too():
    rows = "".join(f"{i * 1e-3:.3f},{i % 7 * 0.1:.1f},{i % 7 * 1e-6:.2e}\n" for i in range(25_000))
    text = f"# control: voltage\nTime (s),Voltage (V),Current (A)\n{rows}25.000,0.3,3.00e-0"
    (record,) = read_source(Source("long.csv", text.encode()))
    assert record.points == 25_000
    assert any("25003" in note and "left out" in note for note in record.notes)


def test_an_old_workbook_of_millions_of_cells_is_refused():
    xlwt = pytest.importorskip("xlwt")
    pytest.importorskip("xlrd")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for i in (0, 1, 2, 65_535):
        sheet.write(i, 0, 1.0)
        sheet.write(i, 255, 1.0)
    packed = io.BytesIO()
    book.save(packed)
    with pytest.raises(FileFormatError, match="cells in a sheet"):
        read_source(Source("huge.xls", packed.getvalue()))


@pytest.mark.parametrize("entry", [{}, {"V": "x"}, {"V": [1]}, 3])
def test_a_palmsens_session_without_its_numbers_is_refused_in_words(entry):
    array = {"Description": "Frequency", "Unit": {"Type": "PalmSens.Units.Hertz"}, "DataValues": [entry]}
    content = {"Type": "PalmSens.X", "Measurements": [{"EISDataList": [{"DataSet": {"Values": [array]}}]}]}
    with pytest.raises(FileFormatError, match="DataValues with a number V each for the frequency"):
        read_source(Source("a.pssession", json.dumps(content).encode()))


@pytest.mark.parametrize("count", ["\x1f9", "9" * 5000])
def test_a_count_of_points_that_is_none_is_refused_in_words(count):
    text = f"one\ntwo\nthree\n\n{count}\n" + "1000 10 -1\n" * 7
    source = Source("a.i2b", text.encode())
    with pytest.raises(FileFormatError) as caught:
        read_source(source)
    assert "Error" not in str(caught.value)
