"""Are predicted figures of merit right, and do their intervals hold the truth? And are measured ones
unbiased?

    python benchmarks/figures_of_merit.py --devices 300 --workers 1 --kept devices.jsonl

Devices and data are those of `independent_devices.py` (9 spectra, 3 loops, 3 current pulses, 1 % noise). The
truth of every figure comes from the independent integrator, which shares nothing with memfit, and from the
definitions of docs/figures_of_merit.md as they are written once more here. Protocols (which drive, which
samples) are those that the data sheet chose; pulses under voltage control and potentiation were never
measured. The case `pulses` needs no fit: courses of further devices under the protocols of the data sheet are
read as records with noise. Prints the table and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import json
import warnings
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from independent_devices import PLAIN, draw, prepare
from independent_model import Memristor, radau
from scipy.integrate import trapezoid
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import beta
from trials import Benchmark, run

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.measured import NoiseOfRecord, in_record
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.analysis.figures_of_merit.subjects import of_records
from memfit.datasets import PulseTransient
from memfit.fitting.joint import fit
from memfit.loaders.device import load_device
from memfit.model import Parameters
from memfit.model.transient import DriveSet
from memfit.protocols import Drive

TABLE = Path(__file__).with_suffix(".md")
COLUMNS = (
    "| figure | devices | calculation: error at the true parameters, % (95 %; largest) | prediction of the "
    "fit: error, % (median; 95 %) | holds the truth, % | rms error / standard error | measured: n | mean "
    "error / standard error | rms |"
)
HEAD = """# Figures of merit: predicted and measured against the truth

Made by `python benchmarks/figures_of_merit.py --devices {devices} --seed {seed}`.

Of every figure, the **calculation**: how far memfit's number for the true parameters is from that of the
independent integration, which no noise enters. Then the **prediction** of a fit to noisy data: how far it is
from the truth, which is what the noise leaves; how many of the 95 % intervals hold the truth (in parentheses
the 95 % limits of that share, Clopper-Pearson, for so many independent devices); the size of the errors in
standard errors, of which 1.00 is right. Errors are relative to the truth; of what passes through zero to the
largest value of the same device. Last, what is **measured**, read from noisy records: the mean error in
standard errors is the bias; of error bars by 64 redraws 1.02 is right. Loops and spectra are those of the
fit. The rows without prediction are of records of a third as many other devices: pulses and spikes under the
protocols of the data sheet, each six times with noise of 1 % of the response to the first pulse, of the span
of the reads, or of that of the spikes.

