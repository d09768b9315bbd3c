"""Which columns are read: by labels, by device.toml with numbers and units, and one of several clocks."""

import numpy as np
import pytest

from memfit.errors import FileFormatError, ManifestError
from memfit.loaders.device import load_device
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 1, 21)
Z = 20 + 1e4 / (1 + 1j * F / 100)
T = np.arange(50) * 0.01
V = np.where(T < 0.1, 0.1, 0.8)


def rows(*columns):
    return "".join(",".join(f"{x:.9g}" for x in row) + "\n" for row in np.array(columns).T.tolist())


def read(text, **settings):
    return read_source(Source("x.csv", text.encode()), FileSettings(**settings))


def device(folder, text, toml):
    (folder / "x.csv").write_text(text)
    (folder / "device.toml").write_text(f'[[measurement]]\nfile = "x.csv"\n{toml}\n')
    return load_device(folder).records


POLAR = "Time [s],Impedance phase,Impedance modulus,Frequency [Hz]\n" + rows(T[:21], np.angle(Z), abs(Z), F)


def test_units_are_stated_as_the_refusal_says(tmp_path):
    with pytest.raises(FileFormatError) as caught:
        read(POLAR, columns={"phase": "Impedance phase", "z_modulus": "Impedance modulus"})
    stated = str(caught.value).partition("device.toml: ")[2].rstrip(".")
    (record,) = device(tmp_path, POLAR, stated)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)


def test_a_unit_in_other_words(tmp_path):
    toml = (
        'columns = { modulus = { name = "Impedance modulus", unit = "kohm" }, '
        'phase = { name = "Impedance phase", unit = "rad" } }'
    )
    (record,) = device(tmp_path, POLAR, toml)
    np.testing.assert_allclose(record.impedance, 1e3 * Z, rtol=1e-6)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            'columns = { modulus = { name = "Impedance modulus", unit = "s" } }',
            "unit of resistance .* found 's'",
        ),
        ('columns = { modulus = { label = "Impedance modulus" } }', "unknown key 'label'"),
        ("columns = { modulus = 1.5 }", "expected labels of columns"),
    ],
)
def test_mistakes_in_columns_are_told(tmp_path, toml, words):
    with pytest.raises(ManifestError, match=words):
        device(tmp_path, POLAR, toml)


def test_two_columns_of_one_name_are_told_apart_by_their_numbers(tmp_path):
    head = "EIS,Frequency (Hz),Z' (ohm),-Z'' (ohm),Idc (A),Frequency (Hz),Z' (ohm)\n"
    text = head + rows(0 * F, F, Z.real, -Z.imag, 0 * F, F, Z.real * 1.01)
    with pytest.raises(FileFormatError) as caught:
        read(text)
    stated = str(caught.value).partition("as in ")[2].rstrip(".")
    assert stated == "columns = { frequency = 'column 2', z_real = 'column 3' }"
    (record,) = device(tmp_path, text, stated)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)
    with pytest.raises(FileFormatError, match="found 2: say which by its number"):
        read(text, columns={"frequency": "Frequency (Hz)"})


@pytest.mark.parametrize("current", ['"V2 (V)"', '"V2"', '{ name = "V2 (V)", unit = "V" }', '"column 3"'])
def test_a_voltage_over_a_resistor_in_any_table(tmp_path, current):
    text = "Time (s),V1 (V),V2 (V)\n" + rows(T, V, np.where(T < 0.1, 1e-3, 0.01))
    toml = (
        f'columns = {{ voltage = "V1 (V)", current = {current} }}\nsense_resistance = "1 kohm"\n'
        'control = "voltage"'
    )
    (record,) = device(tmp_path, text, toml)
    np.testing.assert_allclose(record.current, np.where(T < 0.1, 1e-6, 1e-5))
    np.testing.assert_allclose(record.voltage, V)


def test_a_sign_that_a_named_label_states(tmp_path):
    text = "Frequency (Hz),Z one (ohm),- Z two (ohm)\n" + rows(F, Z.real, -Z.imag)
    (record,) = device(tmp_path, text, "columns = { z_real = 'Z one (ohm)', z_imag = '- Z two (ohm)' }")
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-6)


