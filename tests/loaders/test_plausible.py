"""Numbers without a unit that nobody means in SI."""

import pytest

from memfit.loaders.plausible import doubt


@pytest.mark.parametrize(
    ("value", "dimension", "key"),
    [
        (0.04, "area", "area"),
        ("0.04", "area", "area"),
        (4, "area", "area"),
        (25, "temperature", ""),
        (500, "voltage", "bias"),
        (10, "voltage", "amplitude"),
        (10, "current", "bias"),
        (50, "voltage_rate", ""),
        (200, "capacitance", "C_m"),
        (60, "voltage", "V_m"),
    ],
)
def test_a_unit_is_asked_for(value, dimension, key):
    assert "expected a unit" in doubt(value, dimension, key)


@pytest.mark.parametrize(
    ("value", "dimension", "key"),
    [
        (4e-6, "area", "area"),
        ("0.04 cm^2", "area", "area"),
        ("400 cm^2", "area", "area"),
        (298, "temperature", ""),
        (-0.8, "voltage", "bias"),
        (0.01, "voltage", "amplitude"),
        (0, "voltage", "bias"),
        (1e-5, "current", "bias"),
        (0.05, "voltage_rate", ""),
        (2e-7, "capacitance", "C_m"),
        (20, "resistance", "R_s"),
        ("?", "area", ""),
    ],
)
def test_plausible_numbers_are_believed(value, dimension, key):
    assert doubt(value, dimension, key) == ""


@pytest.mark.parametrize("value", ["0.5 V vs OCP", "0 V vs. Eoc", "500 mV (vs open circuit)"])
def test_a_voltage_against_the_open_circuit_is_asked_about(value):
    assert "between the terminals" in doubt(value, "voltage", "bias")
