"""Layouts that laboratories make and instruments write, each in a small file of our own."""

import io
import re

import numpy as np
import openpyxl
import pytest

import memfit as mf
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.errors import FileFormatError, InputError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source
from memfit.units import find_unit

F = np.logspace(5, 1, 13)
Z = 50 + 1e3 / (1 + 2j * np.pi * F * 1e-6)
Y = 1 / Z
OMEGA = 2 * np.pi * F


def read(text, name="file.csv", **settings):
    data = text if isinstance(text, bytes) else text.encode()
    return read_source(Source(name, data), FileSettings(**settings))


def one(text, name="file.csv", **settings):
    (record,) = read(text, name, **settings)
    return record


def rows(*columns, separator=","):
    return "".join(
        separator.join(f"{value:.10g}" for value in row) + "\n" for row in zip(*columns, strict=True)
    )


def same(record, impedance=Z):
    assert isinstance(record, ImpedanceSpectrum)
    np.testing.assert_allclose(record.frequency, F, rtol=1e-8)
    np.testing.assert_allclose(record.impedance, impedance, rtol=1e-7)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Frequency (Hz),Cp (F),G (S)", (F, Y.imag / OMEGA, Y.real)),
        ("Frequency (Hz),Cp (nF),Gp (mS)", (F, Y.imag / OMEGA * 1e9, Y.real * 1e3)),
        ("Frequency [Hz],Cp [F],Rp [Ohm]", (F, Y.imag / OMEGA, 1 / Y.real)),
        ("Frequency [Hz],C [nF],Rp [Ohm]", (F, Y.imag / OMEGA * 1e9, 1 / Y.real)),
        ("FREQUENCY[Hz],Cp[F],D[]", (F, Y.imag / OMEGA, Y.real / Y.imag)),
        ("Frequency (Hz),Cs (F),Rs (ohm)", (F, -1 / (OMEGA * Z.imag), Z.real)),
        ("Frequency (Hz),Cs (F),D", (F, -1 / (OMEGA * Z.imag), -Z.real / Z.imag)),
        ("Frequency (Hz),Ls (H),Rs (ohm)", (F, Z.imag / OMEGA, Z.real)),
        ("Frequency (Hz),Rs (ohm),Xs (ohm)", (F, Z.real, Z.imag)),
        ("Frequency (Hz),|Y| (S),theta-y (deg)", (F, abs(Y), np.angle(Y, deg=True))),
        ("Frequency (Hz),Gp (S),Bp (S)", (F, Y.real, Y.imag)),
    ],
)
def test_circuits_of_two_elements_are_impedances(header, columns):
    same(one(f"{header}\n{rows(*columns)}"))


@pytest.mark.parametrize(
    "header", ["Frequency (Hz),C (F),D", "Frequency (Hz),Cp (F),Rs (ohm)", "Frequency (Hz),C,Rp"]
)
def test_a_circuit_that_could_be_two_is_refused(header):
    with pytest.raises(FileFormatError, match="expected"):
        read(f"{header}\n{rows(F, Y.imag / OMEGA, 1 / Y.real)}")


@pytest.mark.parametrize(
    "header",
    [
        "f (Hz),Zre (Ohm),(-)Zim (Ohm)", "f (Hz),Zre (Ohm),neg. Zim (Ohm)", "f (Hz),Z' (Ohm),-1*Z'' (Ohm)",
        "f (Hz),Z' (Ohm),-(Z'') (Ohm)", "Freq. [Hz],Zs' [Ohms],-Zs'' [Ohms]", "Hz,Z' (ohm),-Z'' (ohm)",
        "Frequency in Hz,Re(Z) in Ohm,-Im(Z) in Ohm",
    ],
)  # fmt: skip
def test_spellings_of_a_reversed_sign(header):
    same(one(f"{header}\n{rows(F, Z.real, -Z.imag)}"))


@pytest.mark.parametrize(
    "header",
    [
        "Frequency (Hz),Z(ohm),Theta-Z(Deg)",
        "Frequency (Hz),Z-mag (ohm),Z-phase (DEG)",
        "f (Hz),|Z| (ohm),θz (°)",
    ],
)
def test_spellings_of_modulus_and_phase(header):
    same(one(f"{header}\n{rows(F, abs(Z), np.angle(Z, deg=True))}"))


def test_angular_frequency_as_w():
    same(one(f"w (rad/s),Z' (ohm),Z'' (ohm)\n{rows(OMEGA, Z.real, Z.imag)}"))


