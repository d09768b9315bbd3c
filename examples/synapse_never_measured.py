"""From loops and spectra to a synapse that was never measured.

A device is known from spectra and I-V loops alone; nobody applied a pulse. The fit predicts what paired
pulses and potentiation would show, with intervals, and the virtual laboratory then measures just that.

python examples/synapse_never_measured.py
"""

from dataclasses import replace
from pathlib import Path

import memfit as mf
from memfit.synthetic.measurements import Recording

# 1. Spectra and loops of a sample device; its pulses are left out.
whole = mf.load(Path(__file__).parents[1] / "sample_data" / "mapbi3_a")
device = replace(whole, records=(*whole.spectra, *whole.sweeps))
result = mf.fit(device)
asked = mf.Conditions(amplitude=0.85, read=0.4, width=0.01, interval=0.02, count=20)
sheet = mf.figures_of_merit(result, device, asked)
WANTED = ("PPF", "alpha_P", "dynamic_range", "energy_per_pulse", "fading_time")
print(f"{'':18}{'predicted':>12}  95 % interval")
for name in WANTED:
    entry = sheet[name]
    print(
        f"{name:18}{entry.predicted.value:12.5g}  {entry.predicted.ci95[0]:.5g} to "
        f"{entry.predicted.ci95[1]:.5g}"
    )
    assert entry.measured is None  # no record holds it

# 2. The same pulses, now measured on the device whose truth the sample data state.
truth = mf.Parameters(
    R_b=220e3, C_m=150e-9, i_c0=4.5e-6, V_T=0.62, V_m=0.058, tau_d=0.18, tau_k=0.025, R_s=42.0
)
pulses = {"amplitude": 0.85, "width": 0.01}
train = {"depression": sheet.conditions.depression, "period": 0.03, "count": 20, "read": 0.4}
protocols = {
    "pair.csv": mf.protocol("paired_pulses", **pulses, interval=0.02),
    "train.csv": mf.protocol("potentiation_depression", **pulses, **train),
}
planned = [
    Recording(file=file, kind="transient", drive=one.drive, time=one.time) for file, one in protocols.items()
]
measured = mf.simulate_device(truth, planned, mf.Noise(current=0.001, current_floor=1e-9), seed=3)
later = mf.figures_of_merit(result.values(), measured, asked)
print(f"\n{'':18}{'measured':>12}  +/-        predicted before")
known = []
for entry in later.entries:
    if entry.record and entry.name in WANTED and entry.measured is not None:
        before = sheet[entry.name].predicted
        print(
            f"{entry.name:18}{entry.measured.value:12.5g}  {entry.measured.stderr:<9.2g}  {before.value:.5g}"
        )
        error = abs(entry.measured.value - before.value)
        assert error < 4.0 * (entry.measured.stderr + before.stderr), entry.name
        known.append(entry.name)
assert set(known) == {*WANTED} - {"fading_time"}  # which a protocol of its own would show

# 3. The whole course with its band.
curve = mf.predict(result, protocols["train.csv"])
width = float((curve.high - curve.low).max() / curve.values.max())
print(f"\nThe current of the whole train is known to {100 * width:.2f} % of its largest value.")
assert width < 0.02
