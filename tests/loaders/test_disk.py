"""Tables as they lie about on a physicist's disk: read right, or refused with the reason."""

import io

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 1, 21)
Z = 50 + 1000 / (1 + 1j * F / 300)
V = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 0, 30)])
I = 1e-6 * V + 2e-6 / (1 + np.exp(-(V - 0.6) / 0.05))  # noqa: E741
T = np.arange(60) * 0.05
SPECTRUM = "Frequency (Hz),Z' (ohm),Z'' (ohm)\n"


def rows(*columns, separator=",", decimal="."):
    table = np.array(columns).T.tolist()
    return "".join(separator.join(f"{x:.10g}".replace(".", decimal) for x in row) + "\n" for row in table)


def read(text, name="x.csv", encoding="utf-8", **settings):
    return read_source(Source(name, text.encode(encoding)), FileSettings(**settings))


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Frequenz (Hz);Realteil (Ohm);Imaginärteil (Ohm)", (F, Z.real, Z.imag)),
        ("Frequenz / Hz;Realteil Z / Ohm;-Imaginärteil Z / Ohm", (F, Z.real, -Z.imag)),
        (
            "Messfrequenz (kHz);Betrag (kOhm);Phasenwinkel (°)",
            (F / 1e3, abs(Z) / 1e3, np.degrees(np.angle(Z))),
        ),
        ("Fréquence (Hz);Z' (ohm);-Z'' (kohm)", (F, Z.real, -Z.imag / 1e3)),
        ("Frequency (MHz);Z' (Mohm);-Z'' (mOhm)", (F / 1e6, Z.real / 1e6, -Z.imag * 1e3)),
        ("FREQUENCY (HZ);Z' (OHM);-Z'' (KOHM)", (F, Z.real, -Z.imag / 1e3)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_spectra_in_other_words_and_units(header, columns, encoding):
    (record,) = read(f"{header}\n{rows(*columns, separator=';', decimal=',')}", encoding=encoding)
    np.testing.assert_allclose(record.frequency, F, rtol=1e-9)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-8)


@pytest.mark.parametrize(
    ("header", "factors"),
    [
        ("Zeit (ms);Spannung (mV);Strom (µA)", (1e3, 1e3, 1e6)),
        ("Messzeit [min];Klemmenspannung [V];Messstrom [nA]", (1 / 60, 1.0, 1e9)),
        ("temps (s);tension (V);courant (mA)", (1.0, 1.0, 1e3)),
        ("tiempo (s);voltaje (mV);corriente (uA)", (1.0, 1e3, 1e6)),
        ("t (h);V (kV);I (pA)", (1 / 3600, 1e-3, 1e12)),
    ],
)
def test_sweeps_in_other_words_and_units(header, factors):
    columns = [values * factor for values, factor in zip((T, V, I), factors, strict=True)]
    (record,) = read(f"{header}\n{rows(*columns, separator=';', decimal=',')}")
    np.testing.assert_allclose(record.time, T, atol=1e-7)
    np.testing.assert_allclose(record.voltage, V, rtol=1e-8)
    np.testing.assert_allclose(record.current, I, rtol=1e-8)


@pytest.mark.parametrize("unit", ["MA", "MV", "mhz", "MHZ", "MOHM"])
def test_capitals_that_hide_milli_or_mega_are_refused(unit):
    header = {
        "MA": "VOLTAGE (V),CURRENT (MA)",
        "MV": "VOLTAGE (MV),CURRENT (A)",
        "mhz": "frequency (mhz),z' (ohm),z'' (ohm)",
        "MHZ": "FREQUENCY (MHZ),Z' (OHM),Z'' (OHM)",
        "MOHM": "FREQUENCY (HZ),Z' (MOHM),Z'' (MOHM)",
    }[unit]
    columns = (V, I) if "VOLTAGE" in header else (F, Z.real, Z.imag)
    with pytest.raises(FileFormatError, match=f"'{unit}', which may be milli or mega"):
        read(f"{header}\n{rows(*columns)}")


