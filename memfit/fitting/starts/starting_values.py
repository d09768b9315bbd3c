"""First values of C_m, tau_d and tau_k given the steady state, and the whole guess.

From spectra: with tau_d and tau_k chosen, the junction admittance of all spectra is linear in C_m, 1/R_b and
i_c0 (Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789): scan the two, solve the
three, keep the best. From records in time: simulate many sets of tau_m, tau_d, tau_k.

A few plateaus of pulses, perhaps of an oscillation, leave V_T, V_m, R_b and i_c0 open; whoever solves for
them gets values of any size. So with transients alone the steady state is drawn together with the times, on
the scale that the largest plateau sets: R_b is not below the largest ratio of voltage to current, for the
channel only adds to the current, and i_c0 is what the largest current leaves to the channel.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record, SynapticCurve
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.prediction.drives import Pairs, free_start, sampled_at
from memfit.fitting.prediction.predict import bias_of
from memfit.fitting.starts.steady_start import SteadyCurve, plateaus, steady_states
from memfit.model import PARAMETERS, Parameters, junction_voltage
from memfit.model.transient import DriveSet
from memfit.progress import stopped


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the scans."""

    distinct: float = 0.9
    """Least distance, in units of length, between two sets of first values worth trying both."""
    tau_steps: int = 26
    least_share: float = 0.15
    """Of |Z| that must be junction, not series resistance, for a point to say something about the
    junction."""
    points: int = 400
    """Points of all spectra together that a scan needs."""
    promising: int = 200
    """Best points of the grid among which distinct sets are sought."""
    spectral: int = 4
    """Distinct sets kept of each scan of spectra."""
    trials: int = 1024
    """Sets of times that are simulated."""
    few: int = 128
    """Of them tried with every steady state."""
    best_states: int = 3
    """How many of the best steady states see all times."""
    trials_drawn: int = 2048
    """Sets of everything that are simulated where there are only transients."""
    kept: int = 8
    """Distinct sets kept of each scan in time."""
    tolerance: float = 1e-4
    """Of the integrator: a scan needs the shape."""
    samples: int = 160
    """Samples kept of each record."""
    most_records: int = 6
    """In time: of more, those that are simulated, the shortest, the longest and some in between."""
    most_vertices: int = 80
    """Of a drive: what follows, in a long train of pulses, is left out of the scan."""
    R_b: tuple[float, float] = (0.7, 30.0)
    """Drawn values, of the largest ratio of voltage to current."""
    V_m: tuple[float, float] = (0.02, 0.3)
    """Drawn values, of the largest voltage."""
    above: tuple[float, float] = (-4.0, 4.0)
    """Drawn: units of V_m that the largest voltage lies above V_T."""
    least_channel: float = 0.05
    """Of the largest current that is left to the channel at least."""


SETTINGS = Settings()


@dataclass(frozen=True)
class StartingValues:
    """One set of first values."""

    values: Mapping[str, float]
    misfit: float
    """Of the scan that found it; smaller is better, comparable within one scan only."""
    reasons: Mapping[str, str]


def guess(records: Sequence[Record], fix: Mapping[str, float], count: int = 12) -> list[StartingValues]:
    """Distinct first values for a joint fit, the most promising first.

    The steady state gives V_T, V_m, R_b and i_c0; the spectra, or else the records in time, give the rest.
    What no scan knows of starts in the middle of its usual range.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    count : int
        How many sets at most.
    """
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    transients = [r for r in records if isinstance(r, PulseTransient)]
    scanned = from_pulses(transients, fix) if len(transients) == len(records) else []
    if not scanned:
        steady = steady_states(records, fix)
        if spectra:
            scanned = [start for curve in steady for start in from_spectra(spectra, curve, fix)]
        else:
            scanned = from_time(records, steady, fix)
    rows = [row for row in PARAMETERS.values() if row.logarithmic and not row.extension]
    usual = {row.name: float(np.sqrt(np.prod(row.usual))) for row in rows}
    starts = []
    for start in scanned:
        values = {**start.values, **fix}
        rest = {name: value for name, value in usual.items() if name not in values}
        reasons = {**dict.fromkeys(rest, "middle of the usual range"), **start.reasons}
        reasons |= dict.fromkeys(fix, "fixed")
        starts.append(StartingValues({**values, **rest}, start.misfit, reasons))
    starts.sort(key=lambda start: start.misfit)
    return distinct(starts, count)


