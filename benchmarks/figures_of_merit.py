"""Are predicted figures of merit right, and do their intervals hold the truth? And are measured ones
unbiased?

    python benchmarks/figures_of_merit.py --devices 300 --workers 1

Devices and data are those of `independent_devices.py` (9 spectra, 3 loops, 3 current pulses, 1 % noise). The
truth of every figure comes from the independent integrator, which shares nothing with memfit, and from the
definitions of docs/figures_of_merit.md as they are written once more here. Protocols (which drive, which
samples) are those that the data sheet chose; pulses under voltage control and potentiation were never
measured. Prints the table and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import json
import warnings
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from independent_devices import prepare
from independent_model import Memristor, radau
from scipy.integrate import trapezoid
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import beta
from trials import Benchmark, run

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.fitting.joint import fit
from memfit.loaders.device import load_device
from memfit.model import Parameters

TABLE = Path(__file__).with_suffix(".md")
COLUMNS = (
    "| figure | n | model at the true parameters, % (95 %; largest) | error of the prediction, % (median; "
    "95 %) | holds the truth, % | rms error / standard error | measured: n | mean error / standard error | "
    "rms |"
)
HEAD = """# Figures of merit: predicted and measured against the truth

Made by `python benchmarks/figures_of_merit.py --devices {devices} --seed {seed}`.

Of every figure: how many devices have it; how far memfit's number for the true parameters is from that of
the independent integration, which is the error of the calculation; how far the prediction of the fit is from
it (of what can be zero or negative relative to its typical size), which is what the noise of the data leaves;
how many of the 95 % intervals hold the truth (95 % limits of that, Clopper-Pearson); the size of the errors
in standard errors, of which 1.00 is right. Then the same of what is read from the noisy loops and spectra:
the mean error in standard errors is the bias.

