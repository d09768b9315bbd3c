"""The model alone, as an lmfit Model: three spectra at three biases, fitted by hand with lmfit.

For those who want their own residuals, constraints or minimiser. The joint fit of `mf.fit` needs no starting
values and estimates the noise; here both are given.

    python examples/model_with_lmfit.py
"""

import numpy as np

import memfit as mf

truth = mf.Parameters(R_b=220e3, C_m=150e-9, i_c0=4.5e-6, V_T=0.62, V_m=0.058, tau_d=0.18, tau_k=0.025)
frequency = np.tile(np.geomspace(0.05, 1e5, 40), 3)
bias = np.repeat([0.55, 0.62, 0.70], 40)
rng = np.random.default_rng(3)
Z = np.concatenate([mf.impedance(truth, frequency[bias == u], u) for u in (0.55, 0.62, 0.70)])
noise = 0.01 * np.abs(Z)
Z = Z + noise * (rng.standard_normal(Z.size) + 1j * rng.standard_normal(Z.size))

model = mf.lmfit_models.MemristorImpedance()
start = model.parameters(R_b=300e3, C_m=100e-9, i_c0=6e-6, V_T=0.6, V_m=0.07, tau_d=0.1, tau_k=0.04)
done = model.fit(Z, start, frequency=frequency, bias=bias, weights=1 / noise, method="least_squares")

for name, parameter in done.params.items():
    true = getattr(truth, name)
    if parameter.vary:
        print(f"{name:6} {parameter.value:.4g} +- {parameter.stderr:.2g}   truth {true:.4g}")
        assert abs(parameter.value - true) < 4 * parameter.stderr, name
print(f"reduced chi-square {done.redchi:.2f}")
assert 0.7 < done.redchi < 1.3
