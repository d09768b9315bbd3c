"""Small inputs that stand for kinds of misreading, each with what a user expects of it."""

import re
import shutil
from pathlib import Path

import pytest

import memfit as mf
from memfit.batch.run import find_devices
from memfit.errors import InputError
from memfit.loaders.inspection import inspect_file
from memfit.loaders.registry import read_file

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the folder shared/cases is not beside the clone")
READ = CASES / "reading"


def read(name):
    return read_file(READ / name)


def notes(records):
    return " ".join(note for record in records for note in record.notes)


@pytest.mark.parametrize(
    ("name", "biases"),
    [
        ("aborted_last_sweep.csv", [0.0, 0.3, 0.6]),
        ("25_biases_by_turns.csv", [round(0.04 * k, 2) for k in range(25)]),
        ("uneven_biases_by_turns.csv", [0.0, 0.02, 0.5, 1.0]),
    ],
)
def test_sweeps_are_told_apart(name, biases):
    records = read(name)
    assert [record.points for record in records] == [21] * len(biases)
    assert [record.bias_voltage for record in records] == pytest.approx(biases)


def test_an_aborted_sweep_is_named():
    assert "1 point only and was left out" in notes(read("aborted_last_sweep.csv"))


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        ("two_samples_by_turns.csv", "Sample", ["A", "B"]),
        ("three_temperatures_stacked.csv", "Temp (K)", ["280", "295", "310"]),
    ],
)
def test_other_columns_tell_measurements_apart(name, key, values):
    records = read(name)
    assert [record.points for record in records] == [31] * len(values)
    kept = [record.metadata[key] for record in records]
    assert len(set(kept)) == len(values)
    assert key in notes(records)


@pytest.mark.parametrize(
    ("name", "lowest", "first"),
    [("touchstone_kHz.s1p", 6.31, 22.013), ("touchstone_s11.s1p", 6.0, 22.013)],
)
def test_network_analysers(name, lowest, first):
    (record,) = read(name)
    assert record.frequency.min() == pytest.approx(lowest, rel=0.06)
    assert record.frequency.max() == pytest.approx(1e5)
    assert record.impedance.real.min() == pytest.approx(first, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cv_three_frequencies.csv", "capacitance-voltage data: 41 biases at 3 frequencies"),
        ("headerless_polar.txt", "modulus and phase"),
        ("cp_with_zero_ewe.mpt", "exactly 0 in all 120 rows"),
        ("data_and_fit_beside.txt", "column 3"),
        ("first_column_NUM.csv", "line 10.*#NUM!"),
        ("short_row_zplot.z", "line 21.*found 8"),
        ("short_row_autolab.txt", "line 17.*found 8"),
        ("short_row_chi.txt", "line 23.*found 4"),
        ("short_row_versastudio.par", "line 21.*found 23"),
        ("short_row_solar.jv.txt", "line 21.*found 4"),
        ("short_row_gamry_spectrum.DTA", "line 22.*found 10"),
        ("short_row_gamry_chrono.DTA", "line 21.*found 8"),
    ],
)
def test_what_cannot_be_read_is_refused(name, words):
    with pytest.raises(InputError, match=f"(?s){words}"):
        read(name)


def test_pulses_of_two_signs():
    (record,) = inspect_file(READ / "set_then_reset.csv").records
    expected = [(0.02, 0.06, 0.5), (0.06, 0.1, 0.9), (0.1, 0.15, -0.6)]
    assert [tuple(pulse) for pulse in record.pulses] == [pytest.approx(pulse) for pulse in expected]


def test_signs_and_clocks_of_cyclers():
    (magnitude,) = read("cycler_magnitude.txt")
    assert (magnitude.current.min(), magnitude.points) == (-0.5, 120)
    (whole,) = read("step_time_and_total_time.csv")
    assert (whole.points, whole.time[-1]) == (120, 119.0)


def test_equal_steps_of_the_current():
    (record,) = read("current_driven_sweep.csv")
    assert (record.kind, record.control) == ("iv", "current")


def test_a_sign_that_only_its_conjugate_obeys_is_doubted():
    assert "sign" in notes(read("zs_double_prime_positive.txt"))


@pytest.mark.parametrize(
    ("name", "bias"), [("waveforms_impedance.csv", 0.3), ("squidstat_bias_column.csv", 0.6)]
)
def test_biases_in_other_words(name, bias):
    (record,) = read(name)
    assert (record.points, record.bias_voltage) == (31, pytest.approx(bias))


@pytest.mark.parametrize(
    ("name", "points"), [("remark_inside.DTA", [31]), ("remark_inside_cv.DTA", [40] * 3)]
)
def test_remarks_end_no_table(name, points):
    records = read(name)
    assert [record.points for record in records] == points
    assert "is no row and was left out" in notes(records)