def test_a_temperature_is_no_time():
    """A unit of temperature answers only where a temperature is asked for."""
    assert find_unit("degC", "voltage") is None
    assert find_unit("°C", "time") is None
    record = one(
        "Voltage (V),Current (A),T (°C)\n"
        + rows([0, 1, 2, 1, 0], [0, 1e-6, 2e-6, 1e-6, 0], [21.0, 21.1, 21.2, 21.3, 21.4])
    )
    assert isinstance(record, IVSweep)
    assert record.time is None


def test_labels_of_powersuite_over_other_columns_say_no_unit():
    """A table with |Z| and phase beside them had Z in kohm cm2, with the sign of Z'' reversed."""
    with pytest.raises(FileFormatError, match="unit"):
        read(
            "Frequency\tZ_E\tPhase_E\tZ_re\tZ_img\n"
            + rows(F, abs(Z), np.angle(Z), Z.real, -Z.imag, separator="\t")
        )
    same(one("Frequency\t Zre\t Zimg\n" + rows(F, Z.real, Z.imag, separator="\t")))


def test_the_missing_unit_of_an_angular_frequency():
    with pytest.raises(FileFormatError, match=r"omega \(rad/s\)"):
        read(f"omega,Z' (ohm),Z'' (ohm)\n{rows(OMEGA, Z.real, Z.imag)}")


HALF = 0.5 * Z
TWO = (F, Z.real, Z.imag, F, HALF.real, HALF.imag)
LABELS = "Frequency (Hz),Z' (ohm),Z'' (ohm)"


@pytest.mark.parametrize(
    ("above", "labels", "parts", "biases"),
    [
        ("0.0 V,,,0.5 V,,\n", f"{LABELS},{LABELS}", ("0.0 V", "0.5 V"), (0.0, 0.5)),
        ("dark,,,light,,\n", f"{LABELS},{LABELS}", ("dark", "light"), (None, None)),
        ("", f"{LABELS},{LABELS}", ("columns 1", "columns 2"), (None, None)),
        ("", f"{LABELS},Frequency (Hz).1,Z' (ohm).1,Z'' (ohm).1", ("columns 1", "columns 2"), (None, None)),
    ],
)
def test_spectra_side_by_side(above, labels, parts, biases):
    """The second of two equal headers was left out without a word where pandas had numbered it."""
    first, second = read(f"{above}{labels}\n{rows(*TWO)}")
    same(first)
    same(second, HALF)
    assert (first.origin.part, second.origin.part) == parts
    assert (first.bias_voltage, second.bias_voltage) == biases


def test_spectra_of_one_frequency_carry_their_names():
    labels = "Frequency (Hz),Z' 0V (ohm),Z'' 0V (ohm),Z' 500 mV (ohm),Z'' 500 mV (ohm)"
    first, second = read(f"{labels}\n{rows(F, Z.real, Z.imag, HALF.real, HALF.imag)}")
    same(first)
    same(second, HALF)
    assert (first.bias_voltage, second.bias_voltage) == (0.0, 0.5)


def test_groups_of_unequal_length_and_a_gap_between():
    full = rows(F, Z.real, Z.imag).splitlines()
    short = rows(F, HALF.real, HALF.imag).splitlines()[:10]
    text = "\n".join(f"{a},,{b}" for a, b in zip(full, [*short, ",,", ",,", ",,"], strict=True))
    first, second = read(f"{LABELS},,{LABELS}\n{text}\n")
    same(first)
    assert second.frequency.size == 10
    assert any("left out" in note for note in second.notes)


def test_sweeps_of_devices_side_by_side():
    up = np.linspace(0, 1, 20)
    labels = "Voltage (V),Current (mA)"
    text = f"Device A,,Device B,\n{labels},{labels}\n{rows(up, up, up, 2 * up)}"
    first, second = read(text)
    assert first.origin.part == "Device A"
    np.testing.assert_allclose(second.current, 2e-3 * up)
    forward, reverse = read(f"V_fw (V),I_fw (A),V_rv (V),I_rv (A)\n{rows(up, up, up[::-1], 3 * up)}")
    assert forward.origin.part == "fw"
    np.testing.assert_allclose(reverse.voltage, up[::-1])


@pytest.mark.parametrize(
    "labels",
    [
        "Voltage (V),I1 (A),I2 (A)",  # terminals of one device, or devices: nobody can tell
        "AnodeV (V),AnodeI (A),CathodeV (V),CathodeI (A)",
        "Frequency (Hz),Z' meas (ohm),Z'' meas (ohm),Z' fit (ohm),Z'' fit (ohm)",
        "V_g (V),I_g (A),V_d (V),I_d (A)",
    ],
)
def test_columns_that_are_no_measurements_side_by_side(labels):
    with pytest.raises(FileFormatError, match="expected"):
        read(f"{labels}\n{rows(*[np.linspace(0.1, 1, 20)] * len(labels.split(',')))}")


