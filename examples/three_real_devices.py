"""Three devices that other laboratories measured: what each is made of, and how far that describes it.

A diode under six biases (Zahner-Analysis-Python, Examples/ImpedanceVsVoltageSeriesFit), a solar cell under
eleven (sivart213/impedance_analysis, mfia_pv_sequence.xlsx) and five loops of a memristor
(Craig-Venables/Switchbox_GUI, G - 10 - 34.txt). None is the plainest model. Their files are not memfit's to
hand on: put them into folders eis/zahner, eis/mfia and iv/switchbox_nottingham of DATA. With OUT the reports
are written there.

    python examples/three_real_devices.py DATA OUT
"""

import sys
from pathlib import Path

import memfit as mf

given = sys.argv[1:]
DATA = Path(given[0]) if given else Path(__file__).parents[2] / "shared" / "data"
DEVICES = {
    "diode": [DATA / "eis" / "zahner" / f"{mV}_mvdc.ism" for mV in ("000", "050", "100", "150", "200")],
    "solar cell": DATA / "eis" / "mfia" / "mfia_pv_sequence.xlsx",
    "memristor": DATA / "iv" / "switchbox_nottingham" / "G-10-34.txt",
}
if not DATA.is_dir():
    print(
        f"There are no files in {DATA}; the text at the beginning of this example says where they come from."
    )
    sys.exit()

for name, files in DEVICES.items():
    device = mf.load(files)
    result = mf.fit(device)
    worst = max(record.misfit_percent for record in result.goodness.datasets)
    parts = ", ".join(result.parts) or "nothing more"
    print(f"\n{name}: {len(device.records)} records; beside the plainest device: {parts}")
    print(f"  the record that is missed most: {worst:.2g} %")
    for found in result.parts_found:
        print(f"  {found.sentence}")
    print(f"  {result.status.message}")
    assert all(found.bic_fall > 0.0 for found in result.parts_found)
    if result.status.code == "poor_fit":  # then nothing is said to be determined
        assert not [e for e in result.parameters.values() if e.status == "determined"]
    if len(given) > 1:
        mf.write_report(result, Path(given[1]) / name.replace(" ", "_"))
