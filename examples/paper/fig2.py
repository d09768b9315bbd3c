"""Fig. 2 of the paper: thirteen responses of the 2D model to a current pulse.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. The [tau_m, tau_d] of the panels are not in the
paper's text: those below are stand-ins, chosen to show what the text describes. The pulse is dt = 1 long and
carries I(u_app) for u_app = V_T. The magenta line is u_app; it is not R_dc I.

    python examples/paper/fig2.py [FOLDER]
"""

import matplotlib.pyplot as plt
import numpy as np
from claims import BLUE, DEVICE, GREY, MAGENTA, RED, claim, holds, save

import memfit as mf

TIMES = {
    "a": (0.001, 100), "b": (0.001, 3), "c": (0.001, 1), "d": (0.001, 0.3),
    "e": (0.1, 100), "f": (0.1, 3), "g": (0.1, 1), "h": (0.1, 0.1),
    "i": (1, 100), "j": (1, 10), "k": (1, 3), "l": (1, 1), "m": (1, 0.1),
}  # fmt: skip
WIDTH, U_APP = 1.0, 1.0
I_APP = float(mf.equations.steady_current(DEVICE, U_APP))


def device(panel: str) -> mf.Parameters:
    """The 2D device of a panel; C_m = tau_m, since R_b = 1."""
    tau_m, tau_d = TIMES[panel]
    return DEVICE.replace(C_m=tau_m, tau_d=tau_d, tau_k=0.0)


time = np.linspace(-0.25, 3.0, 6501)
step = mf.pulse("current", I_APP, on=0.0, off=WIDTH, end=3.0, start=-0.25)
course = {panel: mf.simulate(device(panel), step, time) for panel in TIMES}

figure, panels = plt.subplots(4, 4, figsize=(9, 8), layout="constrained", sharex=True)
places = [axes for row, count in zip(panels, (4, 4, 4, 1), strict=True) for axes in row[:count]]
for axes, panel in zip(places, TIMES, strict=True):
    tau_m, tau_d = TIMES[panel]
    axes.axvspan(0, WIDTH, color="#f2f2f2", zorder=0)
    axes.axhline(U_APP, color=MAGENTA, lw=0.9)
    axes.axhline(0, color=GREY, lw=0.5)
    axes.plot(time, course[panel].u, color=BLUE)
    axes.set_title(rf"{panel}  $\tau_m$ = {tau_m:g}, $\tau_d$ = {tau_d:g}")
    axes.set_ylabel("u (V)")
for axes in panels[3, 2:]:
    axes.set_axis_off()
panels[3, 1].plot(time, step.at(time), color=RED)
panels[3, 1].set(title="the pulse of all panels", ylabel="I (A)")
for axes in (*panels[3, :2], *panels[2, 2:]):
    axes.set_xlabel("t (s)")
    axes.xaxis.set_tick_params(labelbottom=True)


def during(panel: str) -> np.ndarray:
    """Voltage while the pulse is on."""
    return course[panel].u[(time > 0) & (time < WIDTH)]


for panel in "aei":  # the channel is too slow to open: only R_b and C_m answer
    tau_m, tau_d = TIMES[panel]
    t = time[(time > 0) & (time < WIDTH)]
    charging = DEVICE.R_b * I_APP * (1 - np.exp(-t / tau_m))
    off = float(np.max(np.abs(during(panel) - charging)))
    holds(f"2{panel}", "tau_d >> dt: charging of C_m through R_b, off by at most 0.1", off, below=0.1)
for panel in "bcd":
    claim(f"2{panel}", "tau_m << dt: u jumps to R_b I first", float(during(panel).max()), 6.0, 0.03)
for panel in "cd":
    claim(
        f"2{panel}", "then the channel opens: u spikes and falls to u_app", float(during(panel)[-1]), 1.0, 0.2
    )
holds("2b", "with tau_d = 3 dt it has no time to arrive: u at the end", float(during("b")[-1]), above=2)
for panel in "bcd":
    after = float(course[panel].u[time > WIDTH].min())
    open_channel = float(course[panel].i_c[np.searchsorted(time, WIDTH)])
    claim(f"2{panel}", "switched off, u undershoots to -R_b i_c", after, -open_channel, 0.02)
overshoot = [float(during(panel).max()) for panel in "bfk"]
holds("2bfk", "the spike shrinks as tau_m grows: 0.001, 0.1, 1", float(max(np.diff(overshoot))), below=0)


def extremes(p: mf.Parameters) -> int:
    """How often u turns around after a step of current that stays on."""
    slow = max(p.tau_m, p.tau_d)
    t = np.linspace(0, 60 * slow, 200_001)
    drive = mf.pulse("current", I_APP, on=0.0, off=61 * slow, end=62 * slow)
    u = mf.simulate(p, drive, t).u
    assert abs(u[-1] - U_APP) < 1e-4
    move = np.diff(u)[np.abs(np.diff(u)) > 1e-9]
    return int(np.sum(np.diff(np.sign(move)) != 0))


largest = max(float(mf.linear.eigenvalues(device(panel), U_APP).real.max()) for panel in TIMES)
holds("2a-m", "the 2D model is stable at every [tau_m, tau_d]: largest growth rate", largest, below=0)
for panel in "gh":
    ringing = float(mf.linear.eigenvalues(device(panel), U_APP).imag.max())
    holds(f"2{panel}", "complex eigenvalues: it rings before it settles, rad/s", ringing, above=0)
    holds(f"2{panel}", "turning points after a long step", extremes(device(panel)), above=2)
silent = float(np.abs(mf.linear.eigenvalues(device("d"), U_APP).imag).max())
claim("2d", "real eigenvalues: no ringing", silent, 0.0)
long = mf.pulse("current", I_APP, on=0.0, off=50.0, end=51.0)
settled = float(mf.simulate(device("l"), long, [49.9]).u[0])
claim("2", "a long pulse settles on the magenta line, which is u_app ...", settled, U_APP)
wrong = float(mf.equations.dc_resistance(DEVICE, U_APP)) * I_APP
claim("2", "... and not R_dc I, which would be", wrong, 6 / 51)
save(figure, "paper_fig2")
