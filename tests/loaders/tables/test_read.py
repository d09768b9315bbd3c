"""Generic tables: spellings, separators, encodings, kinds, and bad input told in one sentence."""

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.errors import FileFormatError, MemfitError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source

F = [1.0, 10.0, 100.0, 1000.0]
Z = [100 - 50j, 80 - 40j, 60 - 20j, 50 + 1j]


def read(text, name="file.csv", options=None):
    data = text if isinstance(text, bytes) else text.encode()
    return read_source(Source(name, data), options or FileSettings())


def one(text, name="file.csv", options=None):
    (record,) = read(text, name, options)
    return record


def spectrum_text(header, rows, separator=",", decimal="."):
    lines = [separator.join(repr(float(value)).replace(".", decimal) for value in row) for row in rows]
    return "\n".join([separator.join(header), *lines, ""])


CARTESIAN = [(f, z.real, z.imag) for f, z in zip(F, Z, strict=True)]
MIRRORED = [(f, z.real, -z.imag) for f, z in zip(F, Z, strict=True)]
POLAR_DEG = [(f, abs(z), np.degrees(np.angle(z))) for f, z in zip(F, Z, strict=True)]
ADMITTANCE = [(f, (1 / z).real, (1 / z).imag) for f, z in zip(F, Z, strict=True)]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (("Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)"), CARTESIAN),
        (("f / Hz", "Z' / Ω", "Z'' / Ω"), CARTESIAN),
        (("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm"), MIRRORED),
        (("Frequency [Hz]", "Z' [Ohm]", "-Z'' [Ohm]"), MIRRORED),
        (("freq (Hz)", "Zre (ohm)", "−Zim (ohm)"), MIRRORED),
        (("Frequency (Hz)", "Z′ (Ω)", "-Z″ (Ω)"), MIRRORED),
        (("Frequency_Hz", "Z_real_ohm", "neg_Z_imag_ohm"), MIRRORED),
        (("f (Hz)", "|Z| (ohm)", "Phase (deg)"), POLAR_DEG),
        (("f (Hz)", "Zmod (ohm)", "Zphz (°)"), POLAR_DEG),
        (("f (Hz)", "Y' (S)", "Y'' (S)"), ADMITTANCE),
        (("f (kHz)", "Z' (kohm)", "Z'' (kohm)"), [(f / 1e3, a / 1e3, b / 1e3) for f, a, b in CARTESIAN]),
        (("omega (rad/s)", "Z' (ohm)", "Z'' (ohm)"), [(2 * np.pi * f, a, b) for f, a, b in CARTESIAN]),
        (("f", "Z'", "Z''"), CARTESIAN),
        (("freq", "Zre", "-Zim"), MIRRORED),
    ],
)
def test_spellings_of_a_spectrum(header, rows):
    record = one(spectrum_text(header, rows))
    assert isinstance(record, ImpedanceSpectrum)
    np.testing.assert_allclose(record.frequency, F, rtol=1e-14)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-13)


def test_minus_phase_is_reversed():
    mirrored = [(f, modulus, -phase) for f, modulus, phase in POLAR_DEG]
    record = one(spectrum_text(("f (Hz)", "|Z| (ohm)", "-phase (deg)"), mirrored))
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-13)


@pytest.mark.parametrize(
    ("separator", "decimal"),
    [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), (" ", "."), (" ", ",")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r"])
def test_separators_encodings_and_line_ends(separator, decimal, encoding, end):
    header = ("f/Hz", "Z'/ohm", "Z''/ohm", "T/°C")
    rows = [(*row, 25.5) for row in CARTESIAN]
    text = spectrum_text(header, rows, separator, decimal).rstrip("\n").replace("\n", end)
    record = one(text.encode(encoding))
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-14)


def test_a_row_of_units_below_the_names():
    text = "time\tvoltage\tcurrent\n[s]\t[V]\t[mA]\n" + "\n".join(f"{i}\t{i % 2}\t{i}" for i in range(8))
    record = one(text, options=FileSettings(kind="transient", control="voltage"))
    np.testing.assert_allclose(record.current, np.arange(8) / 1000)


