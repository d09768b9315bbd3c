"""Candidates: nothing dangerous, nothing that oscillates, nothing that takes hours is proposed."""

from devices import TRUTH, device, everything, spectra, sweeps

from memfit.analysis.experiments import SETTINGS, Measured, peak_voltage, propose
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.datasets import extent_of
from memfit.model import Parameters

SPIKING = Parameters(R_b=1e5, C_m=1e-6, i_c0=2e-4, V_T=0.8, V_m=0.08, tau_d=0.1, tau_k=0.15, R_s=40.0)


def _measured(data):
    return Measured(extents=[(r.kind, r.control, extent_of(r), r.points) for r in data.records])


def test_nothing_far_beyond_what_was_applied_is_proposed():
    measured = _measured(device(everything()))
    top = measured.highest_voltage()
    found, left_out = propose(measured, TRUTH)
    assert {e.subject for e in found} == {"bias", "frequency", "scan rate", "pulse"}
    assert all(peak_voltage(e, TRUTH) <= SETTINGS.voltage_limit * top for e in found)
    assert any("1.5 times the largest voltage" in reason for reason in left_out)


def test_nothing_that_oscillates_is_proposed():
    planned = [*spectra(SPIKING, biases=(-6.0, -5.0)), *sweeps(SPIKING)]
    found, left_out = propose(_measured(device(planned, SPIKING)), SPIKING)
    low, high = find_hopf_points(SPIKING, Circuit(control="current"))
    pulses = [e for e in found if e.subject == "pulse"]
    assert not any(low.I < float(e.settings["level"]) < high.I for e in pulses)
    assert any("oscillate" in reason for reason in left_out)


def test_spectra_stay_within_what_an_analyser_reaches():
    found, _ = propose(_measured(device(spectra())), TRUTH)
    low, high = SETTINGS.frequencies
    frequencies = [e.record.frequency for e in found if e.subject in ("bias", "frequency")]
    assert min(f.min() for f in frequencies) >= 0.999 * low
    assert max(f.max() for f in frequencies) <= 1.001 * high


def test_what_was_not_measured_has_usual_settings():
    nothing = Measured(extents=[])
    assert nothing.highest_voltage() == 0.0
    assert nothing.biases() == []
    assert nothing.frequencies() == SETTINGS.usual_frequencies
    assert nothing.per_decade() == SETTINGS.per_decade
    assert nothing.samples("iv") == SETTINGS.usual_samples
    subjects = {e.subject for e in propose(nothing, TRUTH)[0]}
    assert subjects == {"bias", "scan rate", "pulse"}