"""
NOISE = 0.01
"""Of the courses that are read as records, of what is read from them,"""
DRAWS = 6
"""drawn so many times on each."""


# The truth: an integration of its own, and the definitions once more.


def answer(device, knots, time):
    """Current under voltage control, with jumps: the voltage across R_s takes them up."""
    y = device._start(knots[0][1], True, False)
    rtol = 1e-9
    current = max(abs(device.steady_current(max(abs(v) for _, v in knots))), 1e-15)
    atol = np.array([0.1 * rtol * device.R_s * current, 0.1 * rtol * device.i_c0, 0.01 * rtol])
    out, equations = np.full(len(time), np.nan), (device.constants, *device.plain[1:], True, False)
    end = knots[-1][0]
    for (t0, a), (t1, b) in pairwise(knots):
        if t1 == t0:
            y = y.copy()
            y[0] += b - a
            continue
        here = (time >= t0) & ((time <= t1) if t1 == end else (time < t1))
        slope = (b - a) / (t1 - t0)
        states, y = radau(equations, y, a, slope, t1 - t0, np.ascontiguousarray(time[here] - t0), rtol, atol)
        out[here] = states[:, 0] / device.R_s
    return out


def lines(x, y, at, width):
    """Weighted straight lines through the samples within half a width of each place: values and slopes."""
    found = []
    for place in at:
        d = np.abs(x - place) / (0.5 * width)
        near = d < 1
        root = np.sqrt((1 - d[near] ** 3) ** 3)
        known = near.sum() >= 5
        found.append(np.polyfit(x[near] - place, y[near], 1, w=root)[::-1] if known else (np.nan, np.nan))
    return np.array(found).T


def steepest(V, current, amplitude):
    """Voltage of the largest |d ln(I/V)/dV| between a fifth of the amplitude and the end."""
    kept = (0.2 * amplitude <= V) & (np.abs(current) >= 1e-3 * np.max(np.abs(current)))
    x, y, width = V[kept], np.log(np.abs(current[kept] / V[kept])), 0.15 * amplitude
    low, high = x.min() + 0.5 * width, x.max() - 0.5 * width
    at = np.linspace(low, high, 60)
    k = int(np.argmax(np.abs(lines(x, y, at, width)[1])))
    if k in (0, 59):
        return np.nan
    step = at[1] - at[0]
    found = minimize_scalar(
        lambda place: -abs(lines(x, y, [place], width)[1][0]),
        bounds=(at[k] - step, at[k] + step),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(found.x)


def of_loop(time, V, current, read):
    """Figures of a loop that rises from 0 to its amplitude and falls back."""
    top = int(np.argmax(V))
    A = V[top]
    up, down = slice(0, top + 1), slice(top, None)
    at = np.array([read, 0.5 * A])
    (I_up, I_up_half), (I_down, I_down_half) = (
        lines(V[part], current[part], at, 0.15 * A)[0] for part in (up, down)
    )
    below, above = trapezoid(current[up], V[up]), -trapezoid(current[down], V[down])
    absolute = [abs(trapezoid(np.abs(current[part]), V[part])) for part in (up, down)]
    every = np.linspace(0, A, 81)
    smooth = np.concatenate([lines(V[part], current[part], every, 0.15 * A)[0] for part in (up, down)])
    V_set = steepest(V[up], current[up], A)
    power, work = V[up] * current[up], np.nan
    if np.isfinite(V_set):
        cumulated = np.concatenate([[0], np.cumsum(0.5 * (power[1:] + power[:-1]) * np.diff(time[up]))])
        work = np.interp(V_set, V[up], cumulated)
    return {
        "V_set": V_set,
        "V_reset": steepest(V[down], current[down], A),
        "R_HRS": read / I_up,
        "R_LRS": read / I_down,
        "on_off": I_down / I_up,
        "memory_window": I_down - I_up,
        "loop_area": below - above,
        "hysteresis_index": (absolute[1] - absolute[0]) / sum(absolute),
        "hysteresis_index_half": (I_down_half - I_up_half) / I_down_half,
        "hysteresis_index_span": (below - above) / (np.ptp(V) * np.ptp(smooth)),
        "set_energy": work,
        **parts(every, *np.split(smooth, 2)),
    }


def parts(every, up, down):
    """Lobes, each a twentieth of the area between the branches at least, and the first crossing."""
    between = down - up
    edges = np.flatnonzero(np.diff(np.sign(between))) + 1
    pieces = [piece for piece in np.split(np.arange(len(every)), edges) if len(piece)]
    sizes = [between[piece].sum() for piece in pieces]
    large = [k for k, size in enumerate(sizes) if abs(size) >= 0.05 * np.abs(between).sum()]
    crossed = [b for a, b in pairwise(large) if sizes[a] * sizes[b] < 0]
    found = {"lobes": 1.0 + len(crossed)}
    if crossed:
        k = pieces[crossed[0]][0] - 1
        found["crossing"] = every[k] + (every[k + 1] - every[k]) * between[k] / (between[k] - between[k + 1])
    return found


def flat(knots):
    """Flat pieces of a drive away from 0: start, end, level."""
    return [(t0, t1, a) for (t0, a), (t1, b) in pairwise(knots) if t1 > t0 and a == b and a != 0]


def late(time, values, piece):
    """Mean over the last tenth."""
    start, end, _ = piece
    kept = (time >= end - 0.1 * (end - start) * (1 + 1e-9)) & (time < end * (1 - 1e-12))
    return float(np.mean(values[kept]))


def energy(device, knots, piece):
    """Of a pulse, from samples of its own, dense where the capacitance is charged."""
    start, end, level = piece
    knots = [knot for knot in knots if knot[0] < end] + [(end, level)]  # what follows does not matter
    time = start + np.concatenate([[0], np.geomspace(1e-12, 1 - 1e-9, 8000)]) * (end - start)
    return float(trapezoid(level * answer(device, knots, time), time))


def alpha(G):
    """Of the law of Jang et al., by a search."""
    w = np.linspace(0, 1, len(G))
    ratio = np.log(G[-1] / G[0])

    def misses(a):
        bend = a * ratio
        with np.errstate(divide="ignore"):
            law = np.exp(np.logaddexp(np.log1p(-w), np.log(w) + bend) / a)
        return float(np.sum(((law - G) / (G[-1] - G[0])) ** 2))

    G = G / G[0]
    trials = np.linspace(-60, 60, 241)[np.arange(241) != 120] / ratio
    sums = [misses(a) for a in trials]
    best = trials[int(np.nanargmin(sums))]
    step = 0.5 / abs(ratio)
    found = minimize_scalar(
        misses, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-7}
    )
    return float(found.x)


def fades(time, change, share):
    k = int(np.argmax(change / change[0] <= share))
    a, b = change[k - 1] / change[0], change[k] / change[0]
    return time[k - 1] + (time[k] - time[k - 1]) * np.log(a / share) / np.log(a / b) - time[0]


def of_pulses(group, time, current, knots, read_noise):
    """Figures of pulses and reads."""
    pieces, found = flat(knots), {}
    if group == "pair":
        before = (time >= pieces[0][0] - 0.1 * (pieces[0][1] - pieces[0][0])) & (
            time < pieces[0][0] * (1 - 1e-12)
        )
        base = float(np.mean(current[before]))
        A1, A2 = (late(time, current, piece) - base for piece in pieces)
        found |= {"PPF": A2 / A1, "PPF_change": A2 / A1 - 1}
    if group == "train":
        G = np.array([late(time, current, piece) / piece[2] for piece in pieces[1::2]])
        n = len(G) // 2
        found |= {"alpha_P": alpha(G[:n]), "alpha_D": alpha(G[n - 1 :]), "dynamic_range": G.max() / G.min()}
        found["asymmetry"] = abs(found["alpha_P"] - found["alpha_D"])
        told_apart = np.ptp(G[:n]) / (4 * read_noise / pieces[1][2])
        found["levels"] = 1 + min(told_apart, n - 1)
    if group == "retention":
        G = np.array([late(time, current, piece) / piece[2] for piece in pieces[1:]])
        at = np.array([piece[1] for piece in pieces[1:]])
        found |= {"fading_time": fades(at, G - G[-1], 0.5), "retention_time": fades(at, G - G[-1], 0.1)}
    return found


def turnover_rate(device, A, near):
    """Where the area of the loop vanishes."""

    def area(log_rate):
        T = A / np.exp(log_rate)
        time = np.linspace(0, 2 * T, 401)
        V = np.interp(time, [0, T, 2 * T], [0, A, 0])
        return trapezoid(answer(device, [(0, 0), (T, A), (2 * T, 0)], time), V) / np.exp(log_rate)

    low, high = np.log(near) - 0.1, np.log(near) + 0.1
    return float(np.exp(brentq(area, low, high, rtol=1e-7))) if area(low) * area(high) < 0 else np.nan


def turnover_frequency(device, bias, frequency):
    """Highest frequency of a spectrum at which Im Y rises through zero."""
    u = device.junction(bias)

    def susceptance(log_frequency):
        return (1 / device.impedance(np.exp([log_frequency]), u)[0]).imag

    x = np.sort(np.log(frequency))
    b = np.array([susceptance(one) for one in x])
    up = np.flatnonzero((b[:-1] < 0) & (b[1:] >= 0))
    return float(np.exp(brentq(susceptance, *x[up[-1] : up[-1] + 2], xtol=1e-12))) if len(up) else np.nan


def threshold(device):
    """Least current at which an eigenvalue of the Jacobian has a positive real part."""
    window = device.unstable()
    if window is None:
        return np.nan
    low = window[0]
    u = brentq(device.growth, low - 28 * device.V_m / 399, low, xtol=1e-12)
    return float(device.steady_current(u))


def spiking(device, current, frequency):
    """Figures of the spikes once they have settled after a start from rest."""
    for periods in (60, 240, 960, 3840):
        end = periods / frequency
        tail = np.linspace(end - 20 / frequency, end, 20_001)
        v = device.simulate("current", [(0, 0), (0, current), (end, current)], tail, 1e-9)
        early, late = np.ptp(v[: len(v) // 2]), np.ptp(v[len(v) // 2 :])
        if abs(early - late) < 1e-4 * late:
            return dict(zip(SPIKES, of_spikes(tail, v, current), strict=True))
    return {}


SPIKES = ("spiking_frequency", "spike_amplitude", "energy_per_spike")


def of_spikes(t, v, current):
    """Frequency, amplitude and energy of spikes between their passages through the middle."""
    middle = 0.5 * (v.max() + v.min())
    up = np.flatnonzero((v[:-1] < middle) & (v[1:] >= middle))
    crossing = t[up] + (middle - v[up]) / (v[up + 1] - v[up]) * (t[1] - t[0])
    period = (crossing[-1] - crossing[0]) / (len(crossing) - 1)
    whole = slice(up[0] + 1, up[-1] + 1)
    mean = np.trapezoid(v[whole], t[whole]) / (t[up[-1]] - t[up[0] + 1])
    return 1 / period, v.max() - v.min(), current * mean * period


# The comparison.


@dataclass(frozen=True)
class Trial:
    """One device: for each figure, errors of prediction and measurement."""

    seed: int
    status: str
    found: dict
    """figure: list of (relative error, inside, error in standard errors)."""
    read: dict
    """figure: list of errors in standard errors of what was measured."""
    exact: dict = field(default_factory=dict)
    """figure: list of relative errors of memfit's number for the true parameters."""


