"""Labels of columns: what headers.toml knows of them, signs, units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import FileFormatError
from memfit.loaders.raw import ROLES
from memfit.loaders.tables.labels import (
    PER_AREA,
    Field,
    check_units,
    find_fields,
    normalise,
    understand,
    understand_header,
    words_of_headers,
)
from memfit.units import find_unit


def test_every_word_of_the_table_is_about_a_role():
    words = words_of_headers()
    assert set(words["names"]) <= {*ROLES, "omega"}
    assert {*words["roles"]["need_unit"], *words["roles"]["signed"]} <= set(ROLES)


def test_labels_of_programs_without_units_are_understood():
    for known in words_of_headers()["unitless"]:
        columns = understand_header(known["labels"])
        assert [normalise(column.label) for column in columns] == known["labels"], known
        supplied, note = check_units(columns, "file", 1)
        assert known["program"] in note
        assert all(c.unit == (find_unit("deg") if c.role == "phase" else None) for c in supplied)


@pytest.mark.parametrize(
    ("label", "role", "unit", "sign"),
    [
        ("Frequency (Hz)", "frequency", "Hz", 1),
        ("Frequenz / kHz", "frequency", "kHz", 1),
        ("omega (rad/s)", "frequency", "rad/s", 1),
        ("-Z'' (kohm)", "z_imag", "kohm", -1),
        ("neg. Phase / Degrees", "phase", "Degrees", -1),
        ("Im (A)", "current", "A", 1),
        ("Im (ohm)", "z_imag", "ohm", 1),
        ("I (mA/cm2)", "current_density", "mA/cm2", 1),
        ("Spannung [mV]", "voltage", "mV", 1),
        ("Strom, uA", "current", "uA", 1),
        ("T (K)", "temperature", "K", 1),
        ("$Z'$ ($\\Omega$)", "z_real", "Ω", 1),
        ("|Z|(Ohm)-data", "z_modulus", "Ohm", 1),
        ("Cp (nF)", "capacitance_parallel", "nF", 1),
    ],
)
def test_quantity_unit_and_sign(label, role, unit, sign):
    column = understand(label)
    assert column is not None
    assert (column.role, column.sign, column.problem) == (role, sign, "")
    assert column.unit == find_unit(unit, ROLES[role])


@pytest.mark.parametrize("label", ["R (mm)", "w (mm)", "-I (A)", "Cp", "Remark", "", "V_oc fit"])
def test_what_names_no_quantity(label):
    assert understand(label) is None


def test_an_impedance_times_area_waits_for_the_area():
    column = understand("Z' (ohm cm^2)")
    assert column is not None
    assert column.problem == PER_AREA


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["Frequency (s)", "Z' (ohm)", "Z'' (ohm)"], "expected a unit of frequency"),
        (["Time", "Voltage (V)"], r"as in 'Time \(s\)'"),
        (["Time (s)", "CURRENT (MA)"], "may be milli or mega"),
    ],
)
def test_units_that_cannot_be_used_are_refused(labels, words):
    with pytest.raises(FileFormatError, match=words):
        check_units(understand_header(labels), "file", 1)


def test_of_two_fields_of_a_role_the_first_is_taken_in_the_order_of_the_table():
    fields = (
        Field("z_imag", ("-Z''",), "ohm", -1.0),
        Field("z_imag", ("Z''",), "ohm"),
        Field("time", ("t",)),
    )
    columns = find_fields(["Z''", "T", "- Z''"], fields)
    assert [(c.index, c.role, c.sign) for c in columns] == [(1, "time", 1.0), (2, "z_imag", -1.0)]


@given(st.text(max_size=40))
def test_any_label_is_understood_or_not(label):
    column = understand(label)
    assert column is None or column.role in ROLES
    assert normalise(normalise(label)) == normalise(normalise(normalise(label)))
