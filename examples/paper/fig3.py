"""Fig. 3 of the paper: the current after a step of voltage, R_s = 0.1 and V_app = 1.5.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. The line of the dc current solves V = u + R_s I(u),
which gives 5.165; I(u) read at u = V_app would be 11.5. The time constants of the panels are stand-ins,
chosen to show a capacitive decay, a channel that opens late, one that opens at once, and the 3D model.

    python examples/paper/fig3.py [FOLDER]
"""

import matplotlib.pyplot as plt
import numpy as np
from claims import BLUE, DEVICE, GREY, MAGENTA, claim, holds, save

import memfit as mf

R_S, V_APP = 0.1, 1.5
PANELS = {
    "a": DEVICE.replace(R_s=R_S, C_m=1.0, tau_d=100.0, tau_k=0.0),
    "b": DEVICE.replace(R_s=R_S, C_m=0.1, tau_d=3.0, tau_k=0.0),
    "c": DEVICE.replace(R_s=R_S, C_m=1.0, tau_d=0.1, tau_k=0.0),
    "d": DEVICE.replace(R_s=R_S, C_m=0.1, tau_d=1.0, tau_k=1.0),
}
step = mf.pulse("voltage", V_APP, on=0.0, off=1000.0, end=1000.0, start=-1.0)
time = np.concatenate([[-0.5, -1e-9], np.geomspace(1e-6, 900.0, 6000)])
course = {panel: mf.simulate(device, step, time) for panel, device in PANELS.items()}

at_rest = V_APP / (R_S + DEVICE.R_b)  # the channel still closed
resistive = R_S * DEVICE.R_b / (R_S + DEVICE.R_b)  # R_s and R_b in parallel, what C_m charges through
dc = float(course["b"].current[-1])

figure, axes = plt.subplots(1, 4, figsize=(10.5, 2.7), layout="constrained", sharey=True)
for place, (panel, device) in zip(axes, PANELS.items(), strict=True):
    shown = time > 0
    place.semilogx(time[shown], course[panel].current[shown], color=BLUE)
    place.axhline(dc, color=MAGENTA, lw=0.9)
    place.axhline(at_rest, color=GREY, lw=0.8, ls="--")
    model = "3D" if device.tau_k else "2D"
    place.set_title(rf"{panel}  {model}, $\tau_m$ = {device.tau_m:g}, $\tau_d$ = {device.tau_d:g}")
    place.set(xlabel="t (s)", xlim=(1e-4, 900))
axes[0].set_ylabel("I (A)")
axes[0].annotate("dc: 5.165", (2e-4, dc + 0.3), color=MAGENTA)
axes[0].annotate(r"$V/(R_s + R_b)$", (2e-4, at_rest + 0.3), color=GREY)

u = V_APP - R_S * dc
claim("3", "dc current solves V = u + R_s I(u)", dc, 5.165)
claim("3", "... with u, not V_app, in I(u)", float(mf.equations.steady_current(DEVICE, u)), dc)
claim("3", "I(u) at u = V_app would be", float(mf.equations.steady_current(DEVICE, V_APP)), 11.5)
for panel in PANELS:
    first = float(course[panel].current[2])
    claim(f"3{panel}", "at first C_m is a short circuit: V/R_s", first, V_APP / R_S)
    claim(f"3{panel}", "at last the dc current", float(course[panel].current[-1]), dc, 2e-3)
late = float(np.interp(8 * resistive, time, course["a"].current))
claim("3a", "slow channel: a capacitive decay to V/(R_s + R_b) comes before", late, at_rest, 0.05)
half = at_rest + 0.5 * (15.0 - at_rest)
falling = (time > 0) & (time < 1)
half_time = float(np.interp(-half, -course["a"].current[falling], time[falling]))
decay = resistive * PANELS["a"].C_m * np.log(2)
claim("3a", "... with the time constant C_m R_s R_b/(R_s + R_b): half-time", half_time, decay, 0.02)
for panel in "bd":
    least = float(course[panel].current.min(initial=15.0, where=time > 0))
    holds(
        f"3{panel}", "the current passes a minimum and rises again, as an inductor does", least, below=dc / 2
    )
least = float(course["c"].current.min(initial=15.0, where=time > 0))
holds("3c", "fast channel: the dip stays above four fifths of the dc current", least, above=0.8 * dc)
save(figure, "paper_fig3")
