"""One spectrum is not enough: ask what to measure next, measure it, and see the promise kept.

python examples/design_the_next_measurement.py
"""

from dataclasses import replace

import numpy as np

import memfit as mf
from memfit.synthetic.measurements import spectrum

truth = mf.Parameters(R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.8, V_m=0.08, tau_d=0.03, tau_k=0.05, R_s=40.0)
noise = mf.Noise(impedance=0.01)
frequency = np.geomspace(3e3, 0.05, 24)


def measured(bias, number):
    """A spectrum of the device, as the laboratory would bring it."""
    planned = [spectrum(bias, frequency, file=f"eis_{number}.csv")]
    return mf.simulate_device(truth, planned, noise, seed=number, name="designed")


def proposed(result):
    """The best spectrum among the proposals."""
    plan = mf.plan_next(result)
    print(plan.sentences[0])
    return next(forecast for forecast in plan.forecasts if forecast.subject == "bias")


device = measured(0.824, 1)
result = mf.fit(device)
assert result.status.code == "not_identifiable", "one bias does not determine the device"

while result.status.code == "not_identifiable":
    print(result.status.message)
    best = proposed(result)
    device = replace(
        device,
        records=(*device.records, *measured(best.settings["bias"], len(device.records) + 1).records),
    )
    assert len(device.records) <= 3, "one or two spectra more settle it"
    result = mf.fit(device)

print(result.to_frame()[["value", "unit", "stderr", "status"]].to_string())
assert result.status.code == "ok"

# Now that the device is known, the promise for one spectrum more is sharp: to half of itself, for it is made
# at the fitted values, of which tau_d is known to 5 %.
best = proposed(result)
more = measured(best.settings["bias"], len(device.records) + 1)
last = mf.fit(replace(device, records=(*device.records, *more.records)))
for name, promised in best.stderr.items():
    found = last.parameters[name].stderr
    print(f"  {name}: promised {promised:.3g}, found {found:.3g}")
    assert abs(found / promised - 1) < 0.5, name
