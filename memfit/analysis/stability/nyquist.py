"""The Nyquist test: stability straight from a measured spectrum, without a model.

A device whose spectrum could be measured under voltage control has an admittance Y without poles in the right
half-plane. Behind a load R_L it is unstable if and only if 1/R_L + Y has zeros there: as many as Y winds
clockwise around -1/R_L (Nyquist), and around the origin under current control. So:

- a crossing of the real axis at finite frequency with Re Z < 0 is what makes the winding possible; Re Z < 0
  alone is necessary, not sufficient;
- at such a crossing -Re Z is the load at which oscillation starts;
- with Y = (G + i omega C)(1 + L), G and C read at high frequency, the gain margin is -1/Re L where L is real
  and negative.

Between the measured frequencies Y is taken from a cubic spline over log frequency: it is smooth even where Z
resonates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import BoolArray, ComplexArray, FloatArray, IntArray, Interval
from memfit.confidence import LEVEL, TAILS
from memfit.datasets import ImpedanceSpectrum
from memfit.errors import InputError
from memfit.fitting import FittedRecord, SpectrumAlone
from memfit.noise_estimate import noise_of_differences
from memfit.units import format_quantity


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the test."""

    replicas: int = 400
    """Noisy copies of a spectrum behind each interval."""
    finer: int = 48
    """Points of the spline for each measured frequency."""
    largest_turn: float = 2.0 * np.pi / 3.0
    """A turn of Y between points of the spline beyond this leaves the winding open, radian."""
    fewest_points: int = 5
    """Frequencies without which there is no curve."""
    fewest_in_tail: int = 4
    """Frequencies from which G and C are read."""
    clear: float = 3.0
    """Ratio to the lowest frequency of the tail, where the memory is just hidden by the noise."""
    largest_noise: float = 0.2
    """Of the impedance behind the series resistance: beyond it that resistance drowns the device."""
    widest_ratio: float = 4.0
    """Of the ends of an interval, beyond which it is mostly noise."""
    tail_misfit: float = 3.0
    """Standard deviations of chi-square by which the tail may miss."""
    none: float = 1e-6
    """Noise where one curve alone is looked at."""
    sure: float = 0.995
    """Share of noisy copies that agree where a spectrum goes before a model."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class MeasuredStability:
    """What a spectrum says by itself about the device under current control at its bias."""

    unstable_poles: int | None
    """Number of unstable poles under current control, from the winding of Y; None where it is left open."""
    probability_unstable: float | None
    """Share of noisy copies that are unstable; None where it is left open."""
    crossing_frequency_Hz: float | None
    """Where the spectrum crosses the negative real axis; None where it does not."""
    resistance_at_crossing: float | None
    """Re Z there, ohm: below zero, and minus the load at which oscillation starts."""
    resistance_stderr: float | None
    """Its standard error, ohm."""
    least_real_part: float
    """Smallest Re Z of the spectrum, ohm."""
    gain_margin: float | None
    """Of the loop under current control; None where it cannot be read."""
    gain_margin_ci95: Interval | None
    noise: float
    """Relative noise of Z that went into the intervals."""
    message: str
    """All of this in a sentence."""


def check_spectrum(
    frequency: ArrayLike,
    impedance: ArrayLike,
    *,
    series_resistance: float = 0.0,
    noise: float | None = None,
    seed: int = 0,
    replicas: int = SETTINGS.replicas,
) -> MeasuredStability:
    """What a measured spectrum says about the stability of the device under current control.

    Parameters
    ----------
    frequency : (n,) array, Hz
    impedance : (n,) complex array, ohm
    series_resistance : float, ohm
        R_s of the wiring: it does not move the winding, but the gain margin is read behind it.
    noise : float, optional
        Standard deviation of Re Z and of Im Z relative to |Z|; estimated from the smoothness where not given.
    seed : int
        Of the noisy copies.
    replicas : int
        How many of them; fewer are faster, with coarser intervals.

    Raises
    ------
    InputError
        Fewer than five points, values that are not finite, or frequencies that are not positive or repeated.
    """
    omega = 2.0 * np.pi * np.asarray(frequency, dtype=np.float64)
    Z = np.asarray(impedance, dtype=np.complex128)
    if omega.ndim != 1 or omega.shape != Z.shape or omega.size < SETTINGS.fewest_points:
        raise InputError(
            f"Expected at least {SETTINGS.fewest_points} frequencies with an impedance each; "
            f"found shapes {omega.shape} and {Z.shape}."
        )
    order = np.argsort(omega)
    omega, Z = omega[order], Z[order]
    if not (np.all(np.isfinite(omega)) and np.all(np.isfinite(Z)) and omega[0] > 0.0 and np.all(Z != 0.0)):
        raise InputError("Frequencies must be finite and positive, impedances finite and not zero.")
    if np.any(np.diff(omega) == 0.0):
        raise InputError("A frequency occurs twice: average or drop the repeated points first.")
    if noise is None:
        noise = noise_of_differences(np.log(np.abs(Z)), np.unwrap(np.angle(Z)))
    deviations = np.random.default_rng(seed).standard_normal((2, replicas, Z.size))
    noisy = Z + noise * np.abs(Z) * (deviations[0] + 1j * deviations[1])
    copies = np.concatenate([Z[None, :], noisy])  # the spectrum itself is the first
    fine, Y = _between_points(omega, np.reciprocal(copies))
    poles, resolved = _winding(Y)
    at, resistance = _negative_crossing(fine, Y)
    margin = _gain_margin(omega, copies, series_resistance, noise)
    interval = None  # where one copy in ten could not be read, or where it is mostly noise
    finite = margin[1:][np.isfinite(margin[1:])]
    if finite.size >= 0.9 * (margin.size - 1):
        low, high = np.quantile(finite, TAILS)
        interval = (float(low), float(high)) if high < SETTINGS.widest_ratio * low else None
    crosses = resolved and np.isfinite(at[0])
    readable = np.isfinite(margin[0]) and interval is not None
    test = MeasuredStability(
        unstable_poles=int(poles[0]) if resolved else None,
        probability_unstable=float(np.mean(poles[1:] > 0)) if resolved else None,
        crossing_frequency_Hz=float(at[0]) / (2.0 * np.pi) if crosses else None,
        resistance_at_crossing=float(resistance[0]) if crosses else None,
        resistance_stderr=float(np.nanstd(resistance)) if crosses else None,
        least_real_part=float(Z.real.min()),
        gain_margin=float(margin[0]) if readable else None,
        gain_margin_ci95=interval if readable else None,
        noise=noise,
        message="",
    )
    return replace(test, message=_sentence(test))


def disagreement(test: MeasuredStability, model_unstable: bool) -> str | None:
    """A warning where a spectrum contradicts the model's verdict at its bias, else None.

    Parameters
    ----------
    test : MeasuredStability
    model_unstable : bool
        Whether the model is unstable under current control at the bias of the spectrum.
    """
    chance = test.probability_unstable
    if chance is None or 1.0 - LEVEL <= chance <= LEVEL or (chance > 0.5) == model_unstable:
        return None
    says, fitted = ("unstable" if yes else "stable" for yes in (chance > 0.5, model_unstable))
    return (
        f"The measured spectrum itself is that of a device that is {says} under current control, "
        f"the fitted model is {fitted} at this bias: look at the residuals at low frequency."
    )


def spectra_alone(fitted: Sequence[FittedRecord]) -> tuple[SpectrumAlone, ...]:
    """What measured spectra say for certain: those that are unstable, and those that contradict the model.

    The model is asked in the same way, by its own impedance at the same frequencies, so that what these do
    not show is held against neither.

    Parameters
    ----------
    fitted : sequence of FittedRecord
        All records beside the model; what was left out of the fit as a whole is passed over.
    """
    found = []
    for item in fitted:
        record, used = item.record, item.used
        if not isinstance(record, ImpedanceSpectrum) or not np.all(np.isfinite(item.predicted[used])):
            continue
        frequency = record.frequency[used]
        try:
            first, model = (
                check_spectrum(frequency, Z[used], noise=SETTINGS.none, replicas=1)
                for Z in (record.impedance, item.predicted)
            )
            if first.unstable_poles is None or model.unstable_poles is None:
                continue
            unstable, modelled = first.unstable_poles > 0, model.unstable_poles > 0
            if not unstable and not modelled:
                continue
            test = check_spectrum(frequency, record.impedance[used])
        except InputError:  # too few points, or a frequency twice
            continue
        chance = test.probability_unstable
        if chance is None or (chance if unstable else 1.0 - chance) < SETTINGS.sure:
            continue
        found.append(
            SpectrumAlone(
                file=record.name,
                unstable=unstable,
                model_unstable=modelled,
                gain_margin=test.gain_margin,
                gain_margin_ci95=test.gain_margin_ci95,
                sentence=_alone(record, test, unstable, modelled),
            )
        )
    return tuple(found)


def _alone(record: ImpedanceSpectrum, test: MeasuredStability, unstable: bool, modelled: bool) -> str:
    """A spectrum beside the model, in words."""
    bias, unit = (record.bias_voltage, "V") if record.bias_voltage is not None else (record.bias_current, "A")
    at = f" at {format_quantity(bias, unit, digits=3)}" if bias is not None else ""
    is_, fitted = ("unstable" if yes else "stable" for yes in (unstable, modelled))
    text = f"{record.name} by itself is the spectrum of a device that is {is_} under current control{at}"
    if unstable and test.crossing_frequency_Hz is not None:
        text += f" (Re Z < 0 where it crosses the real axis, {test.crossing_frequency_Hz:.3g} Hz)"
    if unstable == modelled:
        return f"{text}, as the fitted model is."
    return f"{text}; the fitted model is {fitted} there. What was measured goes before the model."


def _between_points(omega: FloatArray, Y: ComplexArray) -> tuple[FloatArray, ComplexArray]:
    """Angular frequencies and (r, k) admittances with `Settings.finer` points for each measured one."""
    from scipy.interpolate import CubicSpline  # noqa: PLC0415 - most commands test no spectrum

    logs = np.log(omega)
    where = np.arange(SETTINGS.finer * (omega.size - 1) + 1) / SETTINGS.finer
    fine = np.interp(where, np.arange(omega.size), logs)
    return np.exp(fine), CubicSpline(logs, Y, axis=1)(fine)


def _winding(Y: ComplexArray) -> tuple[np.ndarray, bool]:
    """Zeros of each Y in the right half-plane, and whether the frequencies resolve the first.

    From dc (real axis) to high frequency the argument of a stable Y ends where it would have gone directly;
    each pair of zeros takes a whole turn clockwise.
    """
    rows, steps = np.nonzero((Y.imag[:, :-1] < 0.0) != (Y.imag[:, 1:] < 0.0))
    leap = np.angle(Y[rows, steps + 1]) - np.angle(Y[rows, steps])  # a half turn or more: across the cut
    turns = np.bincount(rows, (leap >= np.pi).astype(np.float64) - (leap < -np.pi), len(Y))
    first = (np.diff(np.angle(Y[0])) + np.pi) % (2.0 * np.pi) - np.pi
    return 2 * np.maximum(turns, 0.0).astype(np.int64), bool(np.all(np.abs(first) < SETTINGS.largest_turn))


def _negative_crossing(omega: FloatArray, Y: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """(r,) angular frequency and Re Z where Z = 1/Y crosses the real axis most negatively; NaN if nowhere."""
    rows, steps = _sign_changes(Y.imag)  # those of Im Z
    share, real = _real_crossings(np.reciprocal(Y[rows, steps]), np.reciprocal(Y[rows, steps + 1]))
    at, least = np.full(len(Y), np.nan), np.full(len(Y), np.nan)
    order = np.argsort(-real)
    order = order[real[order] < 0.0]  # the last that is written to a row is the most negative
    logs = np.log(omega)
    at[rows[order]] = np.exp(logs[steps] + share * (logs[steps + 1] - logs[steps]))[order]
    least[rows[order]] = real[order]
    return at, least


def _sign_changes(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows and steps at which (r, k) values go through zero."""
    rows, steps = np.nonzero((values[:, :-1] < 0.0) != (values[:, 1:] < 0.0))
    between = values[rows, steps] * values[rows, steps + 1] < 0.0
    return rows[between], steps[between]