def test_metadata_above_the_header():
    text = (
        "# technique: impedance\n# bias: 0.8 V\n# control: current\n# series_resistance: 20 ohm\n"
        "# amplitude: 10 mV\n# operator: Ana\n"
    )
    record = one(text + spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), CARTESIAN))
    assert (record.bias_voltage, record.control, record.amplitude) == (0.8, "current", 0.01)
    assert record.metadata["series_resistance"] == "20 ohm"
    assert record.metadata["operator"] == "Ana"


@pytest.mark.parametrize(
    ("name", "bias"),
    [
        ("eis_0.80V.csv", 0.8), ("eis_-0.2V.csv", -0.2), ("eis_800mV.csv", 0.8), ("000_mvdc.csv", 0.0),
        ("eis 0p8V.csv", 0.8), ("eis_0,8V_light.csv", 0.8), ("eis.csv", None), ("eis-0.2V.csv", None),
        ("impedance1V_10.csv", None),
    ],
)  # fmt: skip
def test_bias_from_the_file_name(name, bias):
    record = one(spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), CARTESIAN), name)
    assert record.bias_voltage == bias
    assert any("bias" in note for note in record.notes)


def test_bias_from_a_column_wins_over_the_name_with_a_warning():
    rows = [(*row, 0.5) for row in CARTESIAN]
    record = one(spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)", "DC bias (V)"), rows), "eis_0.8V.csv")
    assert record.bias_voltage == 0.5
    assert any("0.8 V but the content says 0.5 V" in note for note in record.notes)


def test_several_sweeps_in_one_table_are_told_apart():
    down = [(f, 10.0, -1.0) for f in np.geomspace(1e4, 1, 20)]
    records = read(spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), down * 3))
    assert [record.points for record in records] == [20, 20, 20]
    assert [record.origin.part for record in records] == ["sweep 1", "sweep 2", "sweep 3"]
    assert len({record.name for record in records}) == 3


def test_dc_rows_are_left_out_of_a_spectrum():
    rows = [(0.0, 0.0, 0.0), *CARTESIAN, (0.0, 1.0, 0.0)]
    record = one(spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), rows))
    assert record.points == len(F)
    assert any("2 rows with frequency 0" in note for note in record.notes)


def loop(n=50):
    up = np.linspace(0, 1, n)
    return np.concatenate([up, up[::-1][1:], -up[1:], -up[::-1][1:]])


def sweep_text(v, i, header="Voltage (V),Current (mA)", time=None):
    columns = [v, i * 1e3] if time is None else [v, i * 1e3, time]
    return header + "\n" + "\n".join(",".join(map(repr, row)) for row in np.array(columns).T.tolist()) + "\n"


def test_a_sweep_with_a_scan_rate_in_its_name():
    v = loop()
    record = one(sweep_text(v, v**3 * 1e-3), "iv_50mVs.txt")
    assert isinstance(record, IVSweep)
    assert record.scan_rate == 0.05
    assert record.time is not None
    assert record.drive is not None
    np.testing.assert_allclose(record.time[-1], 4 / 0.05)
    np.testing.assert_allclose(record.drive.at(record.time), v, atol=1e-9)


def test_a_sweep_without_time_is_quasi_steady_with_a_warning():
    v = loop()
    record = one(sweep_text(v, v**3 * 1e-3), "iv.txt")
    assert record.time is None
    assert record.drive is None
    assert any("quasi-steady" in note for note in record.notes)


def test_loops_of_a_sweep_program_become_records():
    v = np.concatenate([loop(), loop()[1:], loop()[1:]])
    t = np.arange(v.size) * 0.1
    records = read(sweep_text(v, v**3 * 1e-3, "Voltage (V),Current (mA),Time (s)", t), "x.csv")
    assert len(records) == 3
    assert all(record.time[0] == 0 for record in records)
    assert {record.kind for record in records} == {"iv"}
    text = sweep_text(v, v**3, "Voltage (V),Current (mA),Time (s)", t)
    whole = one(text, "x.csv", FileSettings(split=False))
    assert whole.points == v.size


def test_a_constant_time_column_is_noticed():
    v = loop()
    record = one(sweep_text(v, v, "Voltage (V),Current (mA),Time (s)", np.full(v.size, 1.765e9)))
    assert record.time is None
    assert any("constant" in note for note in record.notes)


