"""Records go through the files of instruments and the readers and come back to the printed digits."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, Origin, PulseTransient
from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.model import Parameters
from memfit.protocols import Drive
from memfit.synthetic.export import FORMATS, SUFFIXES, instrument_bytes, probe_resistance, write_device
from memfit.synthetic.measurements import (
    default_measurements,
    in_style,
    loop,
    simulate_device,
    spectrum,
    transient,
)

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1)
SEEDS = st.integers(0, 2**32 - 1)
CONTROLS = st.sampled_from(["voltage", "current"])
DECADES = st.floats(-9.0, 3.0)
ORIGIN = Origin(file="")


def there_and_back(record, file_format):
    """The record as memfit reads it from a device folder, and the name of the format it saw."""
    with tempfile.TemporaryDirectory() as name:
        device = Device(name="there and back", records=(record,))
        write_device(device, TRUTH, Path(name), formats={record.name: file_format})
        (found,) = load_device(name).records
    assert found.name == record.name
    assert found.kind == record.kind
    assert found.control == record.control
    return found, found.origin.format


def random_spectrum(seed, points, control, bias, suffix):
    rng = np.random.default_rng(seed)
    modulus = 10.0 ** rng.uniform(-3, 10, points)
    return ImpedanceSpectrum(
        name=f"measured{suffix}",
        origin=ORIGIN,
        frequency=np.geomspace(10.0 ** rng.uniform(2, 7), 10.0 ** rng.uniform(-3, 1), points),
        impedance=modulus * np.exp(1j * rng.uniform(-np.pi, np.pi, points)),
        bias_voltage=bias if control == "voltage" else None,
        bias_current=bias if control == "current" else None,
        control=control,
    )


@pytest.mark.parametrize(
    ("file_format", "said"), [("ec-lab", "BioLogic EC-Lab text"), ("nova", "Autolab NOVA text")]
)
@given(seed=SEEDS, points=st.integers(3, 80), control=CONTROLS, bias=st.floats(-5.0, 5.0))
@settings(max_examples=25, deadline=None)
def test_spectra_come_back(file_format, said, seed, points, control, bias):
    made = random_spectrum(seed, points, control, bias, SUFFIXES[file_format])
    found, name = there_and_back(made, file_format)
    assert name == said
    assert found.frequency == pytest.approx(made.frequency, rel=1e-7)
    assert found.impedance.real == pytest.approx(made.impedance.real, rel=1e-7)
    assert found.impedance.imag == pytest.approx(made.impedance.imag, rel=1e-7)
    if control == "voltage":
        assert found.bias_voltage == pytest.approx(bias, rel=1e-6, abs=1e-99)
        assert found.bias_current is None
    else:
        assert found.bias_current == pytest.approx(bias, rel=1e-6, abs=1e-99)
        assert found.bias_voltage is None


def assert_same_course(found, made):
    """Samples to nine digits, and the same drive between them."""
    assert found.time == pytest.approx(made.time, rel=1e-8, abs=0)
    assert found.voltage == pytest.approx(made.voltage, rel=1e-8, abs=0)
    assert found.current == pytest.approx(made.current, rel=1e-8, abs=0)
    middle = 0.5 * (made.time[1:] + made.time[:-1])
    beside = np.abs(middle[:, None] - made.drive.jumps) < np.max(np.diff(made.time))
    middle = middle[~beside.any(axis=1)]  # a sample on a jump shows either level
    size = np.ptp(made.drive.value)
    assert np.max(np.abs(found.drive.at(middle) - made.drive.at(middle))) < 1e-6 * size
    assert found.drive.initial == made.drive.initial


def course(seed, drive, time):
    """Voltage and current over a drive: the driven one exact, the response with some noise."""
    rng = np.random.default_rng(seed)
    driven = drive.at(time)
    span = np.ptp(driven)
    response = 10.0 ** rng.uniform(-9, 1) * (np.tanh(driven / span) + 0.01 * rng.standard_normal(time.size))
    return (driven, response) if drive.control == "voltage" else (response, driven)


@given(
    seed=SEEDS,
    control=CONTROLS,
    top=DECADES,
    back=st.floats(0.0, 1.0),
    rate=DECADES,
    points=st.integers(20, 300),
    initial=st.sampled_from(["steady", "rest", "free"]),
)
@settings(max_examples=25, deadline=None)
def test_sweeps_come_back(seed, control, top, back, rate, points, initial):
    high, rate = 10.0**top, max(rate, top - 10.0)  # a loop that takes less than 3000 years
    planned = loop(
        [0.0, high, -back * high, 0.0], 10.0**rate, control=control, points=points, initial=initial
    )
    voltage, current = course(seed, planned.drive, planned.time)
    made = IVSweep(
        name="loop.csv", origin=ORIGIN, voltage=voltage, current=current, time=planned.time,
        drive=planned.drive, control=control, scan_rate=planned.scan_rate,
    )  # fmt: skip
    found, name = there_and_back(made, "keithley")
    assert name == "Keithley 4200"
    assert_same_course(found, made)
    assert found.scan_rate == pytest.approx(made.scan_rate, rel=1e-6)


@given(
    seed=SEEDS,
    control=CONTROLS,
    high=DECADES,
    step=DECADES,
    lengths=st.tuples(*3 * [st.integers(10, 40)]),
    initial=st.sampled_from(["steady", "rest", "free"]),
)
@settings(max_examples=25, deadline=None)
def test_pulses_come_back(seed, control, high, step, lengths, initial):
    before, during, after = lengths
    on, off, end = (10.0**step * n for n in (before, before + during, before + during + after))
    level = 10.0**high
    drive = Drive(
        control, np.array([0.0, on, on, off, off, end]), np.array([0, 0, 1, 1, 0, 0]) * level, initial
    )
    time = 10.0**step * np.arange(before + during + after + 1)
    sampled = transient(drive, points=time.size)
    voltage, current = course(seed, drive, sampled.time)
    made = PulseTransient(
        name="pulse.csv", origin=ORIGIN, time=sampled.time, voltage=voltage, current=current, drive=drive
    )
    found, name = there_and_back(made, "oscilloscope")
    assert name == "oscilloscope CSV"
    assert_same_course(found, made)


@pytest.mark.parametrize(
    ("largest", "probe"), [(8e-6, 1e5), (2e-3, 1e3), (1.0, 1.0), (40.0, 0.01), (0.0, 1.0)]
)
def test_the_probe_shows_about_a_volt(largest, probe):
    time = np.arange(4.0)
    record = PulseTransient(
        name="pulse.csv",
        origin=ORIGIN,
        time=time,
        voltage=time,
        current=np.array([0.0, -largest, 0.0, 0.0]),
        drive=Drive("voltage", time, time),
    )
    assert probe_resistance(record) == probe


def test_a_device_in_the_files_of_instruments(tmp_path):
    planned = in_style(default_measurements(TRUTH), "instrument")
    formats = {item.file: item.format for item in planned}
    assert [item.format for item in planned] == [
        *(["ec-lab", "nova"] * 4),
        *["keithley"] * 3,
        *["oscilloscope"] * 3,
    ]
    assert all(name.endswith(SUFFIXES[file_format]) for name, file_format in formats.items())
    device = simulate_device(TRUTH, planned, seed=3)
    write_device(device, TRUTH, tmp_path, formats=formats)
    read = load_device(tmp_path)
    assert read.notes == ()
    assert [record.name for record in read.records] == list(formats)
    plain = simulate_device(TRUTH, seed=3)
    for found, made in zip(read.records, plain.records, strict=True):
        if found.kind == "impedance":
            assert found.impedance == pytest.approx(made.impedance, rel=1e-7)
            assert found.bias_voltage == pytest.approx(made.bias_voltage)
        else:
            assert_same_course(found, made)


def test_ec_lab_counts_its_header_and_is_latin_1():
    record = simulate_device(TRUTH, [spectrum(0.5, [1e4, 1e3, 1e2, 10.0])], seed=1).records[0]
    data = instrument_bytes(record, "ec-lab")
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    lines = data.decode("latin-1").split("\r\n")
    count = int(lines[1].removeprefix("Nb header lines : "))
    assert lines[count - 1].startswith("freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t")
    assert lines[count].startswith("1.0000000E+004\t")
    assert len(lines) == count + 4 + 1


def test_a_format_of_another_kind_is_refused():
    record = simulate_device(TRUTH, [spectrum(0.5, [1e4, 1e3, 1e2])], seed=1).records[0]
    wrong = [name for kind in ("iv", "transient") for name in FORMATS[kind] if name != "generic"]
    for file_format in wrong:
        with pytest.raises(InputError, match="expected a format for records of the kind 'impedance'"):
            instrument_bytes(record, file_format)


def test_what_a_format_cannot_hold_is_refused():
    quasi_steady = IVSweep(
        name="loop.csv", origin=ORIGIN, voltage=np.arange(4.0), current=np.arange(4.0), control="voltage"
    )
    with pytest.raises(InputError, match="expected a sweep with times"):
        instrument_bytes(quasi_steady, "keithley")
    time = np.arange(4.0)
    half = PulseTransient(
        name="pulse.csv",
        origin=ORIGIN,
        time=time,
        voltage=None,
        current=time,
        drive=Drive("voltage", time, time),
    )
    with pytest.raises(InputError, match="found no voltage"):
        instrument_bytes(half, "oscilloscope")