@pytest.mark.parametrize(
    ("clocks", "kept"),
    [
        ("Step Time (s),Test Time (s)", 1),
        ("Time (s),Total Time (s)", 1),
        ("Total Time (s),Step Time (s)", 0),
        ("Step Time (s),Time (s)", 1),
        ("Elapsed Time (s),Cycle Time (s)", 0),
    ],
)
def test_the_clock_of_the_whole_and_not_that_of_a_step(clocks, kept):
    step = T - np.where(T < 0.1, 0.0, 0.1)
    columns = (step, T) if kept == 1 else (T, step)
    text = f"# control: voltage\n{clocks},Voltage (V),Current (A)\n" + rows(*columns, V, 1e-6 * V)
    (record,) = read(text, kind="transient")
    np.testing.assert_allclose(record.time, T, atol=1e-12)
    assert any(clocks.split(",")[1 - kept].strip() in note for note in record.notes if "Not read" in note)


def test_clocks_that_nothing_tells_apart_are_asked_for():
    text = "Time A (s),Zeit (s),Time (s),Voltage (V),Current (A)\n" + rows(T, T, T, V, V)
    with pytest.raises(FileFormatError, match=r"one column of the time.*columns = \{ time = 'Zeit \(s\)' \}"):
        read(text)


def test_digits_are_a_label_and_no_number_of_a_column():
    """The channels of an oscilloscope are called 1 and 2, in whatever order their columns are."""
    text = "2,1,x-axis\nVolt,Volt,second\n" + rows(0.5 * V, V, T)
    named = {"columns": {"voltage": "1", "current": "2"}, "sense_resistance": 50.0}
    (record,) = read(text, control="voltage", **named)
    np.testing.assert_allclose(record.voltage, V)
    np.testing.assert_allclose(record.current, 0.5 * V / 50.0)
    with pytest.raises(FileFormatError, match=r"'column 2'"):
        read("Time (s),a,b\n" + rows(T, V, V), control="voltage", columns={"voltage": "2"})


@pytest.mark.parametrize(
    ("label", "unit", "said"),
    [
        ("Current (mA)", "uA", "The label 'Current (mA)' says mA, device.toml says uA: read in uA."),
        ("Current (uA)", "uA", None),
        ("Current/μA", "uA", None),
        ("Current", "uA", None),
    ],
)
def test_a_unit_against_that_of_the_label_is_noted(tmp_path, label, unit, said):
    text = f"Time (s),Voltage (V),{label}\n" + rows(T, V, V**2 + T)
    toml = f'columns = {{ current = {{ name = "{label}", unit = "{unit}" }} }}'
    (record,) = device(tmp_path, text, toml)
    assert record.current == pytest.approx(1e-6 * (V**2 + T))
    assert [note for note in record.notes if "device.toml says" in note] == ([said] if said else [])


def test_clocks_and_signs_of_a_cycler(tmp_path):
    lines = "".join(f"{k},1,{k},{k % 40},0.5,{3 + 0.01 * k:.3f},{'CD'[k > 39]}\n" for k in range(80))
    (record,) = read("Rec#,Step,Test (Sec),Step (Sec),Amps,Volts,State\n" + lines)
    assert (record.kind, record.time[-1]) == ("transient", 79.0)
    assert record.current.tolist() == [0.5] * 40 + [-0.5] * 40


def test_a_sweep_without_times_has_the_signs_of_its_cycler():
    lines = "".join(f"{3 + 0.01 * k:.3f},{0.5 + 0.001 * k:.4f},{'CD'[k > 39]}\n" for k in range(80))
    (record,) = read("Volts,Amps,State\n" + lines)
    assert (np.sign(record.current) == [1] * 40 + [-1] * 40).all()
    (down,) = read("Volts,Amps,Direction\n" + lines)
    assert (down.current > 0).all()


def test_what_is_proposed_leaves_a_role_alone_that_has_its_column():
    text = "Vgs (V),Vds (V),Id (A)\n" + rows(0 * V, np.cumsum(V), V)
    with pytest.raises(FileFormatError, match=r"columns = \{ current = 'Id \(A\)' \}"):
        read(text)
    text = "Freq (Hz),Z' (W),Z'' (W)\n" + rows(F, Z.real, Z.imag)
    with pytest.raises(FileFormatError, match=r"z_imag = \{ name = \"Z'' \(W\)\", unit = \"ohm\" \}"):
        read(text)