def test_a_table_that_was_pasted_twice_counts_once(tmp_path):
    shutil.copy(READ / "pasted_twice.csv", tmp_path)
    device = mf.load(tmp_path)
    assert [record.points for record in device] == [31]
    assert "counted once" in " ".join(device.notes)


def test_hidden_sheets_are_left_out_and_named():
    (record,) = read("hidden_sheet.xlsx")
    assert record.points == 31
    assert "'old trial' is hidden" in notes([record])


def test_a_sense_resistor_of_any_table():
    (record,) = mf.load(READ / "settings_25")
    assert sorted({float(f"{value:.3g}") for value in record.current}) == [1e-6, 1e-5]


def test_the_unit_that_a_refusal_asks_for_reads_the_file(tmp_path):
    shutil.copytree(READ / "settings_27", tmp_path / "c")
    with pytest.raises(InputError, match="phase = "):
        mf.load(tmp_path / "c")
    path = tmp_path / "c" / "device.toml"
    text = path.read_text()
    begin = text.index("columns")
    end = text.index("\n", begin)
    stated = (
        'columns = { phase = { name = "Impedance phase", unit = "rad" }, '
        'modulus = { name = "Impedance modulus", unit = "ohm" } }'
    )
    path.write_text(text[:begin] + stated + text[end:])
    (record,) = mf.load(tmp_path / "c")
    assert (record.kind, record.points) == ("impedance", 31)
    assert record.impedance[0] == pytest.approx(22.01266 - 7.957727j)
    assert record.impedance[-1].imag > 0
    assert "left out" in notes([record])


def test_columns_of_one_name_are_told_apart_by_their_numbers(tmp_path):
    shutil.copy(READ / "data_and_fit_beside.txt", tmp_path)
    columns = "frequency = 'column 3', z_real = 'column 6', z_imag = 'column 7', bias = 'column 2'"
    (tmp_path / "device.toml").write_text(
        f'[[measurement]]\nfile = "data_and_fit_beside.txt"\ncolumns = {{ {columns} }}\n'
    )
    records = mf.load(tmp_path).records
    assert [record.bias_voltage for record in records] == [0.5, 0.7]
    assert records[0].impedance[0] == pytest.approx(22.012665 - 7.9577271j)


FOLDERS = CASES / "folders"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("area_without_unit", 'did you mean "0.04 cm'),
        ("backslash_path", 'write "data/eis_0.5V.csv"'),
        ("same_file_two_spellings", "listed twice"),
        ("one_device_in_subfolders", "subfolders = true"),
    ],
)
def test_folders_that_are_asked_about(name, words):
    with pytest.raises(InputError, match=words):
        mf.load(FOLDERS / name)


def test_folders_that_are_read():
    assert mf.load(FOLDERS / "backslash_path_literal").records[0].bias_voltage == 0.5
    twice, once = (mf.load(FOLDERS / name) for name in ("duplicate_files", "duplicate_reference"))
    assert [record.points for record in twice] == [record.points for record in once]
    assert sum("counted once" in note for note in twice.notes) == 3
    kinds = {record.kind for record in mf.load(FOLDERS / "one_device_in_subfolders" / "Device 7B")}
    assert kinds == {"impedance", "iv", "transient"}
    for name in ("c1", "c2"):
        assert mf.load(FOLDERS / "names_with_digits" / name).name == name


@pytest.mark.parametrize("folder", ["reading", "folders"])
def test_every_case_is_named_in_these_tests(folder):
    here = Path(__file__).read_text(encoding="utf-8")
    cases = sorted(path.name for path in (CASES / folder).iterdir() if path.name != "README.md")
    assert cases
    assert [name for name in cases if f'"{name}"' not in here] == []


def test_every_case_of_the_tables_is_there():
    for folder in ("reading", "folders"):
        table = (CASES / folder / "README.md").read_text(encoding="utf-8").splitlines()
        rows = [line.split(" | ")[1] for line in table if re.match(r"\| [A-O] \|", line)]
        named = [re.split(r"[ /:(]", row)[0] for row in rows]
        missing = [name for name in named if not (CASES / folder / name).exists()]
        assert named
        assert missing in ([], ["the"])  # "the same" folder once more


def test_copies_change_no_standard_error():
    twice, once = (mf.fit(mf.load(FOLDERS / name)) for name in ("duplicate_files", "duplicate_reference"))
    for name, parameter in once.parameters.items():
        assert twice.parameters[name].stderr == pytest.approx(parameter.stderr, rel=1e-6)


def test_a_batch_takes_the_folders_of_one_device_together(tmp_path):
    devices, _ = find_devices(FOLDERS / "one_device_in_subfolders", tmp_path)
    assert [path.name for path in devices.values()] == ["Device 7B"]