@pytest.mark.parametrize("mark", [".", ","])
def test_marks_between_thousands_are_refused(mark):
    text = "".join(
        f"{round(f):,};{round(100 * z.real):,};{round(100 * z.imag):,}\n" for f, z in zip(F, Z, strict=True)
    )
    with pytest.raises(FileFormatError, match="without marks between thousands"):
        read("Frequency (Hz);Z' (ohm);Z'' (ohm)\n" + text.replace(",", mark))


def test_a_point_between_thousands_in_a_file_of_decimal_commas_is_refused():
    text = rows(F, Z.real, Z.imag, separator=";", decimal=",")
    with pytest.raises(FileFormatError, match=r"expected a number, found .1\.234."):
        read("Frequency (Hz);Z' (ohm);Z'' (ohm)\n" + text + "0,5;1.234;-3,3\n")


def test_three_decimals_in_every_row_are_no_thousands():
    text = "".join(f"{f:.3f};{z.real:.3f};{z.imag:.3f}\n" for f, z in zip(F, Z, strict=True))
    (record,) = read("Frequency (Hz);Z' (ohm);Z'' (ohm)\n" + text)
    np.testing.assert_allclose(record.impedance, Z, atol=1e-3)


def test_the_typographic_minus():
    (record,) = read(SPECTRUM + rows(F, Z.real, Z.imag).replace("-", "\u2212"))
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-8)


@pytest.mark.parametrize(
    "header",
    ["Voltage (V),log|I| (A)", "Voltage (V),log10(I)", "Voltage (V),Log I (A)", "Voltage (V),|I| (A)",
     "Voltage (V),ln(I/A)", "Voltage (V),abs(Current) (A)"],
)  # fmt: skip
def test_a_logarithm_or_a_modulus_is_no_current(header):
    with pytest.raises(FileFormatError, match="expected"):
        read(f"{header}\n{rows(V, np.log10(I + 1e-12))}")


@pytest.mark.parametrize(
    "header",
    ["log f (Hz),Z' (ohm),Z'' (ohm)", "Period (s),Z' (ohm),Z'' (ohm)", "Frequency (Hz),Z' (ohm),|Z''| (ohm)",
     "Frequency (Hz),Z' (ohm),Z'' (-ohm)", "Frequency (Hz),C (F),D", "Frequency (Hz),Z' (%),Z'' (%)",
     "Frequency (Hz),|Z| (ohm),theta"],
)  # fmt: skip
def test_what_is_no_impedance_is_refused(header):
    with pytest.raises(FileFormatError, match="expected"):
        read(f"{header}\n{rows(F, Z.real, Z.imag)}")


@pytest.mark.parametrize("ends_meet", [True, False])
@pytest.mark.parametrize("points", [9, 21])
def test_a_sweep_down_and_up_is_two_spectra(ends_meet, points):
    f = np.geomspace(1e5, 1, points)
    z = 50 + 1000 / (1 + 1j * f / 300)
    back = slice(None, None, -1) if ends_meet else slice(-2, None, -1)
    both = np.concatenate([z, 2 * z[back]])
    first, second = read(SPECTRUM + rows(np.concatenate([f, f[back]]), both.real, both.imag))
    np.testing.assert_allclose(first.impedance, z, rtol=1e-8)
    np.testing.assert_allclose(second.impedance, 2 * z[back], rtol=1e-8)


def test_biases_that_take_turns_are_told_apart():
    both = np.stack([Z, 3 * Z], axis=1).ravel()
    text = rows(np.repeat(F, 2), both.real, both.imag, np.tile([0.5, 0.7], 21))
    first, second = read("Frequency (Hz),Z' (ohm),Z'' (ohm),Bias (V)\n" + text)
    assert (first.bias_voltage, second.bias_voltage) == (0.5, 0.7)
    np.testing.assert_allclose(first.impedance, Z, rtol=1e-8)
    np.testing.assert_allclose(second.impedance, 3 * Z, rtol=1e-8)


