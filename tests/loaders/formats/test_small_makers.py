"""Formats of Digilent, Corrtest, PalmSens' MethodSCRIPT, the CVU of a 4200; and those refused by name."""

import base64
import gzip

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source

F = np.geomspace(1e5, 1.0, 12)
Z = 35.0 + 1e5 / (1.0 + 2j * np.pi * F * 1e-3)
V = np.concatenate([np.linspace(0.0, 1.0, 11), np.linspace(0.9, 0.0, 10)])


def rows(*columns, separator=","):
    return (
        "\n".join(separator.join(f"{value:.12g}" for value in row) for row in zip(*columns, strict=True))
        + "\n"
    )


def read(name, text, **settings):
    return read_source(Source(name, text.encode()), FileSettings(**settings))


WAVEFORMS = (
    "#Digilent WaveForms Impedance Analyzer\n#Device Name: Discovery2\n#Amplitude: 50 mV\n#Offset: 300 mV\n"
    "#Resistor: 1000 Ohm\n#Mode: W1-C1-DUT-C2-R-GND\n"
)
WAVEFORM_LABELS = [
    "Frequency (Hz),Trace th (deg),Trace |Z| (Ohm),Trace Rs (Ohm),Trace Xs (Ohm)",
    "Frequency (Hz),Trace θ (deg),Trace |Z| (Ohm),Trace Rs (Ohm),Trace Xs (Ohm)",
    "Frequency (Hz),Trace th (deg),Trace |Z| (Ohm)",
]


@pytest.mark.parametrize("labels", WAVEFORM_LABELS)
def test_waveforms(labels):
    columns = [F, np.degrees(np.angle(Z)), abs(Z), Z.real, Z.imag][: labels.count(",") + 1]
    (record,) = read("a.csv", WAVEFORMS + labels + "\n" + rows(*columns))
    assert record.origin.format == "Digilent WaveForms impedance"
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    assert (record.bias_voltage, record.amplitude) == (0.3, 0.05)
    assert record.metadata["instrument"] == "Digilent Discovery2"


def test_waveforms_capacitances_are_read_with_what_stands_beside_them():
    capacitance = -1 / (2 * np.pi * F * Z.imag)
    text = WAVEFORMS + "Frequency (Hz), Trace Cs (F), Trace Rs (Ohm)\n" + rows(F, capacitance, Z.real)
    (record,) = read("a.csv", text)
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    with pytest.raises(FileFormatError, match="expected"):
        read(
            "a.csv",
            WAVEFORMS + "Frequency (Hz), Trace Cs (F), Trace Cp (F)\n" + rows(F, capacitance, capacitance),
        )


CORRTEST = (
    "CORRW ASCII\nCorrTest for Windows: SN CS35  V5.1\nID_CV\nCyclic Voltammetry,Scan Rate(mV/s):10\n"
    "  Begin Information:            Cell Information\n      Surface Area:           0.5\n"
    "  End Information:              Cell Information\nE(V)\t\ti(A/cm^2)\t\tT(s)\nEnd Comments\n"
)


def corrtest_rows():
    time = 10.0 * np.arange(V.size)
    lines = rows(V, 1e-4 * V, time, separator="\t").splitlines()
    lines[10] += "  0 CYCLE"
    lines[-1] += "  1 CYCLE"
    return "\n".join(lines) + "\n"


def test_corrtest():
    (record,) = read("a.cor", CORRTEST + corrtest_rows())
    assert (record.origin.format, record.kind, record.points) == ("CorrWare or Corrtest", "iv", 21)
    assert record.current == pytest.approx(0.5e-4 * V)
    assert record.scan_rate == pytest.approx(0.01)


def test_corrware_without_labels_asks_and_takes_the_answer():
    bare = CORRTEST.replace("E(V)\t\ti(A/cm^2)\t\tT(s)\n", "")
    with pytest.raises(FileFormatError, match="columns = ") as caught:
        read("a.cor", bare + corrtest_rows())
    assert "E (V)" in str(caught.value)
    (record,) = read("a.cor", bare + corrtest_rows(), columns=("E (V)", "I (A/cm^2)", "T (s)"))
    assert record.current == pytest.approx(0.5e-4 * V)


def test_cs_studio_text():
    settings = "CORRW ASCII\r\nExpParmas:ExpType=ID_CV&-&CellParam=Area=2\r\nScan Rate(mV/s):20\r\n"
    blob = base64.b64encode(gzip.compress(settings.encode())).decode()
    table = "E(V)\ti(A/cm²)\tT(s)\n" + rows(V, 1e-4 * V, 5.0 * np.arange(V.size), separator="\t")
    (record,) = read("a.txt", f"\ufeffCSStudioFile,ID_CV,{blob}\n{table}")
    assert record.kind == "iv"
    assert record.current == pytest.approx(2e-4 * V)
    with pytest.raises(FileFormatError, match="damage"):
        read("a.txt", f"CSStudioFile,ID_CV,{blob[:-9]}\n{table}")


