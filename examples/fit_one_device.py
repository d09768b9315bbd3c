"""Fit one device jointly to its spectra, loops and pulses, and ask how near it is to spiking.

python examples/fit_one_device.py
"""

from pathlib import Path

import memfit as mf

device = mf.load(Path(__file__).parents[1] / "sample_data" / "mapbi3_b")
result = mf.fit(device)

print(result.status.message)
print(result.to_frame()[["value", "unit", "stderr", "status"]].to_string())
print(mf.stability(result)["current"]["message"])

p = result.values()
assert result.status.code == "ok"
assert abs(p.tau_d / 45e-3 - 1) < 0.05, "the truth of this synthetic device is 45 ms"
