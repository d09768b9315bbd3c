"""Formats without a sample among the real files: written here as their instruments write them."""

import importlib.util
import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from memfit.errors import DependencyError, FileFormatError, InputError
from memfit.loaders import registry
from memfit.loaders.raw import MAX_BYTES, FileSettings, RawTable, Source, open_source
from memfit.loaders.registry import Reader, read_source, read_tables

V = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 0, 30)])


def rows(*columns, separator=","):
    return "\n".join(separator.join(repr(float(x)) for x in row) for row in np.array(columns).T.tolist())


def source(name, text):
    return Source(name, text.encode() if isinstance(text, str) else text)


def test_nova_impedance():
    f = np.geomspace(1e5, 1, 20)
    z = 10 + 100 / (1 + 1j * f / 100)
    text = "Index\tFrequency (Hz)\tZ' (Ω)\t-Z'' (Ω)\tZ (Ω)\t-Phase (°)\tTime (s)\n" + rows(
        np.arange(20), f, z.real, -z.imag, abs(z), -np.degrees(np.angle(z)), np.arange(20), separator="\t"
    )
    (record,) = read_source(source("nova.txt", text + "\n"))
    np.testing.assert_allclose(record.impedance, z)


def test_nova_voltammetry():
    text = "Potential applied (V)\tTime (s)\tWE(1).Current (A)\tWE(1).Potential (V)\tScan\tIndex\n" + rows(
        V, np.arange(60) * 0.1, V**2 * 1e-3, V * 0.999, np.ones(60), np.arange(60), separator="\t"
    )
    (record,) = read_source(source("cv.txt", text + "\n"))
    assert record.kind == "iv"
    np.testing.assert_allclose(record.voltage, V * 0.999)


def test_easyexpert():
    text = (
        "SetupTitle, I/V Sweep\nPrimitiveTest, I/V Sweep\nTestParameter, Channel.UnitType, SMU, SMU\n"
        "Dimension1, 60, 60\nDataName, V1, I1\n"
        + "\n".join(f"DataValue, {v!r}, {1e-3 * v!r}" for v in V.tolist())
        + "\n"
    )
    (record,) = read_source(source("b1500.csv", text))
    assert record.origin.format == "Keysight EasyEXPERT"
    np.testing.assert_allclose(record.current, 1e-3 * V)
    two = text.replace("V1, I1", "V1, I1, I2").replace("\nDataValue", "\nDataValue, 0")
    with pytest.raises(FileFormatError, match="expected one column of the current, found I1, I2"):
        read_source(source("b1500.csv", two))


def test_keithley_4200():
    text = "AI,AV,Time\n" + rows(V * 1e-6, V, np.arange(60) * 0.1) + "\n"
    (record,) = read_source(source("4200.csv", text))
    assert record.metadata["instrument"] == "Keithley 4200"
    np.testing.assert_allclose(record.current, V * 1e-6)


def test_keithley_4200_with_sweeps_side_by_side():
    text = "Time(1),AI(1),AV(1),Time(2),AI(2),AV(2)\n" + "".join(
        f"{0.1 * k:.2f},{v * 1e-6:.4e},{v},{0.2 * k:.2f},{v * 2e-6:.4e},{v}\n"
        if k < 15
        else f"{0.1 * k:.2f},{v * 1e-6:.4e},{v},,,\n"
        for k, v in enumerate(V)
    )
    first, second = read_source(source("family.csv", text))
    assert (first.origin.part, second.origin.part) == ("sweep 1 of 2", "sweep 2 of 2")
    assert (first.points, second.points) == (len(V), 15)
    np.testing.assert_allclose(second.current, 2e-6 * second.voltage, rtol=1e-4)
    np.testing.assert_allclose(second.time, 0.2 * np.arange(15))
    assert not any("Not read" in note for note in first.notes)


def test_a_2600_with_units_is_a_generic_table():
    text = (
        "Source Voltage (V),Measured Current (A),Time (s)\n" + rows(V, V * 1e-6, np.arange(60) * 0.1) + "\n"
    )
    (record,) = read_source(source("2600.csv", text))
    assert record.kind == "iv"
    np.testing.assert_allclose(record.voltage, V)


T = np.arange(50) * 1e-3
CHANNELS = FileSettings(
    columns={"voltage": "CH1", "current": "CH2"}, sense_resistance=100.0, control="voltage"
)
PULSE = np.where((T > 0.01) & (T < 0.03), 1.0, 0.0)


