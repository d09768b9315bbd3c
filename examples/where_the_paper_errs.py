"""A device that the printed Eq. 20 calls stable and the equations make oscillate.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789, print c0 = A/(tau_m tau_d p) where the determinant
of their own Jacobian gives (1 + A)/(tau_m tau_d p). For 8 < A < 9 and equal times the verdicts differ.

    python examples/where_the_paper_errs.py
"""

import numpy as np

import memfit as mf
from memfit.model import coefficients, eigenvalues

V_m, A = 0.05, 8.5
half = 0.5  # activation at which R_b/R_a is largest
device = mf.Parameters(
    R_b=1.0, C_m=1.0, i_c0=4 * A * V_m, V_T=1.0, V_m=V_m, tau_d=1.0, tau_k=1.0 / half
)  # tau_m = tau_d = f tau_k = 1 s at u = V_T
c2, c1, c0, printed_c0 = (float(c) for c in coefficients(device, np.array(device.V_T)))
print(f"correct: c2 c1 - c0 = {c2 * c1 - c0:+.2f} (negative: unstable)")
print(f"printed: c2 c1 - c0 = {c2 * c1 - printed_c0:+.2f} (positive: stable)")
assert c2 * c1 - c0 < 0 < c2 * c1 - printed_c0

growth = float(np.max(eigenvalues(device, np.array(device.V_T)).real))
bias = device.V_T / device.R_b + device.i_c0 * half
nudged = mf.simulate(device, mf.pulse("current", 1.02 * bias, on=5, off=6, end=400, base=bias))
late = nudged.u[nudged.time > 350]
print(f"growth rate {growth:+.4f} 1/s; swing of u after 350 s: {np.ptp(late):.3f} V")
assert growth > 0
assert np.ptp(late) > 0.05