@pytest.mark.parametrize(
    ("cut", "words"), [("End Comments", "End Comments"), ("E(V)", "column of the voltage")]
)
def test_a_corrtest_file_that_lacks_something(cut, words):
    with pytest.raises(FileFormatError, match=words):
        read("a.cor", CORRTEST.replace(cut, "x") + corrtest_rows())


def variable(name, value, more=""):
    """A variable of a MethodSCRIPT with as many digits as it can hold."""
    for prefix, scale in (("p", 1e12), ("n", 1e9), ("u", 1e6), ("m", 1e3), (" ", 1.0)):
        if abs(value) * scale < 2**26:
            return f"{name}{round(value * scale) + 2**27:07X}{prefix}{more}"
    raise ValueError(value)


def test_methodscript_impedance():
    bias = variable("ci", 0.25)
    points = "".join(
        f"P{variable('dc', f)};{variable('cc', z.real, ',10,20B')};{variable('cd', z.imag)};{bias}\n"
        for f, z in zip(F, Z, strict=True)
    )
    (record,) = read("pico.txt", f"e\nL\nM000D\n{points}*\n+\n\n")
    assert record.origin.format == "PalmSens MethodSCRIPT"
    assert record.impedance == pytest.approx(Z, rel=1e-5)
    assert record.bias_voltage == pytest.approx(0.25)


def test_methodscript_voltammetry_in_two_scans_with_points_left_out():
    scan = "".join(f"P{variable('da', v)};{variable('ba', 1e-6 * v, ',10,202')}\n" for v in V)
    bad = f"P{variable('da', 1.0)};ba     nan\nP{variable('da', 1.0)};{variable('ba', 1.0, ',12')}\n"
    records = read("pico.txt", f"e\nM0005\n{scan}-\n{scan}{bad}*\n\n", scan_rate=0.1)
    assert len(records) == 2
    assert records[0].current == pytest.approx(1e-6 * V, abs=1e-12)
    assert any("2 points were left out" in note for note in records[0].notes)


@pytest.mark.parametrize("line", ["Pda8000000", "Pda80000G0m;ba8000000n", "Pda8000000m;ba800"])
def test_a_damaged_methodscript_names_the_line(line):
    scan = "".join(f"P{variable('da', v)};{variable('ba', 1e-6 * v)}\n" for v in V)
    with pytest.raises(FileFormatError, match="line 22"):
        read("pico.txt", scan + line + "\n")


def test_a_cvu():
    Y = 1 / Z
    head = "Cp_AB,Gp_AB,DCV_AB,F_AB,CVU1S\n"
    (record,) = read("cf.csv", head + rows(Y.imag / (2 * np.pi * F), Y.real, 0 * F + 0.4, F, 0 * F))
    assert record.origin.format == "Keithley 4200 CVU"
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    assert record.bias_voltage == 0.4
    head = "Time,R_AB,jX_AB,DCV_AB,F_AB\n"
    (record,) = read("z.csv", head + rows(np.arange(F.size), Z.real, Z.imag, 0 * F + 0.4, F))
    assert record.impedance == pytest.approx(Z, rel=1e-9)


NAMED = [
    ("a.nox", b"\x00\x01\x02NOX\x00" * 40, "Export ASCII"),
    ("a.csv", b'"4294A REV1.11"\n"DATE: MAR 1"\n1\t2\n', "save both traces side by side"),
    (
        "a.csv",
        b"Session\nMon\nWordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag\n1,1,2,3,4,S\n",
        "protocol",
    ),
    ("a.opju", b"CPYUA 4.3\x00\x01\x02\x03" * 9, "export the worksheet"),
]


@pytest.mark.parametrize(("name", "data", "words"), NAMED)
def test_formats_that_are_refused_by_name_with_a_way_out(name, data, words):
    with pytest.raises(FileFormatError, match=words):
        read_source(Source(name, data))


EASY = (
    "0" + ",0" * 8 + "\nProcess,Time [s],Voltage [V],Current [A],abs( Voltage ) [V],abs( Current ) [A],"
    "Impedance phase,Impedance modulus,Frequency [Hz]\n0,0.1,0.5,1e-6,,,,,\n"
)


def test_easy_biologic_asks_for_its_units_and_takes_the_answer():
    text = EASY + rows(0 * F + 1, F, 0 * F + 0.5, 0 * F, 0 * F, 0 * F, np.angle(Z), abs(Z), F)
    with pytest.raises(FileFormatError, match="say them in device"):
        read("p.csv", text)
    chosen = {
        "frequency": "Frequency [Hz]", "z_modulus": "Impedance modulus", "phase": "Impedance phase",
        "bias_voltage": "Voltage [V]",
    }  # fmt: skip
    (record,) = read("p.csv", text, columns=chosen, units={"z_modulus": "ohm", "phase": "rad"})
    assert record.impedance == pytest.approx(Z, rel=1e-9)
    assert record.bias_voltage == 0.5


