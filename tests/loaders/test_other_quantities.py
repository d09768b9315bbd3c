"""Tables against the frequency that are no impedance: gains of loggers, scattering parameters, logarithms."""

import re

import numpy as np
import pytest

import memfit as mf
from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source

F = np.logspace(6, 1, 31)
Z = 200 + 1e5 / (1 + 2j * np.pi * F * 1e-4)
GAIN = 50 / (50 + Z)
DECIBEL, PHASE = 20 * np.log10(abs(GAIN)), np.degrees(np.angle(GAIN))
LOW_PASS = 1 / (1 + 1j * F / 1e3)


def rows(*columns, separator=","):
    return "".join(separator.join(f"{x:.8g}" for x in row) + "\n" for row in zip(*columns, strict=True))


def refusal(text):
    with pytest.raises(FileFormatError) as caught:
        read_source(Source("bode.csv", text.encode()))
    return str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        "Frequency (Hz),Gain (dB),Phase (deg)",
        "Frequency[Hz],Mag [dB],Phase [deg]",
        "Frequency (Hz),Magnitude (dB),Phase (°)",
        "Frequency,Gain,Phase",
        "freq (Hz),CH2/CH1 (dB),Phase (deg)",
        "Frequency in Hz,Gain in dB,Phase in °",
        "Frequency (Hz),|H|,Phase (deg)",
        "Frequency (Hz),Trace 1: Gain: Magnitude (dB),Trace 2: Gain: Phase (°)",
    ],
)
def test_a_gain_is_named_with_its_formula(header):
    said = refusal(f"{header}\n{rows(F, DECIBEL, PHASE)}")
    assert "is a ratio, no impedance" in said
    assert "Z = R (1/G - 1)" in said
    assert 'unit = "ohm"' not in said  # decibels are never read as ohms


def test_the_formula_of_the_refusal_gives_the_impedance():
    gain = 10 ** (DECIBEL / 20) * np.exp(1j * np.radians(PHASE))
    np.testing.assert_allclose(50 * (1 / gain - 1), Z, rtol=1e-9)


def test_two_voltages_beside_the_frequency_are_no_impedance():
    text = f"Frequency (Hz),Vin (V),Vout (V),Phase (deg)\n{rows(F, 0 * F + 1, abs(GAIN), PHASE)}"
    assert "'Vin (V)' and 'Vout (V)' are two voltages" in refusal(text)
    said = refusal(f"Frequency (Hz),Magnitude (V),Phase (deg)\n{rows(F, abs(GAIN), PHASE)}")
    assert 'unit = "ohm"' not in said  # a volt is never read as an ohm


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize(
    ("second", "third"),
    [
        (DECIBEL, PHASE),
        (-DECIBEL, PHASE),
        (DECIBEL, np.radians(PHASE)),
        (DECIBEL, PHASE - 360),  # unwrapped
        (abs(GAIN), PHASE),
        (20 * np.log10(abs(LOW_PASS)), np.degrees(np.angle(LOW_PASS))),
        (60 * np.log10(abs(LOW_PASS)), 3 * np.degrees(np.angle(LOW_PASS))),  # beyond half a turn
        (-6 + 1e-3 * np.sin(F), 1e-3 * np.cos(F)),
    ],
)
def test_gain_and_phase_without_labels_are_asked_about(second, third, separator):
    assert "gain and phase" in refusal(rows(F, second, third, separator=separator))


def test_an_impedance_without_labels_is_read():
    (record,) = read_source(Source("eis.csv", rows(F, Z.real, Z.imag).encode()))
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)


@pytest.mark.parametrize(
    "header",
    [
        "Frequency (Hz),S21 (dB),Phase (deg)",
        "Frequency (Hz),S21 real,S21 imag",
        "Frequency (Hz),Re(S_{21}),Im(S_{21})",
        "Freq(Hz),S21(DB),S21(DEG)",
        "freq[Hz],Trc1_S21[dB],Trc1_S21[deg]",
        "freq, re:Trc1_S21, im:Trc1_S21",
        "Frequency (Hz),s21 re,s21 im",
        "Frequency (Hz),S12 re (ohm),S12 im (ohm)",
        "Frequency (Hz),Transmission,Phase (deg)",
        "Frequency (Hz),Insertion loss (dB),Phase (deg)",
    ],
)
def test_a_transmission_is_named_with_its_formula(header):
    said = refusal(f"{header}\n{rows(F, DECIBEL, PHASE)}")
    assert "is the transmission between two ports, no impedance" in said
    assert "Z = 2 Z0 (1 - S21)/S21" in said
    assert "columns = " not in said  # no column of it is a voltage or an impedance
    through = 2 * 50 / (2 * 50 + Z)  # in series between the ports
    np.testing.assert_allclose(2 * 50 * (1 - through) / through, Z, rtol=1e-9)


@pytest.mark.parametrize("header", ["Frequency (Hz),S11 (dB),Phase (deg)", "Frequency (Hz),Re(S22),Im(S22)"])
def test_a_reflection_is_named_with_its_formula(header):
    assert "Z = Z0 (1 + S11)/(1 - S11)" in refusal(f"{header}\n{rows(F, DECIBEL, PHASE)}")


@pytest.mark.parametrize(
    "header",
    [
        "Frequency (Hz),log|Z| (ohm),Phase (deg)",
        "log f,log Z,Phase (deg)",
        "Frequency (Hz),|Z| (dB),Phase (deg)",
        "Frequency (Hz),Impedance (dBΩ),Phase (deg)",
    ],
)
def test_a_logarithm_is_named(header):
    assert "a logarithm" in refusal(f"{header}\n{rows(F, 20 * np.log10(abs(Z)), PHASE)}")