def distinct(starts: Sequence[StartingValues], count: int) -> list[StartingValues]:
    """The first sets that differ from each other by more than the fit would repair by itself.

    Parameters
    ----------
    starts : sequence of StartingValues
        The most promising first.
    count : int
        At most.
    """

    def separation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
        """In units of length of each parameter."""
        total = 0.0
        for name in (name for name in CORE if name in a and name in b):
            if PARAMETERS[name].logarithmic:
                total += abs(float(np.log(max(a[name], 1e-30) / max(b[name], 1e-30))))
            else:
                total += abs(a[name] - b[name]) / unit_of_length(name, max(a["V_m"], b["V_m"]))
        return total

    chosen: list[StartingValues] = []
    for start in starts:
        if all(separation(start.values, other.values) > SETTINGS.distinct for other in chosen):
            chosen.append(start)
        if len(chosen) == count:
            break
    return chosen


def swapped(values: Mapping[str, float]) -> dict[str, float]:
    """The same device with the two time constants exchanged, as one spectrum cannot tell apart.

    At half activation, where most spectra are informative, tau_d and f tau_k change places.

    Parameters
    ----------
    values : mapping
        Parameters by name (SI).
    """
    return {**values, "tau_d": 0.5 * values["tau_k"], "tau_k": 2.0 * values["tau_d"]}


def from_spectra(
    spectra: Sequence[ImpedanceSpectrum], curve: SteadyCurve, fix: Mapping[str, float]
) -> list[StartingValues]:
    """Scan tau_d and tau_k; C_m, 1/R_b and i_c0 are linear in the admittance of all spectra.

    Parameters
    ----------
    spectra : sequence of ImpedanceSpectrum
    curve : SteadyCurve
        Gives V_T, V_m and R_s.
    fix : mapping
        Parameters that are known (SI).
    """
    s, Y, weight, f, slope = _admittances(
        spectra, Parameters(**curve.values(), C_m=1e-9, tau_d=1.0, tau_k=1.0)
    )
    omega = np.abs(s)
    taus = np.geomspace(0.02 / omega.max(), 50.0 / omega.min(), SETTINGS.tau_steps)
    tau_d = np.array([fix["tau_d"]]) if "tau_d" in fix else taus
    tau_k = np.array([fix["tau_k"]]) if "tau_k" in fix else taus
    lag_d = slope / (1.0 + s * tau_d[:, None])
    lag_k = 1.0 / (1.0 + s * f * tau_k[:, None])
    channel: ComplexArray = (lag_d[:, None, :] * lag_k[None, :, :]).reshape(-1, s.size) * weight
    C_m, G, i_c0, misfit = _three_linear(s * weight, weight.astype(np.complex128), channel, Y * weight)
    bad = (C_m <= 0) | (G <= 0) | (i_c0 <= 0)
    misfit = np.where(bad, misfit + float(np.sum(np.abs(Y * weight) ** 2)), misfit)
    pairs = [(float(a), float(b)) for a in tau_d for b in tau_k]
    count = "1 spectrum" if len(spectra) == 1 else f"{len(spectra)} spectra"
    scan = f"scan of {count}, admittance linear in C_m, 1/R_b, i_c0"
    reasons = {**curve.reasons(), **dict.fromkeys(("R_b", "C_m", "i_c0", "tau_d", "tau_k"), scan)}
    starts = []
    for k in np.argsort(misfit)[: SETTINGS.promising]:
        values = {
            **curve.values(),
            "R_b": 1.0 / float(G[k]) if G[k] > 0 else curve.R_b,
            "C_m": abs(float(C_m[k])) or 1e-9,
            "i_c0": float(i_c0[k]) if i_c0[k] > 0 else curve.i_c0,
            "tau_d": pairs[k][0],
            "tau_k": pairs[k][1],
        }
        starts.append(StartingValues(values, float(misfit[k]), reasons))
    return distinct(starts, SETTINGS.spectral)


