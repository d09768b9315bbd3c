"""First values of V_T, V_m, R_b, i_c0 and R_s from whatever shows the steady state.

Given V_T and V_m, the steady current u/R_b + i_c0 f_ss(u), its slope (the low-frequency conductance) and
every plateau of a pulse are linear in 1/R_b and i_c0: scan V_T and V_m, solve the two coefficients with
bounds at zero, keep the best. (Separable least squares: Golub & Pereyra, SIAM J. Numer. Anal. 1973, 10, 413.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.fitting.prediction.predict import bias_of

_NO_CURRENT = 1e-60
"""A, where nothing flows at all."""
_TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the scan."""

    V_T_steps: int = 72
    V_m_steps: int = 24
    V_T_range: tuple[float, float] = (0.02, 1.6)
    """Of the largest voltage."""
    V_m_range: tuple[float, float] = (0.008, 0.6)
    """V."""
    grid: int = 160
    """Points at which a sweep is read."""
    curves: int = 4
    """Distinct ones that are kept."""
    series: float = 0.5
    """Of the R_s that most spectra show: one that shows less than this rules them."""
    of_least: tuple[float, ...] = (0.9, 0.3, 0.05)
    """Of what that one shows: R_s that are tried."""
    settled: float = 0.01
    """Of its range: movement of a response within a fifth of a plateau at which it counts half."""
    near_zero: float = 0.02
    """Of the largest voltage of a sweep: what is near 0 V."""
    alike: float = 0.2
    """Difference of the constant that both directions of a sweep show, of it, up to which it is one."""
    obvious: float = 0.01
    """Of its largest current: a constant that is offered from the start."""


SETTINGS = Settings()


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
    """V_T, V_m, R_b, i_c0 that describe the steady data, and the series resistance taken off."""

    V_T: float
    V_m: float
    R_b: float
    i_c0: float
    misfit: float
    source: str
    R_s: float = 0.0
    series_source: str = ""

    def values(self) -> dict[str, float]:
        """Parameters by name, SI."""
        return {name: getattr(self, name) for name in ("R_b", "i_c0", "V_T", "V_m", "R_s")}

    def reasons(self) -> dict[str, str]:
        """Where the values come from, by name."""
        scan = dict.fromkeys(("R_b", "i_c0", "V_T", "V_m"), f"scan of the steady state: {self.source}")
        return {**scan, "R_s": self.series_source}


def steady_states(records: Sequence[Record], fix: Mapping[str, float]) -> list[SteadyCurve]:
    """Steady curves that the records show, for every possible series resistance; or rough ones.

    Parameters
    ----------
    records : sequence of Record
    fix : mapping
        Parameters that are known (SI).
    """
    states = []
    for value, source in series_resistances(records):
        R_s = fix.get("R_s", value)
        known: dict[str, Any] = {name: fix[name] for name in ("V_T", "V_m", "R_b", "i_c0") if name in fix}
        curves = steady_curves(steady_rows(records, R_s)) or [rough_curve(records)]
        states += [replace(curve, **known, R_s=R_s, series_source=source) for curve in curves]
    return states