def test_a_drifting_bias_is_refused_unless_stated():
    text = "Frequency (Hz),Z' (ohm),Z'' (ohm),Bias (V)\n" + rows(
        F, Z.real, Z.imag, np.linspace(0.5, 0.53, 21)
    )
    with pytest.raises(FileFormatError, match=r"moves by 0.03 V, from 0.5 to 0.53 V.*state `bias`"):
        read(text)
    (record,) = read(text, bias=0.515)
    assert (record.points, record.bias_voltage) == (21, 0.515)


def test_a_table_that_was_pasted_twice_says_so():
    first, second = read(SPECTRUM + rows(F, Z.real, Z.imag) + "\n" + SPECTRUM + rows(F, Z.real, Z.imag))
    assert not any("same numbers" in note for note in first.notes)
    assert "It holds the same numbers as x.csv [sweep 1]: a device counts it once." in second.notes


def test_copied_rows_are_left_out():
    (record,) = read(SPECTRUM + rows(np.repeat(F, 2), np.repeat(Z.real, 2), np.repeat(Z.imag, 2)))
    assert record.points == 21
    assert any("21 rows that repeat another" in note for note in record.notes)


def test_a_second_table_with_its_own_bias_is_refused():
    one = f"{SPECTRUM}{rows(F, Z.real, Z.imag)}"
    with pytest.raises(FileFormatError, match=r"line 25: expected one table .* another `bias`"):
        read(f"# bias: 0.5 V\n{one}\n# bias: 0.7 V\n{one}")
    assert len(read(f"# bias: 0.5 V\n{one}\n# bias: 0.5 V\n{one}")) == 2


@pytest.mark.parametrize("total", ["Total,21,\n", "Mean,1,2\n", "sum;1;2\n"])
def test_a_line_of_totals_is_named(total):
    with pytest.raises(FileFormatError, match="line 23"):
        read(SPECTRUM + rows(F, Z.real, Z.imag) + total)


def test_numbers_behind_a_blank_line_are_no_measurement():
    (record,) = read(f"Voltage (V),Current (A)\n{rows(V, I)}\n0.5,0.1\n")
    assert record.points == 60
    assert any("look like a summary" in note for note in record.notes)


def test_a_header_of_another_length_is_counted():
    with pytest.raises(FileFormatError, match="each of the 3 columns of the rows; found 2"):
        read("Voltage (V),Current (A)\n" + rows(np.arange(60), V, I))
    with pytest.raises(FileFormatError, match="each of the 2 columns of the rows; found 3"):
        read("Voltage (V),Current (A),Power (W)\n" + rows(V, I))


@pytest.mark.parametrize(
    "name", ["eis_10mV_ac.csv", "eis_ac_10mV.csv", "eis_20mVrms.csv", "eis_0.8V_10mV.csv"]
)
def test_an_amplitude_in_a_name_is_no_bias(name):
    (record,) = read(SPECTRUM + rows(F, Z.real, Z.imag), name=name)
    assert record.bias_voltage is None


def test_a_scan_rate_that_the_times_deny_is_told():
    text = "Time (s),Voltage (V),Current (A)\n" + rows(T, V, I)
    for name, head in (("iv_50mVs.csv", ""), ("iv.csv", "# scan_rate: 690 V/s\n")):
        (record,) = read(head + text, name=name)
        assert any("Check their unit" in note for note in record.notes)
        assert record.scan_rate == pytest.approx(2 / T[-1])
    (record,) = read("# scan_rate: 690 mV/s\n" + text, name="iv.csv")
    assert not any("Check their unit" in note for note in record.notes)


def test_times_that_run_backward_name_the_file():
    with pytest.raises(FileFormatError, match=r"x\.csv: expected times that run forward; sample 2"):
        read("Time (s),Voltage (V),Current (A)\n" + rows(T[::-1], V, I))


def test_pulses_whose_clock_was_rounded_are_no_sweep():
    pulse = np.where(T > 1, 1.0, 0.0)
    clock = [f"{1765123456 + 5 * t:.0f}" for t in T]
    table = "".join(f"{t},{v:g},{1e-3 * v:g}\n" for t, v in zip(clock, pulse, strict=True))
    with pytest.raises(FileFormatError, match="times that tell the samples apart"):
        read("Time (s),Voltage (V),Current (A)\n" + table)


