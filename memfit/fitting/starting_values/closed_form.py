"""First values of V_T, V_m, R_b, i_c0 and R_s from whatever shows the steady state.

Given V_T and V_m, the steady current u/R_b + i_c0 f_ss(u), its slope (the low-frequency conductance) and
every plateau of a pulse are linear in 1/R_b and i_c0: scan V_T and V_m, solve the two coefficients with
bounds at zero, keep the best. (Separable least squares: Golub & Pereyra, SIAM J. Numer. Anal. 1973, 10, 413.)

Sets of first values, and when two of them are worth trying both.

First values of the time constants, C_m, R_b and i_c0 from spectra, given V_T and V_m.

With tau_d and tau_k chosen, the junction admittance of all spectra is linear in C_m, 1/R_b and i_c0 (Eqs. 13
and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789): scan the two, solve the three, keep the
best.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.fitting.predict import bias_of
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage

_DISTINCT = 0.9
"""Least distance, in the logarithm, between two candidates worth polishing."""


@dataclass(frozen=True)
class Candidate:
    """One set of first values."""

    values: Mapping[str, float]
    misfit: float
    """Of the scan that found it; smaller is better, comparable within one scan only."""
    reasons: Mapping[str, str]


def distinct(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The first candidates that differ from each other by more than the fit would repair by itself."""
    chosen: list[Candidate] = []
    for candidate in candidates:
        if all(_separation(candidate.values, other.values) > _DISTINCT for other in chosen):
            chosen.append(candidate)
        if len(chosen) == count:
            break
    return chosen


def swapped(values: Mapping[str, float]) -> dict[str, float]:
    """The same device with the two time constants exchanged, as one spectrum cannot tell apart.

    At half activation, where most spectra are informative, tau_d and f tau_k change places.
    """
    return {**values, "tau_d": 0.5 * values["tau_k"], "tau_k": 2.0 * values["tau_d"]}


def _separation(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """Distance between two sets of first values: logarithms, and V_T in units of V_m."""
    names = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
    logs = sum(abs(np.log(max(a[n], 1e-30) / max(b[n], 1e-30))) for n in names)
    return float(logs + abs(a["V_T"] - b["V_T"]) / max(a["V_m"], b["V_m"]))


_V_T_STEPS, _V_M_STEPS = 72, 24
_V_M_RANGE = (0.008, 0.6)
_GRID = 160
"""Points at which a sweep is read."""
_NO_CURRENT = 1e-60
"""A, where nothing flows at all."""
_TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Series:
    """A possible series resistance."""

    value: float
    """ohm."""
    reason: str


@dataclass(frozen=True)
class SteadyRows:
    """Rows of the steady problem: currents and conductances at known junction voltages."""

    u: FloatArray
    value: FloatArray
    slope: np.ndarray
    """True where `value` is a conductance dI/du, False where it is a current."""
    weight: FloatArray
    source: str


@dataclass(frozen=True)
class SteadyCurve:
    """V_T, V_m, R_b, i_c0 that describe the steady data."""

    V_T: float
    V_m: float
    R_b: float
    i_c0: float
    misfit: float
    source: str


def series_resistances(records: Sequence[Record]) -> list[Series]:
    """Possible R_s (ohm): the high-frequency limit of the spectra; else 0, and the jumps of current pulses.

    Above all relaxations Re Z = R_s + const/omega^2, so R_s is the intercept of Re Z against omega^-2. A
    pulse jumps by R_s times its current, but so does one that charges faster than it was sampled.
    """
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)]
    if spectra:
        value = max(float(np.median([_intercept(s) for s in spectra])), 0.0)
        return [Series(value, "intercept of Re Z against 1/ω² at the highest frequencies")]
    found = [Series(0.0, "not seen at a glance")]
    jumps = [
        abs(after / step)
        for r in records
        if isinstance(r, PulseTransient) and r.control == "current"
        for step, after in _jump_pairs(r)
    ]
    if jumps and np.median(jumps) > 0:
        found.append(Series(float(np.median(jumps)), "voltage jump at the edges of the current pulses"))
    return found