@pytest.mark.parametrize(
    "head",
    [
        (
            "Model,MSO46\nFirmware Version,1\n\nWaveform Type,A\nHorizontal Units,s\nVertical Units,V,V\n"
            "Sample Interval,1e-3\nRecord Length,50\n\nTIME,CH1,CH2\n"
        ),
        "Rigol Technologies,DHO\nTime(s),CH1(V),CH2(V)\n",
        "Record Length,Analog:50\nSample Interval,1e-3\nVertical Units,V,V\nSource,CH1,CH2\nSecond,V,V\n",
    ],
)
def test_oscilloscopes_with_two_channels(head):
    (record,) = read_source(source("scope.csv", head + rows(T, PULSE, PULSE / 2) + "\n"), CHANNELS)
    assert record.kind == "transient"
    np.testing.assert_allclose(record.current, PULSE / 200)
    np.testing.assert_allclose(record.drive.at(T), PULSE)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x-axis,1,2\nsecond,Volt,Volt\n" + rows(T, PULSE, PULSE), ["1", "2"]),
        (
            "LECROYWR64Xi,1,Waveform\nSegments,1,SegmentSize,50\nSegment,TrigTime,TimeSinceSegment1\n"
            "#1,12-Feb-2020 10:00:00,0\nTime,Ampl\n" + rows(T, PULSE),
            ["Ampl"],
        ),
        (
            "\n".join(
                f"{key},{t!r},{v!r}"
                for key, t, v in zip(
                    ["Record Length,50,", "Sample Interval,1e-3,", "Source,CH2,", "Vertical Units,V,"]
                    + [",,"] * 46,
                    T.tolist(),
                    PULSE.tolist(),
                    strict=True,
                )
            ),
            ["CH2"],
        ),
    ],
)
def test_other_oscilloscopes(text, names):
    _, (table,) = read_tables(source("scope.csv", text + "\n"))
    assert [name for name in table.columns if name != "time"] == names
    np.testing.assert_allclose(table.columns["time"], T, atol=1e-12)
    np.testing.assert_allclose(table.columns[names[0]], PULSE)


def test_an_oscilloscope_asks_for_a_resistance_and_for_known_channels():
    text = (
        "Model,MSO46\nVertical Units,V,V\nSample Interval,1e-3\nTIME,CH1,CH2\n" + rows(T, PULSE, PULSE) + "\n"
    )
    with pytest.raises(InputError, match="sense_resistance"):
        read_source(source("s.csv", text), FileSettings(columns={"voltage": "CH1", "current": "CH2"}))
    with pytest.raises(InputError, match="CH7"):
        read_source(source("s.csv", text), FileSettings(columns={"voltage": "CH7"}))


def test_palmsens_impedance_text():
    f = np.geomspace(1e5, 1, 12)
    z = 10 + 100 / (1 + 1j * f / 100)
    text = (
        "Date and time:,2023-06-12 14:12:17\nNotes:\n\nImpedance Spectroscopy: x\n"
        "Date and time measurement:,2023-06-12 14:11:45\n"
        "freq / Hz,neg. Phase / Degrees,Idc / uA,Z / Ohm,Z' / Ohm,-Z'' / Ohm,Cs / F\n"
    ) + rows(f, -np.degrees(np.angle(z)), np.full(12, 2.0), abs(z), z.real, -z.imag, np.ones(12))
    (record,) = read_source(Source("p.csv", ("\ufeff" + text).encode("utf-16-le")))
    np.testing.assert_allclose(record.impedance, z)
    assert record.bias_current == 2e-6


def test_chi_voltammetry_and_chronopotentiometry():
    head = "Feb. 20, 2020   15:55:08\nCyclic Voltammetry\nFile: c:\\x\nInstrument Model:  CHI660E\n\n"
    text = (
        head
        + "Init E (V) = 0\nScan Rate (V/s) = 0.1\n\nPotential/V, Current/A\n\n"
        + rows(V, V * 1e-6)
        + "\n"
    )
    (record,) = read_source(source("chi.txt", text))
    assert (record.kind, record.scan_rate) == ("iv", 0.1)
    assert any("cathodic" in note for note in record.notes)


def test_chi_steps_stand_in_the_settings():
    t = np.arange(1, 61) * 0.05
    text = (
        "May 2, 2014   11:13:45\nChronoamperometry\nFile: c:\\ca.bin\nInstrument Model:  CHI660E\n\n"
        "Init E (V) = 0.1\nHigh E (V) = 0.5\nLow E (V) = -0.2\nInit P/N = P\nStep = 3\n"
        "Pulse Width (sec) = 1\nSample Interval (s) = 0.05\nQuiet Time (sec) = 2\n\nTime/sec, Current/A\n\n"
    ) + rows(t, t * 1e-6)
    (record,) = read_source(source("ca.txt", text))
    assert (record.kind, record.control, record.drive.initial) == ("transient", "voltage", "steady")
    np.testing.assert_allclose(record.drive.time, [0, 0, 1, 1, 2, 2, 3])
    np.testing.assert_allclose(record.drive.value, [0.1, 0.5, 0.5, -0.2, -0.2, 0.5, 0.5])
    np.testing.assert_allclose(record.voltage[[0, 20, 45]], [0.5, -0.2, 0.5])
    (other,) = read_source(source("ca.txt", text.replace("P/N = P", "P/N = N")))
    assert other.drive.value[1] == -0.2


