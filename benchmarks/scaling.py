"""How do time and memory of a fit grow with records, points and pulses, and on data of nothing?

    python benchmarks/scaling.py                        all cases, some minutes; writes scaling.md
    python benchmarks/scaling.py --cases 14 42 --limit 60

Each case is a device with the parameters of sample C, made by memfit's own generator with 0.6 % of noise, and
fitted in a process of its own after everything was imported and compiled: processor time of `joint.fit`
alone, evaluations of the model at all points, and the most memory of the process. The exponent of growth is
the slope of log time against log size from one line of a group to the next.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from memfit.fitting import effort, joint
from memfit.fitting.plan import FitPlan
from memfit.model import Parameters, steady_current
from memfit.protocols import Drive, pulse
from memfit.synthetic.measurements import Noise, loop, simulate_device, spectrum, transient

TABLE = Path(__file__).with_suffix(".md")
RECORDS, POINTS, PULSES = (14, 42, 140, 448), (1_000, 10_000, 100_000, 1_000_000), (1, 10, 100, 1_000, 10_000)
CASES = {
    **{f"{n} records": ("records", n) for n in RECORDS},
    **{f"{n} points in one pulse": ("points", n) for n in POINTS},
    **{f"{n} pulses in one train": ("pulses", n) for n in PULSES},
    "100 loops of 160 points": ("loops", 100),
    "14 records of nothing": ("nothing", 14),
}


def planned(kind, size):
    """What is measured of the device, and the truth."""
    p = Parameters(
        R_b=1.2e5, C_m=2.5e-7, i_c0=2.8e-5, V_T=0.65, V_m=0.062, tau_d=0.026, tau_k=0.048, R_s=28.0
    )
    frequency = np.geomspace(1e4, 0.05, 60)

    def spectra(n):
        biases = p.V_T + p.V_m * np.linspace(-5.0, 4.0, n)
        return [spectrum(V, frequency, file=f"eis_{k}.csv") for k, V in enumerate(biases)]

    def loops(n, points=400):
        rates = np.geomspace(0.05, 5.0, n)
        return [loop([0.0, 1.0, 0.0], r, points=points, file=f"iv_{k}.csv") for k, r in enumerate(rates)]

    def pulses(n, points=600):
        currents = [float(steady_current(p, p.V_T + level * p.V_m)) for level in np.linspace(-2.0, 2.5, n)]
        drives = [pulse("current", value, on=0.05, off=1.0, end=1.5) for value in currents]
        return [transient(d, points=points, file=f"pulse_{k}.csv") for k, d in enumerate(drives)]

    if kind in ("records", "nothing"):
        few = max(round(size * 3 / 14), 1)
        return p, [*spectra(size - 2 * few), *loops(few), *pulses(few)]
    if kind == "loops":
        return p, [*spectra(4), *loops(size, 160)]
    if kind == "points":
        return p, [*spectra(4), *pulses(1, size)]
    current = float(steady_current(p, p.V_T))
    time_of, value = [0.0], [0.0]
    for k in range(size):  # 60 ms on, 40 ms off
        for at, level in ((0.1 * k + 0.02, current), (0.1 * k + 0.08, 0.0)):
            time_of += [at, at]
            value += [value[-1], level]
    drive = Drive("current", np.array([*time_of, 0.1 * size + 0.02]), np.array([*value, 0.0]))
    return p, [*spectra(4), transient(drive, points=20 * size + 200, file="train.csv")]


def measured(kind, size):
    """The device of a case; of nothing, where the model is to fail: records of one that it is not."""
    p, plan = planned(kind, size)
    device = simulate_device(p, plan, Noise(impedance=0.006, current=0.005, voltage=0.001), seed=5)
    if kind != "nothing":
        return device
    records = []
    for k, record in enumerate(device.records):
        if record.kind == "impedance":
            omega = 2.0 * np.pi * record.frequency
            records.append(replace(record, impedance=1e5 / (1.0 + (1j * omega * (0.01 + 0.01 * k)) ** 0.6)))
        elif record.kind == "iv":
            records.append(replace(record, current=1e-6 * np.sinh(record.voltage / (0.1 + 0.05 * k))))
        else:
            records.append(replace(record, voltage=0.3 * np.sqrt(record.time) * (1.0 + 0.2 * k)))
    return replace(device, records=tuple(records))


def one(kind, size):
    """Fit one case here; print what it took as JSON."""
    small = measured("records", 14)
    joint.fit(small, FitPlan())  # everything is imported and compiled
    device, efforts, made = measured(kind, size), [], effort.Effort.__init__

    def noted(self, *given):
        efforts.append(self)
        made(self, *given)

    effort.Effort.__init__ = noted
    begun = time.process_time()
    result = joint.fit(device, FitPlan()).result
    seconds = time.process_time() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = efforts[0].whole_fit
    said = {"code": result.status.code, "seconds": seconds, "megabytes": memory, "evaluations": whole.used}
    print(json.dumps({**said, "unknowns": len(result.covariance_names), "points": whole.points}))


def main():
    """All cases, each in a process of its own; the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=[], help="those whose names begin so; by default all")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds of waiting for a case")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], int(options.one[1]))
        return
    lines, last = [], {}
    for name, (kind, size) in CASES.items():
        if options.cases and not any(name.startswith(f"{begin} ") for begin in options.cases):
            continue
        command = [sys.executable, __file__, "--one", kind, str(size)]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=options.limit, check=True)
            said = json.loads(ran.stdout)
        except (subprocess.SubprocessError, ValueError) as problem:
            lines.append(f"| {name} | {type(problem).__name__} | | | | | | |")
            print(lines[-1], flush=True)
            continue
        exponent = ""
        if kind in last:
            before, seconds = last[kind]
            exponent = f"{np.log(said['seconds'] / seconds) / np.log(size / before):.2f}"
        last[kind] = (size, said["seconds"])
        lines.append(
            f"| {name} | {said['code']} | {said['points']} | {said['unknowns']} | {said['evaluations']:.0f} "
            f"| {said['seconds']:.2f} | {exponent} | {said['megabytes']:.0f} |"
        )
        print(lines[-1], flush=True)
    head = (
        "# Growth of a fit with its data\n\nMade by `python benchmarks/scaling.py`, whose head says how. "
        "Points count both parts of a spectrum.\n\n"
        "| case | status | points | unknowns | evaluations | s | exponent "
        "| MB |\n|---|---|---|---|---|---|---|---|\n"
    )
    if not options.cases:
        TABLE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
