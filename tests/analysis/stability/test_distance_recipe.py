"""Every recipe is cooked: the changed device lies on the boundary, and no smaller change does it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.distance import (
    CHANGEABLE,
    changes_to_hopf,
    crossings,
    values_to_hopf,
)
from memfit.model.hopf_boundary import Loop, least_log_gain_margin
from memfit.model.parameters import Parameters

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


def log_margin(p, circuit):
    """Smallest log gain margin of a device in a circuit."""
    return float(least_log_gain_margin(Loop.of(circuit.effective(p))))


def changed(p, circuit, name, factor):
    """Device and circuit with one quantity multiplied."""
    if name == "R_load":
        return p, Circuit(
            control="voltage",
            load=circuit.load * factor,
            external_capacitance=circuit.external_capacitance,
        )
    if name == "C_external":
        extra = circuit.external_capacitance * factor
        return p, Circuit(control=circuit.control, load=circuit.load, external_capacitance=extra)
    return p.replace(**{name: getattr(p, name) * factor}), circuit


devices = st.builds(
    Parameters,
    R_b=st.floats(3.0, 6.0).map(lambda e: 10.0**e),
    C_m=st.floats(-8.0, -5.0).map(lambda e: 10.0**e),
    i_c0=st.floats(-5.0, -2.0).map(lambda e: 10.0**e),
    V_T=st.floats(0.1, 2.0),
    V_m=st.floats(0.02, 0.3),
    tau_d=st.floats(-5.0, 1.0).map(lambda e: 10.0**e),
    tau_k=st.floats(-5.0, 1.0).map(lambda e: 10.0**e),
    R_s=st.floats(0.1, 100.0),
)
circuits = st.one_of(
    st.just(Circuit()),
    st.builds(
        Circuit,
        control=st.just("voltage"),
        load=st.floats(10.0, 1e6),
        external_capacitance=st.floats(1e-9, 1e-5),
    ),
)


@settings(deadline=None, max_examples=30)
@given(devices, circuits)
def test_every_factor_leads_to_the_boundary_and_nothing_nearer_does(p, circuit):
    before = log_margin(p, circuit)
    for name, factor in changes_to_hopf(p, circuit).items():
        trials = np.exp(np.linspace(-20.0, 20.0, 81))
        if factor is not None:
            assert log_margin(*changed(p, circuit, name, factor)) == pytest.approx(0.0, abs=1e-9)
            trials = np.exp(np.linspace(-0.999, 0.999, 21) * np.log(factor))
        for trial in trials:
            after = log_margin(*changed(p, circuit, name, trial))
            assert after * before > 0.0 or abs(after) < 1e-6, (name, factor, trial)


@settings(deadline=None, max_examples=30)
@given(devices, circuits)
def test_what_is_soldered_leads_to_the_boundary(p, circuit):
    values = values_to_hopf(p, circuit)
    if values["R_load"] is not None:
        there = Circuit(
            control="voltage", load=values["R_load"], external_capacitance=circuit.external_capacitance
        )
        assert log_margin(p, there) == pytest.approx(0.0, abs=1e-7)
    if values["C_external"] is not None:
        there = Circuit(control=circuit.control, load=circuit.load, external_capacitance=values["C_external"])
        assert log_margin(p, there) == pytest.approx(0.0, abs=1e-7)


def test_current_and_width_act_as_the_gain_margin():
    changes = changes_to_hopf(DEVICE, Circuit())
    margin = np.exp(log_margin(DEVICE, Circuit()))
    assert changes["i_c0"] == pytest.approx(margin, rel=1e-12)
    assert changes["V_m"] == pytest.approx(1.0 / margin, rel=1e-12)
    assert set(changes) == set(CHANGEABLE)


def test_no_value_does():
    # With R_b beyond all bounds the gain and tau_m grow together: the margin has a floor.
    slow = DEVICE.replace(i_c0=2e-9, C_m=1e-7)
    assert changes_to_hopf(slow, Circuit())["R_b"] is None
    assert values_to_hopf(slow, Circuit(control="voltage"))["R_load"] is None
    assert changes_to_hopf(DEVICE.replace(tau_k=0.0), Circuit()) == dict.fromkeys(CHANGEABLE)
    pinned = changes_to_hopf(DEVICE.replace(R_s=0.0), Circuit(control="voltage"))
    assert pinned == dict.fromkeys(CHANGEABLE)


def test_a_resistor_across_a_device_on_a_current_source_acts_as_a_load():
    """Norton and Thevenin: both are the same circuit, in steady state and in time."""
    p = DEVICE.replace(i_c0=5e-4)
    assert log_margin(p, Circuit()) < 0.0
    shunt = values_to_hopf(p, Circuit())["R_load"]
    assert shunt == values_to_hopf(p, Circuit(control="voltage"))["R_load"]
    assert log_margin(p, Circuit(control="voltage", load=0.99 * shunt)) > 0.0
    quiet = DEVICE.replace(i_c0=1e-8)
    assert values_to_hopf(quiet, Circuit())["R_load"] is None


def test_a_load_makes_a_pinned_device_spike():
    p = DEVICE.replace(R_s=0.0)
    load = values_to_hopf(p, Circuit(control="voltage"))["R_load"]
    assert load > 0.0
    assert log_margin(p, Circuit(control="voltage", load=0.99 * load)) > 0.0
    assert log_margin(p, Circuit(control="voltage", load=1.01 * load)) < 0.0
    assert values_to_hopf(p.replace(tau_k=0.0), Circuit(control="voltage", load=1.0))["R_load"] is None


def test_crossings_lie_on_either_side_of_a_device_that_oscillates():
    loop = Loop.of(DEVICE)
    direction = np.array([[0.0, 1.0, 0.0, 0.0]])
    below, above = crossings(loop, direction)
    assert below[0] < 0.0 < above[0]
    for t in (below[0], above[0]):
        there = Loop(loop.gain, loop.tau_m * np.exp(t), loop.tau_d, loop.tau_k)
        assert float(least_log_gain_margin(there)) == pytest.approx(0.0, abs=1e-12)