def test_a_column_of_unknown_name_can_be_named():
    with pytest.raises(FileFormatError, match=r"columns = \{ current = 'I1 \(A\)' \}"):
        read("Voltage (V),I1 (A),I2 (A)\n1,2,3\n2,3,4\n3,4,5\n")
    record = one("Voltage (V),I1 (A),I2 (A)\n1,2,3\n2,3,4\n3,4,5\n", columns={"current": "I2 (A)"})
    np.testing.assert_allclose(record.current, [3, 4, 5])


def test_a_phase_of_the_other_sign_is_refused():
    """Z'' written positive under the label Z'', beside a phase that is negative, or the reverse."""
    header = "Frequency (Hz),Z' (ohm),Z'' (ohm),|Z| (ohm),Phase (deg)"
    degrees = np.angle(Z, deg=True)
    same(one(f"{header}\n{rows(F, Z.real, Z.imag, abs(Z), degrees)}"))
    for wrong in (rows(F, Z.real, -Z.imag, abs(Z), degrees), rows(F, Z.real, Z.imag, abs(Z) * 1e3, degrees)):
        with pytest.raises(FileFormatError, match="contradicts"):
            read(f"{header}\n{wrong}")
    chosen = {"z_imag": "Z'' (ohm)"}
    same(one(f"{header}\n{rows(F, Z.real, Z.imag, abs(Z), -degrees)}", columns=chosen))


def test_a_line_of_comments_below_the_units_is_left_out():
    record = one(
        "Frequency\tZ'\tZ''\nHz\tohm\tohm\nDevice A\tDevice A\tDevice A\n"
        + rows(F, Z.real, Z.imag, separator="\t")
    )
    same(record)
    assert any("1 line of words" in note for note in record.notes)


def test_labels_that_say_too_little_are_named():
    text = "Stamp,P_I,P_V,mode\n" + "".join(f"2025-01-15 17:51:{i:02d},-{i}.5,0.{i},run\n" for i in range(9))
    with pytest.raises(FileFormatError, match="'P_I', 'P_V'"):
        read(text)


E4990A = "!Agilent Technologies,E4990A,MY0,A.02.12\n!Date: Mon Aug 09 09:53:11 2021\n\n"


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        ("|Z|(Ohm)-data, theta-z(deg)-data", (abs(Z), np.angle(Z, deg=True))),
        ("R(Ohm)-data, X(Ohm)-data", (Z.real, Z.imag)),
        ("|Y|(S)-data, theta-y(deg)-data", (abs(Y), np.angle(Y, deg=True))),
        ("Cp(F)-data, D-data", (Y.imag / OMEGA, Y.real / Y.imag)),
    ],
)
def test_keysight_impedance_analyser(labels, columns):
    block = f"Frequency(Hz), {labels}\n{rows(F, *columns, separator=', ')}"
    record = one(f"{E4990A}BEGIN CH1_DATA\n{block}END\n")
    same(record)
    assert record.metadata["instrument"] == "Agilent Technologies E4990A"
    assert len(read(f"{E4990A}BEGIN CH1_DATA\n{block}END\nBEGIN CH2_DATA\n{block}END\n")) == 2
    assert any("cut" in note for note in one(f"{E4990A}BEGIN CH1_DATA\n{block}").notes)
    with pytest.raises(FileFormatError, match="line 5"):
        read(f"{E4990A}BEGIN CH1_DATA\nFrequency(Hz), |Z|(Ohm)-data\n{rows(F, abs(Z), separator=', ')}END\n")


def lvm(rows_of_file, *, x="One", decimal=".", units="Volts\tAmps", names="Voltage\tCurrent"):
    end = "***End_of_Header***"
    head = (
        f"LabVIEW Measurement\t\nSeparator\tTab\nDecimal_Separator\t{decimal}\nX_Columns\t{x}\n{end}\t\n\t\n"
    )
    unit = f"Y_Unit_Label\t{units}\t\n" if units else ""
    segment = f"Channels\t2\t\n{unit}X_Dimension\tTime\tTime\t\nX0\t0\t0\t\nDelta_X\t0.01\t0.01\t\n{end}\n"
    text = f"{head}{segment}X_Value\t{names}\tComment\n{rows_of_file}"
    return text.replace(".", ",") if decimal == "," else text


TIME = np.arange(30) * 0.01
PULSE = np.where(TIME > 0.095, 0.5, 0.0)
FLOW = PULSE * 2e-3 * (1 + TIME)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("x", ["One", "No"])
def test_labview_measurement(x, decimal):
    time = [f"{t:.2f}" if x == "One" else "" for t in TIME]
    body = "".join(f"{t}\t{v:.6f}\t{i:.6e}\n" for t, v, i in zip(time, PULSE, FLOW, strict=True))
    record = one(lvm(body, x=x, decimal=decimal), "pulse.lvm")
    np.testing.assert_allclose(record.time, TIME, atol=1e-12)
    np.testing.assert_allclose(record.voltage, PULSE)
    np.testing.assert_allclose(record.current, FLOW, rtol=1e-5)


