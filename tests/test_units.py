"""Quantities, units and labels as people write them."""

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit import units
from memfit.errors import UnitError
from memfit.units import (
    DIMENSIONS,
    find_unit,
    format_quantity,
    parse_number,
    parse_quantity,
    read_unit,
    split_label,
)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("0.80 V", "voltage", 0.8),
        ("20 mV", "voltage", 0.02),
        ("-0,2 V", "voltage", -0.2),
        ("−0.2 V", "voltage", -0.2),
        ("50 mV/s", "voltage_rate", 0.05),
        ("3 V s^-1", "voltage_rate", 3.0),
        ("3 V·s⁻¹", "voltage_rate", 3.0),
        ("10 kohm", "resistance", 1e4),
        ("10 kΩ", "resistance", 1e4),
        ("10 KOhm", "resistance", 1e4),
        ("2 Mohm", "resistance", 2e6),
        ("2 mohm", "resistance", 2e-3),
        ("3 mho", "conductance", 3.0),
        ("3 uS", "conductance", 3e-6),
        ("0.04 cm^2", "area", 4e-6),
        ("0,04 cm²", "area", 4e-6),
        ("0.04 cm2", "area", 4e-6),
        ("4 mm**2", "area", 4e-6),
        ("298 K", "temperature", 298.0),
        ("25 degC", "temperature", 298.15),
        ("25 °C", "temperature", 298.15),
        ("1 μA", "current", 1e-6),
        ("1 µA", "current", 1e-6),
        ("1e-3A", "current", 1e-3),
        ("1 MHz", "frequency", 1e6),
        ("1 mHz", "frequency", 1e-3),
        ("100 1/s", "frequency", 100.0),
        ("5 mA cm-2", "current_density", 50.0),
        ("5 mA/cm2", "current_density", 50.0),
        ("2 Ohmcm2", "area_resistance", 2e-4),
        ("2 min", "time", 120.0),
        ("10 us", "time", 1e-5),
        ("90 deg", "angle", math.pi / 2),
        ("0.8", "voltage", 0.8),
        (0.8, "voltage", 0.8),
        (3, "time", 3.0),
    ],
)
def test_quantities_are_read(text, dimension, value):
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-15)


def test_angular_frequency_is_divided_by_two_pi():
    assert parse_quantity("6.283185307179586 rad/s", "frequency") == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("5 foo", "voltage"), ("5 ohm", "voltage"), ("V", "voltage"), ("", "voltage"),
        ("1.234,5 V", "voltage"),
        ("nan V", "voltage"), ("1e999 V", "voltage"), ("5 kmin", "time"), ("5 m/V", "time"), (True, "time"),
        (math.nan, "time"), (None, "time"), ("5 V//s", "voltage_rate"),
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused(text, dimension):
    with pytest.raises(UnitError):
        parse_quantity(text, dimension)


def test_an_unknown_unit_lists_the_accepted_spellings():
    with pytest.raises(UnitError, match=r"kohm.*found 'kohms/V'"):
        read_unit("kohms/V", "resistance")


def test_a_unit_can_be_required():
    with pytest.raises(UnitError, match="with its unit"):
        parse_quantity("0.04", "area", unit_required=True)


@pytest.mark.parametrize("text", ["1,5", "1.5", "+1.5", "15e-1", "0,15E+1", " 1.5 "])
def test_decimal_commas(text):
    assert parse_number(text) == 1.5


