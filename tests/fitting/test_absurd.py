"""Data that mean nothing end in a verdict and valid JSON, never in a traceback or NaN."""

import json
from functools import cache

import numpy as np
import pytest
from devices import FREQUENCY

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.errors import InputError
from memfit.fitting.joint import fit
from memfit.protocols import pulse, sweep

RNG = np.random.default_rng(0)


def _loop(current, points=60):
    drive = sweep("voltage", [0.0, 1.0, 0.0], rate=1.0)
    time = np.linspace(0, 2, points)
    values = np.broadcast_to(np.asarray(current, float), points)
    return IVSweep(name="iv", voltage=drive.at(time), current=values, time=time, drive=drive)


def _pulse(voltage, points=60):
    drive = pulse("current", 1e-6, on=0.2, off=0.6, end=1.0)
    values = np.broadcast_to(np.asarray(voltage, float), points)
    return PulseTransient(name="p", time=np.linspace(0, 1, points), voltage=values, current=None, drive=drive)


def _spectrum(Z, bias=0.5, name="z"):
    values = np.broadcast_to(np.asarray(Z, complex), FREQUENCY.size)
    return ImpedanceSpectrum(name=name, frequency=FREQUENCY, impedance=values, bias_voltage=bias)


CASES = {
    "constant current": [_loop(1e-6)],
    "noise of a current": [_loop(1e-6 * RNG.standard_normal(60))],
    "ohmic": [_loop(1e-6 * sweep("voltage", [0.0, 1.0, 0.0], rate=1.0).at(np.linspace(0, 2, 60)))],
    "current backwards": [_loop(-np.abs(RNG.standard_normal(60)))],
    "constant voltage": [_pulse(0.3)],
    "noise of a voltage": [_pulse(RNG.standard_normal(60))],
    "resistor": [_spectrum(1e3)],
    "noise of an impedance": [_spectrum(RNG.standard_normal(24) + 1j * RNG.standard_normal(24))],
    "negative resistance": [_spectrum(-1e3)],
    "three points of a loop": [_loop([0.0, 1e-6, 0.0], 3)],
    "three points of a pulse": [_pulse([0.0, 1.0, 0.5], 3)],
    "one point": [ImpedanceSpectrum(name="z", frequency=[1.0], impedance=[1e3 - 1e2j], bias_voltage=0.5)],
    "tiny numbers": [_loop(1e-30 * (1 + RNG.random(30)), 30)],
    "huge numbers": [_spectrum(1e20 - 1e19j), _spectrum(1e-3, 0.6, "y")],
    "kinds that contradict": [_loop(1e-3, 20), _spectrum(1e9 - 1e9j), _pulse(RNG.standard_normal(20), 20)],
    "no time": [IVSweep(name="s", voltage=np.linspace(0, 1, 30), current=RNG.standard_normal(30))],
}


@cache
def fit_of(name):
    """The result of a case, fitted once for all tests."""
    return fit(Device(name="absurd", records=tuple(CASES[name]))).result


@pytest.mark.parametrize("name", CASES)
def test_verdict_without_a_traceback(name):
    result = fit_of(name)
    data = json.loads(result.to_json())  # NaN and infinity cannot be written
    assert result.status.code in ("ok", "at_bound", "not_identifiable", "not_converged", "poor_fit")
    assert result.status.message.endswith(".")
    for name, estimate in data["parameters"].items():
        if estimate["value"] is None:
            assert estimate["status"] == "undetermined", name
            assert estimate["stderr"] is None
            assert estimate["ci95"] is None
        elif estimate["ci95"]:
            low, high = estimate["ci95"]
            assert low is None or low <= estimate["value"], name
            assert high is None or estimate["value"] <= high, name
    matrix = np.array(data["correlation"]["matrix"])
    assert np.all(np.abs(matrix) <= 1 + 1e-9)


STEP = pulse("voltage", 1.0, on=0.2, off=0.6, end=1.0)
SILENT = {
    "no current": [_loop(0.0)],
    "no current in pulses": [
        PulseTransient(name="p", time=np.linspace(0, 1, 60), voltage=None, current=np.zeros(60), drive=STEP)
    ],
    "no voltage": [_pulse(0.0)],
    "no impedance": [_spectrum(0.0)],
    "one of several": [_loop(1e-6), _pulse(0.0)],
}


@pytest.mark.parametrize("records", SILENT.values(), ids=SILENT)
def test_nothing_measured_is_said_in_a_sentence(records):
    """An open contact, or a column that an export left empty, is no measurement."""
    with pytest.raises(InputError, match=r"exactly 0 .*: leave this record out\."):
        fit(Device(name="silent", records=tuple(records)))


@pytest.mark.parametrize("name", ["ohmic", "resistor", "constant current", "no time"])
def test_what_has_no_channel_is_not_called_ok(name):
    assert fit_of(name).status.code != "ok"