@pytest.mark.parametrize("limit", [0.8e-6, 1.5e-6, 2.5e-6])
def test_a_plateau_that_begins_with_a_kink_is_the_compliance(limit):
    held = np.minimum(I, limit)
    (record,) = read("Time (s),Voltage (V),Current (A)\n" + rows(T, V, held))
    assert record.points == np.count_nonzero(held < 0.999 * limit)
    assert any("look like the compliance" in note for note in record.notes)
    np.testing.assert_allclose(record.drive.at(T), V, atol=1e-9)
    (whole,) = read("Time (s),Voltage (V),Current (A)\n" + rows(T, V, held), compliance=1.0)
    assert whole.points == 60


def test_a_device_that_saturates_is_no_compliance():
    """The model itself, with a leakage as large as the law of the loop allows and a small one."""
    v = np.linspace(0, 2, 201)
    for R_b in (1e5, 1e7, 1e9):
        current = v / R_b + 5e-6 / (1 + np.exp(-(v - 0.6) / 0.03))
        (record,) = read("Time (s),Voltage (V),Current (A)\n" + rows(np.arange(201), v, current))
        assert record.points == 201


def program():
    time = np.arange(0, 10, 0.01)
    drive = (
        1e-6 * ((time > 1) & (time < 2)) + 2e-6 * ((time > 4) & (time < 5)) + 3e-6 * ((time > 7) & (time < 8))
    )
    return "# control: current\nTime (s),Voltage (V),Current (A)\n" + rows(time, 1e5 * drive, drive), time


def test_a_pulse_program_is_kept_whole_unless_asked():
    text, time = program()
    (whole,) = read(text)
    assert whole.points == time.size
    assert any("A program of 3 pulses" in note for note in whole.notes)
    parts = read(text, split=True)
    assert [part.origin.part for part in parts] == ["pulse 1 of 3", "pulse 2 of 3", "pulse 3 of 3"]
    assert [part.drive.initial for part in parts] == ["steady", "free", "free"]
    assert [part.drive.value.max() for part in parts] == pytest.approx([1e-6, 2e-6, 3e-6])
    for part in parts:
        np.testing.assert_allclose(part.drive.at(part.time), whole.drive.at(part.time))


def test_a_sine_is_no_pulse_program():
    time = np.arange(0, 10, 0.01)
    wave = 1e-6 * np.sin(2 * np.pi * time)
    (record,) = read(
        "# technique: transient\n# control: current\nTime (s),Voltage (V),Current (A)\n"
        + rows(time, wave, wave)
    )
    assert not any("program" in note for note in record.notes)


def old_workbook(header, columns, extra=None):
    xlwt = pytest.importorskip("xlwt")
    pytest.importorskip("xlrd")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    for j, name in enumerate(header):
        sheet.write(0, j, name)
        for i, value in enumerate(columns[j].tolist()):
            sheet.write(i + 1, j, value)
    if extra is not None:
        sheet.write(5, 1, extra)
    book.add_sheet("Settings").write(0, 0, "Formulas")
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def test_a_workbook_of_the_4200():
    data = old_workbook(["AV", "AI", "Time"], [V, I, T])
    (record,) = read_source(Source("data.xls", data))
    assert record.metadata["instrument"] == "Keithley 4200"
    np.testing.assert_array_equal(record.current, I)
    np.testing.assert_array_equal(record.time, T)


def test_an_old_workbook_with_units():
    (record,) = read_source(Source("data.xls", old_workbook(["Voltage (V)", "Current (uA)"], [V, 1e6 * I])))
    np.testing.assert_allclose(record.current, I)


def test_damaged_old_workbooks_are_refused():
    data = old_workbook(["AV", "AI"], [V, I])
    for size in (600, 2000, len(data) - 700):
        with pytest.raises(FileFormatError, match=r"data\.xls"):
            read_source(Source("data.xls", data[:size]))


