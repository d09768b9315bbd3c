"""How near is a device to spiking, and what would tip it over? The answer is tried out on the model.

python examples/what_would_make_it_spike.py
"""

from pathlib import Path

import numpy as np

import memfit as mf

device = mf.load(Path(__file__).parents[1] / "sample_data" / "mapbi3_b")
p = mf.fit(device).values()
now = mf.stability(p)["current"]
print(now["message"])
print(f"gain margin {now['gain_margin_min']:.3f}; the factor of each parameter that would make it oscillate:")
for name, factor in now["changes_to_hopf"].items():
    print(f"  {name:6}", "none does" if factor is None else f"x {factor:.3f}")


def late_swing(p: mf.Parameters) -> float:
    """Swing of u (V) long after a small kick, at the steady state that is nearest to oscillation."""
    u = mf.stability(p)["current"]["at_u"]
    bias = float(mf.equations.steady_current(p, u))
    slowest = max(p.tau_m, p.tau_d, p.tau_k)
    kick = mf.pulse("current", 1.05 * bias, on=1.0, off=1.0 + slowest, end=600 * slowest, base=bias)
    course = mf.simulate(p, kick)
    return float(np.ptp(course.u[course.time > 500 * slowest]))


factor = now["changes_to_hopf"]["R_b"]
below, above = p.replace(R_b=p.R_b * factor * 0.98), p.replace(R_b=p.R_b * factor * 1.02)
quiet, spiking = late_swing(below), late_swing(above)
print(f"R_b 2 % below that: u swings by {quiet * 1e3:.3f} mV; 2 % above: by {spiking * 1e3:.0f} mV")
(born, _) = mf.find_hopf_points(above, mf.Circuit(control="current"))
print(f"Above, the oscillation is born at u = {born.u:.3f} V with {born.frequency_Hz:.2f} Hz.")

assert now["verdict"] == "near"
assert abs(now["gain_margin_min"] - 1.076) < 0.01
assert not mf.find_hopf_points(below, mf.Circuit(control="current"))
assert quiet < 1e-3 < 20e-3 < spiking