def series_resistances(records: Sequence[Record]) -> list[tuple[float, str]]:
    """Possible R_s (ohm), each with its reason: from spectra; else 0, and the jumps of current pulses.

    Above all relaxations Re Z = R_s + const/omega^2, so R_s is the intercept of Re Z against omega^-2. A
    pulse jumps by R_s times its current, but so does one that charges faster than it was sampled.

    Parameters
    ----------
    records : sequence of Record
    """
    intercepts = []
    for record in records:
        if isinstance(record, ImpedanceSpectrum):
            order = np.argsort(record.frequency)[::-1][: max(4, record.points // 6)]
            omega, Z = 2 * np.pi * record.frequency[order], record.impedance[order]
            columns = np.column_stack([np.ones(omega.size), (omega[0] / omega) ** 2])
            weight = 1.0 / np.abs(Z)
            solution = np.linalg.lstsq(columns * weight[:, None], Z.real * weight, rcond=None)[0]
            intercepts.append(float(np.clip(solution[0], 0.0, abs(Z.real).min())))
    if intercepts:
        reason = "intercept of Re Z against 1/ω² at the highest frequencies"
        seen, smallest = float(np.median(intercepts)), min(intercepts)
        if smallest > SETTINGS.series * seen:
            return [(seen, reason)]
        # a spectrum that ends below what others show: R_s is no larger, and may be a part of it
        reason = "least |Z| of the spectra"
        return [(share * smallest, reason) for share in SETTINGS.of_least]
    jumps = []
    for record in records:
        if not isinstance(record, PulseTransient) or record.response_unit != "V":
            continue
        drive, time, response = record.drive, record.time, record.response
        noise = float(np.median(np.abs(np.diff(response))))
        for k in np.flatnonzero(np.diff(drive.time) == 0):
            step = drive.value[k + 1] - drive.value[k]
            i = int(np.searchsorted(time, drive.time[k]))
            if step != 0 and 0 < i < time.size:
                change = float(response[i] - response[i - 1])
                jumps.append(abs((change if abs(change) > 4 * noise else 0.0) / step))
    series = [(0.0, "not seen at a glance")]
    if jumps and np.median(jumps) > 0:
        series.append((float(np.median(jumps)), "voltage jump at the edges of the current pulses"))
    return series


def steady_curves(rows: SteadyRows | None) -> list[SteadyCurve]:
    """Best and other distinct sets of V_T, V_m, R_b, i_c0 for steady data.

    Parameters
    ----------
    rows : SteadyRows, optional
    """
    if rows is None or rows.u.size == 0:
        return []
    reach = float(np.max(np.abs(rows.u)))
    V_T = np.linspace(*SETTINGS.V_T_range, SETTINGS.V_T_steps) * max(reach, 0.05)
    V_T = np.repeat(V_T, SETTINGS.V_m_steps)
    V_m = np.tile(np.geomspace(*SETTINGS.V_m_range, SETTINGS.V_m_steps), SETTINGS.V_T_steps)
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
        if len(curves) == SETTINGS.curves:
            break
    return curves


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


def rough_curve(records: Sequence[Record]) -> SteadyCurve:
    """A curve of the right size where nothing shows the steady state: threshold within what was applied.

    Parameters
    ----------
    records : sequence of Record
    """
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


def steady_rows(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """Whatever says something about the steady current: slow sweep, low-frequency conductance, plateaus.

    Parameters
    ----------
    records : sequence of Record
    R_s : float
        Series resistance to be taken off, ohm.
    """
    offered = (_slow_sweep(records, R_s), _conductances(records, R_s), plateaus(records, R_s))
    parts = [part for part in offered if part is not None]
    if not parts:
        return None
    return SteadyRows(
        np.concatenate([p.u for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.slope for p in parts]),
        np.concatenate([p.weight for p in parts]),
        " and ".join(p.source for p in parts),
    )


def slowest_sweep(records: Sequence[Record]) -> IVSweep | None:
    """The sweep that took longest, a quasi-steady one before all; None without any.

    Parameters
    ----------
    records : sequence of Record
        Of any kind; those that are no sweeps do not count.
    """
    sweeps = [record for record in records if isinstance(record, IVSweep)]
    lengths = [np.inf if s.time is None else float(s.time[-1] - s.time[0]) for s in sweeps]
    return sweeps[int(np.argmax(lengths))] if sweeps else None


def _slow_sweep(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """The slowest sweep on a grid of voltages, both directions averaged where there are two."""
    slowest = slowest_sweep(records)
    if slowest is None:
        return None
    V, current = slowest.voltage, slowest.current
    rising = np.gradient(V) >= 0 if V.size > 1 else np.ones(1, bool)
    grid = np.linspace(V.min(), V.max(), min(SETTINGS.grid, max(V.size // 2, 2)))
    branches = []
    for branch in (rising, ~rising):
        if np.count_nonzero(branch) > 0.2 * V.size:
            order = np.argsort(V[branch], kind="stable")
            branches.append(np.interp(grid, V[branch][order], current[branch][order]))
    if branches:
        V, current = grid, np.mean(branches, axis=0)
    weight = 1.0 / (np.abs(current) + max(3e-3 * float(np.max(np.abs(current))), _NO_CURRENT))
    no_slope, source = np.zeros(V.size, bool), f"the slowest sweep ({slowest.name})"
    return SteadyRows(V - R_s * current, current, no_slope, weight / np.sqrt(V.size), source)


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
        u,
        conductance,
        np.ones(u.size, bool),
        weight,
        f"low-frequency conductance at {u.size} bias{'es' if u.size > 1 else ''}",
    )


def plateaus(records: Sequence[Record], R_s: float) -> SteadyRows | None:
    """Current and junction voltage over the last fifth of every constant stretch of the transients.

    Parameters
    ----------
    records : sequence of Record
    R_s : float
        Series resistance to be taken off, ohm.
    """
    points = []
    for record in records:
        if not isinstance(record, PulseTransient) or record.response_unit == "1":
            continue
        drive, time, span = record.drive, record.time, max(float(np.ptp(record.response)), 1e-300)
        size = 0.01 * float(np.ptp(drive.value))
        for k in np.flatnonzero((np.abs(np.diff(drive.value)) <= size) & (np.diff(drive.time) > 0)):
            a, b = drive.time[k], drive.time[k + 1]
            early, late, end = np.searchsorted(time, (b - 0.4 * (b - a), b - 0.2 * (b - a), b))
            value = float(drive.value[k])
            if min(late - early, end - late) < 3 or abs(value) <= size:
                continue
            response = float(np.mean(record.response[late:end]))
            moved = abs(response - float(np.mean(record.response[early:late]))) / span
            trust = 1.0 / (1.0 + (moved / SETTINGS.settled) ** 2)
            V, current = (value, response) if record.control == "voltage" else (response, value)
            points.append((V, current, trust))
    if not points:
        return None
    voltages, currents, trusts = np.array(points).T
    sizes = np.abs(currents) + 0.02 * float(np.max(np.abs(currents)))
    weight, no_slope = trusts / (sizes * np.sqrt(voltages.size)), np.zeros(voltages.size, bool)
    return SteadyRows(voltages - R_s * currents, currents, no_slope, weight, "plateaus of the pulses")


def zero_errors(records: Sequence[Record], *, alike: bool = False) -> dict[int, float]:
    """Constant currents, A, of sweeps at zero voltage, by the number of the record; only large ones.

    The charging current of C_m and hysteresis turn round with the direction of the sweep: the mean over both
    directions is what neither of them makes.

    Parameters
    ----------
    records : sequence of Record
    alike : bool
        Only those that both directions show alike: what a channel remembers is there on the way back alone.
    """
    found = {}
    for k, record in enumerate(records):
        if not isinstance(record, IVSweep) or record.control != "voltage":
            continue
        near = np.abs(record.voltage) <= SETTINGS.near_zero * np.max(np.abs(record.voltage))
        rising = np.gradient(record.voltage) > 0 if record.points > 1 else near
        ways = [record.current[near & way] for way in (rising, ~rising)]
        if min(way.size for way in ways) == 0:
            continue
        each = [float(np.mean(way)) for way in ways]
        mean = float(np.mean(each))
        if alike and abs(each[0] - each[1]) > SETTINGS.alike * abs(mean):
            continue
        if not np.ptp(record.current) > abs(mean):
            continue  # nothing else was measured
        if mean**2 > SETTINGS.obvious**2 * float(np.max(record.current**2)) and all(
            np.all(way * mean > 0.0) for way in ways
        ):
            found[k] = mean
    return found
