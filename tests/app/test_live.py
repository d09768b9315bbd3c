"""The model beside the data while a slider moves is that of a fit."""

import numpy as np
import pytest

from memfit.app.live import SETTINGS, Live, can_be_computed, label_of
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.noise import record_misfit
from memfit.fitting.prediction.predict import Predictor
from memfit.loaders.device import load_device
from memfit.model import Parameters

TRUTH = Parameters(R_b=120e3, C_m=250e-9, i_c0=28e-6, V_T=0.65, V_m=0.062, tau_d=26e-3, tau_k=48e-3, R_s=28.0)


@pytest.fixture(scope="module")
def device(sample_data):
    return load_device(sample_data / "mapbi3_c")


@pytest.fixture(scope="module")
def live(device):
    return Live(device.records, [np.ones(record.points, dtype=bool) for record in device.records])


def test_the_curves_are_those_of_a_fit(device, live):
    exact = Predictor(device.records)(TRUTH, slopes_in_time=False).values
    assert live.model(TRUTH) == pytest.approx(exact, rel=1e-3, abs=1e-4 * np.nanmax(np.abs(exact[-600:])))


def test_misfits_are_those_of_a_report(device, live):
    values = live.model(TRUTH)
    found = live.misfits(values)
    assert max(found) < 1.5
    predictor = Predictor(device.records)
    for record, here, ratio in zip(device.records, predictor.slices, found, strict=True):
        used = np.ones(here.stop - here.start, dtype=bool)
        expected = record_misfit(record, predictor.data()[here] - values[here], used).ratio
        assert ratio == pytest.approx(expected, rel=1e-9)
    assert max(live.misfits(live.model(TRUTH.replace(R_b=60e3)))) > 10


def test_masked_points_do_not_count(device):
    keeps = [np.ones(record.points, dtype=bool) for record in device.records]
    keeps[0][:-1] = False
    live = Live(device.records, keeps)
    values = live.model(TRUTH)
    before = live.misfits(values)
    values[:5] *= 100.0
    assert live.misfits(values)[0] == before[0]


@pytest.mark.parametrize("spectra", ["modulus", "nyquist"])
@pytest.mark.parametrize("current", ["linear", "log"])
def test_every_record_is_in_its_panel(live, spectra, current):
    traces = live.traces(live.model(TRUTH), spectra, current)
    assert [trace.panel for trace in traces] == sorted(trace.panel for trace in traces)
    assert {trace.record for trace in traces} == set(range(14))
    assert len(traces) == 8 * 2 + 6
    for trace in traces:
        assert trace.x.size == trace.y.size == trace.kept.size <= SETTINGS.points


def test_labels(device):
    assert label_of(device.records[0]) == "0.340 V"
    assert label_of(device.transients[0]) == "12.0 µA"
    assert label_of(device.sweeps[0]) in ("50.0 mV/s", "500 mV/s", "5.00 V/s")


def test_a_spectrum_without_a_bias_stands_nowhere():
    lost = ImpedanceSpectrum(name="x", frequency=np.ones(3), impedance=np.ones(3, dtype=complex))
    assert not can_be_computed(lost)
    assert label_of(lost) == "bias missing"
