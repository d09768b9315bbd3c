"""Binary recordings of oscilloscopes, through the optional library RigolWFM."""

import sys

import numpy as np
import pytest

from memfit.errors import DependencyError, FileFormatError, InputError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import find_reader, read_source, read_tables

SAMPLES = np.where((np.arange(200) > 40) & (np.arange(200) < 120), 100, 0)


def isf(samples=SAMPLES, unit="V"):
    """A recording as Tektronix saves it: a header of settings, then 16-bit samples."""
    data = np.asarray(samples).astype(">i2").tobytes()
    head = (
        f":WFMP:BYT_NR 2;BIT_NR 16;ENCDG BIN;BN_FMT RI;BYT_OR MSB;NR_PT {len(data) // 2};"
        f'WFID "Ch1, DC coupling";PT_FMT Y;XINCR 1.0E-6;PT_OFF 0;XZERO -4.0E-5;XUNIT "s";YMULT 1.0E-2;'
        f'YZERO 0.0E0;YOFF 0.0E0;YUNIT "{unit}";:CURVE #'
    )
    size = str(len(data))
    return f"{head}{len(size)}{size}".encode() + data


@pytest.fixture
def library():
    pytest.importorskip("RigolWFM", reason="the extra `scope` is not installed")


def test_a_recording_of_tektronix(library):
    reader, (table,) = read_tables(Source("scope.isf", isf()))
    assert reader.name == "oscilloscope binary"
    np.testing.assert_allclose(table.columns["time"], -4e-5 + 1e-6 * np.arange(200), atol=1e-12)
    np.testing.assert_allclose(table.columns["CH1"], 0.01 * SAMPLES, atol=1e-7)
    assert table.metadata["instrument"] == "Tektronix"


def test_it_becomes_a_transient_by_device_toml(library):
    settings = FileSettings(
        columns={"current": "CH1"},
        sense_resistance=50.0,
        control="voltage",
        waveform=((-4e-5, 0.0), (1e-6, 0.0), (1e-6, 1.0), (8e-5, 1.0), (8e-5, 0.0)),
    )
    (record,) = read_source(Source("scope.isf", isf()), settings)
    assert record.kind == "transient"
    np.testing.assert_allclose(record.current, 0.01 * SAMPLES / 50.0, atol=1e-9)
    with pytest.raises(InputError, match="say in device"):
        read_source(Source("scope.isf", isf()))


@pytest.mark.parametrize("size", [50, 150, 260, 330, 500, 699])
def test_a_cut_recording_is_refused(library, size, capfd):
    with pytest.raises(FileFormatError, match="scope"):
        read_source(Source("scope.isf", isf()[:size]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "magic",
    [b"\xa5\xa5\x00\x00", b"\xa5\xa5\xa4\x01", b"\x01\xff\xff\xff", b"RG01", b"AG10", b"\x0f\x0f:WFM#003"],
)
def test_a_file_of_a_maker_without_sense_is_refused(library, magic):
    source = Source("x.wfm", magic + b"\x00" * 4000)
    assert find_reader(source).name == "oscilloscope binary"
    with pytest.raises(FileFormatError, match=r"x\.wfm: expected"):
        read_source(source)


def test_without_the_library_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "RigolWFM.wfm", None)
    with pytest.raises(DependencyError, match=r"memfit\[scope\]"):
        read_source(Source("scope.isf", isf()))