def _real_crossings(before: ComplexArray, after: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Where the way between two points crosses the real axis (share of the way), and the value there."""
    share = before.imag / (before.imag - after.imag)
    return share, before.real + share * (after.real - before.real)


def _gain_margin(omega: FloatArray, Z: ComplexArray, series: float, sigma: float) -> FloatArray:
    """(r,) -1/Re L where L = Y/(G + i omega C) - 1 is real and most negative; NaN where it cannot be read.

    G and C are those of the highest frequencies, which the memory does not follow: of the longest tail of the
    first spectrum that a parallel R and C describe within the noise.
    """
    # Only what the series resistance does not drown.
    seen = sigma * np.abs(Z[0]) < SETTINGS.largest_noise * np.abs(Z[0] - series)
    if np.count_nonzero(seen) < SETTINGS.fewest_in_tail:
        return np.full(len(Z), np.nan)
    omega, Y = omega[seen], np.reciprocal(Z[:, seen] - series)
    spread = sigma * np.abs(Z[0, seen]) * np.abs(Y[0]) ** 2
    longest = 1
    for count in range(SETTINGS.fewest_in_tail, omega.size + 1):
        last = slice(-count, None)
        G, C = _parallel_rc(omega[last], Y[:1, last], spread[last])
        misfit = np.abs((Y[0, last] - G[0] - 1j * omega[last] * C[0]) / spread[last]) ** 2
        freedom = 2 * count - 2
        if misfit.sum() > freedom + SETTINGS.tail_misfit * np.sqrt(2.0 * freedom):
            break
        longest = count
    tail = np.flatnonzero(omega >= SETTINGS.clear * omega[-longest])
    if tail.size < SETTINGS.fewest_in_tail:
        return np.full(len(Z), np.nan)
    G, C = _parallel_rc(omega[tail], Y[:, tail], spread[tail])
    readable: BoolArray = (G > 0.0) & (C > 0.0)
    fine, curves = _between_points(omega, Y)
    passive = np.where(readable, G, 1.0)[:, None] + 1j * fine * np.where(readable, C, 1.0)[:, None]
    loop = curves / passive - 1.0
    rows, steps = _sign_changes(loop.imag[:, : 1 + np.count_nonzero(fine[:-1] < omega[tail[0]])])
    _, real = _real_crossings(loop[rows, steps], loop[rows, steps + 1])
    most = np.zeros(len(Z))
    np.minimum.at(most, rows, real)
    readable &= most < 0.0
    return np.where(readable, -1.0 / np.where(readable, most, -1.0), np.nan)


def _parallel_rc(omega: FloatArray, Y: ComplexArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(r,) conductance and capacitance nearest to (r, n) admittances with the errors `spread`."""
    weight = spread**-2.0
    G = (weight * Y.real).sum(axis=1) / weight.sum()
    C = (weight * omega * Y.imag).sum(axis=1) / (weight * omega**2).sum()
    return G, C


def _sentence(test: MeasuredStability) -> str:
    """What the test says, in words."""
    if test.unstable_poles is None:
        text = "The frequencies are too far apart to count how often the admittance winds around the origin"
    else:
        kind, winds = ("unstable", "winds") if test.unstable_poles else ("stable", "does not wind")
        text = f"The spectrum is that of a device {kind} under current control: Y {winds} around the origin"
    if test.crossing_frequency_Hz is not None and test.resistance_at_crossing is not None:
        text += (
            f"; it crosses the negative real axis at {test.crossing_frequency_Hz:.3g} Hz, "
            f"Re Z = {test.resistance_at_crossing:.3g} ohm"
        )
    elif test.least_real_part < 0.0:
        text += "; Re Z < 0 at some frequencies, which alone is not enough to oscillate"
    if test.gain_margin is not None and test.gain_margin_ci95 is not None:
        low, high = test.gain_margin_ci95
        text += f"; gain margin {test.gain_margin:.3g} ({low:.3g} to {high:.3g})"
    return f"{text}."
