"""Members of the family: how fast a pulse is; whether a fit that is told the parts finds their parameters.

    python benchmarks/family.py --devices 10 --workers 1

Devices are drawn and measured by `independent_model`, which shares nothing with memfit: 5 spectra of 40
frequencies, 2 loops of 201 points (through 0 V), 2 current pulses of 301 points, 1 % noise. A fit is at the
global minimum where one that is started from the truth, with the same noise and unknowns, ends no lower.
Prints the table and writes it beside this file. With --kept FILE a run that was ended is taken up again.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import family_rival as rival
import independent_devices as independent
import numpy as np
import trials
from integrator_pulse import CASES as PULSES
from integrator_pulse import TIME

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, PulseTransient
from memfit.fitting import FitPlan, Term
from memfit.fitting.joint import fit
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import Problem
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns, term_unknown
from memfit.fitting.prediction.predict import Predictor
from memfit.model import EXTENSIONS, NAMES, Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import Drive

NOISE = 0.01
WORSE = 0.1
"""Excess of chi2 over that from the truth that counts as another minimum."""
OFFSETS = (-8, -3, 0, 2.5, 5)
"""Of the biases of the spectra from V_T, in V_m."""
SLOWNESS, LEVELS = (100, 5), (0, 2.5)
"""Of loops, in the slowest time; steady states of the pulses, in V_m from V_T."""
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
"""Everyone runs at the loosest at which its curve is exact enough."""
TABLE = Path(__file__).with_suffix(".md")


def between(rng, low, high):
    """A number between two, in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _growing_capacitance(p, rng):
    """As large as C_m somewhere near V_T."""
    V_c = p.V_m * between(rng, 2, 6)
    return {"V_c": V_c, "C_0": p.C_m * between(rng, 0.5, 3) * np.exp(-p.V_T / V_c)}


def _growing_leak(p, rng):
    """A part of the channel's current above V_T."""
    V_l = p.V_m * between(rng, 2, 5)
    return {"V_l": V_l, "I_l": p.i_c0 * between(rng, 0.1, 0.5) / np.sinh((p.V_T + 2 * p.V_m) / V_l)}


PARTS = {
    "branch": lambda p, rng: {"R_1": p.R_b * between(rng, 0.2, 5), "C_1": p.C_m * between(rng, 2, 30)},
    "dispersion": lambda _, rng: {"n": float(rng.uniform(0.85, 0.97))},
    "capacitance": _growing_capacitance,
    "leak": _growing_leak,
    "photocurrent": lambda p, rng: {"I_ph": p.i_c0 * between(rng, 0.02, 0.2)},
    "second_polarity": lambda p, rng: {
        "i_c0n": p.i_c0 * between(rng, 0.3, 1.5),
        "V_Tn": p.V_T * between(rng, 0.7, 1.2),
        "V_mn": p.V_m * between(rng, 0.7, 1.4),
    },
    "conductance": lambda _, rng: {"kappa": float(rng.uniform(0.2, 0.9))},
    "activation_time": lambda _, rng: {
        "p_k": float(rng.uniform(0, 0.9)),
        "q_k": float(rng.uniform(0.1, 0.9)),
    },
}
"""How much of each part a device has."""
MEMBERS = (
    *PARTS,
    "branch,conductance",
    "branch,dispersion",
    "capacitance,photocurrent",
    "branch,conductance,activation_time",
)


def drawn(member, seed):
    """The memristor of a trial, its parts by their values, and the generator that goes on to measure it."""
    plainest = member not in MEMBERS
    rng = np.random.default_rng([seed, len(MEMBERS) if plainest else MEMBERS.index(member)])
    plain = independent.draw(rng)
    parts = [] if plainest else member.split(",")
    values = {k: v for part in parts for k, v in PARTS[part](plain, rng).items()}
    fastest = min(plain.R_b * plain.C_m, plain.tau_d, plain.tau_k)
    band = (1e-4 / independent.slowest(plain), 1e6 / fastest)  # nearer, the end of the ladder is seen
    return replace(plain, **values, **({"ladder": band} if "n" in values else {})), values, rng


