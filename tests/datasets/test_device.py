"""What records cover."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.datasets.device import Device, extent_of
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.errors import InputError
from memfit.protocols import pulse, sweep


def test_spectrum():
    spectrum = ImpedanceSpectrum(
        name="a", frequency=[1e3, 1.0], impedance=np.array([1.0, 2.0 - 1j]), bias_voltage=0.7
    )
    assert extent_of(spectrum) == {"frequency": (1.0, 1e3), "voltage": (0.7, 0.7)}


def test_sweep_has_its_rate_stated_or_measured():
    drive = sweep("voltage", [0.0, 1.0, 0.0], rate=0.1)
    time = np.linspace(0.0, 20.0, 41)
    record = IVSweep(name="a", voltage=drive.at(time), current=drive.at(time), time=time, drive=drive)
    assert extent_of(record)["scan_rate"] == pytest.approx((0.1, 0.1))
    assert extent_of(record)["time"] == (0.0, 20.0)
    steady = IVSweep(name="a", voltage=[0.0, 1.0], current=[0.0, 2.0])
    assert extent_of(steady) == {"voltage": (0.0, 1.0), "current": (0.0, 2.0)}


def test_transient_covers_its_drive():
    drive = pulse("current", 2e-6, on=0.1, off=0.2, end=0.3)
    time = np.linspace(0.0, 0.3, 31)
    record = PulseTransient(name="a", time=time, voltage=np.sin(time), current=None, drive=drive)
    found = extent_of(record)
    assert found["current"] == (0.0, 2e-6)
    assert found["voltage"] == (0.0, pytest.approx(np.sin(0.3)))


@pytest.fixture
def device():
    spectra = [
        ImpedanceSpectrum(
            name=name, frequency=[1e3, 10.0, 1.0], impedance=[1.0, 2.0, 3.0 - 1j], bias_voltage=u
        )
        for name, u in (("eis_a", 0.5), ("eis_b", 0.7))
    ]
    return Device(name="mine", records=(*spectra, IVSweep(name="iv", voltage=[0.0, 1.0], current=[0.0, 2.0])))


def test_texts_with_units_are_as_good_as_numbers(device):
    stated = replace(device, area="4 mm^2", temperature="25 degC")
    assert (stated.area, stated.temperature) == (pytest.approx(4e-6), pytest.approx(298.15))
    spectrum = replace(device["eis_a"], bias_voltage="800 mV", amplitude="10 mV")
    assert (spectrum.bias_voltage, spectrum.amplitude) == (pytest.approx(0.8), pytest.approx(0.01))
    held = replace(device["eis_a"], control="current", bias_current="2 uA", amplitude="1 uA")
    assert (held.bias_current, held.amplitude) == (pytest.approx(2e-6), pytest.approx(1e-6))
    for wrong, said in (
        (lambda: replace(device, area="4 mm"), "Expected a unit of area"),
        (lambda: replace(device["eis_a"], bias_voltage="1 A"), "Expected a unit of voltage"),
    ):
        with pytest.raises(InputError, match=said):
            wrong()


def test_some_records_of_a_device(device):
    assert [record.name for record in device.only(kind="impedance")] == ["eis_a", "eis_b"]
    assert [record.name for record in device.only("iv", "eis_a")] == ["eis_a", "iv"]
    assert [record.name for record in device.without("eis_a")] == ["eis_b", "iv"]
    assert device["iv"].kind == "iv"
    for wrong, message in (
        (lambda: device.only("eis_c"), "no record 'eis_c'; did you mean 'eis_"),
        (lambda: device.only(kind="spectrum"), "unknown kind 'spectrum'"),
        (lambda: device.only(kind="transient"), "found impedance, iv"),
        (lambda: device.only("iv", kind="impedance"), "is among these"),
        (lambda: device.without("x"), "no record 'x'"),
        (lambda: device.without("eis_a", "eis_b", "iv"), "no record would be left"),
        (lambda: device["x"], "no record 'x'"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()


def test_a_record_takes_the_place_of_another(device):
    masked = device["eis_a"].masked(device["eis_a"].frequency > 100.0)
    again = device.replaced(masked)
    assert [record.points for record in again] == [2, 3, 2]
    assert device["eis_a"].points == 3
    assert "1 of 3 points were left out by hand." in masked.notes
    with pytest.raises(InputError, match="no record 'other'"):
        device.replaced(replace(masked, name="other"))


def test_a_table_of_all_points(device):
    table = device.to_frame()
    assert table["record"].tolist() == ["eis_a"] * 3 + ["eis_b"] * 3 + ["iv"] * 2
    assert table.attrs["records"]["eis_b"]["bias"] == 0.7
    assert table["Frequency (Hz)"].isna().sum() == 2
