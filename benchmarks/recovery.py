"""Does the joint fit find the global minimum on devices it has never seen, without starting values?

    python benchmarks/recovery.py --devices 300 --workers 2

Random devices over the ranges below are measured on the model, with noise, and fitted. A fit is at the global
minimum when a second fit, started from the truth with the same noise and the same unknowns, ends at a chi2
that is not lower. Prints the table and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import trials

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting import FitPlan, Term
from memfit.fitting.instrument_terms import gain_term
from memfit.fitting.joint import fit
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import Problem
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns, term_unknown
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.starts.starting_values import guess
from memfit.model import NAMES, Parameters, steady_current
from memfit.protocols import drive_from_samples, pulse
from memfit.synthetic.measurements import Noise, Spectroscopy, loop, simulate_device, spectrum, transient

FITTED = NAMES[:7]
WORSE = 0.1
"""Excess of chi2 over that from the truth that counts as another minimum; the truth itself exceeds by 8."""
LOOP_SLOWNESS = (100.0, 10.0, 1.0)
"""Time from 0 V to the top, in the slowest time constant."""
PULSE_LEVELS = (-1.0, 0.5, 2.0)
"""Steady states the current pulses lead to, in widths V_m from V_T."""
TABLE = Path(__file__).with_suffix(".md")
HEAD = """# Recovery of synthetic devices

Made by `python benchmarks/recovery.py --devices {devices} --seed {seed}`. Random devices: R_b 10^3.5..6 ohm,
gain A_max 4..200, tau_d 1 ms..1 s, tau_k/tau_d 0.06..30, tau_m/tau_d 0.01..3, V_m 40..150 mV, V_T 0.5..1.2 V,
R_s 0.01 or 0.1 % of R_b.

At the minimum: chi2 no worse than that of a fit started from the truth; where gains and outliers were added,
every parameter is within 5 % as well. Seconds are processor time of guess and fit of one device.
Guess: the largest ratio, over the seven parameters, between the first candidate and the truth.

"""
COLUMNS = (
    "| data | devices | at the minimum | status ok | s, median | s, worst "
    "| guess, median | guess, worst | failed seeds |"
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured on each device, and how well."""

    title: str
    noise: float
    """Part of |Z|, of the current, and of half of V_T for voltages."""
    spectra: int = 0
    loops: int = 0
    """The slowest first."""
    pulses: int = 0
    frequencies: int = 40
    samples: int = 400
    outliers: float = 0.0
    outlier_size: float = 0.0
    inductance: float = 0.0
    gain: dict = field(default_factory=dict)
    scaled: bool = False
    """Impedance level and time drawn over decades."""
    correlation: float = 0.0
    read_back: bool = False
    """The drive is known from its samples only, and the edges of pulses fall between them."""
    within: float | None = None
    """Demanded of every parameter besides the minimum, relative (V_T: in units of V_m)."""


CASES = {
    "full": Case(title="9 spectra, 3 loops, 3 pulses, 1 %", noise=0.01, spectra=9, loops=3, pulses=3),
    "reduced": Case(title="5 spectra, 1 loop, 1 pulse, 5 %", noise=0.05, spectra=5, loops=1, pulses=1),
    "spectra": Case(title="5 spectra only, 3 %", noise=0.03, spectra=5),
    "time": Case(title="1 slow loop, 2 pulses, 1 %", noise=0.01, loops=1, pulses=2),
    "pulses": Case(title="3 pulses only, 1 %", noise=0.01, pulses=3),
    "dirty": Case(
        title="full, 2 % outliers of 30 %, 1 uH, gains of 3 %",
        noise=0.01,
        spectra=9,
        loops=3,
        pulses=3,
        outliers=0.02,
        outlier_size=30.0,
        inductance=1e-6,
        gain={"iv": 1.03, "transient": 0.97},
        within=0.05,
    ),
    "scaled": Case(title="full, pF to mF and nA to A", noise=0.01, spectra=9, loops=3, pulses=3, scaled=True),
}


