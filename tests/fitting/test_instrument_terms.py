"""Terms of the instruments: there when the data need them, absent when not."""

from dataclasses import replace

import numpy as np
import pytest
from devices import NOISE, TRUTH, device, errors, pulses, seen_late, spectra, sweeps

from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan

GAINS = {"gain_iv", "gain_transient"}


def test_none_where_none_is_needed(joint):
    assert not GAINS & set(joint.result.nuisance)
    assert "L_s" not in joint.result.parameters
    assert not any(name.startswith("delay_") for name in joint.result.nuisance)


def test_gains_of_instruments_that_disagree():
    noise = replace(NOISE, gain={"iv": 1.05, "transient": 0.97})
    result = fit(device(noise=noise)).result
    assert result.nuisance["gain_iv"].value == pytest.approx(1.05, abs=0.012)
    assert result.nuisance["gain_transient"].value == pytest.approx(0.97, abs=0.012)
    assert max(errors(result).values()) < 0.05
    assert any("instrument of the sweeps" in w and " more than" in w for w in result.warnings)


def test_gains_can_be_forbidden():
    noise = replace(NOISE, gain={"iv": 1.05})
    result = fit(device([*spectra(), *sweeps()], noise=noise), FitPlan(gains="off")).result
    assert not GAINS & set(result.nuisance)


def test_wiring_inductance():
    p = TRUTH.replace(L_s=5e-6)
    frequency = np.geomspace(3e6, 0.05, 40)
    result = fit(device([*spectra(p, frequency=frequency), *sweeps(p)], p)).result
    assert result.parameters["L_s"].value == pytest.approx(5e-6, rel=0.05)
    assert result.parameters["R_s"].value == pytest.approx(40.0, rel=0.05)


def test_inductance_can_be_demanded():
    result = fit(device(spectra()), FitPlan(inductance="on")).result
    assert result.parameters["L_s"].ci95[0] <= 0.0


def test_time_of_an_edge_between_samples():
    """The drive of a file says when a jump was first seen, not when it was."""
    result = fit(seen_late(device([*spectra(), *pulses()]))).result
    timing = [n for n in result.nuisance if n.startswith(("edge_", "delay_"))]
    assert timing
    assert result.status.code == "ok"
    assert max(errors(result).values()) < 0.05


def test_jumps_on_samples_are_no_coincidence():
    """A source that clocks the sampling: with free times R_s and R_b would be off, all to the same side."""
    fast = TRUTH.replace(C_m=2e-9, R_s=300.0)
    offs = []
    for seed in range(6):
        result = fit(device([*sweeps(fast), *pulses(fast)], fast, seed=seed)).result
        assert not any(name.startswith("edge_") for name in result.nuisance)
        R_b = result.parameters["R_b"]
        offs.append((R_b.value - fast.R_b) / R_b.stderr)
    assert np.sqrt(np.mean(np.square(offs))) < 1.8
    assert abs(np.mean(offs)) < 1.2
