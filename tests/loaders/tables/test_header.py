"""What stands above the rows: settings, the line of labels, measurements side by side."""

import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import RawTable
from memfit.loaders.tables.header import apply_metadata, find_header, groups_of, is_setting, read_metadata


@pytest.mark.parametrize(
    "line", ["# bias: 0.8 V", "% control = voltage", "// Scan-Rate: 1 V/s", "#area: 1 cm2"]
)
def test_marked_lines_with_a_known_key_are_settings(line):
    assert is_setting(line)


@pytest.mark.parametrize("line", ["bias: 0.8 V", "# operator: Ana", "# 1,2,3", "#" + "x" * 5000])
def test_other_lines_are_none(line):
    assert not is_setting(line)


def test_settings_act_on_the_table_and_the_rest_is_kept():
    lines = [
        "# technique: PEIS", "# bias: 10 uA", "# amplitude: 10 mV", "Cell area (cm2): 0.04", "operator: Ana",
        "Sweep rate\t50 mV/s", "# initial: rest", "# control: galvanostatic",
    ]  # fmt: skip
    metadata, known = read_metadata(lines, "file")
    table = apply_metadata(RawTable(columns={}), known)
    assert metadata["operator"] == "Ana"
    assert (table.kind, table.control, table.initial) == ("impedance", "current", "rest")
    assert table.bias is None
    assert table.bias_current is not None
    assert table.scan_rate is not None
    assert (table.bias_current.value, table.scan_rate.value) == (1e-5, 0.05)
    assert (table.amplitude, table.area) == (0.01, 4e-6)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# bias: high", "line 7: bias: "),
        ("# area: 0.04", "with its unit"),
        ("# control: gravity", "expected one of current, galvanostatic, i, voltage"),
    ],
)
def test_a_marked_setting_that_cannot_be_read_names_its_line(line, words):
    with pytest.raises(FileFormatError, match=words):
        read_metadata([line], "file", first_line=7)


def test_an_unmarked_one_is_only_text():
    assert read_metadata(["bias: high"], "file") == ({"bias": "high"}, {})


def test_units_and_words_below_the_labels_belong_to_the_header():
    lines = ["sample 7", "Time;Voltage;Current", "s;mV;uA", "long;short;dry", "0;1;2", "1;2;3"]
    header = find_header(lines)
    assert header is not None
    assert header.labels == ("Time (s)", "Voltage (mV)", "Current (uA)")
    assert (header.line, header.first_row, header.words) == (2, 5, 1)
    assert (header.layout.separator, header.layout.fields) == (";", 3)


def test_rows_of_nan_at_the_beginning_hide_no_header():
    header = find_header(["Time (s),Voltage (V)", "nan,nan", "nan,nan", "0,1", "1,2"])
    assert header is not None
    assert header.first_row == 2


@pytest.mark.parametrize(
    ("labels", "titles", "expected"),
    [
        (["f", "Z'", "Z''"] * 2, ["0.1 V", "", "", "200 mV", "", ""], [("0.1 V", 0.1), ("200 mV", 0.2)]),
        (["f", "Z'", "Z''", "f.1", "Z'.1", "Z''.1"], [], [("columns 1", None), ("columns 2", None)]),
        (["Frequency (Hz)", "Z' 0 V (ohm)", "Z'' 0 V (ohm)", "Z' 1 V (ohm)", "Z'' 1 V (ohm)"], [],
         [("0 V", 0.0), ("1 V", 1.0)]),
        (["Voltage (V)", "I_fw (A)", "I_rv (A)"], [], [("fw", None), ("rv", None)]),
        (["f", "Z'", "Z''"] * 2, ["data", "", "", "fit", "", ""], []),
        (["Time (s)", "V1 (V)", "V2 (V)", "Current (A)"], [], []),
        (["f", "Z'", "Z''"], [], []),
    ],
)  # fmt: skip
def test_measurements_side_by_side(labels, titles, expected):
    groups = groups_of(labels, titles)
    assert [(group.title, group.bias.value if group.bias else None) for group in groups] == expected