@dataclass(frozen=True)
class Outcome:
    """One device."""

    seed: int
    seconds: float
    excess: float
    """chi2 above that from the truth."""
    furthest: float
    """Largest relative error of a parameter."""
    guess_ratio: float
    """Largest ratio between a value of the first candidate and the truth, either way."""
    status: str

    def failed(self, case: Case) -> bool:
        """Not at the global minimum, or too far from the truth where that is asked."""
        off = case.within is not None and not self.furthest <= case.within
        return not self.excess <= WORSE or off


def random_parameters(rng, scaled=False):
    """A device of the ranges in the docstring of `main`."""
    R_b, V_m = 10 ** rng.uniform(3.5, 6), rng.uniform(0.04, 0.15)
    A_max = np.exp(rng.uniform(np.log(4), np.log(200)))
    tau_d = 10 ** rng.uniform(-3, 0)
    tau_k = tau_d * np.exp(rng.uniform(np.log(0.06), np.log(30)))
    tau_m = tau_d * np.exp(rng.uniform(np.log(0.01), np.log(3)))
    V_T, series = rng.uniform(0.5, 1.2), rng.choice([1e-4, 1e-3])
    if scaled:
        R_b *= 10 ** rng.uniform(-3, 2)
        slower = 10 ** rng.uniform(-3, 1)
        tau_d, tau_k, tau_m = tau_d * slower, tau_k * slower, tau_m * slower
    return Parameters(
        R_b=R_b,
        C_m=tau_m / R_b,
        i_c0=4 * A_max * V_m / R_b,
        V_T=V_T,
        V_m=V_m,
        tau_d=tau_d,
        tau_k=tau_k,
        R_s=series * R_b,
    )


def measurements(p, case):
    """What is measured on a device."""
    times = (p.tau_m, p.tau_d, p.tau_k)
    slowest, top = max(times), p.V_T + 3 * p.V_m
    frequency = np.geomspace(100 / min(times), 0.02 / slowest, case.frequencies) / (2 * np.pi)
    biases = np.linspace(p.V_T - 4 * p.V_m, top, case.spectra)
    planned = [spectrum(float(V), frequency) for V in biases]
    for slowness in LOOP_SLOWNESS[: case.loops]:
        rate = top / (slowest * slowness)
        planned.append(loop([0.0, top, 0.0], rate, points=case.samples, file=f"iv_{slowness:g}.csv"))
    length = 6 * slowest
    for level in PULSE_LEVELS[: case.pulses]:
        current = float(steady_current(p, p.V_T + level * p.V_m))
        drive = pulse("current", current, on=0.05 * length, off=0.6 * length, end=length)
        planned.append(transient(drive, points=case.samples, file=f"pulse_{level:g}.csv"))
    return [_between_samples(item, case) for item in planned] if case.read_back else planned


def _between_samples(item, case):
    """A recording sampled evenly, whatever its drive does."""
    if isinstance(item, Spectroscopy):
        return item
    return replace(item, time=np.linspace(item.drive.time[0], item.drive.time[-1], case.samples))


def _read_back(record):
    """A record whose drive is the one its samples show."""
    if isinstance(record, ImpedanceSpectrum):
        return record
    return replace(
        record, drive=drive_from_samples(record.control, record.time, record.drive.at(record.time))
    )


def make_device(case, seed):
    """The truth and the device measured on it."""
    truth = random_parameters(np.random.default_rng(seed), case.scaled).replace(L_s=case.inductance)
    noise = Noise(
        impedance=case.noise,
        current=case.noise,
        voltage=0.5 * case.noise * truth.V_T,
        outliers=case.outliers,
        outlier_size=case.outlier_size,
        gain=case.gain,
        correlation=case.correlation,
    )
    device = simulate_device(truth, measurements(truth, case), noise, seed=seed)
    if case.read_back:
        device = replace(device, records=tuple(_read_back(record) for record in device.records))
    return truth, device


