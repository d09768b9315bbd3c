"""Pulse transients beside the model, with what the instrument applied, and on a logarithmic time axis."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.datasets import PulseTransient, SynapticCurve
from memfit.datasets.programmes import AXES, at_reads
from memfit.fitting import FittedRecord
from memfit.protocols import Drive
from memfit.reporting.content import Columns
from memfit.reporting.figures.marks import (
    DATA,
    INK,
    MODEL,
    SERIES,
    VERMILLION,
    Margins,
    crosses,
    curve,
    dots,
    kept,
    key,
    limits,
    place_axes,
    shade_band,
)
from memfit.reporting.figures.sweeps import band_columns
from memfit.reporting.figures.ticks import hide_tick_labels, linear_axis, log_axis
from memfit.reporting.fit.curves import band_of
from memfit.reporting.numbers import quantity, scale_for
from memfit.units import split_label

_MOST_EDGES = 4
"""Jumps of the drive shown on the logarithmic axis."""
_FEWEST_POINTS = 8
"""Samples a stretch after a jump needs to be shown."""


def transient_of(fitted: FittedRecord) -> PulseTransient:
    """The transient inside a fitted record of the kind "transient"."""
    record = fitted.record
    if not isinstance(record, PulseTransient):
        raise TypeError(f"expected a transient, found a record of kind {record.kind!r}")
    return record


def _predicted(fitted: FittedRecord) -> FloatArray:
    """The model's response."""
    return np.asarray(fitted.predicted, dtype=np.float64)


def _units_of(transient: PulseTransient) -> tuple[str, str]:
    """Units of the drive and of the response."""
    return ("A", "V") if transient.control == "current" else ("V", "A")


def peak_label(transient: PulseTransient) -> str:
    """The extreme value of the drive."""
    value = transient.drive.value
    return quantity(float(value[np.argmax(np.abs(value))]), _units_of(transient)[0])


def drive_label(transient: PulseTransient) -> str:
    """The drive in words: its extreme value and what it is."""
    return f"{peak_label(transient)} ({transient.control} control)"


def polygon(drive: Drive, start: float, end: float) -> tuple[FloatArray, FloatArray]:
    """The drive as a line from `start` to `end` (s), jumps upright.

    Parameters
    ----------
    drive : Drive
    start, end : float
        s.
    """
    inside = (drive.time > start) & (drive.time < end)
    time = np.concatenate([[start], drive.time[inside], [end]])
    value = np.concatenate([drive.at([start]), drive.value[inside], drive.at([end])])
    return time, value


def transient_figure(figure: Figure, fitted: FittedRecord) -> None:
    """Response above, drive below, on one time axis; reads of pulses against what they are told by.

    Parameters
    ----------
    figure : Figure
        Empty.
    fitted : FittedRecord
        Of a transient.
    """
    transient = transient_of(fitted)
    if isinstance(transient, SynapticCurve):
        (axes,) = place_axes(figure, [1], Margins())
        axes.set_xlabel(draw_transient(axes, fitted))
        return
    drive_unit, _ = _units_of(transient)
    top, bottom = place_axes(figure, [2.2, 1], Margins(top=3))
    draw_transient(top, fitted)
    hide_tick_labels(top)
    per_second, time_unit = _time_axis(bottom, transient)
    time, value = polygon(transient.drive, float(transient.time[0]), float(transient.time[-1]))
    drive_factor, shown_unit = scale_for(float(np.abs(value).max()), drive_unit)
    linear_axis(bottom, "y", limits(value * drive_factor, pad=0.12), 3)
    curve(bottom, time * per_second, value * drive_factor, VERMILLION, linewidth=0.9)
    bottom.set_ylabel(f"{_SYMBOLS[drive_unit]} ({shown_unit})")
    bottom.set_xlabel(f"Time ({time_unit})")


_READS = {"potentiation": ("G", "S"), "retention": ("R", "ohm"), "paired_pulse": ("A₂/A₁", "")}
"""Symbol and unit of what is drawn of reads."""
_WIDE = 30.0
"""Ratio of times or intervals from which their axis is logarithmic."""
_SYMBOLS = {"V": "V", "A": "I"}
"""Of a quantity, by its unit."""


def _time_axis(axes: Axes, transient: PulseTransient) -> tuple[float, str]:
    """The horizontal axis of a transient; gives the factor from seconds to its unit, and the unit."""
    per_second, unit = scale_for(float(np.ptp(transient.time)), "s")
    linear_axis(axes, "x", limits(transient.time * per_second, pad=0.02), 6)
    return per_second, unit


def draw_transient(axes: Axes, fitted: FittedRecord) -> str:
    """The response of a transient; gives the label of the horizontal axis, which has none yet.

    Parameters
    ----------
    axes : Axes
    fitted : FittedRecord
        Of a transient.
    """
    transient = transient_of(fitted)
    if isinstance(transient, SynapticCurve):
        return _draw_reads(axes, fitted, transient)
    _, response_unit = _units_of(transient)
    per_second, time_unit = _time_axis(axes, transient)
    factor, unit = _response_axis(axes, fitted, response_unit)
    axes.set_ylabel(f"{_SYMBOLS[response_unit]} ({unit})")
    _draw_response(axes, fitted, per_second, factor)
    return f"Time ({time_unit})"