def _admittances(
    spectra: Sequence[ImpedanceSpectrum], p: Parameters
) -> tuple[ComplexArray, ComplexArray, FloatArray, FloatArray, FloatArray]:
    """s, junction admittance, weight, f and df_ss/du at the points of all spectra, thinned.

    Noise is a fraction of |Z|, so an admittance 1/(Z - R_s) has the weight |Z - R_s|^2/|Z|, and none where
    the series resistance is nearly all of Z. Points above the frequencies at which the wiring makes a
    spectrum inductive are left out.
    """
    parts = []
    for spectrum in spectra:
        control, bias = bias_of(spectrum)
        u = junction_voltage(p, control, [bias])[0]
        x = (u - p.V_T) / p.V_m
        order = np.argsort(spectrum.frequency)
        capacitive = np.flatnonzero(spectrum.impedance.imag[order] < 0)
        last = int(capacitive[-1]) if capacitive.size else order.size - 1
        kept = order[: last + 1][:: max(1, spectrum.points * len(spectra) // SETTINGS.points)]
        s = 2j * np.pi * spectrum.frequency[kept]
        junction = spectrum.impedance[kept] - p.R_s
        share = np.abs(junction) / np.abs(spectrum.impedance[kept])
        telling = share > SETTINGS.least_share
        junction = np.where(telling, junction, spectrum.impedance[kept])
        weight = np.where(telling, share * np.abs(junction), 0.0)
        f = np.full(s.size, max(float(expit(x)), 1e-12))
        parts.append((s, 1.0 / junction, weight, f, f * float(expit(-x)) / p.V_m))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    s_all, Y_all = columns[0].astype(np.complex128), columns[1].astype(np.complex128)
    return s_all, Y_all, columns[2].real, columns[3].real, columns[4].real


def _three_linear(
    a: ComplexArray, b: ComplexArray, c: ComplexArray, y: ComplexArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Complex least squares y = p a + q b + r c, real p, q, r, for many c (k, n); p, q, r, misfit (k,)."""

    def inner(u: ComplexArray, v: ComplexArray) -> float:
        return float(np.real(np.vdot(u, v)))

    k = c.shape[0]
    normal, right = np.empty((k, 3, 3)), np.empty((k, 3))
    normal[:, 0, 0], normal[:, 1, 1] = inner(a, a), inner(b, b)
    normal[:, 0, 1] = normal[:, 1, 0] = inner(a, b)
    normal[:, 2, 2] = np.sum(np.abs(c) ** 2, axis=1)
    normal[:, 0, 2] = normal[:, 2, 0] = np.real(c.conj() @ a)
    normal[:, 1, 2] = normal[:, 2, 1] = np.real(c.conj() @ b)
    right[:, 0], right[:, 1], right[:, 2] = inner(a, y), inner(b, y), np.real(c.conj() @ y)
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", normal), np.finfo(float).tiny))
    scaled = normal / (scale[:, :, None] * scale[:, None, :]) + 1e-10 * np.eye(3)
    solution = np.linalg.solve(scaled, (right / scale)[:, :, None])[:, :, 0] / scale
    misfit = inner(y, y) - np.sum(solution * right, axis=1)
    return solution[:, 0], solution[:, 1], solution[:, 2], np.maximum(misfit, 0.0)


@dataclass(frozen=True)
class Scan:
    """Records in time, thinned, and the time constants to try on them."""

    records: tuple[Record, ...]
    runs: DriveSet
    data: FloatArray
    weight: FloatArray
    """(n,) one over the span of each record."""
    times: FloatArray
    """(t, 3) tau_m, tau_d, tau_k, s; every beginning of the list covers their ranges evenly."""
    drawn: FloatArray
    """(t, k) k more numbers between 0 and 1 for each, evenly spread."""

    @classmethod
    def of(cls, timed: Sequence[IVSweep | PulseTransient], trials: int, more: int = 0) -> "Scan":
        """The records with fewer samples, and a Sobol sequence over the ranges of the times.

        The times are those that records can show: from half a sample to three times their length.

        Parameters
        ----------
        timed : sequence of record
            With a time.
        trials : int
            t, a power of two.
        more : int
            k, dimensions of the sequence besides the three times.
        """
        from scipy.stats import qmc  # noqa: PLC0415 - half a second, and only these data need it

        if len(timed) > SETTINGS.most_records:
            timed = sorted(timed, key=lambda r: 0.0 if r.time is None else float(np.ptp(r.time)))
            timed = [timed[k] for k in np.linspace(0, len(timed) - 1, SETTINGS.most_records).astype(int)]
        drives, times, data, weights, steps, lengths, thinned = [], [], [], [], [], [], []
        for record in timed:
            if record.time is None:
                continue
            if isinstance(record, SynapticCurve):  # between its reads nothing was seen, but much happened
                pieces = np.diff(record.drive.time)
                steps.append(float(np.min(pieces[pieces > 0.0])))
                lengths.append(float(np.max(record.time if record.ratio is None else record.against)))
            elif record.time[-1] > record.time[0]:
                steps.append(float(np.median(np.diff(record.time))))
                lengths.append(float(record.time[-1] - record.time[0]))
            if record.drive is None:
                continue
            # Few samples: even along a sweep, ever wider apart after each jump of a pulse, so that all time
            # constants have their say, and the late phase of an oscillation does not drown the rest.
            n, drive = record.points, record.drive.time
            kept = np.arange(0, n, max(1, n // SETTINGS.samples))
            if isinstance(record, PulseTransient) and not isinstance(record, SynapticCurve):
                jumps = np.unique(np.searchsorted(record.time, drive[:-1][np.diff(drive) == 0]))
                begins = [0, *(int(i) for i in jumps if 0 < i < n)]
                chosen = [np.array([n - 1])]
                for start, stop in itertools.pairwise([*begins, n]):
                    few = max(SETTINGS.samples // len(begins), 8)
                    later = (np.geomspace(1, max(stop - start, 1), few) - 1).astype(int)
                    chosen.append(start + np.unique(np.minimum(later, max(stop - start - 1, 0))))
                kept = np.unique(np.concatenate(chosen))
            kept = kept[record.time[kept] <= drive[: SETTINGS.most_vertices][-1]]
            few_of_it = record.select(np.isin(np.arange(n), kept))
            thinned.append(few_of_it)
            response = few_of_it.response
            drives.append(replace(record.drive, initial="rest") if free_start(record) else record.drive)
            times.append(sampled_at(few_of_it, record.time[kept]))
            data.append(response)
            span = max(float(np.ptp(record.response)), 1e-30)
            weights.append(np.full(response.size, 1.0 / (span * np.sqrt(response.size))))
        shortest = max(0.5 * min(steps), 1e-6 * max(lengths)) if steps else 1e-4
        longest = 3.0 * max(lengths) if steps else 1.0
        sequence = qmc.Sobol(3 + more, scramble=False).random(trials)
        taus = np.exp(qmc.scale(sequence[:, :3], [np.log(shortest)] * 3, [np.log(longest)] * 3))
        runs = DriveSet(drives, times)
        return cls(tuple(thinned), runs, np.concatenate(data), np.concatenate(weights), taus, sequence[:, 3:])

    def misfit(self, values: Mapping[str, float]) -> float:
        """Mean squared distance from the data, in spans of each record; not finite where none comes out.

        Parameters
        ----------
        values : mapping
            Parameters by name (SI).
        """
        p = Parameters.from_mapping(values)
        found = np.split(self.runs.respond(p, tolerance=SETTINGS.tolerance).values, self.runs.offsets[1:-1])
        pairs = [Pairs.of(record, part) for record, part in zip(self.records, found, strict=True)]
        parts = [part if of is None else of.ratio for part, of in zip(found, pairs, strict=True)]
        response = np.concatenate(parts)
        return float(np.sum(np.minimum(np.abs((response - self.data) * self.weight), 1.0) ** 2))


def from_time(
    records: Sequence[Record], steady: Sequence[SteadyCurve], fix: Mapping[str, float]
) -> list[StartingValues]:
    """First values for each steady state in turn, from what was measured in time.

    It is simulated for a coarse set of tau_m, tau_d, tau_k: a few of them with every steady state, all of
    them with the best steady states. Where nothing was measured in time, the times are those of a typical
    device.

    Parameters
    ----------
    records : sequence of Record
    steady : sequence of SteadyCurve
    fix : mapping
        Parameters that are known (SI).
    """
    timed = [r for r in records if isinstance(r, (IVSweep, PulseTransient)) and r.time is not None]
    reasons = dict.fromkeys(("C_m", "tau_d", "tau_k"), "simulation of the records in time on a coarse grid")
    if not timed:
        return [
            StartingValues(
                {**curve.values(), "C_m": 1e-3 / curve.R_b, "tau_d": 1e-2, "tau_k": 1e-2},
                curve.misfit,
                {**curve.reasons(), **reasons},
            )
            for curve in steady
        ]
    scan = Scan.of(timed, SETTINGS.trials)

    def tried(curve: SteadyCurve, rows: slice) -> list[StartingValues]:
        """One steady state with some of the times; what cannot be integrated is left out."""
        starts: list[StartingValues] = []
        for tau_m, tau_d, tau_k in scan.times[rows]:
            if starts and stopped():
                break
            values = {
                **curve.values(),
                "C_m": fix.get("C_m", float(tau_m) / curve.R_b),
                "tau_d": fix.get("tau_d", float(tau_d)),
                "tau_k": fix.get("tau_k", float(tau_k)),
            }
            misfit = scan.misfit(values)
            if np.isfinite(misfit):
                starts.append(StartingValues(values, misfit, {**curve.reasons(), **reasons}))
        return starts

    of_state = [tried(curve, slice(0, SETTINGS.few)) for curve in steady]
    lowest = [min((start.misfit for start in starts), default=np.inf) for starts in of_state]
    for k in sorted(range(len(steady)), key=lambda k: lowest[k])[: SETTINGS.best_states]:
        of_state[k] += tried(steady[k], slice(SETTINGS.few, None))
    ranked = [distinct(sorted(starts, key=lambda s: s.misfit), SETTINGS.kept) for starts in of_state]
    return [start for starts in ranked for start in starts]


def from_pulses(transients: Sequence[PulseTransient], fix: Mapping[str, float]) -> list[StartingValues]:
    """First values from transients alone, the most promising first.

    Parameters
    ----------
    transients : sequence of PulseTransient
    fix : mapping
        Parameters that are known (SI).
    """
    ends = plateaus(transients, fix.get("R_s", 0.0))
    if ends is None or not np.any(ends.u * ends.value > 0):
        return []
    k = int(np.argmax(np.abs(ends.value)))
    u, current = abs(float(ends.u[k])), abs(float(ends.value[k]))
    ratio = float(np.max(np.abs(ends.u / ends.value)))
    (least_R, most_R), (least_V, most_V), (low, high) = SETTINGS.R_b, SETTINGS.V_m, SETTINGS.above
    scan = Scan.of(transients, SETTINGS.trials_drawn, 3)
    starts: list[StartingValues] = []
    for (tau_m, tau_d, tau_k), share in zip(scan.times, scan.drawn, strict=True):
        if starts and stopped():
            break
        R_b = ratio * float(least_R * (most_R / least_R) ** share[0])
        V_m = u * float(least_V * (most_V / least_V) ** share[1])
        above = low + (high - low) * float(share[2])
        i_c0 = max(current - u / R_b, SETTINGS.least_channel * current) / float(expit(above))
        values = {"R_b": R_b, "i_c0": i_c0, "V_T": u - above * V_m, "V_m": V_m, "R_s": 0.0, **fix}
        times = {"C_m": float(tau_m) / values["R_b"], "tau_d": float(tau_d), "tau_k": float(tau_k)}
        values = {**times, **values}
        misfit = scan.misfit(values)
        if np.isfinite(misfit):
            reason = "drawn on the scale of the plateaus, and simulated"
            starts.append(StartingValues(values, misfit, dict.fromkeys(values, reason)))
    return distinct(sorted(starts, key=lambda start: start.misfit), SETTINGS.kept)