def _unknown(term, records):
    """A gain, or the time of an edge or of a record, free within a few samples."""
    if term.kind == "gain":
        return gain_term(term.instrument)
    sample = float(np.max(np.diff(records[term.record].time)))
    return term_unknown(term, 3 * sample if term.kind == "delay" else sample)


def chi2_from_truth(joint, device, truth, gain):
    """(chi2 at the fit, chi2 of a fit started from the truth), same noise, points and unknowns."""
    sigma, keep = [], []
    for item in joint.fitted:
        parts = 2 if isinstance(item.record, ImpedanceSpectrum) else 1
        sigma.append(np.tile(item.sigma, parts))
        keep.append(np.tile(item.used, parts))
    problem = Problem(Predictor(device.records), (), np.concatenate(sigma), np.concatenate(keep))
    names = joint.result.covariance_names
    free = physical_unknowns(FitPlan(), [n for n in NAMES if n in names])
    terms = [term for term in map(Term.from_name, names) if term and term.kind in ("gain", "delay", "edge")]
    free += [_unknown(term, device.records) for term in terms]
    timing = {t.name: joint.result.nuisance[t.name].value for t in terms if t.kind != "gain"}
    base = truth.replace(L_s=0.0, R_s=truth.R_s if "R_s" in names else 0.0)
    unknowns = Unknowns(free, base, problem.kinds)
    start = unknowns.encode(
        {**truth.as_dict(), **timing, **{Term("gain", instrument=kind).name: g for kind, g in gain.items()}}
    )
    return joint.result.goodness.chi2, minimise(problem, unknowns, start, near=False).minimum.chi2


def run(case, seed):
    """Make, fit and judge one device."""
    warnings.simplefilter("error")
    truth, device = make_device(case, seed)
    begun = time.process_time()
    joint = fit(device)
    seconds = time.process_time() - begun
    found, best = chi2_from_truth(joint, device, truth, case.gain)
    first = guess(device.records, {})
    errors, ratios = [], []
    for name in FITTED:
        estimate, true = joint.result.parameters[name], getattr(truth, name)
        scale = truth.V_m if name == "V_T" else true
        errors.append(np.inf if estimate.value is None else abs(estimate.value - true) / scale)
        if first:
            ratios.append(abs(np.log(max(first[0].values[name], 1e-300) / true)))
    ratio = float(np.exp(min(max(ratios, default=np.inf), 700.0)))
    return Outcome(seed, seconds, found - best, max(errors), ratio, joint.result.status.code)


def warm_up():
    """Compile the integrator and load lmfit, so that times are those of the fit."""
    run(replace(CASES["full"], spectra=3, frequencies=10, samples=30), 0)


def row(name, outcomes):
    """One line of the table."""
    case = CASES[name]
    failures = [o for o in outcomes if o.failed(case)]
    seconds = np.array([o.seconds for o in outcomes])
    ratios = np.array([o.guess_ratio for o in outcomes])
    ok = sum(o.status == "ok" for o in outcomes)
    seeds = ", ".join(str(o.seed) for o in failures) or "none"
    return (
        f"| {case.title} | {len(outcomes)} | {len(outcomes) - len(failures)} "
        f"({100 * (1 - len(failures) / len(outcomes)):.1f} %) | {ok} | {np.median(seconds):.2f} | "
        f"{seconds.max():.1f} | {np.median(ratios):.2f} | {ratios.max():.3g} | {seeds} |"
    )


def run_named(name, seed):
    """As `run`, for another process."""
    return run(CASES[name], seed)


def remarks(name, outcomes):
    """Every failure, with its numbers."""
    return [str(one) for one in outcomes if one.failed(CASES[name]) or one.status != "ok"]


BENCHMARK = trials.Benchmark(
    about=__doc__,
    head=HEAD,
    columns=COLUMNS,
    table=TABLE,
    cases=tuple(CASES),
    devices=300,
    seed=0,
    trial=run_named,
    warm_up=warm_up,
    row=row,
    remarks=remarks,
)

if __name__ == "__main__":
    trials.run(BENCHMARK)
