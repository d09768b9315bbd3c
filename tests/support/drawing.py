"""A device whose spectra are drawn: fitted records made from the model, without a fit."""

import numpy as np

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting import FittedRecord
from memfit.model import Parameters, impedance

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=0.0)


def fitted_spectrum(bias, frequency, predicted=None):
    """A spectrum at a bias (V), the model beside it."""
    Z = impedance(P, frequency, bias)
    record = ImpedanceSpectrum(name=f"{bias} V", frequency=frequency, impedance=Z, bias_voltage=bias)
    return FittedRecord(
        record=record,
        predicted=Z if predicted is None else predicted,
        sigma=np.abs(Z),
        used=np.ones(frequency.size, dtype=bool),
    )
