"""A device of everyday values."""

import pytest

from memfit.model import Parameters


@pytest.fixture
def truth() -> Parameters:
    return Parameters(
        R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0, L_s=1e-6
    )
