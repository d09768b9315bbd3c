"""Hopf voltages and gain margins as conditions, and their profiles."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.analysis.intervals import profile, stability_targets
from memfit.analysis.stability.assess import analyse_result
from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.fitting.joint import fit
from memfit.model import NAMES, Parameters
from memfit.synthetic.measurements import Noise, loop, simulate_device, spectrum

SPIKES = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=1.6e-5, V_T=0.6, V_m=0.06, tau_d=0.03, tau_k=0.05, R_s=40.0)
CIRCUITS = {
    "current": Circuit(control="current"),
    "load": Circuit(control="voltage", load=3e6, external_capacitance=2e-8),
}


@pytest.mark.parametrize("circuit", CIRCUITS)
@pytest.mark.parametrize("quantity", ["gain_margin", "u_low", "u_high"])
def test_conditions_hold_at_the_value_and_have_exact_slopes(circuit, quantity):
    target = stability_targets(SPIKES, CIRCUITS)[f"{circuit}.{quantity}"]
    best = target.best(SPIKES)
    c = np.log(best) if target.logarithmic else best
    h, slopes, by_c = target.condition(SPIKES, c)
    assert h == pytest.approx(0.0, abs=1e-9)
    away = c + 0.01  # the slopes hold off the condition too
    _, slopes, by_c = target.condition(SPIKES, away)
    for name in NAMES[:8]:
        step = 1e-6 * getattr(SPIKES, name)
        up, down = (
            target.condition(SPIKES.replace(**{name: getattr(SPIKES, name) + s}), away)[0]
            for s in (step, -step)
        )
        assert slopes[NAMES.index(name)] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-9), name
    difference = (target.condition(SPIKES, away + 1e-6)[0] - target.condition(SPIKES, away - 1e-6)[0]) / 2e-6
    assert by_c == pytest.approx(difference, rel=1e-5)


def test_values_are_those_of_the_report():
    low, high = find_hopf_points(SPIKES, CIRCUITS["current"])
    targets = stability_targets(SPIKES, CIRCUITS)
    assert targets["current.u_low"].best(SPIKES) == pytest.approx(low.u)
    assert targets["current.u_high"].best(SPIKES) == pytest.approx(high.u)
    calm = SPIKES.replace(i_c0=1e-6)
    assert targets["current.u_low"].best(calm) is None
    assert stability_targets(SPIKES.replace(R_s=0.0), {"voltage": Circuit(control="voltage")}) == {}
    assert stability_targets(SPIKES.replace(tau_k=0.0)) == {}


def measured(p, impedance=0.01):
    """Spectra and a loop of a device."""
    frequency = np.geomspace(1e4, 0.1, 24)
    planned = [
        *(spectrum(bias, frequency, file=f"eis_{k}.csv") for k, bias in enumerate((0.4, 0.55, 0.65))),
        loop([0.0, 0.9, 0.0], 0.05, points=81),
    ]
    return simulate_device(p, planned, Noise(impedance=impedance, current=impedance), seed=4)


def test_profiles_of_the_stability_agree_with_the_sample_where_it_holds():
    device = measured(SPIKES)
    result = fit(device).result
    result = replace(result, stability=analyse_result(result))
    found = profile(result, device)
    block, before = found.stability["current"], result.stability["current"]
    assert block["gain_margin_by"] == "profile"
    np.testing.assert_allclose(block["gain_margin_ci95"], before["gain_margin_ci95"], rtol=0.01)
    for new, old in zip(block["hopf_points"], before["hopf_points"], strict=True):
        assert new["u_by"] == "profile"
        width = np.diff(old["u_ci95"])[0]
        np.testing.assert_allclose(new["u_ci95"], old["u_ci95"], atol=0.1 * width)
    assert type(found).from_json(found.to_json()) == found


def test_hopf_points_that_may_merge_are_open_toward_each_other():
    """A device whose gain is just enough: the data allow that it does not oscillate at all."""
    device = measured(SPIKES.replace(i_c0=1e-5), impedance=0.05)
    result = fit(device).result
    stability = analyse_result(result)["current"]
    assert stability["hopf_points"]
    assert 0.05 < stability["probability_oscillates"] < 0.98
    found = profile(replace(result, stability={"current": stability}), device).profiles
    low, high = found["current.u_low"], found["current.u_high"]
    assert low.ci95[1] is None
    assert high.ci95[0] is None
    assert low.ci95[0] < low.best < high.best < high.ci95[1]
    assert "merge" in low.message
    assert found["current.gain_margin"].ci95[1] > 1.0
