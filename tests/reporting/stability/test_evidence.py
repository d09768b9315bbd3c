"""What the data say by themselves beside the model: agreement, warnings, and records that say nothing."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.analysis.cycles import bifurcation_diagram, cycles_at
from memfit.analysis.stability import Circuit
from memfit.datasets import ImpedanceSpectrum, PulseTransient
from memfit.model import Parameters, impedance
from memfit.model.transient import simulate
from memfit.protocols import pulse
from memfit.reporting.stability.evidence import (
    evidence_blocks,
    evidence_warnings,
    pulses_evidence,
    pulses_evidence_table,
    spectra_evidence,
    spectra_evidence_table,
)

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
STABLE = P.replace(i_c0=1e-5)
FREQUENCY = np.geomspace(1e5, 0.05, 61)
LOW, HIGH = bifurcation_diagram(P, Circuit()).hopf_points


def spectrum(rng, u, **bias):
    Z = impedance(P, FREQUENCY, u)
    noise = 1.0 + 2e-3 * (rng.standard_normal(Z.size) + 1j * rng.standard_normal(Z.size))
    return ImpedanceSpectrum(name=f"{u:.3f}", frequency=FREQUENCY, impedance=Z * noise, **bias)


def current_pulse(rng, current):
    time = np.linspace(0.0, 2.0, 8001)
    drive = pulse("current", current, on=0.1, off=1.9, end=2.0)
    V = simulate(P, drive, time).voltage + 1e-4 * rng.standard_normal(time.size)
    return PulseTransient(name="pulse", time=time, voltage=V, current=None, drive=drive)


def test_spectra_agree_with_the_model_they_come_from(rng):
    inside, outside = 0.5 * (LOW.u + HIGH.u), LOW.u - 0.1
    given = [
        (spectrum(rng, inside, bias_current=_current(inside)), None),
        (spectrum(rng, outside, bias_voltage=_terminal(outside)), None),
    ]
    first, second = spectra_evidence(P, given)
    assert (first.model_unstable, first.measured.unstable_poles, first.bias_unit) == (True, 2, "A")
    assert (second.model_unstable, second.measured.unstable_poles, second.bias_unit) == (False, 0, "V")
    assert first.warning is None
    assert second.warning is None
    assert first.model_gain_margin < 1.0 < second.model_gain_margin


def test_a_spectrum_contradicts_another_model(rng):
    inside = 0.5 * (LOW.u + HIGH.u)
    (item,) = spectra_evidence(STABLE, [(spectrum(rng, inside, bias_voltage=_terminal(inside)), None)])
    (said,) = evidence_warnings([item], []).items
    assert "fitted model is stable at this bias" in said
    flat = STABLE.replace(tau_k=0.0)
    (item,) = spectra_evidence(flat, [(spectrum(rng, inside, bias_voltage=_terminal(inside)), None)])
    assert item.model_gain_margin is None
    assert spectra_evidence_table([item]).rows[0][3] == "–"


def test_spectra_that_say_nothing_are_left_out(rng):
    without_bias = spectrum(rng, 0.9)
    hardly_used = np.arange(FREQUENCY.size) < 3
    too_few = (spectrum(rng, 0.9, bias_voltage=0.9), hardly_used)
    assert spectra_evidence(P, [(without_bias, None), too_few]) == ()
    assert evidence_blocks(P, [(without_bias, None)], []) == ()


def test_period_and_extremes_of_a_pulse_are_those_predicted(rng):
    current = 0.5 * (LOW.I + HIGH.I)
    (item,) = pulses_evidence(P, [current_pulse(rng, current)])
    (cycle,) = cycles_at(P, bifurcation_diagram(P, Circuit()), current)
    assert item.source == current
    assert item.predicted.period == pytest.approx(cycle.period)
    assert item.measured.period == pytest.approx(cycle.period, rel=0.01)
    assert item.modelled.period == pytest.approx(item.measured.period, rel=1e-3)
    assert (item.measured.low, item.measured.high) == pytest.approx(
        (item.modelled.low, item.modelled.high), abs=5e-3
    )
    assert (item.measured.low, item.measured.high) == pytest.approx(item.predicted_range, abs=0.01)
    assert "none" not in pulses_evidence_table([item]).rows[0]


def test_an_oscillation_no_model_predicts(rng):
    trace = current_pulse(rng, 0.5 * (LOW.I + HIGH.I))
    for model in (STABLE, P.replace(tau_k=0.0)):
        (item,) = pulses_evidence(model, [trace])
        assert (item.predicted, item.predicted_range) == (None, None)
        assert item.modelled is None
        assert pulses_evidence_table([item]).rows[0].count("none") == 2
        (said,) = evidence_warnings([], [item]).items
        assert "no stable limit cycle" in said


def test_ringing_that_the_model_has_too_is_no_contradiction(rng):
    (item,) = pulses_evidence(P, [current_pulse(rng, 0.5 * (LOW.I + HIGH.I))])
    rings = replace(item, predicted=None)  # beside the window it dies out slowly
    assert evidence_warnings([], [rings]).items == ()
    assert len(evidence_warnings([], [replace(rings, modelled=None)]).items) == 1


def test_another_period_than_the_model_s_is_told(rng):
    trace = current_pulse(rng, 0.5 * (LOW.I + HIGH.I))
    slower = P.replace(**{name: 1.3 * getattr(P, name) for name in ("C_m", "tau_d", "tau_k")})
    (item,) = pulses_evidence(slower, [trace])
    (said,) = evidence_warnings([], [item]).items
    assert "its period is" in said


def test_a_pulse_that_settles_is_none(rng):
    assert pulses_evidence(P, [current_pulse(rng, 0.5 * LOW.I)]) == ()


def _current(u):
    return float(Circuit().source(P, u))


def _terminal(u):
    return u + P.R_s * _current(u)