def test_a_voltage_over_a_resistor_is_no_current_of_the_label():
    volts = np.linspace(0, 1, 20)
    said = refusal(f"Time (s),Voltage (V),Current (V)\n{rows(volts, volts, volts)}")
    assert 'sense_resistance = "1 kohm"' in said
    assert 'unit = "A"' not in said


@pytest.mark.parametrize(
    "label",
    [
        "OCV offset (V)", "Offset from OCP (V)", "OCP offset (V)", "Ewe (V) dc", "E (V) (dc)", "Ewe DC (V)",
        "Ewe(dc)/V", "dc Ewe (V)", "Voltage (V) DC", "Ewe (V) avg", "Ewe mean (V)", "Voltage (V) [dc]",
        "Potential offset (V)",
    ],
)  # fmt: skip
def test_spellings_of_a_bias_column(label):
    text = f"Frequency (Hz),Z' (ohm),-Z'' (ohm),{label}\n{rows(F, Z.real, -Z.imag, 0 * F + 0.3)}"
    (record,) = read_source(Source("eis.csv", text.encode()))
    assert record.bias_voltage == pytest.approx(0.3)
    said = "counts from the open circuit" in " ".join(record.notes)
    assert said == ("OC" in label)


@pytest.mark.parametrize("label", ["Current (A) dc", "Current bias (A)", "I(dc)/A"])
def test_spellings_of_a_bias_current(label):
    text = f"Frequency (Hz),Z' (ohm),-Z'' (ohm),{label}\n{rows(F, Z.real, -Z.imag, 0 * F + 3e-6)}"
    (record,) = read_source(Source("eis.csv", text.encode()))
    assert record.bias_current == pytest.approx(3e-6)


@pytest.mark.parametrize(
    ("label", "asked"), [("Gate level (V)", True), ("AC amplitude (V)", False), ("Voc (V)", False)]
)
def test_a_voltage_that_nobody_reads_may_be_the_bias(label, asked):
    text = f"Frequency (Hz),Z' (ohm),-Z'' (ohm),{label}\n{rows(F, Z.real, -Z.imag, 0 * F + 0.3)}"
    (record,) = read_source(Source("eis.csv", text.encode()))
    assert record.bias_voltage is None
    assert (f"columns = {{ bias_voltage = {label!r} }}" in " ".join(record.notes)) == asked


@pytest.mark.parametrize(
    "label", ["|Current| (A)", "abs(I) (A)", "Abs Current (A)", "log10(|I|)", "log I (A)"]
)
def test_a_current_without_its_sign_is_no_current(label):
    volts = np.linspace(-1, 1, 20)
    said = refusal(f"Voltage (V),{label}\n{rows(volts, abs(volts))}")
    assert "a modulus" in said or "a logarithm" in said
    assert "impedance" not in said


@pytest.mark.parametrize(
    "labels",
    ["Ewe (V) dc,I (A) dc,Time (s)", "Voltage mean (V),Current mean (A),Time (s)", "Vdc (V),Idc (A),t (s)"],
)
def test_without_frequencies_the_bias_is_what_was_swept(labels):
    volts = np.r_[np.linspace(0, 1, 20), np.linspace(1, 0, 20)]
    (record,) = read_source(
        Source("a.csv", f"{labels}\n{rows(volts, 1e-6 * volts, np.arange(40.0))}".encode())
    )
    assert record.kind == "iv"
    np.testing.assert_allclose(record.voltage, volts, atol=1e-8)
    np.testing.assert_allclose(record.current, 1e-6 * volts, atol=1e-14)


@pytest.mark.parametrize(
    "labels",
    [
        "Fréquence (Hz);Partie réelle (ohm);Partie imaginaire (ohm)",
        "Frecuencia (Hz);Parte real (ohm);Parte imaginaria (ohm)",
        "Frequenza (Hz);Parte reale (ohm);Parte immaginaria (ohm)",
        "频率 (Hz);实部 (ohm);虚部 (ohm)",
        "频率（Hz）;阻抗实部（Ω）;阻抗虚部（Ω）",
    ],
)
def test_labels_in_other_languages(labels):
    text = f"{labels}\n{rows(F, Z.real, Z.imag, separator=';')}"
    (record,) = read_source(Source("eis.csv", text.encode()))
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        "Taajuus (Hz),Reaaliosa (ohm),Imaginaariosa (ohm)",
        "Point,Frequency (Hz),Impedance Magnitude (Ohms),Impedance Phase Degrees (')",
        "Frequency (Hz),Resistive part,Reactive part",
    ],
)
def test_the_way_out_of_labels_nobody_knows_reads_the_file(labels, tmp_path):
    columns = (F, abs(Z), np.degrees(np.angle(Z))) if "Phase" in labels else (F, Z.real, Z.imag)
    columns = (np.arange(F.size), *columns) if labels.startswith("Point") else columns
    (tmp_path / "eis.csv").write_text(f"{labels}\n{rows(*columns)}")
    with pytest.raises(FileFormatError) as caught:
        mf.load(tmp_path)
    said = re.search(r"columns = \{.*\}", str(caught.value))
    (tmp_path / "device.toml").write_text(f'[[measurement]]\nfile = "eis.csv"\n{said[0]}\n')
    (record,) = mf.load(tmp_path)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)
