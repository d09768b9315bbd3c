"""Current-voltage sweeps beside the model: linear and semilogarithmic, with the direction of the scan."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.datasets import IVSweep
from memfit.fitting import FittedRecord
from memfit.reporting.content import Columns, distinct
from memfit.reporting.figures.marks import (
    ARROW,
    DATA,
    GREY,
    INK,
    MODEL,
    PALE,
    SERIES,
    Margins,
    crosses,
    curve,
    dots,
    few,
    kept,
    key,
    limits,
    place_axes,
    shade_band,
)
from memfit.reporting.figures.ticks import hide_tick_labels, linear_axis, log_axis
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
    linear, logarithmic = place_axes(figure, [1.15, 1], Margins(top=5))
    draw_sweep(linear, fitted)
    linear.set_title(
        f"Scan rate {rate_label(sweep)}" if sweep.scan_rate else rate_label(sweep).capitalize(), pad=3
    )
    hide_tick_labels(linear)
    draw_sweep_logarithmic(logarithmic, fitted)
    logarithmic.set_xlabel("V (V)")


def draw_sweep(axes: Axes, fitted: FittedRecord) -> None:
    """One sweep, I against V, with the direction of the scan.

    Parameters
    ----------
    axes : Axes
    fitted : FittedRecord
        Of an I-V sweep.
    """
    sweep = sweep_of(fitted)
    V_model, I_model = model_points(fitted)
    current = kept(sweep.current, fitted.used)
    factor, unit = scale_for(float(np.abs(current).max()), "A")
    linear_axis(axes, "x", limits(sweep.voltage, V_model), 6)
    linear_axis(axes, "y", limits(current * factor, I_model * factor))
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    _draw_sweep(axes, fitted, factor)
    draw_direction(axes, *_course(fitted, factor))
    axes.set_ylabel(f"I ({unit})")


def _course(fitted: FittedRecord, factor: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Where a sweep goes, V and I times a factor: along the model, or along the data where there is none."""
    sweep, (V, current) = sweep_of(fitted), model_points(fitted)
    known = bool(np.all(np.isfinite(V) & np.isfinite(current)))
    return (V, current * factor) if known else (sweep.voltage, sweep.current * factor)


def draw_sweep_logarithmic(axes: Axes, fitted: FittedRecord) -> None:
    """One sweep, |I| on a logarithmic scale against V.

    Parameters
    ----------
    axes : Axes
    fitted : FittedRecord
        Of an I-V sweep.
    """
    sweep = sweep_of(fitted)
    V_model, I_model = model_points(fitted)
    linear_axis(axes, "x", limits(sweep.voltage, V_model), 6)
    moduli = np.abs(kept(sweep.current, fitted.used)), np.abs(I_model)
    low, high = limits(*moduli, log=True)
    typical = float(
        np.nanpercentile(np.concatenate(moduli), 2)
    )  # not the dive to zero where the sign changes
    floor = max(low, high * 10.0**-_DECADES_SHOWN, min(typical, high / 100) * 0.3)
    log_axis(axes, "y", (floor, high), 6)
    _draw_sweep(axes, fitted, 1.0, log=True)
    V, current = _course(fitted)
    draw_direction(axes, V, np.maximum(np.abs(current), axes.get_ylim()[0]))
    axes.set_ylabel("|I| (A)")


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
    entries = draw_sweeps(axes, sweeps, steady, stability)
    key(axes, [entries[i] for i in few(len(entries), _MOST_ENTRIES)])


def draw_sweeps(
    axes: Axes,
    sweeps: Sequence[FittedRecord],
    steady: VoltageCurves | None = None,
    stability: StabilityCurves | None = None,
) -> list[tuple[Any, str]]:
    """All sweeps in one picture; gives the colours and words of a key.

    Parameters
    ----------
    axes : Axes
    sweeps : sequence of FittedRecord
    steady : VoltageCurves, optional
        The steady curve is drawn too.
    stability : StabilityCurves, optional
        The range that is unstable under current control is shaded.
    """
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
    return entries


def sweep_title(sweep: IVSweep) -> str:
    """A sweep in words: rate and turning points."""
    return f"{rate_label(sweep)}, {span(float(sweep.voltage.min()), float(sweep.voltage.max()), 'V')}"


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
            **band_columns(
                fitted, f"model_{'current_A' if sweep.control == 'voltage' else 'voltage_V'}{tail}"
            ),
        }
    return columns


def band_columns(fitted: FittedRecord, name: str) -> dict[str, FloatArray]:
    """Ends of the 95 % band of the model; nothing where it is not known."""
    band = band_of(fitted)
    return {f"{name}_low": band[0], f"{name}_high": band[1]} if band else {}