@pytest.mark.parametrize("names", ["V1,I1,,V1,I1", "V1,I1,V1,I1", "VAnode,IAnode,VAnode,IAnode"])
def test_measurements_side_by_side_without_units_ask_once(names):
    gap = "," if ",," not in names else ",,"
    text = names + "\n" + "".join(f"{v!r},{v * 1e-6!r}{gap}{v!r},{v * 2e-6!r}\n" for v in V.tolist())
    with pytest.raises(FileFormatError, match="columns = ") as caught:
        read("iv.csv", text)
    first, second = names.split(",")[:2]
    assert f'name = "{first}", unit = "V"' in str(caught.value)
    chosen = {"voltage": first, "current": second}
    one, other = read("iv.csv", text, columns=chosen, units={"voltage": "V", "current": "A"})
    assert one.current == pytest.approx(1e-6 * V)
    assert other.current == pytest.approx(2e-6 * V)
    assert one.origin.part == "measurement 1 of 2"


LOST = [
    ("Pda8000000m;ba8000000n", "ba8000000n", "expected P"),
    ("Pda8000000m;ba8000000n", "Pba8000000n", "voltage"),
    ("Pda8000000m;ba8000000n", "#N/A;ba8000000n", "expected P"),
]


@pytest.mark.parametrize(("line", "spoilt", "words"), LOST)
def test_a_methodscript_point_that_lacks_something(line, spoilt, words):
    points = [f"P{variable('da', v)};{variable('ba', 1e-6 * v)}" for v in V]
    text = "\n".join(["M0005", *points[:9], spoilt, *points[9:], "*", ""])
    with pytest.raises(FileFormatError, match=f"(?s){words}") as caught:
        read("pico.txt", text)
    assert "line 11" in str(caught.value)
    records = read("pico.txt", text.replace(spoilt, line), scan_rate=0.1)
    assert sum(record.points for record in records) == V.size + 1


def test_lines_of_a_methodscript_that_are_no_points_are_named():
    points = "".join(f"P{variable('da', v)};{variable('ba', 1e-6 * v)}\n" for v in V)
    (record,) = read("pico.txt", f"M0005\nlamp on\n{points}*\n", scan_rate=0.1)
    assert any("line 2" in note for note in record.notes)


def test_empty_rows_of_measurements_side_by_side_are_counted():
    rows = [f"{v!r},{v * 1e-6!r},,{v!r},{v * 2e-6!r}" for v in V.tolist()]
    rows[4:6] = [",,,,", ",,,,"]
    records = read(
        "iv.csv",
        "\n".join(["V1,I1,,V1,I1", *rows, ",,,,", ""]),
        columns={"voltage": "V1", "current": "I1"},
        units={"voltage": "V", "current": "A"},
    )
    assert [record.points for record in records] == [V.size - 2] * 2
    assert all("3 empty rows were left out." in record.notes for record in records)


def test_a_cut_line_of_measurements_side_by_side_is_told():
    rows = [f"{v:.5f},{v * 1e-6:.5e},,{v:.5f},{v * 2e-6:.5e}" for v in V.tolist()]
    text = "\n".join(["V1,I1,,V1,I1", *rows])
    chosen = {"columns": {"voltage": "V1", "current": "I1"}, "units": {"voltage": "V", "current": "A"}}
    whole = [dict(zip(r.voltage, r.current, strict=True)) for r in read("iv.csv", text, **chosen)]
    for end in range(1, len(rows[-1])):
        records = read("iv.csv", text[:-end], **chosen)
        for record, known in zip(records, whole, strict=True):
            same = [known.get(v) == i for v, i in zip(record.voltage, record.current, strict=True)]
            told = any("cut" in note or "no line end" in note for note in record.notes)
            assert all(same[:-1])
            assert same[-1] or told
        assert sum(r.points for r in records) >= 2 * V.size - 2


def test_a_moku_logger_asks_for_its_channels_and_takes_the_answer():
    rows = "".join(f"{k}e-3, {abs(k - 20) / 20}, {abs(k - 20) / 10}\n" for k in range(41))
    text = "% Moku:Go Data Logger\n% Acquired 2024-03-01\n% Time (s), Input 1 (V), Input 2 (V)\n" + rows
    with pytest.raises(FileFormatError, match=r"voltage = 'Input 1 \(V\)'.*sense_resistance"):
        read_source(Source("moku.csv", text.encode()))
    said = FileSettings(columns={"voltage": "Input 1 (V)", "current": "Input 2 (V)"}, sense_resistance=1e3)
    (record,) = read_source(Source("moku.csv", text.encode()), said)
    assert (record.points, record.current.max(), record.voltage.max()) == (41, pytest.approx(2e-3), 1.0)


def test_a_qcodes_text():
    rows = "".join(f"{k / 20}\t{k**2}e-9\n" for k in range(21))
    (record,) = read_source(
        Source("1.dat", f'# dac_set\tdmm_i\n# "Voltage (V)"\t"Current (A)"\n# 21\n{rows}'.encode())
    )
    assert (record.kind, record.points, record.current[-1]) == ("iv", 21, pytest.approx(4e-7))