def key(name, record, conditions):
    return name, record, tuple(sorted(conditions.items()))


PULSES = ("pair", "train", "retention")


def courses_of(sheet, device, groups):
    """Subjects under a voltage, their knots, and the true current."""
    for subject in sheet.model.subjects:
        if subject.drive.control == "voltage" and subject.group in groups:
            knots = list(zip(subject.drive.time.tolist(), subject.drive.value.tolist(), strict=True))
            yield subject, knots, answer(device, knots, subject.time)


def truths(sheet, device):
    """True values by (figure, record, conditions)."""
    true, read = {}, sheet.conditions.read
    for subject, knots, current in courses_of(sheet, device, ("loop", *PULSES)):
        if subject.group == "loop":
            found = of_loop(subject.time, subject.drive.at(subject.time), current, read)
        else:
            found = of_pulses(subject.group, subject.time, current, knots, subject.read_noise)
            found["energy_per_pulse"] = energy(device, knots, flat(knots)[0])
        true |= {key(name, subject.name, subject.conditions): value for name, value in found.items()}
    for spectrum in sheet.model.spectra:
        if spectrum.control == "voltage":
            value = turnover_frequency(device, spectrum.bias, spectrum.frequency)
            true["turnover_frequency", "", (("bias", spectrum.bias),)] = value
    return true | others(sheet, device)