def make(member, seed):
    """The truth, by name, and the device measured on it; of a name that is no member's, the plainest."""
    p, values, rng = drawn(member, seed)
    records = []
    kinds = (OFFSETS, SLOWNESS, LEVELS)
    for record in independent.session(p, rng, kinds, both_signs=True):
        step = {"eis": 50 / 40, "iv": 3, "pulse": 8 / 3}[record.kind]
        record.x = record.x[np.unique((np.arange(0, len(record.x), step)).astype(int))]
        record.stated = record.drive() if record.kind != "eis" else record.stated
        record.measure()
        record.add_noise(rng, NOISE)
        records.append(_as_read(record))
    truth = {
        name: getattr(p, name) for name in NAMES if hasattr(p, name) and name in (*rival.NAMES[:8], *values)
    }
    return truth, Device(name=f"{member} {seed}", records=tuple(records))


def _as_read(record):
    """A record of memfit."""
    if record.kind == "eis":
        return ImpedanceSpectrum(
            name=record.file, frequency=record.x, impedance=record.y, bias_voltage=record.V, control="voltage"
        )
    times, values = np.array(record.knots).T
    if record.kind == "iv":
        drive = Drive("voltage", times, values)
        return IVSweep(name=record.file, voltage=record.stated, current=record.y, time=record.x, drive=drive)
    drive = Drive("current", times, values)
    return PulseTransient(
        name=record.file, time=record.x, current=record.stated, voltage=record.y, drive=drive
    )


@dataclass(frozen=True)
class Outcome:
    """One device."""

    seed: int
    seconds: float
    excess: float
    """Of chi2 over that from the truth."""
    status: str
    inside: int
    """Intervals that hold the truth."""
    intervals: int

    @property
    def failed(self):
        """Whether it is another minimum."""
        return not self.excess < WORSE


def chi2_from_truth(joint, truth, parts):
    """(chi2 at the fit, chi2 of a fit started from the truth), same noise, points and unknowns."""
    sigma, keep = [], []
    for item in joint.fitted:
        count = 2 if isinstance(item.record, ImpedanceSpectrum) else 1
        sigma.append(np.tile(item.sigma, count))
        keep.append(np.tile(item.used, count))
    records = tuple(item.record for item in joint.fitted)
    problem = Problem(Predictor(records), (), np.concatenate(sigma), np.concatenate(keep))
    names = joint.result.covariance_names
    free = physical_unknowns(FitPlan(parts=parts), [n for n in NAMES if n in names])
    terms = [term for term in map(Term.from_name, names) if term is not None]
    free += [term_unknown(term, 1.0) for term in terms]
    extra = {term.name: joint.result.nuisance[term.name].value for term in terms}
    unknowns = Unknowns(free, Parameters.from_mapping(truth), problem.kinds)
    start = unknowns.encode({**truth, **extra})
    return joint.result.goodness.chi2, minimise(problem, unknowns, start, near=False).minimum.chi2


def run(member, seed):
    """Make, fit and judge one device."""
    warnings.simplefilter("error")
    parts = tuple(member.split(","))
    truth, device = make(member, seed)
    begun = time.process_time()
    try:
        joint = fit(device, FitPlan(model="3d", parts=parts))
    except Exception as problem:
        return Outcome(seed, time.process_time() - begun, np.inf, type(problem).__name__, 0, 0)
    seconds = time.process_time() - begun
    found, best = chi2_from_truth(joint, truth, parts)
    held = []
    for name in truth:
        interval = joint.result.parameters[name].ci95
        if interval is not None and None not in interval:
            held.append(interval[0] <= truth[name] <= interval[1])
    return Outcome(seed, seconds, found - best, joint.result.status.code, int(sum(held)), len(held))


def row(member, outcomes):
    """One line of the table."""
    failures = [o for o in outcomes if o.failed]
    seconds = [o.seconds for o in outcomes]
    inside, intervals = sum(o.inside for o in outcomes), sum(o.intervals for o in outcomes)
    ok = sum(o.status == "ok" for o in outcomes)
    seeds = ", ".join(str(o.seed) for o in failures) or "none"
    share = 100 * inside / intervals if intervals else float("nan")
    return (
        f"| {member.replace(',', ', ')} | {len(outcomes)} | {len(outcomes) - len(failures)} | {ok} | "
        f"{share:.1f} % of {intervals} | {np.median(seconds):.1f} | {max(seconds):.1f} | {seeds} |"
    )


def remarks(_, outcomes):
    """Every failure, with its numbers."""
    return [str(one) for one in outcomes if one.failed or one.status != "ok"]


def warm_up():
    """Compile, so that times are those of the fit."""
    seed, member = _pulse_devices()
    for p in (seed, member):
        DriveSet([PULSES["stiff"][1]], [TIME]).respond(p, sensitivities=True)