def test_a_current_density_needs_an_area():
    v = loop()
    text = sweep_text(v, v, "Voltage (V),J (mA/cm2)")
    with pytest.raises(FileFormatError, match="area"):
        one(text)
    by_file = one("# area: 0.04 cm^2\n" + text)
    by_device = one(text, options=FileSettings(device_area=4e-6))
    np.testing.assert_allclose(by_file.current, v * 1e4 * 4e-6, rtol=1e-12)
    np.testing.assert_array_equal(by_file.current, by_device.current)


def test_points_at_the_compliance_are_left_out():
    v = np.linspace(0, 1, 50)
    i = np.minimum(v, 0.5) * 1e-3
    record = one("# compliance: 0.5 mA\n" + sweep_text(v, i))
    assert record.points == 25
    assert any("limit of 500 uA" in note for note in record.notes)


def pulse_text(order="Time (s),Voltage (V),Current (A)"):
    t = np.arange(200) * 1e-3
    i = np.where((t >= 0.05) & (t < 0.12), 1e-3, 0.0)
    v = np.convolve(i, np.exp(-np.arange(200) / 15))[:200] * 10
    columns = {"Time (s)": t, "Voltage (V)": v, "Current (A)": i}
    rows = np.array([columns[label] for label in order.split(",")]).T.tolist()
    return order + "\n" + "\n".join(",".join(map(repr, row)) for row in rows) + "\n"


@pytest.mark.parametrize("order", ["Time (s),Voltage (V),Current (A)", "Current (A),Voltage (V),Time (s)"])
def test_a_pulse_and_its_control_are_found_from_the_curves(order):
    record = one(pulse_text(order))
    assert isinstance(record, PulseTransient)
    assert record.control == "current"
    assert any("current-controlled" in note for note in record.notes)
    np.testing.assert_allclose(record.drive.at(record.time), record.current, atol=1e-12)


def test_metadata_decide_the_control():
    record = one("# control: voltage\n" + pulse_text())
    assert record.control == "voltage"


def test_a_waveform_of_device_toml_is_the_drive():
    options = FileSettings(control="current", waveform=((0.0, 0.0), (0.05, 0.0), (0.05, 1e-3), (0.2, 1e-3)))
    text = "\n".join(line.rpartition(",")[0] for line in pulse_text().strip().split("\n"))
    record = one(text + "\n", options=options)
    assert record.current is None
    np.testing.assert_array_equal(record.drive.time, [0.0, 0.05, 0.05, 0.2])