def others(sheet, device):
    """True values of what is read from no course under a voltage."""
    f = 1 / (1 + np.exp((device.V_T - device.junction(0.0)) / device.V_m))
    base = {"base": 0.0}
    found = {
        key("tau_d_rest", "", base): device.tau_d,
        key("tau_f_rest", "", base): device.tau_k * f,
        key("threshold_current", "", {}): threshold(device),
    }
    A, rate = sheet.conditions.amplitude, sheet["turnover_rate"].predicted
    if rate is not None:
        found[key("turnover_rate", "", {"amplitude": A})] = turnover_rate(device, A, rate.value)
    spikes = sheet["spiking_frequency"]
    if spikes.predicted is not None and not spikes.record:
        current = spikes.conditions["current"]
        settled = spiking(device, current, spikes.predicted.value)
        found |= {key(name, "", {"current": current}): value for name, value in settled.items()}
    return found


def records_of(sheet, device):
    """Courses of protocols and spikes as records, with the noise of each; true values by group."""
    made, true = [], {}
    for subject, knots, current in courses_of(sheet, device, PULSES):
        time, levels = subject.time, [late(subject.time, current, piece) for piece in flat(knots)]
        found = of_pulses(subject.group, time, current, knots, np.nan)
        reads = levels[1 :: 2 if subject.group == "train" else 1]
        size = NOISE * (abs(levels[0]) if subject.group == "pair" else np.ptp(reads))
        if subject.group == "pair":  # by its samples
            start, end, level = flat(knots)[0]
            here = (time >= start) & (time < end * (1 - 1e-12))
            last = level * current[here][-1] * (end - time[here][-1])
            found["energy_per_pulse"] = level * np.trapezoid(current[here], time[here]) + last
        true[subject.group] = found
        exact = PulseTransient(
            name=subject.group, time=time, voltage=None, current=current, drive=subject.drive
        )
        made.append((exact, size))
    entry = sheet["spiking_frequency"]
    if entry.predicted is not None:
        held, end = entry.conditions["current"], 40 / entry.predicted.value
        time = np.linspace(0, end, 8001)
        knots = [(0.0, 0.0), (0.01 * end, 0.0), (0.01 * end, held), (end, held)]
        v = device.simulate("current", knots, time, 1e-9)
        read = time > 0.01 * end + 0.3 * 0.99 * end
        early, later = [np.ptp(part) for part in np.array_split(v[read], 2)]
        if abs(early - later) < 1e-3 * later:  # settled
            true["spiking"] = dict(zip(SPIKES, of_spikes(time[read], v[read], held), strict=True))
        drive = Drive("current", *np.array(knots).T, "steady")
        exact = PulseTransient(name="spikes", time=time, voltage=v, current=None, drive=drive)
        made.append((exact, NOISE * np.ptp(v[read])))
    return made, true