def test_labview_channels_without_units_have_to_be_named():
    body = rows(TIME, PULSE, 0.1 * PULSE, separator="\t")
    text = lvm(body, units="", names="Untitled\tUntitled 1")
    with pytest.raises(FileFormatError, match="Untitled 1"):
        read(text, "pulse.lvm")
    names = {"voltage": "Untitled", "current": "Untitled 1"}
    record = one(text, "pulse.lvm", columns=names, sense_resistance=50.0, control="voltage")
    np.testing.assert_allclose(record.current, 0.002 * PULSE, atol=1e-12)
    for cut in (text[:90], text[: text.rindex("X_Value")]):
        with pytest.raises(FileFormatError, match="expected"):
            read(cut, "pulse.lvm")


@pytest.mark.parametrize(
    "head",
    [
        "Time(s),CH1(V),CH2(V)\n",  # Rigol DHO
        "#Digilent WaveForms Acquisition\n#Samples: 30\n\nTime (s),Channel 1 (V),Channel 2 (V)\n",
        "in s,C1 in V,C2 in V\n",  # Rohde & Schwarz
        "Time,Channel A,Channel B\n(s),(V),(V)\n\n",  # PicoScope
    ],
)
def test_oscilloscopes_by_their_channels(head):
    text = head + rows(TIME, PULSE, 0.1 * PULSE)
    with pytest.raises(FileFormatError, match=r"30 samples of the channels C.* all of them voltages"):
        read(text)


def test_picoscope_with_decimal_commas_and_milliseconds():
    text = "Zeit;Kanal A;Kanal B\n(ms);(V);(mV)\n\n" + rows(TIME, PULSE, PULSE, separator=";").replace(
        ".", ","
    )
    names = {"voltage": "Kanal A", "current": "Kanal B"}
    record = one(text, columns=names, sense_resistance=1.0, control="voltage")
    np.testing.assert_allclose(record.time, TIME * 1e-3)
    np.testing.assert_allclose(record.current, PULSE * 1e-3)


def test_a_current_probe_says_which_channel_is_the_current():
    text = "x-axis,1,2\nsecond,Volt,Ampere\n" + rows(TIME, PULSE, FLOW)
    record = one(text)
    np.testing.assert_allclose(record.current, FLOW, rtol=1e-8)
    assert any("as their units say" in note for note in record.notes)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 684192\n", "eis.mpt", "Git LFS"),
        ("<!DOCTYPE html>\n<html><body>1 2 3</body></html>\n", "eis.csv", "web page"),
        ("EC-Lab LOG FILE\n\nCyclic Voltammetry\n", "cv.mpl", "log file"),
        ("EC-LAB SETTING FILE\n\nNumber of linked techniques : 1\n", "cv.mps", "setting file"),
    ],
)
def test_what_stands_in_place_of_a_measurement(text, name, words):
    with pytest.raises(FileFormatError, match=words):
        read(text, name)


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_decimal_commas_behind_whole_numbers(separator):
    """A pulse begins at rest: its first rows say nothing about the decimal mark."""
    labels = separator.join(["Zeit (ms)", "Spannung (V)", "Strom (mA)"])
    text = "".join(
        f"{i}{separator}{v:g}{separator}{c:g}\n"
        for i, (v, c) in enumerate(zip(PULSE, FLOW * 1e3, strict=True))
    )
    record = one(f"{labels}\n{text.replace('.', ',')}", "pulse.txt")
    np.testing.assert_allclose(record.voltage, PULSE)
    np.testing.assert_allclose(record.current, FLOW, rtol=1e-5)
    same_record = one(f"{labels}\n{text}", "pulse.txt")
    np.testing.assert_array_equal(record.current, same_record.current)


def test_eclab_sweep_without_its_header():
    """Exported loop by loop, EC-Lab leaves the technique out: the triangle is a sweep."""
    labels = [
        "mode",
        "ox/red",
        "error",
        "control changes",
        "counter inc.",
        "time/s",
        "control/V",
        "Ewe/V",
        "<I>/mA",
    ]
    volts = np.concatenate([np.linspace(0, 1, 31), np.linspace(1, 0, 31)[1:]])
    body = "".join(
        f"2\t1\t0\t0\t0\t{8458.3 + 0.05 * i:.2f}\t{v:.6f}\t{v + 3e-4:.6f}\t{v * (1 + 0.01 * i):.6f}\n"
        for i, v in enumerate(volts)
    )
    text = "EC-Lab ASCII FILE\nNb header lines : 3\n" + "\t".join(labels) + "\n" + body.replace(".", ",")
    record = one(text, "device_loop10.mpt")
    assert isinstance(record, IVSweep)
    assert record.scan_rate == pytest.approx(1 / 30 / 0.05, rel=1e-3)


