"""Devices that other laboratories measured: how far they are described, and what is said of them."""

import shutil

import numpy as np
import pytest
from paths import DATA, REASON

import memfit as mf

CASES = DATA.parent / "cases" / "misfit"
pytestmark = pytest.mark.skipif(not DATA.is_dir() or not CASES.is_dir(), reason=REASON)


def misfits(result):
    """Per cent by which each record is missed."""
    return np.array([record.misfit_percent for record in result.goodness.datasets])


def rms(result):
    """Of all records, per cent."""
    return float(np.sqrt(np.mean(misfits(result) ** 2)))


def test_a_diode_below_threshold_is_described():
    result = mf.fit(mf.load(CASES / "zahner_missed_minimum"))
    assert result.status.code != "poor_fit"
    assert "capacitance" in result.parts
    assert "photocurrent" not in result.parts  # no current was measured
    assert misfits(result).max() < 3.0


def test_a_solar_cell_at_eleven_biases_is_nearer_than_by_the_plainest_device(tmp_path):
    shutil.copy(DATA / "eis" / "mfia" / "mfia_pv_sequence.xlsx", tmp_path)
    device = mf.load(tmp_path)
    plain, chosen = mf.fit(device, model="3d"), mf.fit(device)
    assert rms(plain) > 25.0
    assert rms(chosen) < 7.0
    assert "capacitance" in chosen.parts
    assert "misses the spectra by" in chosen.status.message


def test_a_bias_series_that_no_part_describes_is_told_by_its_size():
    device = mf.load(CASES / "hem_bias_series")
    plain, chosen = mf.fit(device, model="3d"), mf.fit(device)
    assert chosen.status.code == "poor_fit"
    assert rms(chosen) < 0.7 * rms(plain)
    assert not [name for name, e in chosen.parameters.items() if e.status == "determined"]
    circuits = chosen.stability.values() if isinstance(chosen.stability, dict) else chosen.stability
    assert all(one.probability_oscillates is None for one in circuits)


def test_loops_of_a_memristor_are_not_said_to_be_described():
    result = mf.fit(mf.load(DATA / "iv" / "switchbox_nottingham" / "G-10-34.txt"))
    assert result.status.code == "poor_fit"
    assert "misses the sweeps by" in result.status.message
    assert "times its noise" in result.status.message
