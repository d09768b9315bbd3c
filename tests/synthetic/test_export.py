"""A synthetic device goes through files and the loaders and comes back as what it was."""

import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from memfit.errors import InputError
from memfit.files import printable
from memfit.loaders.device import load_device
from memfit.model import Parameters
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import (
    default_measurements,
    in_style,
    loop,
    simulate_device,
    spectrum,
)
from memfit.synthetic.settings import read_simulation


@pytest.fixture
def there_and_back(truth, tmp_path):
    device = simulate_device(
        truth,
        seed=5,
        name='Device "7", µ',
        area=4e-6,
        temperature=298.0,
        attributes={"composition": "MAPbI3", "thickness": 500.0},
    )
    write_device(device, truth, tmp_path, made_by="Made by a test.")
    return device, load_device(tmp_path)


def test_the_device_comes_back(there_and_back):
    device, read = there_and_back
    assert read.name == device.name
    assert read.area == pytest.approx(device.area)
    assert read.temperature == device.temperature
    assert read.attributes == device.attributes
    assert read.notes == ()
    assert [record.name for record in read.records] == [record.name for record in device.records]


def test_the_records_come_back(there_and_back):
    device, read = there_and_back
    for made, found in zip(device.spectra, read.spectra, strict=True):
        assert found.bias_voltage == pytest.approx(made.bias_voltage, abs=1e-9)
        assert found.frequency == pytest.approx(made.frequency, rel=1e-6)
        assert found.impedance == pytest.approx(made.impedance, rel=1e-6)
    for made, found in zip(
        (*device.sweeps, *device.transients), (*read.sweeps, *read.transients), strict=True
    ):
        assert found.control == made.control
        assert found.time == pytest.approx(made.time, rel=1e-8)
        assert found.response == pytest.approx(made.response, rel=1e-6, abs=1e-12)


def test_the_drive_is_found_in_the_samples(there_and_back):
    device, read = there_and_back
    for made, found in zip(
        (*device.sweeps, *device.transients), (*read.sweeps, *read.transients), strict=True
    ):
        size = np.ptp(made.drive.value)
        middle = 0.5 * (made.time[1:] + made.time[:-1])
        assert np.max(np.abs(found.drive.at(middle) - made.drive.at(middle))) < 1e-6 * size, made.name


def test_readme_says_that_nobody_measured_it(truth, tmp_path, there_and_back):
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Nobody measured this device" in text
    assert "| R_b | 200 kohm |" in text
    assert "Made by a test." in text


TYPICAL = {
    "R_b": (1e2, 1e8),
    "C_m": (1e-9, 1e-2),
    "i_c0": (1e-9, 1e-1),
    "V_T": (0.02, 3.0),
    "V_m": (0.015, 0.4),
    "tau_d": (1e-6, 1e3),
    "tau_k": (1e-6, 1e3),
    "R_s": (0.0, 1e3),
}
"""Of devices, SI; its corners are no devices, but nobody may be left with files that cannot be read."""


def between(low, high):
    """A corner, or anything between, evenly in the logarithm."""
    least = low or 1e-3 * high
    inside = st.floats(0.0, 1.0).map(lambda part: min(max(least * (high / least) ** part, low), high))
    return st.one_of(st.sampled_from([low, high]), inside)


def is_told(text):
    """Whether a text says anything."""
    return bool(text.strip())


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries({name: between(*limits) for name, limits in TYPICAL.items()}),
    st.sampled_from(["generic", "instrument"]),
    st.text().filter(is_told),
    st.dictionaries(
        st.text(max_size=9), st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False))
    ),
)
def test_whatever_is_simulated_can_be_read(values, style, name, attributes):
    truth = Parameters(**values)
    planned = in_style(default_measurements(truth), style)
    try:
        device = simulate_device(truth, planned, seed=1, name=name, attributes=attributes)
    except InputError as problem:
        if "cannot be followed" not in str(problem):
            raise
        reject()
    with tempfile.TemporaryDirectory() as folder:
        write_device(device, truth, Path(folder), formats={item.file: item.format for item in planned})
        read = load_device(folder)
    assert {record.name for record in read.records} == {item.file for item in planned}
    assert read.name == printable(name)
    assert {key: read.attributes[printable(key)] for key in attributes} == {
        key: printable(value) if isinstance(value, str) else value for key, value in attributes.items()
    }


@pytest.mark.parametrize(
    "planned",
    [
        spectrum(2e6, np.geomspace(1e3, 1.0, 9)),
        spectrum(0.5, np.geomspace(1e16, 1e3, 9)),
        loop([0.0, 3e7, 0.0], 1e4, points=31),
        loop([0.0, 1.0, 0.0], 1e-12, points=31),
    ],
)
def test_what_nobody_can_measure_is_refused(truth, tmp_path, planned):
    device = simulate_device(truth, [planned], seed=1)
    with pytest.raises(InputError, match="what was simulated cannot be measured: "):
        write_device(device, truth, tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.text(), st.floats(), st.one_of(st.text(), st.floats(), st.integers()))
def test_params_are_refused_or_give_a_device(name, number, attribute):
    """What PARAMS.toml says of the device is not written where device.toml could not say it."""
    plain = "inf" if number == math.inf else "-inf" if number == -math.inf else repr(number)
    value = json.dumps(attribute).replace("\x7f", "\\u007f").replace("Infinity", "inf").replace("NaN", "nan")
    named = json.dumps(name).replace("\x7f", "\\u007f")
    text = (
        f"[device]\nname = {named}\narea = {plain}\nattributes = {{ {named} = {value} }}\n[parameters]\n"
        "R_b = 2e5\nC_m = 1e-7\ni_c0 = 5e-6\nV_T = 0.6\nV_m = 0.06\ntau_d = 0.1\ntau_k = 0.02\n"
        "[[measurement]]\nkind = 'impedance'\nbias = 0.5\nfrequency = [1, 1e4]\npoints = 9\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "params.toml").write_text(text)
        try:
            wanted = read_simulation(Path(folder) / "params.toml")
        except InputError:
            return
        device = simulate_device(
            wanted.parameters,
            wanted.measurements,
            seed=1,
            name=wanted.name,
            area=wanted.area,
            attributes=wanted.attributes,
        )
        (Path(folder) / "out").mkdir()
        write_device(device, wanted.parameters, Path(folder) / "out")
        assert load_device(Path(folder) / "out").attributes == device.attributes