def _draw_reads(axes: Axes, fitted: FittedRecord, curve_: SynapticCurve) -> str:
    """Conductance, resistance or ratio of reads against number, time or interval; gives the label of that."""
    words, si = split_label(AXES[curve_.kind])
    x, shown = curve_.against, fitted.used
    measured, model = (at_reads(curve_, values) for values in (curve_.response, _predicted(fitted)))
    wide = curve_.kind != "potentiation" and x.min() > 0.0 and x.max() > _WIDE * x.min()
    across, unit = (1.0, si) if wide or si is None else scale_for(float(x.max()), si)
    if wide:
        log_axis(axes, "x", limits(x, log=True, pad=0.02))
    else:
        linear_axis(axes, "x", limits(x * across, pad=0.02), 6)
    symbol, of = _READS[curve_.kind]
    factor, scaled = scale_for(float(np.abs(kept(measured, shown)).max()), of)
    linear_axis(axes, "y", limits(kept(measured, shown) * factor, model * factor))
    axes.set_ylabel(f"{symbol} ({scaled})" if scaled else symbol)
    order = np.argsort(x)
    band = band_of(fitted)
    if band:
        low, high = (at_reads(curve_, end) * factor for end in band)
        shade_band(axes, x[order] * across, low[order], high[order])
    curve(axes, x[order] * across, model[order] * factor, MODEL, linewidth=0.8)
    dots(axes, x[shown] * across, measured[shown] * factor, DATA, 2.3)
    if not shown.all():
        crosses(axes, x[~shown] * across, measured[~shown] * factor)
    return f"{words} ({unit})" if unit else words


def _response_axis(axes: Axes, fitted: FittedRecord, unit: str) -> tuple[float, str]:
    """Set the vertical axis to the response and return its factor and unit."""
    response = kept(transient_of(fitted).response, fitted.used)
    factor, symbol = scale_for(float(np.abs(response).max()), unit)
    linear_axis(axes, "y", limits(response * factor, _predicted(fitted) * factor))
    return factor, symbol


def _draw_response(axes: Axes, fitted: FittedRecord, per_second: float, factor: float) -> None:
    """Measured response as dots, model as a line, in axes whose limits are set."""
    transient, shown = transient_of(fitted), fitted.used
    time = transient.time * per_second
    dots(axes, time[shown], transient.response[shown] * factor, DATA, 2.3)
    if not shown.all():
        crosses(axes, time[~shown], transient.response[~shown] * factor)
    curve(axes, time, _predicted(fitted) * factor, MODEL, linewidth=0.8)
    band = band_of(fitted)
    if band:
        shade_band(axes, time, band[0] * factor, band[1] * factor)


def jumps(transient: PulseTransient) -> list[tuple[float, float]]:
    """Stretches (start, end in s) that follow a jump of the drive, the largest jumps, in order of time.

    Parameters
    ----------
    transient : PulseTransient
    """
    drive = transient.drive
    at = np.flatnonzero((np.diff(drive.time) == 0) & (np.diff(drive.value) != 0))
    times = drive.time[at]
    ends = np.append(times[1:], transient.time[-1]) if times.size else times
    found = []
    for time, end, size in zip(times, ends, np.abs(np.diff(drive.value))[at], strict=True):
        inside = (transient.time > time) & (transient.time <= end)
        if np.count_nonzero(inside) >= _FEWEST_POINTS:
            found.append((float(size), float(time), float(end)))
    return sorted((start, end) for _, start, end in sorted(found, reverse=True)[:_MOST_EDGES])


def log_time_figure(figure: Figure, fitted: FittedRecord) -> None:
    """The response after each large jump of the drive, against the logarithm of the time since then.

    Parameters
    ----------
    figure : Figure
    fitted : FittedRecord
        Of the kind "transient".
    """
    transient = transient_of(fitted)
    _, response_unit = _units_of(transient)
    (axes,) = place_axes(figure, [1], Margins(right=17))
    stretches = jumps(transient)
    since = [
        transient.time[(transient.time > start) & (transient.time <= end)] - start for start, end in stretches
    ]
    log_axis(axes, "x", limits(*since, log=True, pad=0.02))
    factor, unit = _response_axis(axes, fitted, response_unit)
    predicted, band = _predicted(fitted), band_of(fitted)
    entries = []
    for (start, end), colour in zip(stretches, SERIES, strict=False):
        inside = (transient.time > start) & (transient.time <= end)
        time = transient.time[inside] - start
        dots(axes, time, transient.response[inside] * factor, colour, 1.7)
        curve(axes, time, predicted[inside] * factor, MODEL, linewidth=0.7)
        if band:
            shade_band(axes, time, band[0][inside] * factor, band[1][inside] * factor)
        entries.append((colour, quantity(start, "s")))
    key(axes, entries, title="Jump at")
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    axes.set_xlabel("Time since the jump (s)")
    axes.set_ylabel(f"{'V' if response_unit == 'V' else 'I'} ({unit})")


def transient_data(fitted: FittedRecord) -> Columns:
    """Drive, response and model of a transient.

    Parameters
    ----------
    fitted : FittedRecord
        Of the kind "transient".
    """
    transient = transient_of(fitted)
    drive_unit, unit = _units_of(transient)[0], transient.response_unit
    against = {AXES[transient.kind]: transient.against} if isinstance(transient, SynapticCurve) else {}
    return {
        "time_s": transient.time,
        **against,
        f"drive_{drive_unit}": transient.drive.at(transient.time),
        f"response_{unit}": transient.response,
        f"model_{unit}": np.asarray(fitted.predicted, dtype=np.float64),
        **band_columns(fitted, f"model_{unit}"),
    }