"""


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
    }


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


def of_pulses(group, device, time, current, knots):
    """Figures of pulses and reads."""
    pieces = flat(knots)
    found = {"energy_per_pulse": energy(device, knots, pieces[0])}
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


def threshold(device):
    """Least current at which an eigenvalue of the Jacobian has a positive real part."""
    window = device.unstable()
    if window is None:
        return np.nan
    low = window[0]
    u = brentq(device.growth, low - 28 * device.V_m / 399, low, xtol=1e-12)
    return float(device.steady_current(u))


def spiking(device, current, frequency):
    """Frequency of the spikes, and their amplitude, once they have settled after a start from rest."""
    for periods in (60, 240, 960, 3840):
        end = periods / frequency
        tail = np.linspace(end - 20 / frequency, end, 20_001)
        V = device.simulate("current", [(0, 0), (0, current), (end, current)], tail, 1e-9)
        t, v = tail, V
        early, late = np.ptp(v[: len(v) // 2]), np.ptp(v[len(v) // 2 :])
        if abs(early - late) < 1e-4 * late:
            break
    else:
        return np.nan, np.nan
    middle = 0.5 * (v.max() + v.min())
    up = np.flatnonzero((v[:-1] < middle) & (v[1:] >= middle))
    crossing = t[up] + (middle - v[up]) / (v[up + 1] - v[up]) * (t[1] - t[0])
    return (len(crossing) - 1) / (crossing[-1] - crossing[0]), v.max() - v.min()


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


def truths(sheet, device):
    """True values by (figure, record, place in the list of spectra)."""
    true, read = {}, sheet.conditions.read
    for subject in sheet.model.subjects:
        if subject.drive.control != "voltage" or subject.group not in ("loop", "pair", "train", "retention"):
            continue
        knots = list(zip(subject.drive.time.tolist(), subject.drive.value.tolist(), strict=True))
        V = subject.drive.at(subject.time)
        current = answer(device, knots, subject.time)
        found = (
            of_loop(subject.time, V, current, read)
            if subject.group == "loop"
            else of_pulses(subject.group, device, subject.time, current, knots)
        )
        conditions = tuple(subject.conditions.items())
        true |= {(name, subject.name, conditions): value for name, value in found.items()}
    return true


def others(sheet, device):
    """True values of what is read from no course under a voltage."""
    rate = sheet["turnover_rate"].predicted
    found = {"tau_d_rest": device.tau_d, "threshold_current": threshold(device)}
    f = 1 / (1 + np.exp((device.V_T - device.junction(0.0)) / device.V_m))
    found["tau_f_rest"] = device.tau_k * f
    if rate is not None:
        found["turnover_rate"] = turnover_rate(device, sheet.conditions.amplitude, rate.value)
    spikes = sheet["spiking_frequency"]
    if spikes.predicted is not None and not spikes.record:
        current = spikes.conditions["current"]
        found["spiking_frequency"], found["spike_amplitude"] = spiking(
            device, current, spikes.predicted.value
        )
    return found


SIGNED = {"memory_window", "loop_area", "hysteresis_index", "hysteresis_index_half", "hysteresis_index_span"}
"""Figures that pass through zero: their error is one of the largest of the same device."""


def trial(_, seed):
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = prepare(Path(folder), (None, 0, seed, 0.01, "full"))
        truth = json.loads((place / "truth.json").read_text())
        measured = load_device(place / "device")
        result = fit(measured).result
        if not result.status.usable:
            return Trial(seed, result.status.code, {}, {})
        sheet = figures_of_merit(result, measured)
        numbers = sheet.model(Parameters(**truth["parameters"]))
    device = Memristor(**truth["parameters"])
    courses, rest = truths(sheet, device), others(sheet, device)
    sizes = {}
    for (figure, _, _), value in courses.items():
        sizes[figure] = np.nanmax([abs(value), sizes.get(figure, 0.0)])
    found, read, exact = {}, {}, {}
    fitted = sheet.model(sheet.known.best)
    of_truth = {
        (figure, one): other
        for (figure, _), one, other in zip(sheet.model.names, fitted, numbers, strict=False)
    }
    for entry in sheet.entries:
        key = (entry.name, entry.record, tuple(entry.conditions.items()))
        true = courses.get(key, np.nan if entry.record else rest.get(entry.name, np.nan))
        if not np.isfinite(true):
            continue
        if entry.predicted is not None and entry.predicted.stderr:
            p = entry.predicted
            low, high = p.ci95
            size = sizes[entry.name] if entry.name in SIGNED else abs(true)
            error = np.log(p.value / true) * p.value if entry.row.positive else p.value - true
            exact.setdefault(entry.name, []).append((of_truth[entry.name, p.value] - true) / size)
            found.setdefault(entry.name, []).append(
                ((p.value - true) / size, bool(low <= true <= high), error / p.stderr)
            )
        if entry.measured is not None and entry.measured.stderr:
            read.setdefault(entry.name, []).append((entry.measured.value - true) / entry.measured.stderr)
    return Trial(seed, result.status.code, found, read, exact)


def warm_up():
    trial("full", 0)


def row(_, trials):
    lines = []
    figures = list(dict.fromkeys(figure for one in trials for figure in one.found))
    for figure in figures:
        every = [item for one in trials for item in one.found.get(figure, [])]
        n = sum(figure in one.found for one in trials)
        errors = 100 * np.abs([e for e, _, _ in every])
        exact = 100 * np.abs([e for one in trials for e in one.exact.get(figure, [])])
        inside = sum(i for _, i, _ in every)
        low, high = (
            beta.ppf(0.025, inside, len(every) - inside + 1),
            beta.ppf(0.975, inside + 1, len(every) - inside),
        )
        ratio = np.sqrt(np.mean(np.clip([z for _, _, z in every], -10, 10) ** 2))
        share, bounds = (
            100 * inside / len(every),
            (100 * np.nan_to_num(low), 100 * np.nan_to_num(high, nan=1.0)),
        )
        cells = [
            figure,
            str(n),
            f"{np.nanquantile(exact, 0.95):.3f}; {np.nanmax(exact):.3f}",
            f"{np.median(errors):.3f}; {np.quantile(errors, 0.95):.3f}",
            f"{share:.1f} ({bounds[0]:.1f}-{bounds[1]:.1f})",
            f"{ratio:.2f}",
        ]
        z = np.array([item for one in trials for item in one.read.get(figure, [])])
        cells += [str(len(z)), f"{np.mean(z):+.2f}", f"{np.sqrt(np.mean(z**2)):.2f}"] if len(z) else ["-"] * 3
        lines.append("| " + " | ".join(cells) + " |")
    fitted = sum(bool(one.found) for one in trials)
    worst = max((abs(e) for one in trials for items in one.found.values() for e, _, _ in items), default=0.0)
    said = f"{fitted} of {len(trials)} devices were fitted with a usable status; "
    said += f"largest error {100 * worst:.2f} %."
    return "\n".join([*lines, "", said])


def remarks(_, trials):
    for one in trials:
        if not one.found:
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
            cases=("full",),
            devices=300,
            seed=1,
            trial=trial,
            warm_up=warm_up,
            row=row,
            remarks=remarks,
        )
    )