def test_a_bias_in_ampere_is_a_current():
    (record,) = read(f"# bias: 10 uA\n{SPECTRUM}{rows(F, Z.real, Z.imag)}")
    assert (record.bias_voltage, record.bias_current) == (None, 1e-5)


def cycler(state, current, clock="Test Time (s)"):
    time = np.arange(len(state)) * 1.0
    return f"# control: current\nStep,{clock},Current (A),Voltage (V),State\n" + "".join(
        f"1,{t:g},{i:g},{3.7 + 0.01 * i:g},{s}\n" for t, i, s in zip(time, current, state, strict=True)
    )


@pytest.mark.parametrize(
    ("charge", "discharge", "rest"),
    [
        ("C", "D", "R"),
        ("CC_Chg", "CC_DChg", "Rest"),
        ("Charge", "Discharge", "Rest"),
        ("Laden", "Entladen", "Pause"),
    ],
)
def test_a_cycler_that_prints_magnitudes(charge, discharge, rest):
    state = [rest] * 20 + [charge] * 40 + [rest] * 20 + [discharge] * 40
    magnitude = np.repeat([0.0, 0.5, 0.0, 0.5], [20, 40, 20, 40])
    (record,) = read(cycler(state, magnitude))
    np.testing.assert_allclose(record.current, np.repeat([0.0, 0.5, 0.0, -0.5], [20, 40, 20, 40]))
    assert any("printed without a sign: in 40 rows" in note for note in record.notes)
    (signed,) = read(cycler(state, np.repeat([0.0, 0.5, 0.0, -0.5], [20, 40, 20, 40])))
    np.testing.assert_allclose(signed.current, record.current)
    assert not any("without a sign" in note for note in signed.notes)


@pytest.mark.parametrize("current", [np.linspace(-1e-2, 1e-2, 50), np.geomspace(1e-9, 1e-2, 50)])
def test_a_sweep_of_the_current(current):
    voltage = np.sign(current) * (abs(current) * 100 + 0.5 * np.sqrt(abs(current)))
    text = "Time (s),Current (A),Voltage (V)\n" + rows(0.02 * np.arange(50), current, voltage)
    (record,) = read(text, name="iv.csv")
    assert record.control == "current"
    assert any("because the current moves by equal steps" in note for note in record.notes)
    (record,) = read(text, name="iv.csv", control="voltage")
    assert record.control == "voltage"


def test_a_resistor_is_taken_as_swept_by_voltage():
    (record,) = read("Voltage (V),Current (A)\n" + rows(V, 1e-3 * V))
    assert record.control == "voltage"


def test_a_sign_that_violates_kramers_kronig_is_doubted():
    text = "Freq. [Hz],Zs' [Ohms],Zs'' [Ohms]\n" + rows(F, Z.real, -Z.imag)
    (record,) = read(text)
    np.testing.assert_allclose(record.impedance, Z.conj())
    assert any("the sign is probably that of -Z''" in note for note in record.notes)
    (turned,) = read(text, columns={"z_imag": "-Zs''"})
    np.testing.assert_allclose(turned.impedance, Z)
    assert not any("probably" in note for note in turned.notes)


def test_an_inductive_loop_is_not_doubted():
    w = 50 + 1000 / (1 + 1j * F / 3000) - 600 / (1 + 1j * F / 20)
    (record,) = read(SPECTRUM + rows(F, w.real, w.imag))
    assert not any("probably" in note for note in record.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "# technique: iv\nVoltage (V),Current (A)\n" + rows(V, 0 * V),
            "the current.* exactly 0 in all 60 rows",
        ),
        (
            "# control: current\nTime (s),Current (A),Voltage (V)\n"
            + rows(T, np.where(T < 1, 0, 1e-3), 0 * T),
            "the voltage.* exactly 0 in all 60 rows.*columns = { voltage = ",
        ),
        (SPECTRUM + rows(F, 0 * F, 0 * F), "the impedance is exactly 0 at 21 of 21"),
    ],
)
def test_nothing_was_measured(text, words):
    with pytest.raises(FileFormatError, match=words):
        read(text)
