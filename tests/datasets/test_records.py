"""Records: what they refuse, what is chosen of them, how they show themselves, their digests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, content_digest
from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.protocols import pulse, sweep

SAMPLE = Path(__file__).parents[2] / "sample_data" / "mapbi3_c"
TIME = np.linspace(0.0, 20.0, 41)
TRIANGLE = sweep("voltage", [0.0, 1.0, 0.0], rate=0.1)
SPECTRUM = ImpedanceSpectrum(name="z", frequency=[100.0, 10.0, 1.0], impedance=[1 - 1j, 2 - 2j, 3 - 1j])
LOOP = IVSweep(
    name="iv", voltage=TRIANGLE.at(TIME), current=1e-3 * TRIANGLE.at(TIME), time=TIME, drive=TRIANGLE
)
PULSE = PulseTransient(
    name="p", time=TIME, voltage=np.cos(TIME), current=None, drive=pulse("current", 1e-6, on=1, off=2, end=20)
)
RECORDS = pytest.mark.parametrize("record", [SPECTRUM, LOOP, PULSE], ids=lambda record: record.kind)


def test_a_device_names_its_records_and_not_their_numbers():
    device = load_device(SAMPLE)
    shown = repr(device)
    assert shown.startswith(f"<Device {device.name!r}:\n  <")
    assert len(shown.splitlines()) == 1 + len(device.records)
    spectrum = device.spectra[0]
    assert f"<ImpedanceSpectrum {spectrum.name!r}: {spectrum.points} points>" in shown


def test_two_records_of_a_device_have_two_names():
    with pytest.raises(InputError, match="two records are called 'z'"):
        Device(name="d", records=(SPECTRUM, SPECTRUM))


@RECORDS
def test_arrays_of_a_record_cannot_be_written_to(record):
    for name in ("frequency", "impedance", "voltage", "current", "time"):
        values = getattr(record, name, None)
        if values is not None:
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 0.0


@RECORDS
def test_chosen_points_carry_a_note_and_the_whole_drive(record):
    keep = np.arange(record.points) != 1
    chosen = record.select(keep, "one was bad")
    assert (chosen.points, chosen.notes) == (record.points - 1, ("one was bad",))
    assert getattr(chosen, "drive", None) is getattr(record, "drive", None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: replace(SPECTRUM, frequency=[1.0, 0.0, 2.0]), "greater than 0 Hz"),
        (lambda: replace(SPECTRUM, frequency=[1.0, 2.0]), "equal length"),
        (lambda: replace(SPECTRUM, impedance=[1.0, np.nan, 2.0]), "point 2 of 3 is"),
        (lambda: replace(LOOP, drive=None), "both a time and a drive"),
        (lambda: replace(LOOP, time=TIME[::-1]), "must not run backward"),
        (lambda: replace(PULSE, voltage=None), "the voltage must be recorded"),
        (lambda: IVSweep(name="iv", voltage=[], current=[]), "at least one row"),
    ],
)
def test_what_is_no_measurement_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


@RECORDS
def test_a_digest_is_of_the_numbers_and_of_nothing_else(record):
    digest = content_digest(record)
    assert content_digest(replace(record, name="other", notes=("a",), metadata={"b": "c"})) == digest
    assert content_digest(record.select(np.arange(record.points) > 0)) != digest


def test_a_digest_sees_the_bias_and_the_first_state():
    assert content_digest(replace(SPECTRUM, bias_voltage=0.5)) != content_digest(SPECTRUM)
    other = replace(PULSE, drive=replace(PULSE.drive, initial="rest"))
    assert content_digest(other) != content_digest(PULSE)


def test_points_are_left_out_by_mask_or_by_place():
    spectrum = ImpedanceSpectrum(name="a", frequency=[1e3, 10.0, 1.0], impedance=[1.0, 2.0, 3.0 - 1j])
    assert spectrum.masked([True, False, False]).frequency.tolist() == [10.0, 1.0]
    assert spectrum.masked([0, -1], "why").notes == ("why",)
    assert spectrum.masked([0, -1]).impedance.tolist() == [2.0]
    assert spectrum.masked([]).points == 3
    for wrong, message in (
        ([True, False], "expected 3 times True or False"),
        ([3], "it has 3 points"),
        ([0.5], "found an array of float64"),
        ([0, 1, 2], "nothing would be left"),
    ):
        with pytest.raises(InputError, match=message):
            spectrum.masked(wrong)


def test_a_table_says_how_it_was_measured():
    spectrum = ImpedanceSpectrum(name="a", frequency=[1e3, 10.0], impedance=[1.0, 2.0 - 1j], bias_voltage=0.7)
    table = spectrum.to_frame()
    assert table.columns.tolist() == ["Frequency (Hz)", "Z_real (ohm)", "Z_imag (ohm)"]
    assert table.attrs == {"name": "a", "kind": "impedance", "control": "voltage", "bias": 0.7}