def read_from_pulses(seed):
    """Errors, in standard errors, of what is read from noisy pulses and spikes."""
    device = draw(np.random.default_rng([2, seed]))
    p = Parameters(**{name: getattr(device, name) for name in PLAIN})
    sheet = figures_of_merit(p, names=("PPF", "alpha_P", "fading_time", "spiking_frequency"))
    courses, true = records_of(sheet, device)
    rng, errors = np.random.default_rng([1, seed]), {}
    for exact, size in courses:
        model = DriveSet([exact.drive], [exact.time]).respond(p).values
        for _ in range(DRAWS):
            noisy = exact.response + size * rng.normal(size=exact.points)
            quantity = "current" if exact.drive.control == "voltage" else "voltage"
            for subject in of_records([replace(exact, **{quantity: noisy})], sheet.conditions):
                found = in_record(subject, NoiseOfRecord.of(None, subject.record), model)
                for name, value in true.get(subject.group, {}).items():
                    if found.get(name) is not None and found[name].stderr and np.isfinite(value):
                        errors.setdefault(name, []).append((found[name].value - value) / found[name].stderr)
    return Trial(seed, "ok", {}, errors)


SIGNED = {"memory_window", "loop_area", "hysteresis_index", "hysteresis_index_half", "hysteresis_index_span"}
"""Figures that pass through zero: their error is one of the largest of the same device."""


def trial(name, seed):
    return fitted(seed) if name == "fit" else read_from_pulses(seed)


def fitted(seed):
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = prepare(Path(folder), (None, 0, seed, 0.01, "full"))
        truth = json.loads((place / "truth.json").read_text())
        measured = load_device(place / "device")
        result = fit(measured).result
        if not result.status.usable:
            return Trial(seed, result.status.code, {}, {})
        sheet = figures_of_merit(result, measured, names=tuple(FIGURES_OF_MERIT))
        device = Memristor(**truth["parameters"])
        true = truths(sheet, device)
        of_truth = calculated(sheet, Parameters(**truth["parameters"]))
    sizes = {}
    for (figure, *_), value in true.items():
        sizes[figure] = np.nanmax([abs(value), sizes.get(figure, 0.0)])
    found, read, exact = {}, {}, {}
    for entry in sheet.entries:
        # spectra are known by their bias, whether a record has it or not
        record = "" if entry.name == "turnover_frequency" else entry.record
        place = key(entry.name, record, entry.conditions)
        value = true.get(place, np.nan)
        if not np.isfinite(value):
            continue
        size = sizes[entry.name] if entry.name in SIGNED else abs(value)
        if entry.predicted is not None:
            exact.setdefault(entry.name, []).append((of_truth[place] - value) / size)
        if entry.predicted is not None and entry.predicted.stderr:
            p = entry.predicted
            low, high = p.ci95
            error = np.log(p.value / value) * p.value if entry.row.positive else p.value - value
            found.setdefault(entry.name, []).append(
                ((p.value - value) / size, bool(low <= value <= high), error / p.stderr)
            )
        if entry.measured is not None and entry.measured.stderr:
            read.setdefault(entry.name, []).append((entry.measured.value - value) / entry.measured.stderr)
    return Trial(seed, result.status.code, found, read, exact)


