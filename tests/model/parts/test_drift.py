"""The drift of the channel from record to record against differences, alone and with two polarities."""

import math

import numpy as np
import pytest

from memfit.model.parameters import COLUMN, Parameters
from memfit.model.parts import drift
from memfit.model.steady import current_derivatives, steady_current

PLAIN = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2, d_i=0.02)
OWN = PLAIN.replace(i_c0n=5e-5, V_Tn=0.4, V_mn=0.1)
SYMMETRIC = PLAIN.replace(i_c0n=PLAIN.i_c0, V_Tn=PLAIN.V_T, V_mn=PLAIN.V_m)
DEVICES = {"one": PLAIN, "own": OWN, "symmetric": SYMMETRIC}
U = np.array([-0.8, -0.3, 0.2, 0.65, 0.7, 0.9])


@pytest.mark.parametrize("p", DEVICES.values(), ids=DEVICES)
def test_the_channel_grows_and_the_other_with_it_where_they_are_alike(p):
    growth = math.exp(0.02 * 7.0)
    found = drift.at(p, 7.0)
    assert found.i_c0 == pytest.approx(growth * p.i_c0)
    assert found.i_c0n == pytest.approx(p.i_c0n * (growth if p is SYMMETRIC else 1.0))
    assert "drift" not in found.parts
    assert drift.at(p, 0.0) == p.replace(d_i=0.0)


@pytest.mark.parametrize("p", DEVICES.values(), ids=DEVICES)
def test_derivatives_against_differences(p):
    t = np.array([7.0, 0.0, 3.0, 7.0, -5.0, 20.0])

    def currents(q):
        return np.array([float(steady_current(drift.at(q, s), u)) for s, u in zip(t, U, strict=True)])

    at_fixed = [current_derivatives(drift.at(p, s), [u])[0] for s, u in zip(t, U, strict=True)]
    by = drift.with_drift(p, t, np.array(at_fixed))
    for name in ("i_c0", "V_T", "R_b", "d_i"):
        step = 1e-6 * getattr(p, name)
        changed = [{name: getattr(p, name) + way * step} for way in (1.0, -1.0)]
        if p is SYMMETRIC and name in ("i_c0", "V_T"):  # both polarities move together
            changed = [{**one, f"{name}n": one[name]} for one in changed]
        up, down = (currents(p.replace(**one)) for one in changed)
        exact = by[:, COLUMN[name]]
        if len(changed[0]) == 2:
            exact = exact + by[:, COLUMN[f"{name}n"]]
        np.testing.assert_allclose(
            exact, (up - down) / (2.0 * step), rtol=1e-6, atol=1e-9 * np.abs(exact).max()
        )