def test_points_are_selected_as_device_toml_asks():
    options = FileSettings(use={"frequency": (5, 200)})
    record = one(spectrum_text(("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), CARTESIAN), options=options)
    np.testing.assert_array_equal(record.frequency, [10, 100])


def test_a_table_without_header_by_labels_of_device_toml():
    text = "\n".join(f"{v},{v * 2}" for v in np.linspace(0, 1, 20))
    record = one(text, options=FileSettings(columns=("Voltage (V)", "Current (uA)")))
    np.testing.assert_allclose(record.current, record.voltage * 2e-6)


def test_columns_can_be_chosen():
    rows = "\n".join(f"{v},1,{v}" for v in np.linspace(0, 1, 9))
    text = f"Voltage (V),Current (A),Current (A)\n{rows}\n"
    with pytest.raises(FileFormatError, match="columns = "):
        one(text)
    text = text.replace("Current (A),Current (A)", "I1 (A),I2 (A)")
    record = one(text, options=FileSettings(columns={"current": "I2 (A)"}))
    np.testing.assert_array_equal(record.current, record.voltage)


SPECTRUM = spectrum_text(("Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)"), CARTESIAN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty file"),
        ("\n\n  \n", "empty file"),
        (b"\x00\x01\x02\x03" * 50, "binary"),
        ("Dear all,\nthis is a letter.\n", "line 1: expected a table"),
        (SPECTRUM.replace(" (Hz)", "").replace(" (ohm)", ""), "line 1, column 'Frequency': expected a unit"),
        ("Voltage,Current\n0,0\n1,1\n2,2\n", "column 'Voltage': expected a unit"),
        (
            SPECTRUM.replace("real (ohm)", "real (wibble)"),
            "column 'Z_real .wibble.': expected a unit of resis",
        ),
        ("Frequency (Hz),Z_real (ohm)\n1,2\n2,3\n3,4\n", "expected Z' and Z''"),
        ("Z' (ohm),Z'' (ohm)\n1,2\n2,3\n3,4\n", "expected a column of the frequency"),
        ("Foo (V),Bar (A)\n1,2\n2,3\n3,4\n", "expected columns such as"),
        ("Time (s),Voltage (V)\n1,2\n2,3\n3,4\n", "control"),
        (SPECTRUM.replace("80.0", "nan"), "line 3, column 'Z_real .ohm.'.*NaN"),
        (SPECTRUM.replace("80.0", ""), "line 3, column 'Z_real .ohm.'.*empty"),
        (SPECTRUM.replace("80.0", "inf"), "line 3.*infinity"),
        (SPECTRUM.replace("80.0", "8O.0"), "line 3.*'8O.0'"),
        (SPECTRUM.replace("80.0,", "80.0,7,"), "line 3: expected a row of 3 fields"),
        (SPECTRUM.replace("10.0,80", "-10.0,80"), "above 0 Hz"),
        ("Frequency (Hz),Z_real (ohm),Z_imag (ohm)\n", "expected"),
        ("1,2\n2,3\n3,4\n", "header line"),
        ("1,2,3\n2,3,4\n3,4,5\n4,5,6\n5,6,7\n", "no sweep of frequencies"),
        ("# bias: 3 apples\n" + SPECTRUM, "line 1: bias"),
        ("# technique: sorcery\n" + SPECTRUM, "line 1: technique"),
        (pulse_text().replace("0.1,", "0.01,"), "run forward"),
    ],
)
def test_bad_input_is_told_in_one_sentence(text, words):
    with pytest.raises(MemfitError, match=words) as caught:
        read(text, "bad.csv")
    assert "bad.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_rows_are_left_out_with_a_note():
    record = one(SPECTRUM.replace("\n10.0", "\n,,\nnan,nan,nan\n10.0"))
    assert record.points == len(F)
    assert "2 empty rows were left out." in record.notes


@pytest.mark.parametrize("cut", ["1000.0,50", "1000.0,", "1000.0,50.0,1.5e", "100"])
def test_a_half_last_line_is_left_out_with_a_note(cut):
    record = one(SPECTRUM[: SPECTRUM.index("1000.0")] + cut)
    assert record.points == 3
    assert any("incomplete" in note for note in record.notes)


def test_a_missing_last_line_end_is_no_fault():
    assert one(SPECTRUM.rstrip("\n")).points == len(F)


def test_a_large_table_is_read_as_a_small_one():
    t = np.arange(60_000) * 1e-3
    columns = np.array([t, t % 2, t % 3]).T.tolist()
    rows = "\n".join(",".join(map(repr, row)) for row in columns)
    text = "Time (s),Voltage (V),Current (A)\n" + rows + "\n"
    options = FileSettings(kind="transient", control="voltage")
    record = one(text, options=options)
    np.testing.assert_array_equal(record.time, t)
    np.testing.assert_array_equal(record.current, t % 3)
    odd = one(text.replace("\n5.0,", "\n\n5.0,"), options=options)
    np.testing.assert_array_equal(odd.current, t % 3)
    with pytest.raises(FileFormatError, match="line 5002"):
        one(text.replace("\n5.0,", "\n5.0,1,"), options=options)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_records_or_a_memfit_error(data):
    try:
        records = read(data, "any.csv")
    except MemfitError:
        return
    assert records


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SPECTRUM) - 1), st.text(max_size=3))
def test_a_mutated_table_gives_records_or_a_memfit_error(position, text):
    try:
        records = read(SPECTRUM[:position] + text + SPECTRUM[position + 1 :], "any.csv")
    except MemfitError:
        return
    assert all(np.isfinite(record.impedance).all() for record in records if record.kind == "impedance")


SWEPT = [*(0.1 * k for k in range(11)), *(1.0 - 0.1 * k for k in range(1, 11))]
ROWS = [f"{v:.1f},{v * 1e-6:.4g}" for v in SWEPT]


@pytest.mark.parametrize(("at", "parts"), [(5, 1), (15, 1), (11, 2)])
def test_a_blank_line_parts_sweeps_only_where_one_ends(at, parts):
    text = "\n".join(["Voltage (V),Current (A)", *ROWS[:at], "", *ROWS[at:], ""])
    records = read_source(Source("iv.csv", text.encode()))
    assert sum(record.points for record in records) == len(SWEPT)
    assert len(records) == parts
    assert parts == 1 or all(any("line 14" in note for note in record.notes) for record in records)