def test_a_workbook_bomb_is_refused_early():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (80 * 1024**2))
    assert len(packed.getvalue()) < 2**18
    with pytest.raises(FileFormatError, match="MB unpacked"):
        read_source(Source("bomb.xlsx", packed.getvalue()))


def test_a_workbook_with_entities_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    with pytest.raises(FileFormatError, match="DOCTYPE"):
        read_source(Source("bad.xlsx", packed.getvalue()))


def test_an_old_workbook_is_named():
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
    with pytest.raises((DependencyError, FileFormatError), match=r"x\.xls"):
        read_source(Source("x.xls", data))


def test_a_parquet_file_is_read_or_asks_for_its_library():
    if importlib.util.find_spec("pyarrow") is None:
        with pytest.raises(DependencyError, match="pyarrow"):
            read_source(Source("x.parquet", b"PAR1" + b"\x00" * 100))
        return
    packed = io.BytesIO()
    pd.DataFrame({"Voltage (V)": V, "Current (A)": V * 1e-6}).to_parquet(packed)
    (record,) = read_source(Source("x.parquet", packed.getvalue()))
    np.testing.assert_array_equal(record.voltage, V)


def test_a_file_that_is_too_large_is_not_opened(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(FileFormatError, match=r"big\.csv: expected at most 128 MB"):
        open_source(path)


def test_a_plugged_in_reader_is_asked_first(monkeypatch):
    table = RawTable(columns={"voltage": V, "current": V}, kind="iv")
    reader = Reader("mine", lambda source: source.suffix == ".mine", lambda source, settings: [table])

    class Entry:
        name = "mine"

        def __init__(self, loaded):
            self.loaded = loaded

        def load(self):
            if isinstance(self.loaded, Exception):
                raise self.loaded
            return self.loaded

    for loaded, words in ((ImportError("no"), "cannot be loaded"), (3, "is no memfit")):
        registry.plugged_in.cache_clear()
        monkeypatch.setattr(registry, "entry_points", lambda group, loaded=loaded: [Entry(loaded)])
        with pytest.raises(DependencyError, match=words):
            read_source(Source("x.mine", b"anything"))
    registry.plugged_in.cache_clear()
    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry(reader)])
    (record,) = read_source(Source("x.mine", b"anything"))
    assert record.origin.format == "mine"
    registry.plugged_in.cache_clear()


def test_a_package_plugs_its_reader_in_by_its_entry_point(tmp_path, monkeypatch):
    """As an installed package does: metadata on the path name the group and the object."""
    (tmp_path / "labreader.py").write_text(
        "import numpy as np\n"
        "from memfit.loaders.raw import RawTable\n"
        "from memfit.loaders.registry import Reader\n"
        "def read(source, settings):\n"
        "    v = np.linspace(0.0, 1.0, 9)\n"
        "    return [RawTable(columns={'voltage': v, 'current': 1e-6 * v}, kind='iv')]\n"
        "reader = Reader('our lab', lambda source: source.data.startswith(b'LAB1'), read)\n"
    )
    info = tmp_path / "labreader-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: labreader\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[memfit.readers]\nlab = labreader:reader\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.plugged_in.cache_clear()
    try:
        (record,) = read_source(Source("x.lab", b"LAB1 whatever"))
    finally:
        monkeypatch.undo()
        registry.plugged_in.cache_clear()
    assert (record.kind, record.points, record.origin.format) == ("iv", 9, "our lab")