def test_nova_columns_of_the_dc_values():
    labels = "Frequency (Hz);Z' (Ω);-Z'' (Ω);Potential (DC) (V);Current (DC) (A)"
    values = rows(F, Z.real, -Z.imag, np.full(F.size, 0.8), np.full(F.size, 1e-5), separator=";")
    record = one(f"{labels}\n{values.replace('.', ',')}", "eis.txt")
    same(record)
    assert (record.bias_voltage, record.bias_current) == (0.8, 1e-5)


def test_one_axis_under_a_row_of_titles():
    """As laboratories write workbooks: merged headings over pairs of columns, the frequency once."""
    text = ",0 V,,0.5 V,\nFrequency (Hz),Z' (ohm),Z'' (ohm),Z' (ohm),Z'' (ohm)\n"
    first, second = read(text + rows(F, Z.real, Z.imag, HALF.real, HALF.imag))
    same(first)
    same(second, HALF)
    assert (first.bias_voltage, second.bias_voltage) == (0.0, 0.5)
    up = np.linspace(0, 1, 20)
    text = ",Device A,Device B\nVoltage (V),Current (A),Current (A)\n"
    first, second = read(text + rows(up, up, 2 * up))
    np.testing.assert_allclose(second.current, 2 * up)
    assert second.origin.part == "Device B"


@pytest.mark.parametrize("titles", [",data,,fit,\n", "", ",a,,a,\n"])
def test_two_of_one_role_without_names_of_their_own_are_refused(titles):
    text = f"{titles}Frequency (Hz),Z' (ohm),Z'' (ohm),Z' (ohm),Z'' (ohm)\n"
    with pytest.raises(FileFormatError, match="expected one column"):
        read(text + rows(F, Z.real, Z.imag, HALF.real, HALF.imag))


def test_a_fit_beside_the_data_is_no_measurement():
    with pytest.raises(FileFormatError, match="expected one column"):
        read(f"data,,,fit,,\n{LABELS},{LABELS}\n{rows(*TWO)}")


@pytest.mark.parametrize(
    "line",
    [
        "DC bias (V): 0.8",
        "Bias voltage: 800 mV",
        "# Vdc = 0.8 V",
        "DC bias (V)\t0.8",
        "Bias,0.8 V",
        "DC Voltage [mV];800",
    ],
)
def test_other_words_for_the_bias(line):
    assert one(f"{line}\n{LABELS}\n{rows(F, Z.real, Z.imag)}").bias_voltage == pytest.approx(0.8)


@pytest.mark.parametrize("line", ["DC voltage: 0 V vs. OCP", "Bias: OFF", "DC bias: 0.8", "Bias (A): 3"])
def test_what_is_no_bias(line):
    assert one(f"{line}\n{LABELS}\n{rows(F, Z.real, Z.imag)}").bias_voltage is None


def test_area_and_rate_by_other_words():
    up = np.linspace(0, 1, 20)
    text = (
        f"Cell area (cm²): 0.04\nSweep rate (mV/s): 50\nVoltage (V),Current density (mA/cm2)\n{rows(up, up)}"
    )
    record = one(text)
    np.testing.assert_allclose(record.current, 0.04e-3 * up)
    assert record.scan_rate == pytest.approx(0.05)


def test_a_number_sign_as_the_first_label():
    record = one(
        "#\tVoltage (V)\tCurrent (A)\n"
        + rows(np.arange(9), np.arange(9), np.arange(9) * 1e-6, separator="\t")
    )
    np.testing.assert_allclose(record.voltage, np.arange(9))


