"""The default set of measurements shows what a device does, whatever its parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import InputError
from memfit.model import Parameters, junction_voltage
from memfit.protocols import Drive
from memfit.synthetic.measurements import (
    Recording,
    Spectroscopy,
    check_files,
    default_measurements,
    loop,
    spectrum,
    transient,
)

decades = st.floats(-1.5, 1.5)


@st.composite
def devices(draw: st.DrawFn) -> Parameters:
    return Parameters(
        R_b=1e5 * 10 ** draw(decades),
        C_m=1e-7 * 10 ** draw(decades),
        i_c0=1e-5 * 10 ** draw(decades),
        V_T=draw(st.floats(0.1, 2.0)),
        V_m=draw(st.floats(0.02, 0.2)),
        tau_d=0.1 * 10 ** draw(decades),
        tau_k=0.1 * 10 ** draw(decades),
        R_s=draw(st.floats(0.0, 100.0)),
    )


@given(devices())
def test_default_set_covers_the_opening_of_the_channel(p):
    planned = default_measurements(p)
    check_files(planned)
    spectra = [item for item in planned if isinstance(item, Spectroscopy)]
    loops = [item for item in planned if isinstance(item, Recording) and item.kind == "iv"]
    pulses = [item for item in planned if isinstance(item, Recording) and item.kind == "transient"]
    assert (len(spectra), len(loops), len(pulses)) == (8, 3, 3)
    u = junction_voltage(p, "voltage", np.array([item.protocol.bias for item in spectra]))
    x = (u - p.V_T) / p.V_m
    assert x.min() < -1.5
    assert x.max() > 3.0
    assert np.all(np.diff(x) > 0)
    assert np.count_nonzero(np.abs(x) < 2.0) >= 2
    frequency = spectra[0].protocol.frequency
    assert frequency.min() >= 1e-2
    assert frequency.max() <= 1e6
    slowest = max(p.tau_m, p.tau_d, p.tau_k)
    assert 2 * np.pi * frequency.min() * slowest < 0.2 or frequency.min() == 1e-2
    assert loops[0].time[-1] > 100 * slowest


@given(devices())
def test_every_jump_of_a_drive_is_sampled(p):
    for item in default_measurements(p):
        if isinstance(item, Recording):
            assert np.all(np.diff(item.time) > 0)
            nearest = np.min(np.abs(item.drive.time[:, None] - item.time[None, :]), axis=1)
            assert np.all(nearest <= 1e-6 * item.time[-1])


def test_files_are_named_by_what_they_hold():
    assert spectrum(0.55, [1.0, 10.0]).file == "eis_0.55V.csv"
    assert spectrum(2e-6, [1.0, 10.0], control="current").file == "eis_2uA.csv"
    assert loop([0.0, 1.0, 0.0], 0.05).file == "iv_50mVs.csv"
    assert transient(Drive("current", [0.0, 1.0], [0.0, 3e-6])).file == "pulse_3uA.csv"


def test_two_measurements_need_two_files():
    with pytest.raises(InputError, match=r"iv_50mVs\.csv"):
        check_files([loop([0.0, 1.0], 0.05), loop([0.0, 2.0], 0.05)])


def test_pulses_of_a_leaky_device_are_told_apart():
    """Where the leakage hides the channel, the three currents differ in the second or third digit only."""
    p = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-6, V_T=0.96875, V_m=0.0234375, tau_d=0.1, tau_k=0.1)
    planned = default_measurements(p)
    check_files(planned)
    amplitudes = {item.drive.value.max() for item in planned if item.file.startswith("pulse")}
    assert len(amplitudes) == 3