@pytest.mark.parametrize(
    ("label", "name", "unit"),
    [
        ("Frequency (Hz)", "Frequency", "Hz"),
        ("freq/Hz", "freq", "Hz"),
        ("I [mA]", "I", "mA"),
        ("-Z'' / ohm", "-Z''", "ohm"),
        ("Z_imag (kΩ)", "Z_imag", "kΩ"),
        ("J (mA/cm2)", "J", "mA/cm2"),
        ("J / mA cm^-2", "J", "mA cm^-2"),
        ("Re(Z)/Ohm", "Re(Z)", "Ohm"),
        ("-Im(Z)", "-Im(Z)", None),
        ("<I>/mA", "<I>", "mA"),
        ("WE(1).Potential (V)", "WE(1).Potential", "V"),
        ("Potential/V (vs Ref)", "Potential", "V"),
        ("time_s", "time", "s"),
        ("Time, s", "Time", "s"),
        ("Voltage V", "Voltage", "V"),
        ("V_m", "V_m", None),
        ("Rate (mV/s)", "Rate", "mV/s"),
        ("Voltage", "Voltage", None),
    ],
)
def test_labels_are_split(label, name, unit):
    assert split_label(label) == (name, unit)


def test_a_reference_behind_the_unit_does_not_matter():
    unit = find_unit("V vs. Ref.")
    assert unit is not None
    assert unit.is_a("voltage")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00123, "A", "1.23 mA"), (999.99999, "ohm", "1 kohm"), (0.05, "V/s", "50 mV/s"),
        (0, "V", "0 V"),
        (4e-6, "m^2", "4e-06 m^2"), (-3.3e4, "ohm", "-33 kohm"), (298.15, "K", "298.1 K"),
        (2e-15, "F", "2 fF"),
        (math.inf, "V", "inf V"),
    ],
)  # fmt: skip
def test_quantities_are_written(value, unit, text):
    assert format_quantity(value, unit) == text


def test_few_digits_need_no_exponent():
    assert format_quantity(5.77e-7, "A", digits=2) == "580 nA"
    assert format_quantity(298.15, "K", digits=2) == "300 K"


@given(st.floats(1e-14, 1e14), st.sampled_from(["V", "A", "ohm", "F", "H", "s", "Hz", "S"]))
def test_what_is_written_is_read(value, unit):
    dimension = next(name for name, (_, si, _) in DIMENSIONS.items() if si == unit)
    text = format_quantity(value, unit, digits=12)
    assert parse_quantity(text, dimension) == pytest.approx(value, rel=1e-11)


@given(st.text(max_size=30), st.sampled_from(sorted(DIMENSIONS)))
def test_any_text_is_a_quantity_or_a_unit_error(text, dimension):
    try:
        value = parse_quantity(text, dimension)
    except UnitError:
        return
    assert isinstance(value, float)


def test_the_si_unit_and_every_shown_spelling_of_a_dimension_is_of_it():
    for dimension, (_, si, shown) in DIMENSIONS.items():
        assert find_unit(si, dimension) is not None, si
        for spelling in shown.replace("(", ", ").replace(")", "").split(","):
            assert find_unit(spelling.strip(), dimension) is not None, spelling


def test_arrays_are_converted_without_needless_rounding():
    unit = find_unit("mV", "voltage")
    assert unit is not None
    np.testing.assert_array_equal(unit.to_si(np.array([20.0, 100.0, 0.3])), [0.02, 0.1, 0.0003])


def test_the_table_of_units_is_whole():
    table = tomllib.loads(Path(units.__file__).with_name("units.toml").read_text(encoding="utf-8"))
    assert set(table["names"]) <= set(table["symbols"])
    names = [name for spelled in table["names"].values() for name in spelled]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    assert set(table["prefixes"]["never"]) <= set(table["symbols"])
    for symbol, (scale, *powers) in table["symbols"].items():
        unit = find_unit(symbol)
        assert unit is not None
        assert (unit.scale, list(unit.exponents)) == (scale, powers)


@pytest.mark.parametrize("prefix", ["f", "p", "n", "u", "m", "k", "M", "G", "T"])
@pytest.mark.parametrize("symbol", ["V", "A", "ohm", "F", "H", "s", "Hz", "S", "W", "K"])
def test_prefixes_are_powers_of_a_thousand(prefix, symbol):
    power = "fpnum?kMGT".index(prefix) - 5
    unit = find_unit(prefix + symbol)
    assert unit is not None
    assert unit.scale == pytest.approx(1e3**power, rel=1e-15)
