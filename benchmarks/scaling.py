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
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import memfit as mf
from memfit.fitting import joint
from memfit.fitting.minimum import effort
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction.predict import measured as measured_values
from memfit.model import Parameters, steady_current
from memfit.model.transient import simulate
from memfit.protocols import Drive, pulse
from memfit.synthetic.measurements import Noise, loop, simulate_device, spectrum, transient

TABLE = Path(__file__).with_suffix(".md")
RECORDS, POINTS, PULSES = (14, 42, 140, 448), (1_000, 10_000, 100_000, 1_000_000), (1, 10, 100, 1_000, 10_000)
CASES = {
    **{f"{n} records": ("records", n) for n in RECORDS},
    **{f"{n} points in one pulse": ("points", n) for n in POINTS},
    **{f"{n} pulses in one train": ("pulses", n) for n in PULSES},
    "100 loops of 160 points": ("loops", 100),
    "1 file of 100 loops": ("file", 100),
    "1 file of 100 loops by 8 bits": ("scope", 100),
    "14 records of nothing": ("nothing", 14),
}
SAMPLE = Path(__file__).parents[1] / "sample_data" / "mapbi3_c"
IMPORTS = [sys.executable, "-c", "import lmfit, pandas, matplotlib.figure, scipy.integrate"]


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
    if kind in ("loops", "file", "scope"):
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


def recorded(p, loops, bits):
    """Loops of one recording without pause, as a file that is read."""
    time_of = 0.01 * np.arange(160 * loops)
    corners = np.arange(2 * loops + 1)
    drive = Drive("voltage", 0.8 * corners, np.where(corners % 2, 1.0, 0.0))
    course, noise = simulate(p, drive, time_of), np.random.default_rng(5)
    voltage = course.voltage
    current = course.current * (1.0 + 0.005 * noise.standard_normal(time_of.size))
    if bits:
        step = np.ptp(current) / 2**bits
        current = step * np.round(current / step + 0.3 * noise.standard_normal(time_of.size))
        voltage = np.round((voltage + 1e-3 * noise.standard_normal(time_of.size)) * 2**bits) / 2**bits
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "loops.csv"
        columns = np.column_stack([time_of, voltage, current])
        np.savetxt(file, columns, "%.8g", ",", header="time (s),voltage (V),current (A)", comments="")
        return mf.load(folder)


def measured(kind, size):
    """The device of a case; of nothing, where the model is to fail: records of one that it is not."""
    p, plan = planned(kind, size)
    if kind in ("file", "scope"):
        return recorded(p, size, 8 if kind == "scope" else 0)
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
    whole, points = efforts[0].whole_fit, sum(measured_values(record).size for record in device.records)
    said = {"code": result.status.code, "seconds": seconds, "megabytes": memory, "evaluations": whole.used}
    print(json.dumps({**said, "unknowns": len(result.covariance_names), "points": points}))


def of_children(command):
    """Processor time of a command, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(rounds=5):
    """Lines on what the commands take, warm, relative to importing what one would use instead."""
    fit = ["memfit", "fit", str(SAMPLE)]
    with tempfile.TemporaryDirectory() as folder:
        out, again = str(Path(folder) / "fit"), str(Path(folder) / "report")
        all_of = {
            "imports of lmfit, pandas, matplotlib.figure, scipy.integrate": IMPORTS,
            "`memfit fit` of sample C with its report": [*fit, "-o", out, "--overwrite"],
            "`memfit fit` of sample C, no report": fit,
            "`memfit report`": ["memfit", "report", out, "-o", again, "--overwrite"],
        }
        times = {name: [] for name in all_of}
        for _ in range(rounds + 1):  # the first is not warm
            for name, command in all_of.items():
                times[name].append(of_children(command))
    middle = {name: statistics.median(one[1:]) for name, one in times.items()}
    base = next(iter(middle.values()))
    return [f"| {name} | {seconds:.2f} | {seconds / base:.2f} |" for name, seconds in middle.items()]


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
        told = "\n\n| command, processor time | s | of the imports |\n|---|---|---|\n"
        TABLE.write_text(head + "\n".join(lines) + told + "\n".join(commands()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
