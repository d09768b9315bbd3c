"""What each part of the family does to a loop, a spectrum and a pulse, beside the plainest device.

Draws signatures.png, and prints how much of each curve's span a part moves: what a measurement can tell.

    python examples/signatures_of_the_parts.py [FOLDER]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import memfit as mf

PLAIN = mf.Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.7, V_m=0.07, tau_d=0.03, tau_k=0.1, R_s=50.0)
PARTS = {
    "branch": {"R_1": 3e4, "C_1": 3e-6},
    "dispersion": {"n": 0.85},
    "capacitance": {"C_0": 1e-11, "V_c": 0.07},
    "leak": {"I_l": 2e-8, "V_l": 0.14},
    "photocurrent": {"I_ph": 4e-6},
    "second_polarity": {"i_c0n": 2e-5, "V_Tn": 0.7, "V_mn": 0.07},
    "conductance": {"kappa": 1.0},
    "activation_time": {"p_k": 0.0, "q_k": 1.0},
}
LOOP = mf.sweep("voltage", [0.0, 1.0, -1.0, 0.0], rate=1.0)
PULSE = mf.pulse("current", 1.9e-5, on=0.1, off=0.9, end=1.6)
FREQUENCY = np.geomspace(1e4, 0.05, 400)
BIAS = 0.6


def curves(p: mf.Parameters) -> tuple[np.ndarray, ...]:
    """Current of the loop, impedance, voltage of the pulse."""
    loop, pulse = (mf.simulate(p, drive, np.linspace(0.0, drive.time[-1], 1201)) for drive in (LOOP, PULSE))
    return loop.current, mf.impedance(p, FREQUENCY, BIAS), pulse.voltage


members = {name: PLAIN.replace(**values) for name, values in PARTS.items()}
plain = curves(PLAIN)
moved = {}
figure, panels = plt.subplots(len(PARTS), 3, figsize=(9, 17), layout="constrained")
voltage, time = (
    drive.at(np.linspace(0.0, drive.time[-1], 1201)) if drive is LOOP else np.linspace(0.0, 1.6, 1201)
    for drive in (LOOP, PULSE)
)
for (name, p), row in zip(members.items(), panels, strict=True):
    found = curves(p)
    moved[name] = [np.max(np.abs(a - b)) / np.ptp(np.abs(b)) for a, b in zip(found, plain, strict=True)]
    for data, colour, width in ((plain, "0.6", 2.2), (found, "#0072b2", 1.0)):
        row[0].plot(voltage, 1e6 * data[0], color=colour, lw=width)
        row[1].plot(1e-3 * data[1].real, -1e-3 * data[1].imag, color=colour, lw=width)
        row[2].plot(time, data[2], color=colour, lw=width)
    values = ", ".join(f"{key} = {value:g}" for key, value in PARTS[name].items())
    row[0].set_title(f"{name}: {values}", loc="left", fontsize=8)
    row[0].set(xlabel="V (V)", ylabel="I (µA)")
    row[1].set(xlabel="Z' (kΩ)", ylabel="-Z'' (kΩ)")
    row[2].set(xlabel="t (s)", ylabel="V (V)")
panels[0, 1].set_title("spectrum at 0.6 V", fontsize=8)
panels[0, 2].set_title("current pulse; grey: the plainest device", fontsize=8)
figure.savefig(Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "signatures.png", dpi=80)

print(f"{'moves, of the span':18} {'loop':>8} {'spectrum':>9} {'pulse':>8}")
for name, shares in moved.items():
    print(f"{name:18} " + " ".join(f"{100 * share:7.1f} %" for share in shares))

# What nothing else does.
steady = {name: mf.equations.steady_current(p, np.array([-0.7, 0.0, 0.9])) for name, p in members.items()}
plainest = mf.equations.steady_current(PLAIN, np.array([-0.7, 0.0, 0.9]))
for name in ("branch", "dispersion", "capacitance", "activation_time"):  # not seen without a change in time
    assert np.array_equal(steady[name], plainest)
assert np.isclose(steady["photocurrent"][1] - plainest[1], -4e-6)
assert steady["leak"][2] > plainest[2] + 5e-6
assert steady["second_polarity"][0] < plainest[0] - 5e-6
phase = np.degrees(np.angle(1.0 / (mf.impedance(members["dispersion"], [1e6], 0.0) - PLAIN.R_s)))
assert abs(phase[0] - 0.85 * 90.0) < 0.1
undershoot, none = (float(np.min(data[2])) for data in (plain, curves(members["conductance"])))
# A channel that is a current source pulls the junction below 0 V when left alone; a conductance does not.
assert undershoot < -0.3
assert none > -0.02