def _intercept(spectrum: ImpedanceSpectrum) -> float:
    """Re Z at infinite frequency, and not below zero."""
    order = np.argsort(spectrum.frequency)[::-1][: max(4, spectrum.points // 6)]
    omega = 2 * np.pi * spectrum.frequency[order]
    Z = spectrum.impedance[order]
    columns = np.column_stack([np.ones(omega.size), (omega[0] / omega) ** 2])
    weight = 1.0 / np.abs(Z)
    solution = np.linalg.lstsq(columns * weight[:, None], Z.real * weight, rcond=None)[0]
    return float(np.clip(solution[0], 0.0, abs(Z.real).min()))


def _jump_pairs(record: PulseTransient) -> Iterator[tuple[float, float]]:
    """(step of the drive, step of the response within one sample) at each jump, noise-sized ones left out."""
    drive, time, response = record.drive, record.time, record.response
    noise = float(np.median(np.abs(np.diff(response))))
    for k in np.flatnonzero(np.diff(drive.time) == 0):
        step = drive.value[k + 1] - drive.value[k]
        i = int(np.searchsorted(time, drive.time[k]))
        if step != 0 and 0 < i < time.size:
            change = float(response[i] - response[i - 1])
            yield step, change if abs(change) > 4 * noise else 0.0


def steady_curves(rows: SteadyRows | None, count: int = 4) -> list[SteadyCurve]:
    """Best and other distinct sets of V_T, V_m, R_b, i_c0 for steady data."""
    if rows is None or rows.u.size == 0:
        return []
    reach = float(np.max(np.abs(rows.u)))
    V_T = np.repeat(np.linspace(0.02, 1.6, _V_T_STEPS) * max(reach, 0.05), _V_M_STEPS)
    V_m = np.tile(np.geomspace(*_V_M_RANGE, _V_M_STEPS), _V_T_STEPS)
    x = (rows.u - V_T[:, None]) / V_m[:, None]
    f = expit(x)
    channel = np.where(rows.slope, f * expit(-x) / V_m[:, None], f) * rows.weight
    leak = np.where(rows.slope, 1.0, rows.u) * rows.weight
    target = rows.value * rows.weight
    g, i_c0, misfit = _two_nonnegative(leak, channel, target)
    order = np.argsort(misfit)
    floor = 0.02 * float(target @ target) / max(target.size, 1)
    curves: list[SteadyCurve] = []
    for k in order:
        if i_c0[k] <= 0:
            continue
        if misfit[k] > 6.0 * misfit[order[0]] + floor and curves:
            break
        R_b = 1.0 / max(float(g[k]), 1e-4 * i_c0[k] / max(reach, 0.05))
        new = SteadyCurve(float(V_T[k]), float(V_m[k]), R_b, float(i_c0[k]), float(misfit[k]), rows.source)
        if all(
            abs(np.log(new.V_m / c.V_m)) > 0.5 or abs(new.V_T - c.V_T) > 1.5 * max(new.V_m, c.V_m)
            for c in curves
        ):
            curves.append(new)
        if len(curves) == count:
            break
    return curves


def rough_curve(records: Sequence[Record]) -> SteadyCurve:
    """A curve of the right size where nothing shows the steady state: threshold within what was applied."""
    voltages, currents = [0.1], [1e-12]
    for record in records:
        if isinstance(record, ImpedanceSpectrum):
            control, bias = bias_of(record)
            resistance = float(np.median(np.abs(record.impedance)))
            voltage = abs(bias) if control == "voltage" else abs(bias) * resistance
            voltages.append(voltage)
            currents.append(max(voltage, 0.1) / max(resistance, _TINY))
        else:
            for values, sizes in ((record.voltage, voltages), (record.current, currents)):
                if values is not None:
                    sizes.append(float(np.max(np.abs(values))))
    V, current = max(voltages), max(currents)
    return SteadyCurve(0.7 * V, 0.1 * V, 2.0 * V / current, current, np.inf, "size of what was measured")


def _two_nonnegative(
    a: FloatArray, b: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least squares y = p a + q b with p, q >= 0, for one a (n,) and many b (k, n); p, q, misfit (k,)."""
    aa, ay, yy = a @ a, a @ y, y @ y
    longest = np.sqrt(np.einsum("kn,kn->k", b, b))
    seen = longest > 1e-100  # far above threshold everywhere: no channel to see
    b = np.where(seen[:, None], b, 0.0)
    bb, ab, by = np.einsum("kn,kn->k", b, b), b @ a, b @ y
    determinant = aa * bb - ab**2
    safe = np.where(determinant > 1e-12 * aa * bb, determinant, np.inf)
    p, q = (ay * bb - by * ab) / safe, (by * aa - ay * ab) / safe
    only_b = np.where(seen, np.maximum(by, 0) / np.where(seen, bb, 1.0), 0.0)
    only_a = max(float(ay), 0.0) / max(float(aa), _TINY)
    singular = ~np.isfinite(safe)
    use_a, use_b = (q < 0) & ~singular, (p < 0) & ~singular
    p, q = np.where(use_b | singular, 0.0, p), np.where(use_b | singular, only_b, q)
    p, q = np.where(use_a, only_a, p), np.where(use_a, 0.0, q)
    misfit = yy - 2 * (p * ay + q * by) + p**2 * aa + q**2 * bb + 2 * p * q * ab
    return p, q, np.maximum(misfit, 0.0)


def steady_rows(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """Whatever says something about the steady current: slow sweep, low-frequency conductance, plateaus."""
    parts = [
        part
        for part in (_slow_sweep(records, R_s), _conductances(records, R_s), plateaus(records, R_s))
        if part is not None
    ]
    if not parts:
        return None
    return SteadyRows(
        np.concatenate([p.u for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.slope for p in parts]),
        np.concatenate([p.weight for p in parts]),
        " and ".join(p.source for p in parts),
    )


def _slow_sweep(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """The slowest sweep, both directions averaged where there are two."""
    sweeps = [r for r in records if isinstance(r, IVSweep)]
    if not sweeps:
        return None
    slowest = max(sweeps, key=lambda r: np.inf if r.time is None else float(r.time[-1] - r.time[0]))
    V, current = _both_directions(slowest)
    u = V - R_s * current
    weight = 1.0 / (np.abs(current) + max(3e-3 * float(np.max(np.abs(current))), _NO_CURRENT))
    return SteadyRows(
        u, current, np.zeros(u.size, bool), weight / np.sqrt(u.size), f"the slowest sweep ({slowest.name})"
    )


def _both_directions(sweep: IVSweep) -> tuple[FloatArray, FloatArray]:
    """Current on a voltage grid, the mean of the upward and the downward branches."""
    V, current = sweep.voltage, sweep.current
    rising = np.gradient(V) >= 0 if V.size > 1 else np.ones(1, bool)
    grid = np.linspace(V.min(), V.max(), min(_GRID, max(V.size // 2, 2)))
    branches = []
    for branch in (rising, ~rising):
        if np.count_nonzero(branch) > 0.2 * V.size:
            order = np.argsort(V[branch], kind="stable")
            branches.append(np.interp(grid, V[branch][order], current[branch][order]))
    if not branches:
        return V.copy(), current.copy()
    return grid, np.mean(branches, axis=0)


def _conductances(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """Conductance of the junction at the lowest frequency of each spectrum with a known voltage."""
    V, G = [], []
    for r in records:
        if isinstance(r, ImpedanceSpectrum) and bias_of(r)[0] == "voltage":
            low = np.argsort(r.frequency)[: max(1, min(3, r.points // 10))]
            resistance = float(np.median(r.impedance.real[low])) - R_s
            if resistance > 0:
                V.append(bias_of(r)[1])
                G.append(1.0 / resistance)
    if not V:
        return None
    order = np.argsort(V)
    voltage, conductance = np.array(V)[order], np.array(G)[order]
    current = np.concatenate(
        [[voltage[0] * conductance[0]], np.diff(voltage) * 0.5 * (conductance[1:] + conductance[:-1])]
    ).cumsum()
    u = voltage - R_s * current
    weight = 1.0 / (conductance * np.sqrt(conductance.size))
    return SteadyRows(
        u, conductance, np.ones(u.size, bool), weight, f"low-frequency conductance at {u.size} biases"
    )


def plateaus(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """Current and junction voltage at the end of every constant stretch of the transients."""
    points = [end for r in records if isinstance(r, PulseTransient) for end in _stretch_ends(r)]
    if not points:
        return None
    V, current, trust = np.array(points).T
    weight = trust / ((np.abs(current) + 0.02 * float(np.max(np.abs(current)))) * np.sqrt(V.size))
    return SteadyRows(V - R_s * current, current, np.zeros(V.size, bool), weight, "plateaus of the pulses")


def _stretch_ends(record: PulseTransient) -> Iterator[tuple[float, float, float]]:
    """(V, I, trust) over the last fifth of each constant stretch of the drive; trust 1 where settled."""
    drive, time = record.drive, record.time
    range_ = float(np.ptp(drive.value))
    flat = np.flatnonzero((np.abs(np.diff(drive.value)) <= 0.01 * range_) & (np.diff(drive.time) > 0))
    span = float(np.ptp(record.response))
    for k in flat:
        a, b = drive.time[k], drive.time[k + 1]
        last = (time >= b - 0.2 * (b - a)) & (time < b)
        before = (time >= b - 0.4 * (b - a)) & (time < b - 0.2 * (b - a))
        value = float(drive.value[k])
        if min(np.count_nonzero(last), np.count_nonzero(before)) < 3 or abs(value) <= 0.01 * range_:
            continue
        response = float(np.mean(record.response[last]))
        moved = abs(response - float(np.mean(record.response[before]))) / max(span, 1e-300)
        trust = 1.0 / (1.0 + (moved / 0.01) ** 2)
        yield (value, response, trust) if record.control == "voltage" else (response, value, trust)


_TAU_STEPS = 26
_LEAST_SHARE = 0.15
"""Of |Z| that must be junction, not series resistance, for a point to say something about the junction."""
_POINTS = 400
"""Points of all spectra together that a scan needs."""
_PROMISING = 200
"""Best points of the grid among which distinct candidates are sought."""


def candidates_from_spectra(
    spectra: Sequence[ImpedanceSpectrum], curve: SteadyCurve, R_s: float, fix: Mapping[str, float]
) -> list[Candidate]:
    """Scan tau_d and tau_k; C_m, 1/R_b and i_c0 are linear in the admittance of all spectra."""
    p = Parameters(
        R_b=curve.R_b, C_m=1e-9, i_c0=curve.i_c0, V_T=curve.V_T, V_m=curve.V_m, tau_d=1.0, tau_k=1.0, R_s=R_s
    )
    s, Y, weight, f, slope = _admittances(spectra, p)
    omega = np.abs(s)
    taus = np.geomspace(0.02 / omega.max(), 50.0 / omega.min(), _TAU_STEPS)
    tau_d = np.array([fix["tau_d"]]) if "tau_d" in fix else taus
    tau_k = np.array([fix["tau_k"]]) if "tau_k" in fix else taus
    lag_d = slope / (1.0 + s * tau_d[:, None])
    lag_k = 1.0 / (1.0 + s * f * tau_k[:, None])
    channel: ComplexArray = (lag_d[:, None, :] * lag_k[None, :, :]).reshape(-1, s.size) * weight
    C_m, G, i_c0, misfit = _three_linear(s * weight, weight.astype(np.complex128), channel, Y * weight)
    bad = (C_m <= 0) | (G <= 0) | (i_c0 <= 0)
    misfit = np.where(bad, misfit + float(np.sum(np.abs(Y * weight) ** 2)), misfit)
    pairs = [(float(a), float(b)) for a in tau_d for b in tau_k]
    result: list[Candidate] = []
    for k in np.argsort(misfit)[:_PROMISING]:
        values = {
            "R_b": 1.0 / float(G[k]) if G[k] > 0 else curve.R_b,
            "C_m": abs(float(C_m[k])) or 1e-9,
            "i_c0": float(i_c0[k]) if i_c0[k] > 0 else curve.i_c0,
            "V_T": curve.V_T,
            "V_m": curve.V_m,
            "tau_d": pairs[k][0],
            "tau_k": pairs[k][1],
            "R_s": R_s,
        }
        result.append(Candidate(values, float(misfit[k]), _spectral_reasons(curve, len(spectra))))
    return distinct(result, 4)


def _admittances(
    spectra: Sequence[ImpedanceSpectrum], p: Parameters
) -> tuple[ComplexArray, ComplexArray, FloatArray, FloatArray, FloatArray]:
    """s, junction admittance, weight, f and df_ss/du at the points of all spectra, thinned.

    Noise is a fraction of |Z|, so an admittance 1/(Z - R_s) has the weight |Z - R_s|^2/|Z|, and none where
    the series resistance is nearly all of Z.
    """
    parts = []
    for spectrum in spectra:
        control, bias = bias_of(spectrum)
        u = junction_voltage(p, control, [bias])[0]
        x = (u - p.V_T) / p.V_m
        kept = _below_wiring(spectrum)[:: max(1, spectrum.points * len(spectra) // _POINTS)]
        s = 2j * np.pi * spectrum.frequency[kept]
        junction = spectrum.impedance[kept] - p.R_s
        share = np.abs(junction) / np.abs(spectrum.impedance[kept])
        telling = share > _LEAST_SHARE
        junction = np.where(telling, junction, spectrum.impedance[kept])
        weight = np.where(telling, share * np.abs(junction), 0.0)
        f = np.full(s.size, max(float(expit(x)), 1e-12))
        parts.append((s, 1.0 / junction, weight, f, f * float(expit(-x)) / p.V_m))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    s_all, Y_all = columns[0].astype(np.complex128), columns[1].astype(np.complex128)
    return s_all, Y_all, columns[2].real, columns[3].real, columns[4].real


def _below_wiring(spectrum: ImpedanceSpectrum) -> np.ndarray:
    """Indices of the points below the frequencies at which the wiring makes the spectrum inductive."""
    order = np.argsort(spectrum.frequency)
    capacitive = np.flatnonzero(spectrum.impedance.imag[order] < 0)
    last = int(capacitive[-1]) if capacitive.size else order.size - 1
    return order[: last + 1]


def _three_linear(
    a: ComplexArray, b: ComplexArray, c: ComplexArray, y: ComplexArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Complex least squares y = p a + q b + r c, real p, q, r, for many c (k, n); p, q, r, misfit (k,)."""
    k = c.shape[0]
    normal = np.empty((k, 3, 3))
    right = np.empty((k, 3))
    normal[:, 0, 0], normal[:, 1, 1] = _inner(a, a), _inner(b, b)
    normal[:, 0, 1] = normal[:, 1, 0] = _inner(a, b)
    normal[:, 2, 2] = np.sum(np.abs(c) ** 2, axis=1)
    normal[:, 0, 2] = normal[:, 2, 0] = np.real(c.conj() @ a)
    normal[:, 1, 2] = normal[:, 2, 1] = np.real(c.conj() @ b)
    right[:, 0], right[:, 1], right[:, 2] = _inner(a, y), _inner(b, y), np.real(c.conj() @ y)
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", normal), np.finfo(float).tiny))
    scaled = normal / (scale[:, :, None] * scale[:, None, :]) + 1e-10 * np.eye(3)
    solution = np.linalg.solve(scaled, (right / scale)[:, :, None])[:, :, 0] / scale
    misfit = _inner(y, y) - np.sum(solution * right, axis=1)
    return solution[:, 0], solution[:, 1], solution[:, 2], np.maximum(misfit, 0.0)


def _inner(u: ComplexArray, v: ComplexArray) -> float:
    """Real inner product of two complex vectors."""
    return float(np.real(np.vdot(u, v)))


def _spectral_reasons(curve: SteadyCurve, count: int) -> dict[str, str]:
    """Where the values of a spectral scan came from."""
    scan = f"scan of {count} spectra, admittance linear in C_m, 1/R_b, i_c0"
    steady = f"scan of the steady state: {curve.source}"
    return {
        "R_b": scan,
        "C_m": scan,
        "i_c0": scan,
        "V_T": steady,
        "V_m": steady,
        "tau_d": scan,
        "tau_k": scan,
    }
