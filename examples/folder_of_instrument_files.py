"""A folder as it comes from the laboratory: EC-Lab, NOVA, Keithley and oscilloscope files of one device.

Where the bias comes from and which signs were reversed stands in the notes of each record. The truth of this
synthetic device is known: sample_data/truth/mapbi3_d_instruments.toml.

    python examples/folder_of_instrument_files.py
"""

from collections import Counter
from pathlib import Path

import memfit as mf

SAMPLES = Path(__file__).parents[1] / "sample_data"

device = mf.load(SAMPLES / "mapbi3_d_instruments")
for (form, kind), count in sorted(Counter((r.origin.format, r.kind) for r in device.records).items()):
    print(f"{count} x {kind:10} {form}")
for record in device.records:
    for note in record.notes:
        print(f"{record.name}: {note}")

result = mf.fit(device)
print(result.status.message)
truth = {
    "R_b": 310e3, "C_m": 90e-9, "i_c0": 5.5e-6, "V_T": 0.70, "V_m": 55e-3,
    "tau_d": 45e-3, "tau_k": 70e-3, "R_s": 35.0,
}  # fmt: skip
for name, true in truth.items():
    estimate = result.parameters[name]
    off = (estimate.value - true) / estimate.stderr
    print(f"{name:6} {estimate.value:.6g} {estimate.unit}, off by {off:+.1f} standard errors")
    assert abs(off) < 4, name

formats = {record.origin.format for record in device.records}
assert formats == {"BioLogic EC-Lab text", "Autolab NOVA text", "Keithley 4200", "oscilloscope CSV"}
assert result.status.code == "ok"
