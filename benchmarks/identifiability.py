"""Is what the data cannot tell called so, by the right names, and never with full data?

    python benchmarks/identifiability.py --devices 200 --workers 2

Random devices of `recovery.py` are measured in ways that leave something open, and in full. Which parameters
are open is known twice: by the symmetry the measurement leaves (it stands with each case), and from the
Fisher information at the truth, which decides about all others: a parameter whose standard error there (of
the logarithm; of V_T in units of V_m) is above 3 must be called undetermined, one below 0.1 must not. The
likelihood can overrule both: a place far from the truth that describes the data no worse proves a parameter
open; a chi2 that rises on both sides, whatever all others do, proves that it is limited. Prints the table and
writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from recovery import CASES as FULL
from recovery import measurements, random_parameters
from trials import Benchmark, run

from memfit.fitting import FitPlan
from memfit.fitting.joint import fit
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import prepare
from memfit.fitting.prediction.predict import modulus
from memfit.model import NAMES, steady_current
from memfit.protocols import pulse
from memfit.synthetic.measurements import Noise, loop, simulate_device, spectrum, transient

CORE = NAMES[:7]
OPEN, KNOWN = 3.0, 0.1
"""Standard errors at the truth above which a parameter must be called undetermined, below which not."""
AS_GOOD = 4.0
"""Rise of chi2, two standard errors, up to which a place is as good as the truth, and no further."""
HELD = 2.0
"""Part of Akaike's criterion of a parameter that is held: what counts besides the likelihood are the terms of
the instruments that a fit needs."""
NOISE = 0.01
TABLE = Path(__file__).with_suffix(".md")
HEAD = """# What the data cannot tell

Made by `python benchmarks/identifiability.py --devices {devices} --seed {seed}`, devices of `recovery.py`
with 1 % noise.

Right: the verdict is `not_identifiable`, every parameter that is open (by the symmetry named here, or with a
standard error above 3 at the truth) is undetermined, and none that is known better than to 0.1 at the truth
is. Of full data: nothing is undetermined. The likelihood has the last word: a parameter is proven open by a
place far from the truth that describes the data no worse, and proven limited where chi2 rises by more than 4
at e^2 times and 1/e^2 of the truth (V_T: 4 V_m away), all others fitted from three starts.

