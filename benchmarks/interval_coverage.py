"""Do the 95 % intervals hold the truth in 95 % of synthetic devices?

    python benchmarks/interval_coverage.py --devices 300 --workers 2

Devices and data are those of `recovery.py`; with `--cases independent independent_spectra ...` those of
`independent_devices.py`, which shares nothing with the fit. Counted are the intervals of the parameters, of
the Hopf points (junction voltage under current control) and of the smallest gain margin. Prints the table
and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from independent_devices import prepare
from recovery import CASES, FITTED, make_device, warm_up
from scipy.stats import beta
from trials import Benchmark, run

from memfit.analysis.intervals import profile
from memfit.analysis.stability import Circuit, analyse_result, find_hopf_points
from memfit.fitting.joint import fit
from memfit.loaders.device import load_device
from memfit.model import Loop, Parameters, least_log_gain_margin

QUANTITIES = (*FITTED, "R_s", "Hopf u", "gain margin")
COLUMNS = "| data | devices | ok | open | " + " | ".join(QUANTITIES) + " |"
TABLE = Path(__file__).with_suffix(".md")
HEAD = """# Coverage of the 95 % intervals

Made by `python benchmarks/interval_coverage.py --devices {devices} --seed {seed}`, devices of `recovery.py`.

Each cell: intervals that hold the truth in per cent (95 % limits of that, Clopper-Pearson); then the size of
the errors in standard errors, root mean square and from the median, of which 1.00 is right.
Open: devices of which a parameter was called undetermined. Where one is weak, the intervals of that device
are those of the profiles.

"""
_FULL = CASES["full"]
COVERED = {
    "full": _FULL,
    "reduced": CASES["reduced"],
    "correlated": replace(_FULL, title="full, AR(1) noise of 0.6", correlation=0.6),
    "edges": replace(_FULL, title="full, edges of the pulses between samples", read_back=True),
    "spectra": CASES["spectra"],
    "loops": replace(_FULL, title="3 loops only, 1 %", spectra=0, pulses=0),
    "time": CASES["time"],
}


INDEPENDENT = {
    "independent": ("full", 0.01, "independent devices, full, 1 %"),
    "independent_5": ("full", 0.05, "independent devices, full, 5 %"),
    "independent_reduced": ("reduced", 0.05, "independent devices, reduced, 5 %"),
    "independent_spectra": ("spectra", 0.01, "independent devices, 9 spectra, 1 %"),
    "independent_time": ("time", 0.01, "independent devices, 3 loops, 3 pulses, 1 %"),
}
"""Kind of data, noise and title."""


@dataclass(frozen=True)
class Trial:
    """One device: for every quantity (inside the interval, error in standard errors), where there is one."""

    seed: int
    status: str
    found: dict[str, list[tuple[bool, float]]]
    undetermined: tuple[str, ...]


def _of_parameter(estimate, true):
    """Whether the interval holds the truth, and the error in standard errors."""
    low, high = estimate.ci95
    inside = (low is None or low <= true) and (high is None or true <= high)
    if estimate.unit in ("V", "ohm") and estimate.value <= 2 * estimate.stderr:
        return inside, (estimate.value - true) / max(estimate.stderr, 1e-300)
    return inside, float(np.log(estimate.value / true)) * estimate.value / max(estimate.stderr, 1e-300)


def _device(name, seed):
    """The truth and the device measured on it."""
    if name in COVERED:
        return make_device(COVERED[name], seed)
    kind, noise, _ = INDEPENDENT[name]
    with TemporaryDirectory() as root:
        folder = prepare(root, (None, 0, seed, noise, kind))
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["parameters"]
        return Parameters(**truth), load_device(folder / "device")


def trial(name, seed):
    """Make, fit and judge one device."""
    warnings.simplefilter("error")
    truth, device = _device(name, seed)
    result = fit(device).result
    if any(e.status == "weak" for e in result.parameters.values()):
        result = profile(result, device)
    found = {}
    for name in (*FITTED, "R_s"):
        estimate = result.parameters.get(name)
        if estimate is not None and estimate.value is not None and estimate.ci95 and estimate.stderr:
            found[name] = [_of_parameter(estimate, getattr(truth, name))]
    block = analyse_result(result, {"current": Circuit()})["current"]
    margin = float(np.exp(least_log_gain_margin(Loop.of(truth))))
    if block.get("gain_margin_ci95"):
        low, high = block["gain_margin_ci95"]
        z = np.log(block["gain_margin_min"] / margin) / (np.log(high / low) / 3.92)
        found["gain margin"] = [(low <= margin <= high, float(z))]
    points = find_hopf_points(truth, Circuit())
    estimated = block.get("hopf_points") or []
    if len(points) == len(estimated) and all(e.get("u_ci95") for e in estimated):
        for point, e in zip(points, estimated, strict=True):
            low, high = e["u_ci95"]
            z = (e["u"] - point.u) / ((high - low) / 3.92)
            found.setdefault("Hopf u", []).append((low <= point.u <= high, z))
    open_ones = tuple(n for n, e in result.parameters.items() if e.status == "undetermined")
    return Trial(seed, result.status.code, found, open_ones)


def cell(trials, name):
    """Coverage with its 95 % limits, and the root mean square of the errors in standard errors."""
    items = [item for t in trials for item in t.found.get(name, [])]
    n, k = len(items), sum(inside for inside, _ in items)
    if n == 0:
        return "-"
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    z = np.array([value for _, value in items])
    rms = float(np.sqrt(np.median(z**2) / 0.4549))
    return f"{100 * k / n:.1f} ({100 * low:.0f}-{100 * high:.0f}), {np.sqrt(np.mean(z**2)):.2f}/{rms:.2f}"


def row(name, trials):
    """One line of the table."""
    ok = sum(t.status == "ok" for t in trials)
    opened = sum(bool(t.undetermined) for t in trials)
    cells = " | ".join(cell(trials, column) for column in QUANTITIES)
    title = COVERED[name].title if name in COVERED else INDEPENDENT[name][2]
    return f"| {title} | {len(trials)} | {ok} | {opened} | {cells} |"


def remarks(_, trials):
    """Every error beyond four standard errors."""
    for t in trials:
        errors = {quantity: [round(z, 1) for _, z in found] for quantity, found in t.found.items()}
        far = {quantity: values for quantity, values in errors.items() if max(map(abs, values)) > 4}
        if far or t.status != "ok":
            yield f"{t.seed} {t.status} {far} {t.undetermined}"


BENCHMARK = Benchmark(
    about=__doc__,
    head=HEAD,
    columns=COLUMNS,
    table=TABLE,
    cases=(*COVERED, *INDEPENDENT),
    devices=300,
    seed=10_000,
    trial=trial,
    warm_up=warm_up,
    row=row,
    remarks=remarks,
)

if __name__ == "__main__":
    run(BENCHMARK)
