"""A synthetic device goes through files and the loaders and comes back as what it was."""

import numpy as np
import pytest

from memfit.loaders.device import load_device
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import simulate_device


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
