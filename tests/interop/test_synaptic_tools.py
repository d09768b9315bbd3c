"""Synaptic curves in the forms of other tools, read back as those tools read them."""

import csv
import io
import json

import numpy as np
import pytest

from memfit.errors import InputError
from memfit.interop.synaptic_tools import SynapticCurve, synaptic_files

UP, DOWN = np.linspace(1e-6, 2e-6, 5), np.linspace(2e-6, 1.2e-6, 5)


def curve(**changes):
    settings = {
        "device": "a, b/7",
        "potentiation": UP,
        "depression": DOWN,
        "amplitude": 0.8,
        "depressing": 0.2,
    }
    return SynapticCurve(**{**settings, "read": 0.1, "width": 0.01, "period": 0.02, **changes})


@pytest.fixture
def files():
    return synaptic_files(curve())


def test_neurosim_reads_pulse_and_conductance(files):
    pulse, conductance = np.loadtxt(io.StringIO(files["neurosim_ltp.txt"])).T
    np.testing.assert_array_equal(pulse, np.arange(5))
    np.testing.assert_allclose(conductance, UP)


def test_crosssim_reads_currents_of_ramps(files):
    """As `load_set_reset_csv` does: a header is skipped, currents are divided by the read voltage."""
    data = np.genfromtxt(io.StringIO(files["crosssim/reset.csv"]), skip_header=1, delimiter=",")
    np.testing.assert_allclose(data / 0.1, DOWN)


def test_memdevice_bench_has_its_fields(files):
    rows = list(csv.DictReader(io.StringIO(files["memdevice_bench/pulse_update.csv"])))
    sidecar = json.loads(files["memdevice_bench/metadata.json"])
    assert len(rows) == 10
    assert {row["direction"] for row in rows} == {"potentiation", "depression"}
    assert {row["device_id"] for row in rows} == {sidecar["device"]["device_id"]}
    assert float(rows[0]["read_current_a"]) / float(rows[0]["read_voltage_v"]) == pytest.approx(1e-6)
    assert [float(row["timestamp_s"]) for row in rows] == sorted(float(row["timestamp_s"]) for row in rows)
    assert sidecar["schema_version"] == "0.2.0"


def test_what_no_tool_takes():
    with pytest.raises(InputError, match="positive conductances"):
        curve(potentiation=-UP)
