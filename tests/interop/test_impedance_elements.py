"""The chemical inductor as an element of impedance.py: memfit's own impedance is the oracle."""

import sys
import warnings

import numpy as np
import pytest
from impedance.models.circuits import CustomCircuit

import memfit as mf
from memfit.errors import DependencyError

P = mf.Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0, L_s=1e-6)
F = np.geomspace(0.05, 1e6, 60)


def predicted(circuit: str, values: list[float]) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Simulating circuit based on initial parameters")
        return CustomCircuit(circuit, initial_guess=values).predict(F, use_initial=True)


@pytest.mark.parametrize("bias", [0.2, 0.65, 0.9])
@pytest.mark.parametrize("p", [P, P.replace(L_s=0.0), P.replace(tau_k=0.0)], ids=["3d", "no L_s", "2d"])
def test_a_circuit_string_gives_the_impedance_of_the_model(p, bias):
    mf.register_impedance_elements()
    circuit, values = mf.impedance_circuit(p, bias)
    np.testing.assert_allclose(predicted(circuit, values), mf.impedance(p, F, bias), rtol=1e-12)


def test_under_current_control():
    mf.register_impedance_elements()
    circuit, values = mf.impedance_circuit(P, 4e-5, control="current")
    np.testing.assert_allclose(
        predicted(circuit, values), mf.impedance(P, F, 4e-5, control="current"), rtol=1e-12
    )


def test_a_fit_of_impedance_py_finds_the_elements():
    mf.register_impedance_elements()
    circuit, truth = mf.impedance_circuit(P.replace(L_s=0.0), 0.65)
    fitted = CustomCircuit(circuit, initial_guess=list(np.array(truth) * [1.3, 0.8, 1.2, 0.8, 1.2, 0.8]))
    fitted.fit(F, mf.impedance(P.replace(L_s=0.0), F, 0.65), weight_by_modulus=True)
    np.testing.assert_allclose(fitted.parameters_, truth, rtol=1e-4)
    assert "ChemLK1_2" in str(fitted)
    assert "[sec]" in str(fitted)


def test_registering_again_changes_nothing():
    assert mf.register_impedance_elements() == mf.register_impedance_elements() == ("ChemL", "ChemLK")


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "impedance.models.circuits", None)
    with pytest.raises(DependencyError, match=r"need the package impedance, 1\.7\.1 or newer"):
        mf.register_impedance_elements()
