"""Maps over two quantities: regions against eigenvalues, margins against the loop itself."""

import numpy as np
import pytest

from memfit.analysis.stability.circuit import (
    FOCUS,
    UNSTABLE_FOCUS,
    Circuit,
    kinds,
    operating_points_at,
)
from memfit.analysis.stability.hopf import values_to_hopf
from memfit.analysis.stability.regions import AXES, map_over_bias_and_load, map_over_parameters
from memfit.errors import ParameterError
from memfit.model import Loop, Parameters, eigenvalues, least_log_gain_margin

DEVICE = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, R_s=50.0)


@pytest.mark.parametrize("p", [DEVICE, DEVICE.replace(tau_k=0.0), DEVICE.replace(tau_d=0.0)])
def test_bias_and_load(p):
    u, load = np.linspace(0.4, 0.9, 21), np.geomspace(1e2, 1e7, 15)
    found = map_over_bias_and_load(p, u, load)
    for row, margins, value in zip(found.region, found.log_gain_margin, load, strict=True):
        kind = kinds(eigenvalues(p, u, resistance=p.R_s + value))
        np.testing.assert_array_equal(row, np.select([kind >= UNSTABLE_FOCUS, kind == FOCUS], [2, 1], 0))
        np.testing.assert_array_equal(margins < 0.0, row == 2)
    assert set(np.unique(found.region)) == ({0, 1, 2} if p == DEVICE else {0, 1})


def test_the_load_where_oscillation_starts_is_where_the_map_says():
    load = values_to_hopf(DEVICE, Circuit(control="voltage"))["R_load"]
    found = map_over_bias_and_load(DEVICE, np.linspace(0.4, 0.9, 2001), [0.98 * load, 1.02 * load])
    assert 2 not in found.region[0]
    assert 2 in found.region[1]


def test_two_parameters():
    C_m, tau_d = np.geomspace(1e-9, 1e-5, 9), np.geomspace(1e-5, 10.0, 7)
    found = map_over_parameters(DEVICE, Circuit(), ("C_m", C_m), ("tau_d", tau_d))
    assert found.region.shape == (7, 9)
    for i, second in enumerate(tau_d):
        for j, first in enumerate(C_m):
            p = DEVICE.replace(C_m=first, tau_d=second)
            margin = float(least_log_gain_margin(Loop.of(p)))
            assert found.log_gain_margin[i, j] == pytest.approx(margin, rel=1e-12)
            turning = eigenvalues(p, p.V_T + p.V_m * np.linspace(-10, 10, 81)).imag.any()
            assert found.region[i, j] == (2 if margin < 0.0 else int(turning))


def test_axes_of_the_circuit():
    circuit = Circuit(control="voltage", load=1e6)
    found = map_over_parameters(
        DEVICE.replace(R_s=0.0), circuit, ("C_external", [0.0, 1e-5]), ("R_load", [0.0, 1e6])
    )
    np.testing.assert_array_equal(found.region, [[0, 0], [2, 1]])
    assert np.all(np.isinf(found.log_gain_margin[0]))
    weak = map_over_parameters(DEVICE, Circuit(), ("i_c0", [1e-12, 1e-4]), ("R_s", [0.0, 10.0]))
    np.testing.assert_array_equal(weak.region, [[0, 2], [0, 2]])


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (("V_T", [1.0]), f"Expected an axis among {', '.join(AXES)}; found 'V_T'"),
        (("C_m", [1.0]), "two different axes"),
        (("R_b", [-1.0, 1.0]), "R_b must be greater than 0 ohm, found -1"),
        (("R_load", [-5.0]), "load must be a finite number of at least 0 ohm"),
        (("C_external", [np.inf]), "external capacitance"),
        (("tau_k", [0.0, 1.0]), "tau_k of a map must be greater than 0 s, found 0"),
        (("R_b", []), "needs at least one value"),
    ],
)
def test_bad_axes_are_named(axis, said):
    with pytest.raises(ParameterError, match=said):
        map_over_parameters(DEVICE, Circuit(), ("C_m", [1e-7]), axis)


def test_the_map_of_a_member():
    p, u, load = DEVICE.replace(R_1=3e5, C_1=1e-7), np.linspace(0.3, 0.9, 16), np.array([1e2, 6e5, 1e7])
    found = map_over_bias_and_load(p, u, load, 2e-8)
    for row, margins, value in zip(found.region, found.log_gain_margin, load, strict=True):
        circuit = Circuit(control="voltage", load=value, external_capacitance=2e-8)
        points = operating_points_at(p, circuit, u)
        np.testing.assert_allclose(np.exp(margins), points.gain_margin)
        np.testing.assert_array_equal(row == 2, points.eigenvalues[:, 0].real > 0.0)
        np.testing.assert_array_equal(row == 1, points.kind == FOCUS)
    assert set(np.unique(found.region)) == {0, 1, 2}
