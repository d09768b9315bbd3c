"""Fig. 4 of the paper: spectra of the 3D model without and with negative resistance at finite frequency.

Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. Z(0) = R_dc is positive at every bias. Between the
two cases stands a third that the eye takes for the second: Z' < 0 at some frequencies, yet the device is
stable. What decides is the sign of Z' where the spectrum crosses the real axis.

    python examples/paper/fig4.py [FOLDER]
"""

import matplotlib.pyplot as plt
import numpy as np
from claims import BLUE, DEVICE, GREY, RED, claim, holds, save

import memfit as mf

CASES = {"a": (0.85, "no negative resistance"), "b": (0.899, "Z′ < 0, stable"), "c": (0.95, "oscillates")}
omega = np.unique(np.concatenate([np.geomspace(1e-3, 1e3, 5001), np.linspace(3, 6, 5001)]))
spectra = {panel: mf.impedance(DEVICE, omega / (2 * np.pi), u) for panel, (u, _) in CASES.items()}

figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), layout="constrained")
for place, (panel, (u, words)) in zip(axes, CASES.items(), strict=True):
    Z = spectra[panel]
    place.plot(Z.real, -Z.imag, color=BLUE)
    negative = Z.real < 0
    place.plot(np.where(negative, Z.real, np.nan), np.where(negative, -Z.imag, np.nan), color=RED)
    place.plot(float(mf.equations.dc_resistance(DEVICE, u)), 0, "o", ms=4, color="k")
    place.axhline(0, color=GREY, lw=0.5)
    place.axvline(0, color=GREY, lw=0.5)
    place.set(xlabel="Z′ (Ω)", title=f"{panel}  u = {u:g} V: {words}", aspect="equal", adjustable="datalim")
axes[0].set_ylabel("−Z″ (Ω)")
closer = axes[1].inset_axes((0.38, 0.4, 0.34, 0.3))
closer.plot(spectra["b"].real, -spectra["b"].imag, color=BLUE)
closer.plot(*np.where(spectra["b"].real < 0, (spectra["b"].real, -spectra["b"].imag), np.nan), color=RED)
closer.axvline(0, color=GREY, lw=0.5)
closer.set(xlim=(-0.15, 0.15), ylim=(0, 3), title="closer")
closer.tick_params(labelsize=6)


def crossing(Z: np.ndarray) -> tuple[float, float]:
    """Angular frequency and Z' where the spectrum crosses the real axis between its ends."""
    at = np.flatnonzero(Z.imag[:-1] * Z.imag[1:] < 0)
    assert at.size == 1
    share = Z.imag[at[0]] / (Z.imag[at[0]] - Z.imag[at[0] + 1])
    here = omega[at[0]] + share * (omega[at[0] + 1] - omega[at[0]])
    return float(here), float(mf.impedance(DEVICE, here / (2 * np.pi), u_of(Z)).real)


def u_of(Z: np.ndarray) -> float:
    """The bias of a spectrum."""
    return next(CASES[panel][0] for panel, other in spectra.items() if other is Z)


for panel, (u, _) in CASES.items():
    R_dc = float(mf.equations.dc_resistance(DEVICE, u))
    claim(f"4{panel}", f"u = {u} V: Z(0) is R_dc > 0", float(spectra[panel][0].real), R_dc)
holds("4a", "Z' > 0 at every frequency: least Z'", float(spectra["a"].real.min()), above=0)
holds("4b", "Z' < 0 at finite frequency: least Z'", float(spectra["b"].real.min()), below=0)
holds("4b", "... but the real axis is crossed at Z' > 0", crossing(spectra["b"])[1], above=0)
growth = {panel: float(mf.linear.eigenvalues(DEVICE, u).real.max()) for panel, (u, _) in CASES.items()}
holds("4b", "... and the eigenvalues say stable: growth rate", growth["b"], below=0)
holds("4c", "Z' < 0 where the real axis is crossed", crossing(spectra["c"])[1], below=0)
holds("4c", "... and the eigenvalues say oscillating: growth rate", growth["c"], above=0)
holds("4a", "for completeness, a: growth rate", growth["a"], below=0)
save(figure, "paper_fig4")