@pytest.mark.parametrize(
    "data",
    [
        b"x" + b"\n" * 16000 + b"x", b" " * 16000 + b"x", b"\t" * 16000 + b"1", b"a," * 8000, b'"' * 16000,
        b"\n \n" * 100_000 + b"f Hz", b"# a:" + b" " * 16000 + b"x\n", b"VERSION8" + b"\n" * 16000 + b"x",
        b"# bias: 1 " + b" v" * 8000 + b"\n1,2\n", b"voltage current" + b"\n" * 16000, b"1,2,3," * 100_000,
        b"TAG\tCV\n" + b"\t\n" * 5000, b"Freq(Hz) " + b"Z'(a) " * 2500,
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x.csv", "x.i2b"])
def test_monotonous_files_end_in_an_error(data, name):
    """Patterns that search them again and again would not come to an end."""
    with pytest.raises(InputError):
        read_source(Source(name, data))


def labone(separator, fields, sweeps=2, size=20):
    lines = [separator.join(["chunk", "timestamp", "size", "fieldname"])]
    for sweep in range(sweeps):
        for name, values in fields.items():
            words = [str(sweep), "0", str(size), name, *(repr(float(x)) for x in values)]
            lines.append(separator.join(words))
    return source("dev3000_imps_0_sample_00000.csv", "\n".join(lines) + "\n")


@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("polar", [False, True])
def test_labone_sweeps(separator, polar):
    f = np.geomspace(1e5, 1, 20)
    z = 10 + 100 / (1 + 1j * f / 100)
    z[3] = np.nan
    fields = {"frequency": f, "bias": np.full(20, 0.3)}
    fields |= {"absz": abs(z), "phasez": np.angle(z)} if polar else {"realz": z.real, "imagz": z.imag}
    records = read_source(labone(separator, {**fields, "auxin0": f}))
    assert [record.origin.part for record in records] == ["sweep 1", "sweep 2"]
    good = np.isfinite(z)
    for record in records:
        np.testing.assert_allclose(record.impedance, z[good])
        np.testing.assert_allclose(record.frequency, f[good])
        assert record.bias_voltage == pytest.approx(0.3)
        assert any("did not reach" in note for note in record.notes)


def test_labone_sweeps_that_are_broken():
    f = np.geomspace(1e5, 1, 20)
    whole = {"frequency": f, "realz": f, "imagz": f}
    for fields, size in (({"frequency": f}, 20), ({"realz": f, "imagz": f}, 20), (whole, 25)):
        with pytest.raises(FileFormatError, match="expected"):
            read_source(labone(";", fields, size=size))


def test_kickstart_names_its_instruments():
    head = '"Instrument","Model 2450"\n"Test","Sweep"\n\n'
    text = head + '"Index","SMU-1 Time (s)","SMU-1 Voltage (V)","SMU-1 Current (A)","SMU-1 Resistance (Ω)"\n'
    text += rows(np.arange(60), np.arange(60) * 0.1, V, V * 1e-6, np.ones(60)) + "\n"
    (record,) = read_source(source("run.csv", text))
    assert record.kind == "iv"
    np.testing.assert_allclose(record.current, V * 1e-6)
    two = text.replace('"SMU-1 Resistance (Ω)"', '"SMU-2 Current (A)"')
    with pytest.raises(FileFormatError, match="say which in device"):
        read_source(source("run.csv", two))


GAMRY = (
    "EXPLAIN\nTAG\tEISPOT\nTITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier\nZCURVE\tTABLE\n"
    "\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange\n"
    "\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#\n"
)


def gamry(lines=None):
    f = np.geomspace(1e5, 0.1, 31)
    z = 20 + 1e4 / (1 + 1j * f / 100)
    rows_of = [
        f"\t{k}\t{k + 1}\t{x:.6g}\t{w.real:.7g}\t{w.imag:.7g}\t1\t{abs(w):.7g}\t"
        f"{np.degrees(np.angle(w)):.6g}\t3e-5\t0.3\t8"
        for k, (x, w) in enumerate(zip(f, z, strict=True))
    ]
    for place, text in lines or ():
        rows_of.insert(place, text)
    return GAMRY + "\n".join(rows_of) + "\n", z


@pytest.mark.parametrize(
    "remark", ["CONTROL LOOP OVERLOAD", "# lamp switched off", "I overload!", "NaN", "note:\tlamp off"]
)
def test_a_remark_in_a_gamry_table_ends_nothing(remark):
    text, z = gamry([(12, remark), (20, remark)])
    (record,) = read_source(source("x.DTA", text + "EXPERIMENTABORTED\tTOGGLE\tF\tAborted\n"))
    np.testing.assert_allclose(record.impedance, z, rtol=1e-6)
    assert any(note.startswith("Line 19 is no row and was left out:") for note in record.notes)
    assert record.metadata["EXPERIMENTABORTED"] == "F"


def test_a_row_of_gamry_that_lost_its_tab_is_a_row():
    text, z = gamry()
    (record,) = read_source(source("x.DTA", text.replace("\n\t12\t", "\n12\t")))
    np.testing.assert_allclose(record.impedance, z, rtol=1e-6)


@pytest.mark.parametrize("cell", range(11))
def test_a_row_of_gamry_that_lacks_a_cell_is_refused(cell):
    lines = gamry()[0].splitlines()
    cells = lines[12].split("\t")
    del cells[1 + cell]
    lines[12] = "\t".join(cells)
    with pytest.raises(FileFormatError, match="line 13: expected a row of 11 fields"):
        read_source(source("x.DTA", "\n".join([*lines, ""])))