def calculated(sheet, p):
    """memfit's figures of a device by (figure, record, conditions)."""
    model, found = sheet.model, {}
    biases = [{"bias" if one.control == "voltage" else "bias_current": one.bias} for one in model.spectra]
    for (name, number), value in zip(model.names, model(p).tolist(), strict=False):
        if name == "turnover_frequency":
            found[key(name, "", biases[number])] = value
        elif number < 0 or name in ("turnover_rate", "tau_d_rest", "tau_f_rest", "threshold_current"):
            found[key(name, "", sheet[name].conditions)] = value
        else:
            subject = model.subjects[number]
            found[key(name, subject.name, subject.conditions)] = value
    return found


def warm_up():
    read_from_pulses(0)


def row(_, trials):
    figures = dict.fromkeys(figure for one in trials for figure in (*one.exact, *one.found, *one.read))
    lines = ["| " + " | ".join(_cells(figure, trials)) + " |" for figure in figures]
    return "\n".join(lines)


def said(cases):
    """Below the table."""
    trials = cases["fit"]
    exact = max(abs(e) for one in trials for errors in one.exact.values() for e in errors)
    every = [inside for one in trials for items in one.found.values() for _, inside, _ in items]
    usable = sum(bool(one.found) for one in trials)
    words = f"{usable} of {len(trials)} devices were fitted with a usable status. "
    words += f"Largest error of the calculation: {100 * exact:.3f} %. Of all intervals of all figures "
    return f"{words}{100 * np.mean(every):.1f} % hold the truth."


def _cells(figure, trials):
    """A line of the table."""
    every = [item for one in trials for item in one.found.get(figure, [])]
    n = sum(figure in one.exact for one in trials)
    exact = 100 * np.abs([e for one in trials for e in one.exact.get(figure, [])])
    cells = [figure, str(n)]
    cells.append(f"{np.quantile(exact, 0.95):.3f}; {exact.max():.3f}" if n else "-")
    if every:
        errors = 100 * np.abs([e for e, _, _ in every])
        share, held = np.mean([i for _, i, _ in every]), sum(figure in one.found for one in trials)
        low = beta.ppf(0.025, share * held, (1 - share) * held + 1) if share > 0 else 0.0
        high = beta.ppf(0.975, share * held + 1, (1 - share) * held) if share < 1 else 1.0
        ratio = np.sqrt(np.mean(np.clip([z for _, _, z in every], -10, 10) ** 2))
        cells.append(f"{np.median(errors):.3f}; {np.quantile(errors, 0.95):.3f}")
        cells.append(f"{100 * share:.1f} ({100 * low:.1f}-{100 * high:.1f})")
        cells.append(f"{ratio:.2f}")
    else:
        cells += ["-"] * 3
    z = np.array([item for one in trials for item in one.read.get(figure, [])])
    return cells + (
        [str(len(z)), f"{np.mean(z):+.2f}", f"{np.sqrt(np.mean(z**2)):.2f}"] if len(z) else ["-"] * 3
    )


def remarks(_, trials):
    for one in trials:
        if not (one.found or one.read):
            yield f"{one.seed}: {one.status}"
        for figure, errors in one.exact.items():
            for error in errors:
                if not abs(error) < 0.002:
                    yield f"{one.seed} {figure}: {100 * error:.3f} % at the true parameters"
        for figure, items in one.found.items():
            for error, _, z in items:
                if abs(z) > 5:
                    yield f"{one.seed} {figure}: {100 * error:.3f} %, {z:+.1f} standard errors"


if __name__ == "__main__":
    run(
        Benchmark(
            about=__doc__,
            head=HEAD,
            columns=COLUMNS,
            table=TABLE,
            cases=("fit", "pulses"),
            fewer={"pulses": 3},
            devices=300,
            seed=1,
            trial=trial,
            warm_up=warm_up,
            row=row,
            said=said,
            remarks=remarks,
            kept=(asdict, lambda stored: Trial(**stored)),
        )
    )
