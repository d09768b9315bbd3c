"""Fig. 1 of the paper: the steady state, the elements of the circuit, and the spectra of both models.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789.

    python examples/paper/fig1.py [FOLDER]
"""

import matplotlib.pyplot as plt
import numpy as np
from claims import BLUE, DEVICE, GREEN, GREY, RED, claim, holds, save
from matplotlib.axes import Axes

import memfit as mf

p = DEVICE
two = p.replace(tau_k=0.0)  # the activation follows at once: the 2D model
u = np.linspace(0.5, 1.5, 1001)
f = mf.equations.activation(p, u)
leak, channel = u / p.R_b, p.i_c0 * f
R_a = 1.0 / mf.equations.inverse_resistance_a(p, u)
R_dc = mf.equations.dc_resistance(p, u)
L_d, L_k = p.tau_d * R_a, mf.equations.activation_time(p, u) * R_a


def draw_circuit(axes: Axes, inductors: list[str]) -> None:
    """C_m, R_b and the channel in parallel, drawn with lines."""
    axes.set_axis_off()
    axes.set(xlim=(0, 5.2), ylim=(-0.2, 4.4))
    axes.plot([0.6, 4.2, np.nan, 0.6, 4.2], [4, 4, np.nan, 0, 0], color="k", lw=0.8)
    branches = (["C_m"], ["R_b"], ["R_a", *inductors])
    for x, names in zip((0.6, 2.4, 4.2), branches, strict=True):
        axes.plot([x, x], [0, 4], color="k", lw=0.8, zorder=1)
        for y, name in zip(np.linspace(4, 0, len(names) + 2)[1:-1], names, strict=True):
            axes.text(
                x,
                y,
                f"${name}$",
                ha="center",
                va="center",
                fontsize=7,
                bbox={"boxstyle": "square,pad=0.2", "fc": "white", "ec": "k", "lw": 0.8},
            )


figure, panels = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained")
(a, b, c), (d, e, g) = panels
a.plot(u, leak + channel, color="k", label="$I$")
a.plot(u, leak, color=BLUE, ls="--", label="$u/R_b$")
a.plot(u, channel, color=RED, ls="--", label="$i_c = i_{c0} f_{ss}$")
a.set(xlabel="u (V)", ylabel="I (A)", title="a  steady current and its parts")
a.legend()
b.semilogy(u, R_a, color=RED)
b.set(xlabel="u (V)", ylabel=r"$R_a$ (Ω)", title="b  resistance of the channel")
c.semilogy(u, L_d, color=BLUE, label="$L_d$")
c.semilogy(u, L_k, color=GREEN, label="$L_k$")
c.set(xlabel="u (V)", ylabel="L (H)", title="c  chemical inductors")
c.legend()
d.semilogy(u, R_dc, color="k", label=r"$R_{dc} = dV/dI$")
d.semilogy(u, u / (leak + channel), color=GREY, ls=":", label="chord $u/I$")
d.set(xlabel="u (V)", ylabel="R (Ω)", title="d  differential resistance")
d.legend()
frequency = np.geomspace(1e-4, 1e3, 4001)
for axes, device, title, names in (
    (e, two, "e  2D model", ["L_d"]),
    (g, p, "f  3D model", ["L_d", "L_k"]),
):
    for bias, colour in ((0.6, GREY), (0.8, BLUE), (0.85, GREEN), (0.95, RED)):
        Z = mf.impedance(device, frequency, bias)
        inside = np.abs(Z) < 3
        axes.plot(Z.real[inside], -Z.imag[inside], color=colour, label=f"{bias} V")
    axes.axhline(0, color="k", lw=0.5)
    axes.axvline(0, color="k", lw=0.5)
    axes.set(xlabel="Z′ (Ω)", ylabel="−Z″ (Ω)", title=title, aspect="equal")
    axes.set(xlim=(-0.62, 1.08), ylim=(-0.35, 1.15), xticks=(-0.5, 0, 0.5, 1))
    axes.legend(loc="upper right", title="u")
    draw_circuit(axes.inset_axes((0.02, 0.55, 0.5, 0.45)), names)

at = {bias: int(np.argmin(np.abs(u - bias))) for bias in (0.5, 1.0, 1.5)}
claim("1a", "at V_T the channel carries half of i_c0, so I = 1 + 5", (leak + channel)[at[1.0]], 6.0)
claim("1a", "well below V_T only the leakage conducts: I = u/R_b", (leak + channel)[at[0.5]], 0.5)
claim("1a", "well above V_T the channel saturates: I = u/R_b + i_c0", (leak + channel)[at[1.5]], 11.5)
claim("1b", "R_a is least at V_T, where it is 4 V_m/i_c0", float(R_a.min()), 0.02)
claim("1b", "the least R_a is at u = V_T", float(u[np.argmin(R_a)]), 1.0)
claim("1c", "L_d = tau_d R_a has the same minimum", float(L_d.min()), 0.02)
claim("1c", "L_k = f tau_k R_a is tau_k V_m/i_c0 below V_T ...", float(L_k[0]), 0.005)
claim("1c", "... twice that at V_T, and only grows", float(L_k[at[1.0]]), 0.01)
holds("1c", "L_k never falls with u: least step", float(np.diff(L_k).min()), above=0)
slope = np.gradient(u, leak + channel)[at[1.0]]
claim("1d", "R_dc at V_T is (1 + 50)^-1 ...", float(R_dc[at[1.0]]), 1 / 51)
claim("1d", "... the slope dV/dI of panel a", float(slope), float(R_dc[at[1.0]]))
claim("1d", "... and not the chord u/I", float((u / (leak + channel))[at[1.0]]), 1 / 6)
biases = (0.6, 0.8, 0.85, 0.95)
least = min(float(mf.impedance(two, frequency, bias).real.min()) for bias in biases)
holds("1e", "2D: no negative resistance at any frequency: least Z'", least, above=0)
inductive = max(float(mf.impedance(two, frequency, bias).imag.max()) for bias in biases)
holds("1e", "2D: the low-frequency arc is inductive: largest Z''", inductive, above=0)
start = float(mf.impedance(p, 1e-9, 0.95).real)
claim("1f", "3D: Z(0) is R_dc, as in 2D", start, float(mf.equations.dc_resistance(p, 0.95)))
least = float(mf.impedance(p, frequency, 0.95).real.min())
holds("1f", "3D: negative resistance at finite frequency, with R_dc > 0: least Z' at 0.95 V", least, below=0)
save(figure, "paper_fig1")
