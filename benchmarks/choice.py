"""The data choose the model: is the part that is there found, and none where the device is plain?

    python benchmarks/choice.py --devices 10 --workers 1

Devices are those of `family.py`, drawn and measured by `independent_model`, which shares nothing with memfit:
5 spectra, 2 loops through 0 V, 2 current pulses, 1 % noise; the plainest device among them. The truth is
"allowed" where it is the model that was chosen or one listed within 10 of its BIC. Intervals are those of the
chosen model where it is the true one. P is the probability of self-sustained oscillation under current
control, averaged over the models that the data allow; whether the device oscillates is told by eigenvalues of
its independent model at 2000 voltages. Seconds are processor time; "times" is that over the fit of the
plainest model alone (`--model 3d`) of the same device. Prints the table and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import family
import numpy as np
import trials

from memfit.analysis.stability import analyse_result
from memfit.fitting import FitPlan
from memfit.fitting.joint import fit

PLAINEST = "plainest"
HEAD = """# The data choose the model

Made by `python benchmarks/choice.py --devices {devices} --seed {seed}`.

Devices of `independent_model`: 5 spectra, 2 loops through 0 V, 2 pulses, 1 % noise. Allowed: the true model
is chosen or listed within 10 of its BIC. Wrong side: a probability of oscillation above 0.9 of a device that
does not oscillate, or below 0.1 of one that does. Seconds are processor time of a whole fit; times: over the
plainest model alone, median.

"""
COLUMNS = (
    "| truth | devices | chosen | allowed | status ok | intervals that hold | oscillate | wrong side "
    "| s, median | s, worst | times "
    "| other choices (seed) |"
)
TABLE = Path(__file__).with_suffix(".md")


@dataclass(frozen=True)
class Outcome:
    """One device."""

    seed: int
    chosen: str
    allowed: bool
    """Whether the true model is among those listed."""
    status: str
    seconds: float
    plainest: float
    """Seconds of the plainest model alone."""
    inside: int
    """Intervals that hold the truth."""
    intervals: int
    P: float | None
    """Probability that it oscillates, as told."""
    oscillates: bool


def run(member, seed):
    """Make, fit and judge one device."""
    warnings.simplefilter("error")
    parts = () if member == PLAINEST else tuple(member.split(","))
    truth, device = family.make(member, seed)
    begun = time.process_time()
    fit(device, FitPlan(model="3d"))
    plainest = time.process_time() - begun
    oscillates = family.drawn(member, seed)[0].oscillates()
    begun = time.process_time()
    try:
        result = fit(device).result
    except Exception as problem:
        seconds = time.process_time() - begun
        return Outcome(
            seed, type(problem).__name__, False, "error", seconds, plainest, 0, 0, None, oscillates
        )
    seconds = time.process_time() - begun
    allowed = any(set(one.parts) == set(parts) for one in result.members)
    held = []
    if set(result.parts) == set(parts):
        for name, value in truth.items():
            interval = result.parameters[name].ci95 if name in result.parameters else None
            if interval is not None and None not in interval:
                held.append(interval[0] <= value <= interval[1])
    chosen = ",".join(sorted(result.parts, key=list(family.PARTS).index)) or PLAINEST
    P = analyse_result(result)["current"].probability_oscillates
    counts = int(sum(held)), len(held)
    return Outcome(seed, chosen, allowed, result.status.code, seconds, plainest, *counts, P, oscillates)


def row(member, outcomes):
    """One line of the table."""
    right = [o for o in outcomes if set(o.chosen.split(",")) == set(member.split(","))]
    other = [f"{o.chosen} ({o.seed})" for o in outcomes if o not in right]
    inside, intervals = sum(o.inside for o in outcomes), sum(o.intervals for o in outcomes)
    share = f"{100 * inside / intervals:.1f} % of {intervals}" if intervals else "-"
    times = np.median([o.seconds / o.plainest for o in outcomes])
    seconds = [o.seconds for o in outcomes]
    allowed, ok = sum(o.allowed for o in outcomes), sum(o.status == "ok" for o in outcomes)
    wrong = sum(o.P is not None and abs(o.P - o.oscillates) > 0.9 for o in outcomes)
    return (
        f"| {member.replace(',', ', ')} | {len(outcomes)} | {len(right)} | {allowed} | {ok} | {share} | "
        f"{sum(o.oscillates for o in outcomes)} | {wrong} | "
        f"{np.median(seconds):.1f} | {max(seconds):.1f} | {times:.1f} | {'; '.join(other) or 'none'} |"
    )


def remarks(member, outcomes):
    """Every other choice, with its numbers."""
    return [str(one) for one in outcomes if set(one.chosen.split(",")) != set(member.split(","))]


def deciles(done):
    """The probabilities that were told, and how many of the devices oscillate."""
    told = [o for outcomes in done.values() for o in outcomes if o.P is not None]
    lines = ["| P told | devices | mean P | oscillate |", "|---|---|---|---|"]
    for low in np.arange(10) / 10:
        here = [o for o in told if low <= o.P < low + 0.1 or (o.P == 1.0 and low == 0.9)]
        if here:
            mean, count = np.mean([o.P for o in here]), sum(o.oscillates for o in here)
            lines.append(f"| {low:.1f}-{low + 0.1:.1f} | {len(here)} | {mean:.3f} | {count} |")
    without = sum(len(outcomes) for outcomes in done.values()) - len(told)
    score = np.mean([(o.P - o.oscillates) ** 2 for o in told])
    return "\n".join([*lines, "", f"Brier score {score:.4f}; {without} devices without a probability."])


if __name__ == "__main__":
    trials.run(
        trials.Benchmark(
            about=__doc__,
            head=HEAD,
            columns=COLUMNS,
            table=TABLE,
            cases=(PLAINEST, *family.MEMBERS),
            devices=10,
            seed=0,
            trial=run,
            warm_up=family.warm_up,
            row=row,
            remarks=remarks,
            said=deciles,
            kept=(asdict, lambda line: Outcome(**line)),
        )
    )
