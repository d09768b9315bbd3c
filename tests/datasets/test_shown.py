"""How a device and its records show themselves to somebody who types their name."""

from pathlib import Path

from memfit.loaders.device import load_device

SAMPLE = Path(__file__).parents[2] / "sample_data" / "mapbi3_c"


def test_a_device_names_its_records_and_not_their_numbers():
    device = load_device(SAMPLE)
    shown = repr(device)
    assert shown.startswith(f"<Device {device.name!r}:\n  <")
    assert len(shown.splitlines()) == 1 + len(device.records)
    spectrum = device.spectra[0]
    assert f"<ImpedanceSpectrum {spectrum.name!r}: {spectrum.points} points>" in shown