def _pulse_devices():
    """The plainest device of `integrator_pulse`, and a member of 13 parameters."""
    p, _ = PULSES["stiff"]
    return p, p.replace(R_1=p.R_b, C_1=5 * p.C_m, kappa=0.4, p_k=0.6, q_k=0.3)


def _seconds(run_it, tolerance):
    """Processor time of one call."""
    begun = time.process_time()
    run_it(tolerance)
    return time.process_time() - begun


def speed(repeats=200):
    """Lines about one pulse of 1000 samples with all derivatives: paired in one run, in processor time."""
    seed, member = _pulse_devices()
    drive = PULSES["stiff"][1]
    runs = DriveSet([drive], [TIME])
    exact = runs.respond(member, sensitivities=True, tolerance=1e-12)
    order = [exact.names.index(name) for name in rival.NAMES]

    def timed(p, tolerance):
        begun = time.process_time()
        for _ in range(5):
            runs.respond(p, sensitivities=True, tolerance=tolerance)
        return (time.process_time() - begun) / 5

    pairs = np.array([(timed(seed, 1e-8), timed(member, 1e-8)) for _ in range(repeats)])
    ratio = float(np.median(pairs[:, 1] / pairs[:, 0]))
    lines = [
        (
            "One pulse of 1000 samples with all derivatives: the plainest device "
            f"{1e3 * pairs[:, 0].min():.2f} ms, with branch, conductance and activation_time "
            f"{1e3 * pairs[:, 1].min():.2f} ms, {ratio:.1f} times (paired, median)."
        ),
        "",
        "The member's pulse, each at its loosest tolerance whose curve is within 1e-6 (1e-8) of the span:",
        "",
        "| the member's pulse | error of the curve | of the worst derivative | ms | times memfit |",
        "|---|---|---|---|---|",
    ]
    knots = list(zip(drive.time, drive.value, strict=True))
    reference = exact.by_parameters[:, order]

    def errors(values, slopes):
        curve = np.max(np.abs(values - exact.values)) / np.ptp(exact.values)
        worst = np.max(np.max(np.abs(slopes - reference), axis=0) / np.max(np.abs(reference), axis=0))
        return f"{curve:.0e} | {worst:.0e}"

    def by_memfit(tolerance):
        found = runs.respond(member, sensitivities=True, tolerance=tolerance)
        return found.values, found.by_parameters[:, order]

    def by_lsoda(rtol):
        return rival.course(member.as_array(rival.NAMES), knots, TIME, rtol)

    for accuracy in (1e-6, 1e-8):
        first = None
        for name, run_it, repeat in (
            ("memfit", by_memfit, repeats),
            ("LSODA, sensitivity equations by hand", by_lsoda, 3),
        ):
            for tolerance in TOLERANCES:
                found = run_it(tolerance)
                if np.max(np.abs(found[0] - exact.values)) <= accuracy * np.ptp(exact.values):
                    break
            seconds = min(_seconds(run_it, tolerance) for _ in range(repeat))
            first = first or seconds
            lines.append(
                f"| {name}, tolerance {tolerance:g} | {errors(*found)} | "
                f"{1e3 * seconds:.2f} | {seconds / first:.0f} |"
            )
    return lines


HEAD = """# Members of the family

Made by `python benchmarks/family.py --devices {devices} --seed {seed}`.

SPEED

## The member's parameters from its own data, the member given

Devices of `independent_model`, with parts of a size that matters: 5 spectra, 2 loops through 0 V, 2 pulses,
1 % noise. At the minimum: chi2 no worse than that of a fit started from the truth. Intervals: how many of the
95 % intervals hold the truth. Seconds are processor time of one fit.

"""
COLUMNS = (
    "| parts | devices | at the minimum | status ok | intervals that hold "
    "| s, median | s, worst | failed seeds |"
)
BENCHMARK = trials.Benchmark(
    about=__doc__,
    head=HEAD,
    columns=COLUMNS,
    table=TABLE,
    cases=MEMBERS,
    devices=10,
    seed=0,
    trial=run,
    warm_up=warm_up,
    row=row,
    remarks=remarks,
    kept=(asdict, lambda line: Outcome(**line)),
)


if __name__ == "__main__":
    warm_up()
    assert set(PARTS) < set(EXTENSIONS)
    trials.run(replace(BENCHMARK, head=HEAD.replace("SPEED", "\n".join(speed()))))
