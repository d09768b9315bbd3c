"""Tidy files read back to the identical record."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.datasets import ImpedanceSpectrum, IVSweep, Origin, PulseTransient
from memfit.errors import FileFormatError, OutputError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_file, read_source
from memfit.loaders.tidy import format_record, write_record
from memfit.protocols import Drive, pulse, sweep

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
words = st.text(max_size=20)


def assert_identical(a, b, *, origin=False):
    assert type(a) is type(b)
    for field in dataclasses.fields(a):
        first, second = getattr(a, field.name), getattr(b, field.name)
        if field.name == "origin" and not origin:
            continue
        if isinstance(first, Drive):
            assert (first.control, first.initial) == (second.control, second.initial)
            np.testing.assert_array_equal(first.time, second.time)
            np.testing.assert_array_equal(first.value, second.value)
        elif isinstance(first, np.ndarray):
            assert first.tobytes() == second.tobytes(), field.name
        else:
            assert first == second, field.name


def again(record):
    (read,) = read_source(Source("again.csv", format_record(record).encode()))
    return read


def spectrum(**changes):
    values = {
        "name": "eis.mpt [cycle 2]",
        "origin": Origin(file="eis.mpt", sha256="ab", part="cycle 2", format="BioLogic EC-Lab text"),
        "metadata": {"instrument": "SP-200", "bias": "odd", "a: b": "x\ny", "empty": "", "R": "20 ohm"},
        "notes": ("one note.", 'with "quotes" and # marks', "two\nlines"),
        "frequency": [1e5, 0.1 + 0.2, 1 / 3],
        "impedance": [1 - 2j, 1e-300 + 3j, 5e22 - 0j],
        "bias_voltage": 0.1 + 0.2,
        "bias_current": -1e-9,
        "control": "current",
        "amplitude": 1e-6,
    }
    return ImpedanceSpectrum(**{**values, **changes})


def test_a_spectrum_comes_back():
    record = spectrum()
    assert_identical(again(record), record)
    assert "BioLogic EC-Lab text" in again(record).origin.format


def test_a_spectrum_without_bias_comes_back():
    record = spectrum(bias_voltage=None, bias_current=None, amplitude=None, metadata={}, notes=())
    assert_identical(again(record), record)


@pytest.mark.parametrize("timed", [True, False])
def test_a_sweep_comes_back(timed):
    drive = sweep("voltage", [0, 1, -1, 0], rate=0.3) if timed else None
    t = np.linspace(0, 4 / 0.3, 40)
    record = IVSweep(
        name="iv", voltage=np.sin(t), current=np.cos(t), time=t if timed else None, drive=drive, scan_rate=0.3
    )
    assert_identical(again(record), record)
    assert_identical(again(again(record)), record)


@pytest.mark.parametrize("missing", ["voltage", None])
def test_a_transient_with_a_drive_that_the_samples_do_not_show_comes_back(missing):
    drive = dataclasses.replace(pulse("voltage", 0.7, on=0.10001, off=0.2000003, end=1.0), initial="rest")
    t = np.linspace(0, 1, 30)
    values = {"voltage": drive.at(t), "current": np.exp(-t)}
    if missing:
        values[missing] = None
    record = PulseTransient(name="pulse_1.csv", time=t, drive=drive, **values)
    assert_identical(again(record), record)


def test_selected_points_keep_the_whole_drive():
    t = np.linspace(0, 1, 30)
    drive = pulse("current", 1e-3, on=0.1, off=0.5, end=1.0)
    whole = PulseTransient(name="p", time=t, voltage=t, current=drive.at(t), drive=drive)
    record = whole.select(t > 0.3, "cut")
    assert_identical(again(record), record)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(1e-300, 1e300), finite, finite), min_size=1, max_size=10),
    metadata=st.dictionaries(words, words, max_size=3),
    notes=st.lists(words, max_size=2),
    name=words,
    bias=st.none() | finite,
)
def test_any_spectrum_comes_back(rows, metadata, notes, name, bias):
    f, re, im = (np.array(column) for column in zip(*rows, strict=True))
    record = ImpedanceSpectrum(
        name=name, frequency=f, impedance=re + 1j * im, bias_voltage=bias, metadata=metadata, notes=(*notes,)
    )
    assert_identical(again(record), record)


ordered = st.lists(st.tuples(st.floats(0, 1e9), finite, finite), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    rows=ordered, timed=st.booleans(), control=st.sampled_from(["voltage", "current"]), notes=st.lists(words)
)
def test_any_sweep_comes_back(rows, timed, control, notes):
    t, v, i = (np.array(column) for column in zip(*rows, strict=True))
    t = np.sort(t)
    drive = Drive(control, t, v if control == "voltage" else i, "rest") if timed else None
    record = IVSweep(
        name="iv", voltage=v, current=i, time=t if timed else None, drive=drive, control=control,
        scan_rate=abs(float(v[0])) or None, notes=(*notes,),
    )  # fmt: skip
    assert_identical(again(record), record)


@settings(max_examples=60, deadline=None)
@given(
    rows=ordered, vertices=ordered, control=st.sampled_from(["voltage", "current"]),
    initial=st.sampled_from(["steady", "rest", "free"]), both=st.booleans(),
    metadata=st.dictionaries(words, words, max_size=3),
)  # fmt: skip
def test_any_transient_comes_back(rows, vertices, control, initial, both, metadata):
    t, v, i = (np.array(column) for column in zip(*rows, strict=True))
    at, value, _ = (np.array(column) for column in zip(*vertices, strict=True))
    record = PulseTransient(
        name="pulse", time=np.sort(t), drive=Drive(control, np.sort(at), value, initial), metadata=metadata,
        voltage=v if both or control == "current" else None,
        current=i if both or control == "voltage" else None,
    )  # fmt: skip
    assert_identical(again(record), record)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "eis.csv"
    write_record(spectrum(), path)
    (record,) = read_file(path)
    assert record.origin.file == "eis.csv"
    assert len(record.origin.sha256) == 64
    assert_identical(record, spectrum())
    with pytest.raises(OutputError, match="exists already"):
        write_record(spectrum(), path, overwrite=False)
    with pytest.raises(OutputError, match="cannot be written"):
        write_record(spectrum(), tmp_path / "nowhere" / "eis.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["eis.csv"]


def test_writing_what_was_read_changes_nothing():
    text = format_record(spectrum())
    first = read_source(Source("a.csv", text.encode()))[0]
    second = read_source(Source("a.csv", format_record(first).encode()))[0]
    assert_identical(first, second)
    assert second.origin.format == first.origin.format


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# control: current", "# control: gravity"),
        ("# technique: impedance", "# technique: iv"),
        ("Z_imag (ohm)", "Z_imag (mohm)"),
        ('# name: "eis', "# name: eis"),
        ("# bias: 0.30000000000000004 V", "# bias: apple"),
        ("100000.0", "abc"),
    ],
)
def test_a_damaged_file_is_refused(old, new):
    text = format_record(spectrum())
    assert old in text
    with pytest.raises(FileFormatError, match=r"x\.csv"):
        read_source(Source("x.csv", text.replace(old, new).encode()))


def test_a_cut_file_loses_its_half_line_with_a_note():
    text = format_record(spectrum())
    record = read_source(Source("x.csv", text[:-8].encode()))[0]
    assert record.points == 2
    assert any("incomplete" in note for note in record.notes)


def test_device_toml_speaks_of_tidy_tables_too():
    def read(record, **changes):
        return read_source(Source("t.csv", format_record(record).encode()), FileSettings(**changes))[0]

    first = read(
        spectrum(), bias=0.7, control="voltage", amplitude=0.01, use={"frequency": (0.31, 1.0)}, name="n"
    )
    assert (first.name, first.bias_voltage, first.control, first.amplitude) == ("n", 0.7, "voltage", 0.01)
    assert first.points == 1
    t = np.linspace(0, 1, 40)
    drive = pulse("current", 1e-3, on=0.2, off=0.5, end=1.0)
    record = PulseTransient(name="p", time=t, voltage=np.exp(-t), current=drive.at(t), drive=drive)
    later = read(record, time_offset=2.0, initial="rest", series_resistance=20.0, temperature=300.0)
    np.testing.assert_array_equal(later.time, t + 2)
    np.testing.assert_array_equal(later.drive.time, drive.time + 2)
    assert later.drive.initial == "rest"
    assert later.metadata == {"series_resistance": "20.0 ohm", "temperature": "300.0 K"}
    assert read(record, control="voltage").drive.control == "voltage"
    waved = read(record, waveform=((0.0, 0.0), (1.0, 2e-3)))
    np.testing.assert_array_equal(waved.drive.value, [0.0, 2e-3])
    quiet = IVSweep(name="s", voltage=t, current=t)
    assert read(quiet, scan_rate=0.2, control="current").scan_rate == 0.2
    assert_identical(read(quiet, device_area=1e-6), quiet)
    with pytest.raises(FileFormatError, match="expected the kind 'iv'"):
        read(record, kind="iv")
    with pytest.raises(FileFormatError, match="leaves no point"):
        read(record, use={"time": (5.0, 6.0)})


@pytest.mark.parametrize("offset", [11.0, -11.0, 1e9, -1e9, 1e300])
def test_an_offset_far_beyond_the_record_is_refused(offset):
    t = np.linspace(0, 1, 40)
    drive = pulse("current", 1e-3, on=0.2, off=0.5, end=1.0)
    record = PulseTransient(name="p", time=t, voltage=np.exp(-t), current=drive.at(t), drive=drive)
    source = Source("t.csv", format_record(record).encode())
    with pytest.raises(FileFormatError, match=r"`time_offset` in device.toml is .* times of this record go"):
        read_source(source, FileSettings(time_offset=offset))
