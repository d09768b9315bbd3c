"""A small wafer in one go: six devices, one of them spoilt; which of the others will spike?

Needs the extra `cluster` (dask). The batch may be killed and given again at any time.

    python examples/wafer_in_batch.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import memfit as mf
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, spectrum

MEASURED = [
    *(spectrum(bias, np.geomspace(1e5, 0.1, 25)) for bias in (0.4, 0.6, 0.75)),
    loop([0, 0.9, 0], 0.05),
]


def make_wafer(root):
    """Devices whose saturation current grows along the wafer."""
    for place, i_c0 in enumerate([4e-6, 8e-6, 16e-6, 24e-6, 48e-6]):
        truth = mf.Parameters(
            R_b=1e5, C_m=2e-7, i_c0=i_c0, V_T=0.6, V_m=0.06, tau_d=0.03, tau_k=0.04, R_s=30.0
        )
        folder = root / f"site_{place}"
        folder.mkdir(parents=True)
        name, where = f"device {place}", {"site": float(place)}
        write_device(
            mf.simulate_device(truth, MEASURED, seed=place, name=name, attributes=where), truth, folder
        )
    (root / "site_5").mkdir()
    (root / "site_5" / "iv.csv").write_text("Voltage (V), Current (A)\n0, nothing\n")


def main():
    with TemporaryDirectory() as folder:
        root, out = Path(folder) / "wafer", Path(folder) / "out"
        make_wafer(root)
        first = mf.fit_many(root, out, workers=1, reports=False)
        print(f"{first.usable} of {first.devices} usable; {first.failures[0].message}")
        spiking = mf.query(out, "gain_margin_min < 1 and site >= 0")
        print(spiking[["device", "site", "gain_margin_min", "probability_oscillates"]].to_string(index=False))
        again = mf.fit_many(root, out, workers=1, reports=False)

        assert (first.devices, first.fitted, first.usable) == (6, 5, 5)
        assert [failure.device for failure in first.failures] == ["site_5"]
        assert (again.fitted, again.unchanged) == (0, 5), "what is finished is not done again"
        truth = {4e-6: False, 8e-6: False, 16e-6: False, 24e-6: True, 48e-6: True}
        for place, i_c0 in enumerate(truth):
            assert (float(place) in set(spiking["site"])) == truth[i_c0], "the loop gain grows with i_c0"


if __name__ == "__main__":
    main()
