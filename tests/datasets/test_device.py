"""What records cover."""

import numpy as np
import pytest

from memfit.datasets.device import extent_of
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient
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