def test_notes_beside_the_table_of_a_sheet(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in [
        ["Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)"],
        *zip(F.tolist(), Z.real.tolist(), Z.imag.tolist(), strict=True),
    ]:
        sheet.append(list(row))
    sheet["F3"], sheet["G4"] = "measured by hand", "second of May"
    book.save(tmp_path / "eis.xlsx")
    record = one((tmp_path / "eis.xlsx").read_bytes(), "eis.xlsx")
    same(record)
    assert any("beside the table" in note for note in record.notes)


@pytest.mark.parametrize(("sheet", "others"), [((), ()), (("EIS 0.5V",), ("EIS 0.3V",))])
def test_the_title_of_the_only_sheet_that_is_read_states_the_bias(sheet, others):
    """It did only where several sheets were read: a sheet that device.toml chose had no bias."""
    book = openpyxl.Workbook()
    book.active.title = "EIS 0.5V"
    for page in [book.active, *map(book.create_sheet, others)]:
        for row in [LABELS.split(","), *zip(F.tolist(), Z.real.tolist(), Z.imag.tolist(), strict=True)]:
            page.append(list(row))
    packed = io.BytesIO()
    book.save(packed)
    assert one(packed.getvalue(), "eis.xlsx", sheet=sheet).bias_voltage == 0.5


@pytest.mark.parametrize("label", ["Time", "DateTime", "Timestamp", "Date and time"])
@pytest.mark.parametrize("stamp", ["14:31:{:02d}.5", "2024-05-06 14:31:{:02d}", "06.05.2024 14:31:{:02d}"])
def test_a_clock_needs_no_unit(label, stamp):
    """A column of dates under a name of its own was left out: a pulse became a sweep without times."""
    body = "".join(
        f"{stamp.format(i)},{0.5 * (i > 20)},{1e-6 * (i > 20) * (1 + i / 50)}\n" for i in range(50)
    )
    record = one(f"{label},Voltage (V),Current (A)\n{body}", control="voltage")
    assert isinstance(record, PulseTransient)
    np.testing.assert_allclose(record.time - record.time[0], np.arange(50))
    with pytest.raises(FileFormatError, match="unit"):
        read(f"{label},Voltage (V),Current (A)\n1,0,0\n2,0,0\n3,0.5,1e-6\n")


def test_a_date_beside_a_time_in_seconds():
    body = "".join(f"2024-05-06 14:31:{i:02d},{0.1 * i},{i / 10},{1e-6 * i}\n" for i in range(20))
    record = one(f"DateTime,Time (s),Voltage (V),Current (A)\n{body}")
    np.testing.assert_allclose(record.time, 0.1 * np.arange(20))


def test_labels_with_blanks_between_single_blanks():
    text = "Frequency (Hz) Z' (Ohm) -Z'' (Ohm)\n" + rows(F, Z.real, -Z.imag, separator=" ")
    same(one(text))


def test_labels_in_tex():
    same(one(f"$f$ (Hz),$Z'$ ($\\Omega$),$-Z''$ ($\\Omega$)\n{rows(F, Z.real, -Z.imag)}"))


def test_channels_of_a_source_meter_are_no_oscilloscope():
    """A name behind the channel says what it is: a sweep stays a sweep."""
    volts = np.concatenate([np.linspace(0, 1, 15), np.linspace(1, 0, 15)])
    record = one("Time (s),CH1 Voltage (V),CH1 Current (A)\n" + rows(TIME, volts, volts * 1e-6))
    assert isinstance(record, IVSweep)


def test_a_phase_counted_to_360_degrees_is_no_contradiction():
    degrees = np.angle(Z, deg=True) % 360
    same(one(f"{LABELS},Phase (deg)\n{rows(F, Z.real, Z.imag, degrees)}"))


def test_a_4200_with_formulas_beside_the_terminals():
    """Columns of the user's formulas hold a value in the first row, "#REF" or nothing."""
    v = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, 0, 10)])
    lines = ["Time\tAI\tAV\tRLRS\tIMAX"]
    for k, x in enumerate(v):
        formulas = "#REF\t5.0E-4" if k == 0 else "\t"
        lines.append(f"{0.01 * k:.4E}\t{-100 * x**2:.4f}E-6\t{-1e3 * x:.4f}E-3\t{formulas}")
    text = "\n".join(lines) + "\n"
    record = one(text, "set.txt")
    assert record.kind == "iv"
    np.testing.assert_allclose(record.voltage, -v, atol=1e-12)
    np.testing.assert_allclose(record.current, -1e-4 * v**2, atol=1e-12)
    for other in (("RLRS", "state"), ("AI\tAV", "I\tV")):
        with pytest.raises(FileFormatError, match=r"expected (a unit|columns such as)"):
            one(text.replace(*other), "set.txt")


@pytest.mark.parametrize(
    ("voltage", "kind"),
    [
        (np.concatenate([np.linspace(0, 1, 6), np.linspace(0.8, 0, 5)]), "iv"),
        (np.linspace(-0.2, 1.0, 7), "iv"),
        (np.tile([0.0, 1.0], 5), "transient"),
        (np.repeat([0.0, 0.5, 1.0, 0.5], 3), "transient"),
    ],
)
def test_a_coarse_ramp_in_equal_steps_is_a_sweep(voltage, kind):
    noise = 1e-6 * np.sin(37.0 * np.arange(voltage.size))
    text = "Time (s),Voltage (V),Current (mA)\n"
    table = rows(np.arange(voltage.size) * 0.1, voltage, np.sinh(3 * voltage) + noise)
    record = one(text + table, control="voltage" if kind == "transient" else None)
    assert record.kind == kind
    assert record.drive.control == "voltage"


