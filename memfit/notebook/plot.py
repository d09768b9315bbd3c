"""The pictures of the reports on axes of one's own: `memfit.plot`.

    import memfit as mf
    fig, (left, right) = plt.subplots(1, 2)
    mf.plot.nyquist(device, result, ax=left)
    mf.plot.iv(device["iv_10mVs.csv"], result, ax=right)

Records are dots; with a result the model is a line, with the band that the data allow. Without axes, new ones
of pyplot are made. Fonts, colours and ticks are those of the style in force; `result.plot()` and
`device.plot()` are figures in memfit's own.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from memfit.arrays import BoolArray
from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, Kind, PulseTransient, Record, SynapticCurve
from memfit.errors import InputError
from memfit.fitting import FitResult, FittedRecord
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.forecast import Forecast
from memfit.fitting.results.propagation import devices_of, knowledge_of
from memfit.fitting.results.reproduce import match_records, reevaluate
from memfit.reporting.content import KIND, KINDS, listed
from memfit.reporting.figures.marks import BAND, BAND_ALPHA, DATA, MODEL
from memfit.reporting.figures.nyquist import (
    draw_nyquist,
)
from memfit.reporting.figures.spectra import (
    Spectrum,
    draw_modulus,
    draw_phase,
    spectra_of,
)
from memfit.reporting.figures.stability import draw_gain_margin
from memfit.reporting.figures.sweeps import draw_sweep, draw_sweep_logarithmic, draw_sweeps
from memfit.reporting.figures.ticks import native_ticks
from memfit.reporting.figures.time import draw_transient
from memfit.reporting.fit.curves import parameters_of, stability_curves, voltage_curves, voltage_range
from memfit.reporting.numbers import scale_for

__all__ = ["bode", "forecast", "gain_margin", "iv", "modulus", "nyquist", "residuals", "transient"]

_CURVES = 100
"""Devices that a band is drawn from."""
_MOST_ENTRIES = 12

Records = Record | Device | Iterable[Record]


def nyquist(
    records: Records, result: FitResult | None = None, ax: Axes | None = None, *, band: bool = True
) -> Axes:
    """-Z'' against Z' of one or more spectra, an ohm as long upward as it is to the right.

    Parameters
    ----------
    records : record, Device, or sequence of records
        Of a device, its spectra.
    result : FitResult, optional
        Draws the model.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.
    band : bool
        Whether the band of the model is drawn.

    Returns
    -------
    Axes
    """
    axes, spectra = _axes(ax), _spectra(records, result, band=band)
    unit = draw_nyquist(axes, spectra)
    native_ticks(axes)
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlabel(f"Z′ ({unit})")
    axes.set_ylabel(f"−Z″ ({unit})")
    _legend(axes, [(spectrum.colour, spectrum.label) for spectrum in spectra])
    return axes


def bode(
    records: Records,
    result: FitResult | None = None,
    ax: Sequence[Axes] | None = None,
    *,
    band: bool = True,
) -> tuple[Axes, Axes]:
    """|Z| and -arg Z of one or more spectra against frequency.

    Parameters
    ----------
    records : record, Device, or sequence of records
        Of a device, its spectra.
    result : FitResult, optional
        Draws the model.
    ax : two Axes, optional
        For modulus and phase; by default new axes of pyplot, one above the other.
    band : bool
        Whether the band of the model is drawn.

    Returns
    -------
    two Axes
    """
    upper, lower = plt.subplots(2, 1, sharex=True)[1] if ax is None else ax
    spectra = _spectra(records, result, band=band)
    for axes, draw in ((upper, draw_modulus), (lower, draw_phase)):
        draw(axes, spectra)
        native_ticks(axes)
        axes.set_xlabel("Frequency (Hz)")
    _legend(upper, [(spectrum.colour, spectrum.label) for spectrum in spectra])
    return upper, lower


def modulus(
    records: Records, result: FitResult | None = None, ax: Axes | None = None, *, band: bool = True
) -> Axes:
    """|Z| of one or more spectra against frequency.

    Parameters
    ----------
    records : record, Device, or sequence of records
        Of a device, its spectra.
    result : FitResult, optional
        Draws the model.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.
    band : bool
        Whether the band of the model is drawn.

    Returns
    -------
    Axes
    """
    axes, spectra = _axes(ax), _spectra(records, result, band=band)
    draw_modulus(axes, spectra)
    native_ticks(axes)
    axes.set_xlabel("Frequency (Hz)")
    _legend(axes, [(spectrum.colour, spectrum.label) for spectrum in spectra])
    return axes


def iv(
    records: Records,
    result: FitResult | None = None,
    ax: Axes | None = None,
    *,
    log: bool = False,
    band: bool = True,
) -> Axes:
    """Current against voltage: one sweep with its direction, or several in one picture.

    Parameters
    ----------
    records : record, Device, or sequence of records
        Of a device, its sweeps.
    result : FitResult, optional
        Draws the model; beside several sweeps also its steady curve.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.
    log : bool
        Whether |I| is drawn on a logarithmic scale; of one sweep only.
    band : bool
        Whether the band of the model is drawn; of one sweep only.

    Returns
    -------
    Axes
    """
    axes, fitted = _axes(ax), _beside(records, "iv", result, band=band)
    entries: list[tuple[Any, str]] = []
    if len(fitted) == 1:
        (draw_sweep_logarithmic if log else draw_sweep)(axes, fitted[0])
    else:
        p = None if result is None else parameters_of(result)
        bounds = None if p is None else voltage_range(p, [item.record for item in fitted])
        steady = None if p is None or bounds is None else voltage_curves(p, bounds)
        entries = draw_sweeps(axes, fitted, steady)
    native_ticks(axes)
    axes.set_xlabel("V (V)")
    _legend(axes, entries)
    return axes


def transient(
    record: Records, result: FitResult | None = None, ax: Axes | None = None, *, band: bool = True
) -> Axes:
    """What was measured against time, or reads of pulses against what they are told by, of one record.

    Parameters
    ----------
    record : PulseTransient
    result : FitResult, optional
        Draws the model.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.
    band : bool
        Whether the band of the model is drawn.

    Returns
    -------
    Axes
    """
    kind = record.kind if isinstance(record, SynapticCurve) else "transient"
    axes, fitted = _axes(ax), _beside(record, kind, result, band=band)
    if len(fitted) > 1:
        raise InputError(f"Expected one transient, found {len(fitted)}: take one by its name, device[NAME].")
    along = draw_transient(axes, fitted[0])
    native_ticks(axes)
    axes.set_xlabel(along)
    return axes


def residuals(record: Record, result: FitResult, ax: Axes | None = None) -> Axes:
    """Data minus model of one record in standard deviations, against frequency or time.

    Parameters
    ----------
    record : record
    result : FitResult
        Of a fit that had this record.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        The fit had no such record.
    """
    axes, (fitted,) = _axes(ax), _beside(record, record.kind, result, band=False)
    if not np.all(np.isfinite(fitted.sigma)):
        raise InputError(f"{record.name}: the fit had no such record, and so knows no noise of it.")
    axes.axhspan(-2.0, 2.0, color="0.9", linewidth=0, zorder=0)
    values, used = fitted.residuals, fitted.used
    if isinstance(record, ImpedanceSpectrum):
        parts = [("Z′", np.real(values)), ("Z″", np.imag(values))]
        x, label = record.frequency, "Frequency (Hz)"
        axes.set_xscale("log")
    else:
        parts, seconds = [("", np.real(values))], record.time
        x = np.arange(record.points, dtype=np.float64) if seconds is None else seconds
        label = "Point" if seconds is None else "Time (s)"
    for name, part in parts:
        axes.plot(x[used], part[used], ".", label=name or None)
    axes.set_xlabel(label)
    axes.set_ylabel("Residual (standard deviations)")
    if len(parts) > 1:
        axes.legend()
    return axes


def gain_margin(result: FitResult, ax: Axes | None = None) -> Axes:
    """Gain margin by circuit against the voltage across the junction; below 1 the steady state is unstable.

    Parameters
    ----------
    result : FitResult
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        Parameters are undetermined, or the model has no such curve: two lags, or further parts.
    """
    p = parameters_of(result)
    covered = [item.covers.get("voltage") for item in result.inputs]
    curves = None if p is None else stability_curves(p, voltage_range(p, []))
    if curves is None:
        raise InputError(
            "Gain margins are drawn of the model with three lags, all parameters known, without further "
            f"parts; this result has the model {result.model} and knows the voltages {covered}."
        )
    axes = _axes(ax)
    entries = draw_gain_margin(axes, curves)
    native_ticks(axes)
    _legend(axes, entries)
    return axes


def forecast(prediction: Forecast, ax: Axes | None = None) -> Axes:
    """A prediction with its band: against time or what was applied; Z' and -Z'' against frequency.

    Parameters
    ----------
    prediction : Forecast
        As `result.predict` gives it.
    ax : Axes, optional
        Where to draw; by default new axes of pyplot.

    Returns
    -------
    Axes
    """
    axes, is_impedance = _axes(ax), prediction.quantity == "impedance"
    si = {"impedance": "ohm", "current": "A", "voltage": "V", "ratio": "1"}[prediction.quantity]
    scale, unit = scale_for(float(np.abs(prediction.values).max()), si)
    curves = [np.asarray(curve) * scale for curve in (prediction.values, prediction.low, prediction.high)]
    parts = [("Z′", [curve.real for curve in curves]), ("−Z″", [-curve.imag for curve in curves])]
    if not is_impedance:
        parts = [({"A": "I", "V": "V", "1": "A2/A1"}[si], [curve.real for curve in curves])]
    for (name, (middle, low, high)), colour in zip(parts, (MODEL, DATA), strict=False):
        axes.fill_between(prediction.at, low, high, color=BAND, alpha=BAND_ALPHA, linewidth=0)
        axes.plot(prediction.at, middle, color=colour, label=name)
    steady = np.array_equal(prediction.at, prediction.applied)
    along = ("V (V)" if si == "A" else "I (A)") if steady else "Time (s)"
    along = "Interval (s)" if si == "1" else along
    axes.set_xlabel("Frequency (Hz)" if is_impedance else along)
    axes.set_ylabel(f"{', '.join(name for name, _ in parts)} ({unit})")
    if is_impedance:
        axes.set_xscale("log")
        axes.legend()
    return axes


def _axes(ax: Axes | None) -> Axes:
    """Those given, or new ones."""
    return plt.subplots()[1] if ax is None else ax


def _legend(axes: Axes, entries: Sequence[tuple[Any, str]]) -> None:
    """Which colour is what, where there is more than one."""
    if 1 < len(entries) <= _MOST_ENTRIES:
        lines = [Line2D([], [], color=colour) for colour, _ in entries]
        axes.legend(lines, [words for _, words in entries], fontsize="x-small")


def _spectra(records: Records, result: FitResult | None, *, band: bool) -> tuple[Spectrum, ...]:
    """Spectra beside the model, as the figures of a report take them."""
    fitted = _beside(records, "impedance", result, band=band)
    return spectra_of(fitted, None if result is None else parameters_of(result))


def _beside(
    records: Records, kind: Kind, result: FitResult | None, *, band: bool
) -> tuple[FittedRecord, ...]:
    """The records of a kind beside the model, or alone."""
    given_first: object = records
    if isinstance(given_first, FitResult):
        raise InputError(
            "Expected a record or a device first, then its fit: mf.plot.nyquist(device, result)."
        )
    given = [records] if isinstance(records, ImpedanceSpectrum | IVSweep | PulseTransient) else list(records)
    chosen = [record for record in given if record.kind == kind]
    if not chosen or (len(chosen) < len(given) and not isinstance(records, Device)):
        found = listed(sorted({KIND[record.kind] for record in given})) or "nothing"
        raise InputError(f"Expected {KINDS[kind]}, found {found}.")
    return tuple(
        _alone(record) if result is None else _fitted(record, result, band=band) for record in chosen
    )


def _alone(record: Record) -> FittedRecord:
    """A record without a model: its curve is nowhere."""
    nowhere = np.full(record.points, np.nan)
    return FittedRecord(record=record, predicted=nowhere, sigma=nowhere, used=_all(record))


def _all(record: Record) -> BoolArray:
    """Every point."""
    return np.ones(record.points, dtype=np.bool_)


def _fitted(record: Record, result: FitResult, *, band: bool) -> FittedRecord:
    """A record beside the model: with the terms of its instrument if the fit had it, else as predicted."""
    matched = match_records(result, [record]).records
    found = reevaluate(result, matched) if matched else ()
    known = knowledge_of(result)
    predictor = Predictor([record])

    def curve(p: Any) -> Any:
        values = predictor(p, slopes_in_time=False).values
        n = record.points
        return values[:n] + 1j * values[n:] if isinstance(record, ImpedanceSpectrum) else values

    ideal = curve(known.best)
    beside = (
        found[0]
        if found
        else FittedRecord(
            record=record, predicted=ideal, sigma=np.full(record.points, np.nan), used=_all(record)
        )
    )
    if not band or known.source == "none":
        return beside
    drawn = np.array([curve(p) for p in devices_of(known, _CURVES)])
    drawn = drawn[np.all(np.isfinite(drawn), axis=1)]
    if len(drawn) < _CURVES // 2:
        return beside
    shifted = drawn - ideal + beside.predicted
    return FittedRecord(
        record=beside.record, predicted=beside.predicted, sigma=beside.sigma, used=beside.used, curves=shifted
    )