VOLTAGE = FileSettings(control="voltage")


def test_the_axis_of_an_oscilloscope_may_stand_anywhere():
    rows = "".join(f"{0.8 * (k > 20)},{k * 1e-3:.4g},{8e-4 * (k > 20):.4g}\n" for k in range(60))
    (record,) = read_source(Source("a.csv", f"V (V),X (s),I (A)\n{rows}".encode()), VOLTAGE)
    assert record.time[-1] == pytest.approx(0.059)


def test_a_failed_cell_in_front_of_a_table_without_header():
    rows = "".join(f"{10.0 ** (5 - k / 4)},{10 + k},{-200 - k}\n" for k in range(20))
    with pytest.raises(FileFormatError, match=r"line 1.*#N/A"):
        read_source(Source("a.txt", f"#N/A,10,-200\n{rows}".encode()))


PULSED = "Time (s),Channel A (V),Channel B (V)\n" + "".join(
    f"{k * 1e-3:.4g},{0.8 * (20 < k < 40)},{0.4 * (20 < k < 40)}\n" for k in range(60)
)


def test_channels_are_named_with_or_without_their_units():
    for first, second in (("Channel A", "Channel B"), ("Channel A (V)", "column 3")):
        chosen = {"voltage": first, "current": second}
        settings = FileSettings(columns=chosen, sense_resistance=1e3, control="voltage")
        (record,) = read_source(Source("moku.csv", f"% Moku:Go\n% {PULSED}".encode()), settings)
        assert record.current.max() == pytest.approx(4e-4)


def test_what_a_refusal_proposes_reads_the_file():
    rows = "".join(f"{10.0 ** (5 - k / 4)},{10 + k},{-200 - k}\n" for k in range(20))
    text = f"Frequency (Hz),Z' (foo),Z'' (foo)\n{rows}".encode()
    with pytest.raises(FileFormatError, match="z_imag = ") as caught:
        read_source(Source("a.csv", text))
    stated = tomllib.loads(str(caught.value).split("device.toml: ")[1].rstrip("."))["columns"]
    settings = FileSettings(
        columns={role: one["name"] for role, one in stated.items()},
        units={role: one["unit"] for role, one in stated.items()},
    )
    (record,) = read_source(Source("a.csv", text), settings)
    assert record.impedance[0] == 10 - 200j


def test_labels_that_say_nothing_are_asked_for():
    rows = "".join(f"{k},{k % 7},{k % 5}\n" for k in range(30))
    with pytest.raises(FileFormatError, match=r'time = \{ name = "s".*voltage = \{ name = "1"'):
        read_source(Source("a.csv", f"s,1,2\n{rows}".encode()))


def test_settings_of_which_a_line_holds_several():
    rows = "".join(f"{10.0 ** (5 - k / 4)}\t{10 + k}\t{-200 - k}\n" for k in range(20))
    head = (
        "Fixed value(s) :  Temp. [°C]=2.5e+01  DC volt [V]=3.0e-01\n\nFreq. [Hz]\tZs' [Ohms]\tZs'' [Ohms]\n"
    )
    (record,) = read_source(Source("a.txt", (head + rows).encode()))
    assert record.bias_voltage == 0.3


def test_a_clock_that_counts_days():
    rows = "".join(
        f"{k} \t 1d 02:00:{k:02d}.50\t{0.1 * (k > 20)}\t{0.5 + 0.01 * k:.2f}\tR\n" for k in range(50)
    )
    (record,) = read_source(Source("m.txt", f"Rec#\tTestTime\tAmps\tVolts\tState\n{rows}".encode()))
    assert (record.kind, record.time[-1]) == ("transient", 49.0)


def test_rows_of_very_many_cells():
    head = ",".join(["Voltage (V)", "Current (A)", *(f"x{k}" for k in range(998))])
    rows = "".join(f"{v},{v * 1e-6}{',0' * 998}\n" for v in SWEPT)
    (record,) = read_source(Source("wide.csv", f"{head}\n{rows}".encode()))
    assert record.points == len(SWEPT)