"""
COLUMNS = (
    "| measured | devices | right | verdict | a name is missing | a name too many | proven limited "
    "| must be open | s, median | seeds |"
)


def frequencies(p, points=40, lowest=0.02):
    """Over all time constants."""
    times = (p.tau_m, p.tau_d, p.tau_k)
    return np.geomspace(100 / min(times), lowest / max(times), points) / (2 * np.pi)


def one_bias(p, rng):
    """One spectrum, within 1.5 V_m of V_T."""
    return [spectrum(p.V_T + rng.uniform(-1.5, 1.5) * p.V_m, frequencies(p))]


def below_threshold(p, _):
    """Spectra and a loop, all at least 6 V_m below V_T."""
    top = p.V_T - 6.0 * p.V_m
    slow = abs(top) / (100 * max(p.tau_m, p.tau_d, p.tau_k))
    biases = np.linspace(top - 4 * p.V_m, top, 5)
    return [*(spectrum(float(V), frequencies(p)) for V in biases), loop([0.0, top, 0.0], slow, points=200)]


SLOWNESS = 1e7
"""tau_k of the slow device, in its other times."""


def slowed(p):
    """The same device with an activation that takes far longer than everything else."""
    return p.replace(tau_k=SLOWNESS * max(p.tau_m, p.tau_d))


def too_short(p, _):
    """Spectra and two loops made for the other times, that end long before tau_k."""
    return measurements(p.replace(tau_k=p.tau_d), replace(FULL["full"], spectra=5, loops=2, pulses=0))


def slow_loops(p, _):
    """Two loops so slow that everything is steady."""
    top, slowest = p.V_T + 3 * p.V_m, max(p.tau_m, p.tau_d, p.tau_k)
    return [loop([0.0, top, 0.0], top / (n * slowest), points=300, file=f"{n:g}.csv") for n in (3e4, 1e5)]


def loops(p, _):
    """Three loops, the fastest through V_T in the slowest time constant."""
    return measurements(p, replace(FULL["full"], spectra=0, pulses=0))


def small_pulse(p, _):
    """One current pulse that stays 9 V_m below V_T."""
    return [_pulse(p, -9.0, 6 * p.tau_m)]


def one_pulse(p, _):
    """One current pulse to V_m/2 above V_T, over all time constants."""
    return [_pulse(p, 0.5, 6 * max(p.tau_m, p.tau_d, p.tau_k))]


def _pulse(p, level, length):
    current = float(steady_current(p, p.V_T + level * p.V_m))
    drive = pulse("current", current, on=0.05 * length, off=0.6 * length, end=length)
    return transient(drive, points=400, file="pulse.csv")


@dataclass(frozen=True)
class Case:
    """A way to measure, and what it cannot tell by symmetry."""

    title: str
    plan: Callable
    must: tuple = ()
    full: bool = False
    changed: Callable | None = None
    """Makes the device that this case needs."""


def _full(name):
    return lambda p, _: measurements(p, FULL[name])


CASES = {
    "bias": Case("one spectrum", one_bias, ("i_c0", "V_T", "V_m", "tau_d", "tau_k")),
    "below": Case("nothing above V_T - 6 V_m", below_threshold, ("i_c0", "V_T", "tau_k")),
    "short": Case("spectra and loops too short for tau_k", too_short, ("i_c0", "tau_k"), changed=slowed),
    "steady": Case("quasi-steady loops only", slow_loops, ("C_m", "tau_d", "tau_k")),
    "loops": Case("three loops only", loops),
    "small pulse": Case("one pulse below V_T", small_pulse, ("i_c0", "V_T", "V_m", "tau_d", "tau_k")),
    "pulse": Case("one pulse above V_T", one_pulse),
    "full": Case("9 spectra, 3 loops, 3 pulses", _full("full"), full=True),
    "spectra": Case("5 spectra", _full("spectra"), full=True),
}


@dataclass(frozen=True)
class Trial:
    """One device."""

    seed: int
    status: str
    missing: tuple
    extra: tuple
    opened: tuple
    limited: tuple
    seconds: float

    def right(self, case):
        wanted = self.opened
        verdict = (self.status == "not_identifiable") == bool(wanted) if wanted or case.full else True
        return verdict and not self.missing and not self.extra


def errors_at_truth(device, truth, noise):
    """Standard errors of the seven parameters from the Fisher information at the truth, and true noise."""
    problem = prepare(device.records)
    unknowns = Unknowns(physical_unknowns(FitPlan(), NAMES[:8]), truth, problem.kinds)
    x = unknowns.encode(truth.as_dict())
    model = problem.residuals(unknowns).prediction(x).values
    sigma = np.concatenate(
        [
            _sigma(r, model[h], noise)
            for r, h in zip(problem.predictor.records, problem.predictor.slices, strict=True)
        ]
    )
    _, j = replace(problem, sigma=sigma).residuals(unknowns).all_rows(x)
    j[:, 3] *= truth.V_m
    j[:, 7] *= truth.R_s
    scale = np.maximum(np.linalg.norm(j, axis=0), 1e-9)
    _, s, directions = np.linalg.svd(j / scale, full_matrices=False)
    variance = (directions.T**2 @ (1.0 / np.maximum(s, 1e-9 * s[0]) ** 2)) / scale**2
    return dict(zip(CORE, np.sqrt(variance[:7]), strict=True))


def proven_far(result, device, truth, names):
    """Those parameters that describe the data no worse at a place far from the truth (a factor e, or 2 V_m).

    Held there, with all others fitted, chi2 rises by less than two standard errors.
    """
    near = fit(device, FitPlan(start=_known(truth.as_dict()), conflict_test=False)).result
    return {name for name in names if any(_as_good(name, p, near, device) for p in _far(result, truth, name))}


def proven_limited(result, device, truth, names):
    """Those parameters that the data limit on both sides of truth and minimum, whatever all others do."""
    near = fit(device, FitPlan(start=_known(truth.as_dict()), conflict_test=False)).result
    starts = (truth.as_dict(), near.fitted_values, result.fitted_values)
    return {
        n
        for n in names
        if _sides(n, truth)[0] < near.fitted_values[n] < _sides(n, truth)[1]
        and all(_worse(n, v, starts, near, device) for v in _sides(n, truth))
    }


def _sides(name, truth):
    """Values of a parameter two units of length below and above the truth."""
    value = getattr(truth, name)
    if name == "V_T":
        return value - 4 * truth.V_m, value + 4 * truth.V_m
    return value * np.exp(-2.0), value * np.exp(2.0)


def _worse(name, value, starts, near, device):
    """Whether no fit with a parameter held at a value comes near that from the truth."""
    plans = [
        FitPlan(fix={name: value}, start=_known(start, without=name), conflict_test=False) for start in starts
    ]
    lowest = min(fit(device, plan).result.goodness.aic for plan in plans)
    return lowest + HELD > near.goodness.aic + AS_GOOD


def _known(values, without=""):
    """Start values of the parameters."""
    return {n: values[n] for n in NAMES[:8] if n != without}


def _far(result, truth, name):
    """Places of a result at which a parameter is far from the truth, the nearest first."""
    length = 2 * truth.V_m if name == "V_T" else 1.0
    scale = (lambda v: v) if name == "V_T" else np.log
    places = [place.values for place in result.minimum.places]
    away = {id(v): abs(scale(v[name]) - scale(getattr(truth, name))) / length for v in places}
    return sorted((v for v in places if away[id(v)] > 1.0), key=lambda v: away[id(v)])


def _as_good(name, place, near, device):
    """Whether the fit with a parameter held at a place describes the data as well as that near the truth."""
    start = _known(place, without=name)
    held = fit(device, FitPlan(fix={name: place[name]}, start=start, conflict_test=False)).result
    return held.goodness.aic + HELD < near.goodness.aic + AS_GOOD


def _sigma(record, model, noise):
    size = modulus(record, model)
    if record.kind == "impedance":
        return noise.impedance * size
    if record.kind == "iv":
        return np.hypot(noise.current * size, 5e-4 * size.max())
    return np.full(size.size, noise.voltage)


def trial(name, seed):
    """Make, fit and judge one device."""
    case = CASES[name]
    warnings.simplefilter("error")
    rng = np.random.default_rng([seed, 1])
    truth = random_parameters(np.random.default_rng(seed))
    truth = case.changed(truth) if case.changed else truth
    noise = Noise(impedance=NOISE, current=NOISE, voltage=0.5 * NOISE * truth.V_T)
    device = simulate_device(truth, case.plan(truth, rng), noise, seed=seed)
    begun = time.process_time()
    result = fit(device, FitPlan(conflict_test=False)).result
    seconds = time.process_time() - begun
    true_errors = errors_at_truth(device, truth, noise)
    undetermined = {n for n in CORE if result.parameters[n].status == "undetermined"}
    must = {*case.must, *(n for n, e in true_errors.items() if e > OPEN)}
    known = {n for n, e in true_errors.items() if e < KNOWN} - set(case.must)
    order = lambda names: tuple(sorted(names, key=CORE.index))  # noqa: E731
    limited = proven_limited(result, device, truth, must - undetermined) if must - undetermined else set()
    must -= limited
    extra = undetermined if case.full else undetermined & known
    if extra and not case.full:
        extra -= proven_far(result, device, truth, extra)
    return Trial(
        seed=seed,
        status=result.status.code,
        missing=order(must - undetermined),
        extra=order(extra),
        opened=order(must),
        limited=order(limited),
        seconds=seconds,
    )


def row(name, trials):
    """One line of the table."""
    case = CASES[name]
    right = sum(t.right(case) for t in trials)
    verdicts = sum(t.status == "not_identifiable" for t in trials)
    missing, extra = sum(bool(t.missing) for t in trials), sum(bool(t.extra) for t in trials)
    more = sum(bool(set(t.opened) - set(case.must)) for t in trials)
    limited = sum(bool(t.limited) for t in trials)
    names = ", ".join(case.must) or "-"
    names += f"; more in {more}" if more else ""
    seeds = ", ".join(str(t.seed) for t in trials if not t.right(case)) or "none"
    seconds = np.median([t.seconds for t in trials])
    return (
        f"| {case.title} | {len(trials)} | {right} ({100 * right / len(trials):.1f} %) | {verdicts} "
        f"| {missing} | {extra} | {limited} | {names} | {seconds:.2f} | {seeds} |"
    )


def warm_up():
    """Compile the integrator and load lmfit."""
    trial("small pulse", 0)


def remarks(name, trials):
    """Every device that is not right."""
    return [str(t) for t in trials if not t.right(CASES[name])]


BENCHMARK = Benchmark(
    about=__doc__,
    head=HEAD,
    columns=COLUMNS,
    table=TABLE,
    cases=tuple(CASES),
    devices=200,
    seed=20_000,
    trial=trial,
    warm_up=warm_up,
    row=row,
    remarks=remarks,
)

if __name__ == "__main__":
    run(BENCHMARK)
