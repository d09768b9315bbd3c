"""Compare the sample devices: which differ, how far they spread, which will spike.

Two of them, B and D, are one truth measured into the files of different instruments: the comparison must not
tell them apart. C is the one that oscillates. Then a wafer of synthetic results, with areas and temperatures:
the comparison must find the scaling with area and the activation energies that were put in.

    python examples/compare_sample_devices.py
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import memfit as mf

SAMPLES = Path(__file__).parents[1] / "sample_data"
results = [mf.fit(mf.load(SAMPLES / f"mapbi3_{name}")) for name in ("a", "b", "c", "d_instruments")]
found = mf.compare(results)
mf.write_comparison(found, "comparison")

names = [device.label for device in found.devices]
for m, (i, j) in enumerate(zip(found.pairs.first, found.pairs.second, strict=True)):
    verdict = "differ" if found.pairs.joint_p_value[m] < 0.05 else "cannot be told apart"
    print(f"{names[i]} and {names[j]} {verdict}")
same = [m for m, p in enumerate(found.pairs.joint_p_value) if p >= 0.05]
assert [(names[found.pairs.first[m]][7], names[found.pairs.second[m]][7]) for m in same] == [("B", "D")]

first = next(one for one in found.ranking if one.circuit == "current")
print(f"nearest to oscillation: {names[first.device]}, gain margin {first.gain_margin:.3f} ({first.verdict})")
assert names[first.device].startswith("MAPbI3 C")
assert first.verdict == "oscillates"

# A wafer: device B again and again, with other areas and temperatures, and 10 % of spread between devices.
BOLTZMANN, rng = 8.617333262e-5, np.random.default_rng(1)  # eV/K
wafer = []
for k in range(12):
    area, temperature = (1e-6, 4e-6, 1.6e-5)[k % 3], (288.0, 298.0, 308.0, 318.0)[k // 3]
    heat = 1 / (BOLTZMANN * temperature) - 1 / (BOLTZMANN * 298.0)
    factors = {
        "R_b": 4e-6 / area,
        "C_m": area / 4e-6,
        "i_c0": area / 4e-6,
        "tau_d": np.exp(0.35 * heat),
        "tau_k": np.exp(0.50 * heat),
    }
    parameters = dict(results[1].parameters)
    for name, factor in factors.items():
        own = float(factor * np.exp(0.1 * rng.normal()))
        e = parameters[name]
        parameters[name] = replace(e, value=own * e.value, stderr=own * e.stderr, ci95=None)
    device = {"name": f"device {k + 1}", "area_m2": area, "temperature_K": temperature}
    wafer.append(replace(results[1], parameters=parameters, device=device, inputs=(), stability={}))

for one in mf.compare(wafer).trends:
    truth = {"R_b": -1.0, "C_m": 1.0, "i_c0": 1.0}.get(one.quantity) if one.covariate == "area" else None
    if one.covariate == "temperature":
        truth = {"tau_d": 0.35, "tau_k": 0.50}.get(one.quantity)
    if truth is not None:
        low, high = one.slope_ci95
        unit = "" if one.covariate == "area" else " eV"
        print(f"{one.quantity} against {one.covariate}: {low:.3f} to {high:.3f}{unit}, truth {truth:g}")
        assert abs(one.slope - truth) < 4 * one.stderr, "one interval in twenty may miss; none may be far off"
