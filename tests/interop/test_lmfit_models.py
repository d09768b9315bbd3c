"""The models for users of lmfit recover what they are given."""

import numpy as np
import pytest

import memfit as mf
from memfit.protocols import pulse

TRUTH = {"R_b": 1e5, "C_m": 1e-7, "i_c0": 1e-4, "V_T": 0.7, "V_m": 0.06, "tau_d": 5e-3, "tau_k": 0.02}


def fitted_from_nearby(model, data, free, **at):
    start = model.parameters(
        **{name: value * 1.05 for name, value in TRUTH.items() if name in model.param_names}
    )
    for name, parameter in start.items():
        if name not in free:
            parameter.set(value=TRUTH.get(name, 0.0), vary=False)
    return model.fit(data, start, **at).params


def test_impedance():
    model = mf.lmfit_models.MemristorImpedance()
    frequency = np.geomspace(1, 1e5, 40)
    Z = model.eval(model.parameters(**TRUTH), frequency=frequency, bias=0.6)
    assert pytest.approx(mf.impedance(mf.Parameters(**TRUTH), frequency, 0.6)) == Z
    free = ("R_b", "C_m", "tau_d", "tau_k")
    found = fitted_from_nearby(model, Z, free, frequency=frequency, bias=0.6)
    assert {n: found[n].value for n in free} == pytest.approx({n: TRUTH[n] for n in free}, rel=1e-6)


def test_steady_current():
    model = mf.lmfit_models.MemristorSteadyCurrent()
    voltage = np.linspace(0, 1.2, 60)
    known = {n: TRUTH[n] for n in ("R_b", "i_c0", "V_T", "V_m")}
    f = 1 / (1 + np.exp(-(voltage - TRUTH["V_T"]) / TRUTH["V_m"]))
    current = model.eval(model.parameters(**known), voltage=voltage)
    assert current == pytest.approx(voltage / TRUTH["R_b"] + TRUTH["i_c0"] * f)
    dropped = model.eval(model.parameters(**known, R_s=100.0), voltage=voltage)
    assert np.all(dropped[1:] < current[1:])


def test_transient():
    drive = pulse("current", 3e-5, on=0.02, off=0.12, end=0.2)
    model = mf.lmfit_models.MemristorTransient(drive)
    time = np.linspace(0, 0.2, 201)
    voltage = model.eval(model.parameters(**TRUTH), time=time)
    found = fitted_from_nearby(model, voltage, ("C_m", "tau_k"), time=time)
    assert found["C_m"].value == pytest.approx(TRUTH["C_m"], rel=1e-4)
    assert found["tau_k"].value == pytest.approx(TRUTH["tau_k"], rel=1e-4)