def test_a_row_of_numbers_is_no_line_of_words():
    """Two decimal commas are as many as the separators of three columns; the row stays a row."""
    f = np.logspace(5, 0, 21)
    z = 50 + 1e3 / (1 + 1e-3j * f)
    lines = rows(f, z.real, z.imag, separator=";").replace(".", ",").replace("\n", ";;\n")
    record = one("Frequency (Hz);Z' (ohm);Z'' (ohm);;\n" + lines, "table.txt")
    assert record.frequency.size == 21
    np.testing.assert_allclose(record.impedance, z, rtol=1e-8)


def test_settings_of_eclab_are_the_padded_ones_only():
    """Sentences of the header, such as the technique, are no settings."""
    lines = [
        "EC-Lab ASCII FILE",
        "Nb header lines : 8",
        "",
        "Potentio Electrochemical Impedance Spectroscopy",
        "CE vs. WE compliance from -10 V to 10 V",
        f"{'Va (mV)':<20}{'14.1':<20}",
        "",
        "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm",
    ]
    table = rows(F, Z.real, -Z.imag, separator="\t")
    record = one("\n".join(lines) + "\n" + table, "spectrum.mpt")
    same(record)
    assert set(record.metadata) == {"technique", "Va (mV)"}
    assert record.amplitude == pytest.approx(0.0141)
    with pytest.raises(FileFormatError, match="the file holds no measured values"):
        one("\n".join(lines) + "\n", "spectrum.mpt")


def test_times_without_voltage_and_current_are_told():
    with pytest.raises(FileFormatError, match="expected columns of the voltage and the current beside"):
        one("Time (s),Resistance (ohm)\n" + rows(np.arange(5.0), np.full(5, 2e8)))


READINGS = "Index,Reading,Unit,Range Digits,Terminal,Value,Unit,Output,{time}\n"


def _readings(time, stamps, unit="Amp DC"):
    """A buffer as the front panel saves it: a loop, its current beside the voltage that was sourced."""
    V = [0.0, 0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1, 0.0]
    return READINGS.format(time=time) + "".join(
        f"{k},{2e-9 * v:.4E},{unit},5.5,Front,{v},Volt DC,T,{stamp}\n"
        for k, (v, stamp) in enumerate(zip(V, stamps, strict=True), start=1)
    )


@pytest.mark.parametrize(
    ("time", "stamp"),
    [
        ("Relative Time", "{:.6f}"),
        ("Seconds,Fractional Seconds", "1612717706,{:.6f}"),
        ("Date,Time,Fractional Seconds", "02/07/2021,17:08:26,{:.6f}"),
        ("Date,Time,Fractional Seconds", "02/07/2021,17:08:26,{:.6E}"),
    ],
)
def test_readings_with_units_in_the_rows(time, stamp):
    text = _readings(time, [stamp.format(0.05 + 0.1 * k) for k in range(9)])
    for head in ("", "Model,2450\nSerial number,04\n\n"):
        record = one(head + text, name="defbuffer1.csv")
        assert (record.kind, record.control, record.origin.format) == ("iv", "voltage", "Keithley readings")
        np.testing.assert_allclose(record.current, 2e-9 * record.voltage)
        np.testing.assert_allclose(record.time, 0.1 * np.arange(9), atol=1e-5)


def test_readings_of_something_else_are_refused():
    stamps = [f"{0.1 * k}" for k in range(9)]
    with pytest.raises(FileFormatError, match=r"line 2, column 'unit behind reading': .* found 'Ohm'"):
        read(_readings("Relative Time", stamps, unit="Ohm"))
    with pytest.raises(FileFormatError, match="line 6"):
        read(_readings("Relative Time", stamps).replace("5,8.0000E-10", "5,broken"))
    bare = "Reading,Unit\n" + "1e-9,Amp DC\n" * 5
    with pytest.raises(FileFormatError, match="expected"):
        read(bare)


def test_a_cycler_prints_times_of_day_and_names_units():
    rows = "".join(f"{k}\t{23 + k // 60}:{k % 60:02d}:01.500\t{3 + k / 100}\t{0.5}\n" for k in range(90))
    (record,) = read_source(Source("n.txt", f"Record ID\tTime(h:min:s.ms)\tVolts\tAmps\n{rows}".encode()))
    assert record.time[0] == 0.0  # times of day count from the first
    assert np.diff(record.time) == pytest.approx(np.full(89, 60.0))
    assert (record.voltage[1], record.current[1]) == (3.01, 0.5)


