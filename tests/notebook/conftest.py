"""A small device, fitted once, and figures that are closed again."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import memfit as mf
from memfit.model import Parameters
from memfit.protocols import pulse
from memfit.synthetic.measurements import loop, simulate_device, spectrum, transient

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)


@pytest.fixture(scope="session")
def measured():
    planned = [
        *(spectrum(bias, np.geomspace(1e5, 0.1, 25), file=f"eis_{bias}.csv") for bias in (0.4, 0.6, 0.7)),
        loop([0.0, 0.9, 0.0], 0.05, points=61, file="iv_slow.csv"),
        loop([0.0, 0.9, 0.0], 0.5, points=61, file="iv_fast.csv"),
        transient(pulse("current", 2e-6, on=0.02, off=0.3, end=0.5), points=80, file="pulse.csv"),
    ]
    return simulate_device(TRUTH, planned, seed=2, name="small R_b <b>", area=4e-6, temperature=298.0)


@pytest.fixture(scope="session")
def result(measured):
    return mf.fit(measured)


@pytest.fixture(autouse=True)
def closed():
    plt.switch_backend("agg")
    yield
    plt.close("all")
