"""Fig. 5 of the paper: where the 3D model loses its stability, its limit cycles, and the error of Eq. 20.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789, print c0 = A/(tau_m tau_d p); the determinant of
their own Jacobian gives (1 + A)/(tau_m tau_d p). The steady state is unstable where c2 c1 - c0 < 0: both
Hopf voltages move. Panel f is a device that the printed formula calls stable at every bias and that the
equations make oscillate.

    python examples/paper/fig5.py [FOLDER]
"""

import matplotlib.pyplot as plt
import numpy as np
from claims import BLUE, DEVICE, GREY, MAGENTA, RED, claim, holds, save
from scipy.optimize import brentq

import memfit as mf

U_APP = 1.0
I_APP = float(mf.equations.steady_current(DEVICE, U_APP))
current_control = mf.Circuit(control="current")


def discriminants(p: mf.Parameters, u: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """c2 c1 - c0 with the correct and with the printed c0; negative is unstable (Routh and Hurwitz)."""
    c2, c1, c0, printed_c0 = mf.linear.coefficients(p, u)
    return c2 * c1 - c0, c2 * c1 - printed_c0


u = np.linspace(0.85, 1.2, 1401)
c2, c1, c0, printed_c0 = mf.linear.coefficients(DEVICE, u)
correct, printed = discriminants(DEVICE, u)
hopf = mf.find_hopf_points(DEVICE, current_control)
printed_hopf = [
    brentq(lambda x: float(discriminants(DEVICE, x)[1]), *ends) for ends in ((0.8, 1.0), (1.0, 1.3))
]

diagram = mf.bifurcation_diagram(DEVICE, current_control)
step = mf.pulse("current", I_APP, on=2.0, off=40.0, end=60.0)
course = mf.simulate(DEVICE, step, np.linspace(0, 60, 12_001))

# A device between the two formulas: equal times at V_T and 8 < A < 9.
between = DEVICE.replace(i_c0=4 * 8.5 * DEVICE.V_m, tau_k=2.0)
bias = float(mf.equations.steady_current(between, between.V_T))
nudge = mf.pulse("current", 1.003 * bias, on=10, off=11, end=400, base=bias)
slow = mf.simulate(between, nudge, np.linspace(0, 400, 12_001))

figure, panels = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
(a, b, c), (d, e, f) = panels
a.plot(u, c2, color=GREY, label="$c_2$")
a.plot(u, c1, color=GREY, ls="--", label="$c_1$")
a.plot(u, c0, color=BLUE, label="$c_0$ correct")
a.plot(u, printed_c0, color=RED, ls=":", label="$c_0$ as printed")
a.plot(u, correct, color=BLUE, lw=2, label="$c_2 c_1 - c_0$ correct")
a.plot(u, printed, color=RED, ls="--", label="$c_2 c_1 - c_0$ as printed")
a.axhline(0, color="k", lw=0.5)
for point in hopf:
    a.plot(point.u, 0, "o", ms=4, color=BLUE)
for place in printed_hopf:
    a.plot(place, 0, "x", ms=5, color=RED)
a.set(xlabel="u (V)", title="a  coefficients; o correct, x as printed")
a.set_yscale("symlog", linthresh=10)
a.legend(ncols=2, fontsize=6)
near = (u > 1.13) & (u < 1.17)
b.plot(u[near], correct[near], color=BLUE, lw=2, label="correct")
b.plot(u[near], printed[near], color=RED, ls="--", label="as printed")
b.axhline(0, color="k", lw=0.5)
b.set(xlabel="u (V)", ylabel=r"$c_2 c_1 - c_0$ (1/s³)", title="b  closer: the second Hopf point")
b.set_xticks([1.13, 1.15, 1.17])
b.legend()
c.plot(course.time, course.u, color=BLUE, lw=0.8)
c.axhline(U_APP, color=MAGENTA, lw=0.9)
c.set(xlabel="t (s)", ylabel="u (V)", title="c  a step of current: spiking")
on = (course.time > 2) & (course.time < 40)
settled = (course.time > 30) & (course.time < 40)
d.plot(course.u[on], course.f[on], color=GREY, lw=0.6)
d.plot(course.u[settled], course.f[settled], color=BLUE)
d.plot(U_APP, 0.5, "x", color=MAGENTA)
d.set(xlabel="u (V)", ylabel="f", title="d  the same: from rest to the limit cycle")
sources = np.array([cycle.source for cycle in diagram.cycles])
for end in (0, 1):
    e.plot(sources, [cycle.u[end] for cycle in diagram.cycles], color=RED)
grid = np.linspace(0.8, 1.25, 600)
steady = mf.equations.steady_current(DEVICE, grid)
oscillates = (grid > hopf[0].u) & (grid < hopf[1].u)
e.plot(np.where(oscillates, np.nan, steady), grid, color="k")
e.plot(np.where(oscillates, steady, np.nan), grid, color="k", ls="--")
e.plot([point.I for point in hopf], [point.u for point in hopf], "o", ms=4, color=BLUE)
e.set(xlabel="I (A)", ylabel="u (V)", title="e  limit cycles between the Hopf points")
f.plot(slow.time, slow.u, color=BLUE, lw=0.7)
f.axhline(between.V_T, color=MAGENTA, lw=0.9)
f.set(xlabel="t (s)", ylabel="u (V)", title="f  “stable” as printed, A = 8.5: it oscillates")

claim("5a", "first Hopf point, correct c0: u", hopf[0].u, 0.900029, 1e-6)
claim("5a", "second Hopf point, correct c0: u", hopf[1].u, 1.156655, 1e-6)
claim("5a", "first Hopf point as printed: u", printed_hopf[0], 0.901672, 1e-6)
claim("5a", "second Hopf point as printed: u", printed_hopf[1], 1.150188, 1e-6)
for point, place, name in zip(hopf, printed_hopf, ("first", "second"), strict=True):
    growth = float(mf.linear.eigenvalues(DEVICE, point.u).real.max())
    claim(
        "5a", f"{name}, correct: the pair of eigenvalues is purely imaginary, growth rate", growth, 0.0, 1e-9
    )
    growth = float(mf.linear.eigenvalues(DEVICE, place).real.max())
    holds("5a", f"{name}, as printed: the device already oscillates there, growth rate", growth, above=1e-3)
claim("5a", "omega_H^2 is c1 at the Hopf point", hopf[0].omega ** 2, float(np.interp(hopf[0].u, u, c1)), 1e-4)

late = course.u[(course.time > 30) & (course.time < 40)]
crossings = np.flatnonzero((course.u[:-1] > U_APP) & (course.u[1:] <= U_APP) & (course.time[:-1] > 20))
crossings = crossings[course.time[crossings] < 40]
period = float(np.mean(np.diff(course.time[crossings])))
claim("5c", "the device spikes by itself: period", period, 2.596243, 2e-3)
claim("5c", "lowest u", float(late.min()), 0.696629, 1e-3)
claim("5c", "highest u", float(late.max()), 1.820867, 1e-3)
assert diagram.complete
holds("5e", "the branch of cycles joins the Hopf points: cycles on it", len(diagram.cycles), above=20)
order = np.argsort(sources)
at_6 = float(np.interp(I_APP, sources[order], np.array([cycle.u[1] for cycle in diagram.cycles])[order]))
claim("5e", "at I = 6 it passes the spikes of panel c: highest u", at_6, float(late.max()), 0.02)
unstable = sum(not cycle.stable for cycle in diagram.cycles)
holds("5e", "... and all its cycles are stable: unstable ones", unstable, below=1)
gain = float(mf.linear.loop_gain(between, between.V_T))
claim("5f", "a device with the loop gain A = R_b/R_a at V_T", gain, 8.5)
at_V_T, printed_at_V_T = discriminants(between, between.V_T)
everywhere = discriminants(between, np.linspace(0.5, 1.5, 4001))[1]
holds("5f", "as printed it is stable at every bias: least c2 c1 - c0", float(everywhere.min()), above=0)
holds("5f", "correct: unstable at V_T, c2 c1 - c0", float(at_V_T), below=0)
start = slow.u[(slow.time > 11) & (slow.time < 60)]
end = slow.u[slow.time > 350]
holds("5f", "swing of u after 350 s, long after a nudge of 0.3 % for 1 s", float(np.ptp(end)), above=0.05)
holds("5f", "... and it has grown since the nudge, times", float(np.ptp(end) / np.ptp(start)), above=1.5)
save(figure, "paper_fig5")