def test_a_logger_of_two_voltages_says_the_whole_way_out(tmp_path):
    rows = "".join(f"{k / 100}, {0.5 if 20 < k < 60 else 0.0}, {k * 1e-3}\n" for k in range(100))
    (tmp_path / "moku.csv").write_text(f"% Moku:Go\n% Time (s), Input 1 (V), Input 2 (V)\n{rows}")
    with pytest.raises(InputError, match="sense_resistance") as asked:
        mf.load(tmp_path)
    columns = re.search(r"columns = \{.*?\}", str(asked.value))[0]
    (tmp_path / "device.toml").write_text(
        f'[[measurement]]\nfile = "moku.csv"\n{columns}\nsense_resistance = "1 kohm"\n'
    )
    (record,) = mf.load(tmp_path)
    assert record.current == pytest.approx(1e-6 * np.arange(100))
    assert record.voltage.max() == 0.5


def test_a_bias_without_a_frequency_is_what_was_swept():
    V = np.linspace(-1, 1, 21)
    text = rows(V, 1e-6 * V)
    for head in ("Bias (V),Current (A)\n", '# bias_v,curr\n# "Bias (V)","Current (A)"\n# 21\n'):
        (record,) = read(head + text)
        assert record.kind == "iv"
        assert record.voltage == pytest.approx(V)
        assert record.current == pytest.approx(1e-6 * V)


def test_a_capacitance_printed_with_the_other_sign_is_doubted_with_few_points():
    head = "Freq (Hz),Zre (ohm),Zim (ohm)\n"
    (wrong,) = read(head + rows(F, Z.real, -Z.imag))
    assert any("sign is probably that of -Z''" in note for note in wrong.notes)
    inductive = 100 + 1e3 / (1 + 1 / (2j * np.pi * F * 1e-6))  # Z' rises with f
    (right,) = read(head + rows(F, inductive.real, inductive.imag))
    assert not any("sign is probably" in note for note in right.notes)


def test_a_current_of_nothing_is_no_drive():
    t = np.arange(60) / 20
    with pytest.raises(FileFormatError, match="exactly 0 in all 60 rows"):
        read("Time (s),Voltage (V),Current (A)\n" + rows(t, np.sin(t), 0 * t))
    (rest,) = read("Time (s),Voltage (V),Current (A)\n" + rows(t, np.exp(-t), 0 * t), control="current")
    assert rest.control == "current"


def test_reads_by_the_names_that_pulse_tools_give_them():
    head = "Pulse Voltage (V),1.5\nPulse Width (s),0.001\nRead Voltage (V),0.2\nPeriod (s),0.1\n\n"
    (record,) = read(head + "Index,Iread (A)\n" + "".join(f"{k},{k * 1e-6!r}\n" for k in range(1, 9)))
    assert record.kind == "potentiation"
    assert record.current == pytest.approx(1e-6 * np.arange(1, 9))


def test_channels_called_by_numbers_are_read_as_the_refusal_says(tmp_path):
    t = np.arange(60) / 20
    (tmp_path / "scope.csv").write_text("Time (s),1,2\n" + rows(t, np.where(t > 1, 1, 0), 1e-6 * (1 + t)))
    with pytest.raises(InputError, match="columns = ") as asked:
        mf.load(tmp_path)
    columns = re.search(r"columns = \{.*\}", str(asked.value))[0]
    (tmp_path / "device.toml").write_text(f'[[measurement]]\nfile = "scope.csv"\n{columns}\n')
    (record,) = mf.load(tmp_path)
    assert record.current == pytest.approx(1e-6 * (1 + t))


def test_unknown_names_with_units_are_all_named_at_once():
    with pytest.raises(FileFormatError, match=r"voltage = 'Vd \(V\)', current = 'Id \(nA\)'"):
        read("Vd (V),Id (nA)\n" + rows(np.arange(9) / 9, np.arange(9)))
    with pytest.raises(FileFormatError, match="z_real = 'Z1 / ohm', z_imag = 'Z2 / ohm'"):
        read("freq. / Hz,Z1 / ohm,Z2 / ohm\n" + rows(F, Z.real, Z.imag))


def test_a_date_with_a_clock_parts_no_course():
    text = "".join(f"2024-01-01 10:00:{k // 20:02d},{k / 20},{k > 20:d},{1e-6 * k!r}\n" for k in range(60))
    (record,) = read("Date,Elapsed (s),Voltage (V),Current (A)\n" + text)
    assert record.time == pytest.approx(np.arange(60) / 20)


def test_empty_rows_on_top_of_a_table_without_header_are_told():
    (record,) = read(",,\n,,\n" + rows(F, Z.real, Z.imag))
    assert record.points == F.size
    assert any("2 empty rows were left out" in note for note in record.notes)
