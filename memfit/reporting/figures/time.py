"""Pulse transients beside the model, with what the instrument applied, and on a logarithmic time axis.

Current-voltage sweeps beside the model: linear and semilogarithmic, with the direction of the scan.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.datasets import IVSweep, PulseTransient
from memfit.fitting import FittedRecord
from memfit.protocols import Drive
from memfit.reporting.content import Columns, distinct
from memfit.reporting.figures.marks import (
    ARROW,
    DATA,
    GREY,
    INK,
    MODEL,
    PALE,
    SERIES,
    VERMILLION,
    Margins,
    crosses,
    curve,
    dots,
    few,
    hide_tick_labels,
    kept,
    key,
    limits,
    linear_axis,
    log_axis,
    place_axes,
    shade_band,
)
from memfit.reporting.fit.curves import StabilityCurves, VoltageCurves, band_of
from memfit.reporting.numbers import quantity, scale_for, span

_ARROWS = 4
_MOST_ENTRIES = 14
_DECADES_SHOWN = 7
"""Of |I| below its maximum; what lies lower is the sign change of the current."""


def sweep_of(fitted: FittedRecord) -> IVSweep:
    """The sweep inside a fitted record of the kind "iv"."""
    record = fitted.record
    if not isinstance(record, IVSweep):
        raise TypeError(f"expected an I-V sweep, found a record of kind {record.kind!r}")
    return record


def rate_label(sweep: IVSweep) -> str:
    """Scan rate as text, or what else the sweep is."""
    if sweep.scan_rate is not None:
        return quantity(sweep.scan_rate, "V/s" if sweep.control == "voltage" else "A/s")
    return "quasi-steady" if sweep.time is None else "uneven rate"


def model_points(fitted: FittedRecord) -> tuple[FloatArray, FloatArray]:
    """Voltage (V) and current (A) of the model along the sweep."""
    sweep, predicted = sweep_of(fitted), np.asarray(fitted.predicted, dtype=np.float64)
    return (sweep.voltage, predicted) if sweep.control == "voltage" else (predicted, sweep.current)


def _draw_sweep(
    axes: Axes,
    fitted: FittedRecord,
    factor: float,
    colour: Any = DATA,
    *,
    log: bool = False,
    thin: bool = False,
) -> None:
    """Data as dots and model as a line in axes whose limits are set; `factor` scales the current."""
    sweep = sweep_of(fitted)
    V_model, I_model = model_points(fitted)
    shape = np.abs if log else np.asarray
    shown = fitted.used
    dots(axes, sweep.voltage[shown], shape(sweep.current[shown]) * factor, colour, 2.3)
    if not shown.all():
        crosses(axes, sweep.voltage[~shown], shape(sweep.current[~shown]) * factor)
    curve(axes, V_model, shape(I_model) * factor, MODEL, linewidth=0.4 if thin else 0.8)
    band = band_of(fitted)
    if band and sweep.control == "voltage" and not thin:
        low, high = np.sort(np.stack([shape(end) * factor for end in band]), axis=0)
        shade_band(axes, V_model, low, high)


def draw_direction(axes: Axes, x: FloatArray, y: FloatArray) -> None:
    """Arrow heads along a course, evenly spaced on the paper.

    Parameters
    ----------
    axes : Axes
        With limits and scale set.
    x, y : (n,) arrays
        In the units shown.
    """
    if x.size < 8:
        return
    place = axes.transLimits.transform(axes.transScale.transform(np.column_stack([x, y])))
    across, up = np.diff(np.clip(place, 0.0, 1.0), axis=0).T
    way = np.concatenate([[0.0], np.cumsum(np.hypot(across, up))])
    if way[-1] <= 0.0:
        return
    reach = max(0.06, 3.0 * way[-1] / x.size)
    for share in (np.arange(_ARROWS) + 0.5) / _ARROWS:
        start, end = (int(np.searchsorted(way, min(share * way[-1] + s, way[-1]))) for s in (0.0, reach))
        end = min(end, x.size - 1)
        axes.annotate(
            "",
            (x[end], y[end]),
            (x[start], y[start]),
            arrowprops={"arrowstyle": "-|>", "color": ARROW, "linewidth": 0.5, "mutation_scale": 9},
            annotation_clip=True,
        )


def sweep_figure(figure: Figure, fitted: FittedRecord) -> None:
    """One sweep: linear above, |I| on a logarithmic scale below.

    Parameters
    ----------
    figure : Figure
        Empty.
    fitted : FittedRecord
        Of an I-V sweep.
    """
    sweep = sweep_of(fitted)
    V_model, I_model = model_points(fitted)
    current = kept(sweep.current, fitted.used)
    factor, unit = scale_for(float(np.abs(current).max()), "A")
    linear, logarithmic = place_axes(figure, [1.15, 1], Margins(top=5))
    across = limits(sweep.voltage, V_model)
    for axes in (linear, logarithmic):
        linear_axis(axes, "x", across, 6)
    linear_axis(linear, "y", limits(current * factor, I_model * factor))
    linear.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    _draw_sweep(linear, fitted, factor)
    draw_direction(linear, V_model, I_model * factor)
    linear.set_ylabel(f"I ({unit})")
    linear.set_title(
        f"Scan rate {rate_label(sweep)}" if sweep.scan_rate else rate_label(sweep).capitalize(), pad=3
    )
    hide_tick_labels(linear)
    moduli = np.abs(current), np.abs(I_model)
    low, high = limits(*moduli, log=True)
    typical = float(np.percentile(np.concatenate(moduli), 2))  # not the dive to zero where the sign changes
    floor = max(low, high * 10.0**-_DECADES_SHOWN, min(typical, high / 100) * 0.3)
    log_axis(logarithmic, "y", (floor, high), 6)
    _draw_sweep(logarithmic, fitted, 1.0, log=True)
    draw_direction(logarithmic, V_model, np.maximum(np.abs(I_model), logarithmic.get_ylim()[0]))
    logarithmic.set_ylabel("|I| (A)")
    logarithmic.set_xlabel("V (V)")


def overview_sweeps_figure(
    figure: Figure,
    sweeps: Sequence[FittedRecord],
    steady: VoltageCurves | None,
    stability: StabilityCurves | None,
) -> None:
    """All sweeps with the steady curve, and the range that is unstable under current control shaded.

    Parameters
    ----------
    figure : Figure
    sweeps : sequence of FittedRecord
    steady : VoltageCurves, optional
    stability : StabilityCurves, optional
    """
    (axes,) = place_axes(figure, [1], Margins(right=21))
    records = [sweep_of(fitted) for fitted in sweeps]
    V = [record.voltage for record in records] or ([steady.terminal] if steady else [])
    current = [kept(sweep_of(fitted).current, fitted.used) for fitted in sweeps] or (
        [steady.current] if steady else []
    )
    factor, unit = scale_for(max((float(np.abs(values).max()) for values in current), default=1.0), "A")
    linear_axis(axes, "x", limits(*V), 6)
    linear_axis(axes, "y", limits(*(values * factor for values in current)))
    entries: list[tuple[Any, str]] = []
    labels = distinct([rate_label(sweep_of(fitted)) for fitted in sweeps])
    for fitted, label, colour in zip(sweeps, labels, SERIES * len(sweeps), strict=False):
        _draw_sweep(axes, fitted, factor, colour, thin=True)
        entries.append((colour, label))
    if steady is not None:
        curve(axes, steady.terminal, steady.current * factor, GREY, linestyle=(0, (4, 2)))
        entries.append((GREY, "steady"))
    if steady is not None and stability is not None and stability.hopf["current"].size >= 2:
        low, high = np.interp(stability.hopf["current"], steady.u, steady.terminal)
        axes.axvspan(low, high, color=PALE, linewidth=0, zorder=-1)
        entries.append((PALE, "unstable"))
    axes.set_xlabel("V (V)")
    axes.set_ylabel(f"I ({unit})")
    key(axes, [entries[i] for i in few(len(entries), _MOST_ENTRIES)])


def sweep_title(sweep: IVSweep) -> str:
    """A sweep in words: rate and turning points."""
    return f"{rate_label(sweep)}, {span(float(sweep.voltage.min()), float(sweep.voltage.max()), 'V')}"


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
    """Response above, drive below, on one time axis.

    Parameters
    ----------
    figure : Figure
        Empty.
    fitted : FittedRecord
        Of a transient.
    """
    transient = transient_of(fitted)
    drive_unit, response_unit = _units_of(transient)
    names = {"V": "V", "A": "I"}
    top, bottom = place_axes(figure, [2.2, 1], Margins(top=3))
    per_second, time_unit = scale_for(float(np.ptp(transient.time)), "s")
    across = limits(transient.time * per_second, pad=0.02)
    for axes in (top, bottom):
        linear_axis(axes, "x", across, 6)
    factor, unit = _response_axis(top, fitted, response_unit)
    top.set_ylabel(f"{names[response_unit]} ({unit})")
    _draw_response(top, fitted, per_second, factor)
    hide_tick_labels(top)
    time, value = polygon(transient.drive, float(transient.time[0]), float(transient.time[-1]))
    drive_factor, shown_unit = scale_for(float(np.abs(value).max()), drive_unit)
    linear_axis(bottom, "y", limits(value * drive_factor, pad=0.12), 3)
    curve(bottom, time * per_second, value * drive_factor, VERMILLION, linewidth=0.9)
    bottom.set_ylabel(f"{names[drive_unit]} ({shown_unit})")
    bottom.set_xlabel(f"Time ({time_unit})")


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


def sweeps_data(sweeps: Sequence[FittedRecord]) -> Columns:
    """Data and model of sweeps, side by side where there are several.

    Parameters
    ----------
    sweeps : sequence of FittedRecord
    """
    labels = distinct([rate_label(sweep_of(fitted)) for fitted in sweeps])
    columns: dict[str, FloatArray] = {}
    for fitted, label in zip(sweeps, labels, strict=True):
        sweep, (V_model, I_model) = sweep_of(fitted), model_points(fitted)
        tail = f" ({label})" if len(sweeps) > 1 else ""
        columns |= {
            f"voltage_V{tail}": sweep.voltage,
            f"current_A{tail}": sweep.current,
            f"model_voltage_V{tail}": V_model,
            f"model_current_A{tail}": I_model,
            **_band_columns(
                fitted, f"model_{'current_A' if sweep.control == 'voltage' else 'voltage_V'}{tail}"
            ),
        }
    return columns


def transient_data(fitted: FittedRecord) -> Columns:
    """Drive, response and model of a transient.

    Parameters
    ----------
    fitted : FittedRecord
        Of the kind "transient".
    """
    transient = transient_of(fitted)
    drive_unit, unit = _units_of(transient)
    return {
        "time_s": transient.time,
        f"drive_{drive_unit}": transient.drive.at(transient.time),
        f"response_{unit}": transient.response,
        f"model_{unit}": np.asarray(fitted.predicted, dtype=np.float64),
        **_band_columns(fitted, f"model_{unit}"),
    }


def _band_columns(fitted: FittedRecord, name: str) -> dict[str, FloatArray]:
    """Ends of the 95 % band of the model; nothing where it is not known."""
    band = band_of(fitted)
    return {f"{name}_low": band[0], f"{name}_high": band[1]} if band else {}
