"""A device through its window: spectra (as the paper's Fig. 4), eigenvalues, courses in time (its Fig. 5).

A smooth line through values one step apart, which does not swing beside a corner.

Between two neighbours the line is the cubic with the values and the slopes at both ends; a slope is the
mean of the chords on its two sides, weighted by how little the line bends there. H. Akima, J. ACM 1970, 17,
589.

What a device does in a circuit: bifurcation diagram, frequency, maps of regions and of the gain margin.

The fitted device against voltage: steady state, impedance parameters (Fig. 1), stability (Fig. 5).
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.analysis.stability import RegionMap
from memfit.arrays import BoolArray, FloatArray
from memfit.reporting.figures.marks import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    PURPLE,
    SERIES,
    VERMILLION,
    Margins,
    curve,
    dots,
    graded_colours,
    hide_tick_labels,
    key,
    limits,
    linear_axis,
    log_axis,
    place_axes,
)
from memfit.reporting.fit.curves import StabilityCurves, VoltageCurves
from memfit.reporting.numbers import power_of_ten, quantity_digits, scale_for
from memfit.reporting.stability.curves import Dynamics, GainMap, WindowCurves, attracts
from memfit.reporting.text import SYMBOLS


def smooth_line(values: FloatArray, finer: int) -> FloatArray:
    """Akima's line through values at 0, 1, 2, ..., at `finer` steps from one to the next.

    Parameters
    ----------
    values : (n,) array
        Three or more.
    finer : int

    Returns
    -------
    (finer * (n - 1) + 1,) array
    """
    slopes = _slopes(values)
    t = np.arange(finer)[:, None] / finer
    first, last = values[:-1], values[1:]
    lines = (
        (1 + 2 * t) * (1 - t) ** 2 * first
        + t**2 * (3 - 2 * t) * last
        + t * (1 - t) ** 2 * slopes[:-1]
        + t**2 * (t - 1) * slopes[1:]
    )
    return np.append(lines.T.ravel(), values[-1])


def _slopes(values: FloatArray) -> FloatArray:
    """(n,) slopes; beyond the ends the chords go on as a parabola."""
    chords = np.diff(values)
    start, end = chords[0] - chords[1], chords[-1] - chords[-2]
    ahead, beyond = chords[0] + start * np.array([2, 1]), chords[-1] + end * np.array([1, 2])
    chords = np.concatenate([ahead, chords, beyond])
    bends = np.abs(np.diff(chords))
    before, after = bends[:-2], bends[2:]
    both = before + after
    straight = both <= 1e-9 * both.max(initial=0.0)
    weight = np.where(straight, 0.5, after / np.where(straight, 1.0, both))
    slopes: FloatArray = weight * chords[1:-2] + (1.0 - weight) * chords[2:-1]
    return slopes


_DASHED: Any = (0, (3, 2))
_OSCILLATES, _RINGS = "#f6d6b8", "#d5e6f3"
_LOG_MARGINS = np.log([1.0, 1.25, 2.0, 5.0, 10.0, 100.0])
_MARGIN_COLOURS = ("#efb681", "#fbeee2", "#e6f0f8", "#c4dcee", "#93bfe0", "#5b9fd0", "#3a7fb5")
_MARGIN_WORDS = ("below 1", "1 to 1.25", "1.25 to 2", "2 to 5", "5 to 10", "10 to 100", "above 100")
_LARGEST_LOG = 50.0
_FINER, _FEWEST_SMOOTH = 8, 5
_NARROW = 6.0  # ratio of the ends of an axis below which it is linear
_UNITS = {"C_m": "F", "C_external": "F", "i_c0": "A", "V_m": "V", "tau_d": "s", "tau_k": "s"}


def bifurcation_figure(figure: Figure, found: Dynamics) -> None:
    """Steady junction voltage and extremes of the limit cycles against the source; unstable is dashed."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    scale = _source_axis(axes, found)
    cycles = found.diagram.cycles
    lows, highs = (np.array([cycle.u[end] for cycle in cycles]) for end in (0, 1))
    linear_axis(axes, "y", limits(found.steady.u, lows, highs))
    unstable = found.steady.kind >= 2
    for pick, style in ((~unstable, "-"), (unstable, _DASHED)):
        curve(axes, found.steady.source * scale, _where(pick, found.steady.u), INK, linestyle=style)
    source, stable = _cycle_sources(found) * scale, _stable(found)
    for ends in (lows, highs):
        _branch(axes, source, ends, stable)
    key(axes, [(INK, "steady state"), (VERMILLION, "limit cycle")])
    axes.set_ylabel("u (V)")


def frequency_figure(figure: Figure, found: Dynamics) -> None:
    """Frequency of the limit cycles, and of the ringing about the steady state, against the source."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    scale = _source_axis(axes, found)
    ringing = np.where(found.steady.frequency_Hz > 0.0, found.steady.frequency_Hz, np.nan)
    frequency = np.array([cycle.frequency_Hz for cycle in found.diagram.cycles])
    linear_axis(axes, "y", limits(ringing, frequency, np.array([0.0]), pad=0.03))
    curve(axes, found.steady.source * scale, ringing, GREY, linewidth=0.7)
    _branch(axes, _cycle_sources(found) * scale, frequency, _stable(found))
    key(axes, [(VERMILLION, "limit cycle"), (GREY, "eigenvalue")])
    axes.set_ylabel("Frequency (Hz)")


def load_map_figure(figure: Figure, regions: RegionMap) -> None:
    """What the device does over bias and load of a voltage source."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    linear_axis(axes, "x", (float(regions.x[0]), float(regions.x[-1])), 5)
    log_axis(axes, "y", (float(regions.y[0]), float(regions.y[-1])), 6)
    rings, margin = (regions.region >= 1).astype(np.float64), _bounded(regions)
    entries = []
    if np.ptp(rings) > 0.0:
        axes.contourf(regions.x, regions.y, rings, levels=[0.5, 1.5], colors=[_RINGS])
        entries.append((_RINGS, "rings"))
    if margin.min() < 0.0:
        axes.contourf(regions.x, regions.y, margin, levels=[-_LARGEST_LOG, 0.0], colors=[_OSCILLATES])
        axes.contour(regions.x, regions.y, margin, levels=[0.0], colors=[VERMILLION], linewidths=0.9)
        entries.append((_OSCILLATES, "oscillates"))
    key(axes, entries)
    axes.set_xlabel("u (V)")
    axes.set_ylabel("Load (Ω)")


def gain_map_figure(figure: Figure, found: GainMap) -> None:
    """Smallest gain margin over two parameters, the device with its 95 % ellipse on it."""
    (axes,) = place_axes(figure, [1], Margins(right=22))
    regions, margin = found.map, _bounded(found.map)
    x_factor = _map_axis(axes, "x", regions.x_name, regions.x)
    y_factor = _map_axis(axes, "y", regions.y_name, regions.y)
    x, y = regions.x * x_factor, regions.y * y_factor
    levels = [-_LARGEST_LOG, *_LOG_MARGINS, 2.0 * _LARGEST_LOG]
    axes.contourf(x, y, margin, levels=levels, colors=_MARGIN_COLOURS)
    if margin.min() < 0.0 < margin.max():
        axes.contour(x, y, margin, levels=[0.0], colors=[VERMILLION], linewidths=0.9)
    rings = (regions.region >= 1).astype(np.float64)
    if 0.0 < rings.mean() < 1.0:
        axes.contour(x, y, rings, levels=[0.5], colors=[INK], linewidths=0.6, linestyles=[_DASHED])
    if found.ellipse is not None:
        curve(axes, found.ellipse[0] * x_factor, found.ellipse[1] * y_factor, INK)
    _mark_device(axes, found.device[0] * x_factor, found.device[1] * y_factor)
    bands = zip(_MARGIN_COLOURS, _MARGIN_WORDS, levels[:-1], levels[1:], strict=True)
    shown = [
        (colour, words) for colour, words, low, high in bands if np.any((margin >= low) & (margin < high))
    ]
    key(axes, shown, title="Gain margin")


def _map_axis(axes: Axes, which: Literal["x", "y"], name: str, values: FloatArray) -> float:
    """An axis of a map; gives the factor from SI to its unit."""
    factor, unit = scale_for(float(values[-1]), _UNITS.get(name, "ohm"))
    ends = float(values[0]) * factor, float(values[-1]) * factor
    (linear_axis if ends[1] < _NARROW * ends[0] else log_axis)(axes, which, ends, 5)
    meaning = SYMBOLS[name].meaning
    getattr(axes, f"set_{which}label")(f"{meaning[0].upper()}{meaning[1:]} ({unit})")
    return factor


def _mark_device(axes: Axes, x: float, y: float) -> None:
    """A ring where the device is."""
    axes.plot(x, y, "o", markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9, markersize=4.5)
    axes.annotate("device", (x, y), (4, 4), textcoords="offset points", fontsize=6, color=INK)


def _source_axis(axes: Axes, found: Dynamics) -> float:
    """The horizontal axis: what the source holds; gives the factor from SI to its unit."""
    control = found.circuit.control
    source = found.steady.source
    scale, unit = scale_for(float(np.abs(source).max()), "A" if control == "current" else "V")
    linear_axis(axes, "x", (float(source[0]) * scale, float(source[-1]) * scale), 6)
    axes.set_xlabel(f"Source {control} ({unit})")
    return scale


def _branch(axes: Axes, source: FloatArray, values: FloatArray, stable: BoolArray) -> None:
    """A branch of limit cycles, smooth between those computed: stable parts solid, unstable ones dashed."""
    if source.size >= _FEWEST_SMOOTH:
        stable = stable[np.rint(np.arange(_FINER * (source.size - 1) + 1) / _FINER).astype(np.int64)]
        source, values = smooth_line(source, _FINER), smooth_line(values, _FINER)
    for pick, style in ((stable, "-"), (~stable, _DASHED)):
        curve(axes, source, _where(pick, values), VERMILLION, linestyle=style)


def _cycle_sources(found: Dynamics) -> FloatArray:
    """What the source holds on the branch, SI."""
    return np.array([cycle.source for cycle in found.diagram.cycles])


def _stable(found: Dynamics) -> BoolArray:
    """Which cycles of the branch are stable."""
    return np.array([attracts(cycle) for cycle in found.diagram.cycles], dtype=bool)


def _where(pick: BoolArray, values: FloatArray) -> FloatArray:
    """The values picked; NaN, which breaks a line, elsewhere."""
    return np.where(pick, values, np.nan)


def _bounded(regions: RegionMap) -> FloatArray:
    """The logarithm of the gain margin within what can be drawn."""
    return np.clip(regions.log_gain_margin, 0.99 * -_LARGEST_LOG, _LARGEST_LOG)


_LARGEST_RATIO = 1e4
"""R_a is drawn up to this many times R_b, beyond which it carries no current."""
_DECADES_OF_CURRENT = 6
_FAR = 100.0
"""Gain margin from which a circuit no longer sets the range shown."""
_CIRCUIT_COLOURS = {"current": BLUE, "voltage": VERMILLION}


def steady_figure(figure: Figure, curves: VoltageCurves, biases: FloatArray) -> None:
    """Steady |I| with its parts above, the activation below; ticks mark the biases (V) measured."""
    top, bottom = place_axes(figure, [1.6, 1], Margins(right=17))
    for axes in (top, bottom):
        linear_axis(axes, "x", (float(curves.u[0]), float(curves.u[-1])), 6)
    parts = [
        (np.abs(curves.current), INK, "steady I"),
        (np.abs(curves.u) / curves.R_b, GREEN, "leakage"),
        (curves.channel, BLUE, "channel"),
    ]
    largest = float(np.abs(curves.current).max())
    log_axis(top, "y", (largest * 10.0**-_DECADES_OF_CURRENT, largest * 2.0), 6)
    for values, colour, _ in parts:
        curve(top, curves.u, values, colour)
    key(top, [(colour, name) for _, colour, name in parts])
    top.set_ylabel("|I| (A)")
    hide_tick_labels(top)
    linear_axis(bottom, "y", (-0.04, 1.04))
    curve(bottom, curves.u, curves.channel / curves.saturation, BLUE)
    bottom.set_ylabel("Activation f")
    bottom.set_xlabel("u (V)")
    _rug(bottom, biases)


def resistances_figure(figure: Figure, curves: VoltageCurves, biases: FloatArray) -> None:
    """R_a, R_b and R_dc above, L_d and L_k below; ticks mark the biases (V) measured."""
    top, bottom = place_axes(figure, [1, 1], Margins(right=12))
    across = float(curves.u[0]), float(curves.u[-1])
    for axes in (top, bottom):
        linear_axis(axes, "x", across, 6)
    ceiling = float(curves.R_b[0]) * _LARGEST_RATIO
    low, high = limits(curves.R_dc, curves.R_b, curves.R_a, log=True)
    log_axis(top, "y", (low, min(high, ceiling)), 6)
    entries: list[tuple[Any, str]] = []
    for values, colour, name in (
        (curves.R_a, BLUE, "R_a"),
        (curves.R_b, GREEN, "R_b"),
        (curves.R_dc, VERMILLION, "R_dc"),
    ):
        curve(top, curves.u, values, colour)
        entries.append((colour, name))
    key(top, entries)
    top.set_ylabel("Resistance (Ω)")
    hide_tick_labels(top)
    shown = curves.R_a < ceiling
    inductances = [(curves.L_d, BLUE, "L_d"), (curves.L_k, PURPLE, "L_k")]
    inductances = [item for item in inductances if np.any(item[0] > 0)]
    log_axis(bottom, "y", limits(*(values[shown] for values, _, _ in inductances), log=True), 6)
    for values, colour, _ in inductances:
        curve(bottom, curves.u, values, colour)
    key(bottom, [(colour, name) for _, colour, name in inductances])
    bottom.set_ylabel("Inductance (H)")
    bottom.set_xlabel("u (V)")
    _rug(bottom, biases)


def _rug(axes: Axes, positions: FloatArray) -> None:
    """Short ticks along the lower edge."""
    axes.vlines(positions, 0, 0.05, transform=axes.get_xaxis_transform(), color=INK, linewidth=0.8)


def coefficients_figure(figure: Figure, curves: StabilityCurves) -> None:
    """c2, c1, c0 above, the Hurwitz determinant relative to c2 c1 below; Hopf points as dashed lines."""
    top, bottom = place_axes(figure, [1.2, 1], Margins(right=12, left=14))
    across = float(curves.u[0]), float(curves.u[-1])
    for axes in (top, bottom):
        linear_axis(axes, "x", across, 6)
    lines = [
        (curves.c2, BLUE, "c₂ (s⁻¹)"),
        (curves.c1, GREEN, "c₁ (s⁻²)"),
        (curves.c0, VERMILLION, "c₀ (s⁻³)"),
    ]
    log_axis(top, "y", limits(*(values for values, _, _ in lines), log=True), 6)
    for values, colour, _ in lines:
        curve(top, curves.u, values, colour)
    top.set_ylabel("Coefficient")
    hide_tick_labels(top)
    key(top, [(colour, name) for _, colour, name in lines], at=(1.02, 1.0))
    curve(bottom, curves.u, curves.hurwitz, INK)
    low, high = limits(curves.hurwitz, np.array([0.0]))
    linear_axis(bottom, "y", (max(low, -2.0), high))
    bottom.axhline(0.0, color=INK, linewidth=0.4)
    bottom.set_ylabel("(c₂c₁ − c₀) / c₂c₁")
    bottom.set_xlabel("u (V)")
    for axes in (top, bottom):
        _hopf_lines(axes, curves.hopf["current"], INK)


def _hopf_lines(axes: Axes, voltages: Sequence[float] | FloatArray, colour: Any) -> None:
    """Dashed upright lines at the Hopf voltages."""
    for voltage in voltages:
        axes.axvline(float(voltage), color=colour, linewidth=0.7, linestyle=(0, (3, 2)))


def gain_margin_figure(figure: Figure, curves: StabilityCurves) -> None:
    """Gain margin by circuit; below 1, shaded, the steady state is unstable."""
    (axes,) = place_axes(figure, [1], Margins(right=21))
    linear_axis(axes, "x", (float(curves.u[0]), float(curves.u[-1])), 6)
    least = {circuit: float(margin.min()) for circuit, margin in curves.margins.items()}
    near = [value for value in least.values() if value < _FAR] or [min(least.values())]
    low, high = min(0.5, 0.5 * min(least.values())), 30.0 * max(1.0, *near)
    log_axis(axes, "y", (low, high), 6)
    axes.axhspan(low, 1.0, color=PALE, linewidth=0, zorder=-2)
    axes.axhline(1.0, color=INK, linewidth=0.5)
    entries: list[tuple[Any, str]] = []
    for circuit, margin in curves.margins.items():
        colour = _CIRCUIT_COLOURS.get(circuit, GREY)
        curve(axes, curves.u, margin, colour)
        _hopf_lines(axes, curves.hopf[circuit], colour)
        above = f" > {power_of_ten(int(np.log10(least[circuit])))}" if least[circuit] > high else ""
        entries.append((colour, circuit + above))
    entries.append((PALE, "unstable"))
    key(axes, entries, title="Control")
    axes.set_xlabel("u (V)")
    axes.set_ylabel("Gain margin")


_REACH = 1.5
"""Spectra are shown up to so many times the largest one that is stable."""
_KEY = Margins(right=22)


def window_spectra_figure(figure: Figure, curves: WindowCurves) -> None:
    """-Im Z against Re Z at biases through the window; unstable ones are dashed."""
    (axes,) = place_axes(figure, [1], _KEY)
    Z, unstable = curves.impedance, curves.points.kind >= 2
    stable = Z[~unstable & (curves.points.gain_margin > 1.0 + 1e-6)]
    reach = _REACH * float(np.abs(stable if stable.size else Z).max())
    reach = min(reach, 8.0 * float(np.median(np.abs(Z[:, -1]))))
    scale, unit = scale_for(reach, "ohm")
    inside = np.abs(Z) < 1.4 * reach
    for which, part in (("x", Z.real), ("y", -Z.imag)):
        linear_axis(axes, which, limits(np.clip(part[inside], -reach, reach) * scale))
    axes.axhline(0.0, color=GREY, linewidth=0.4)
    axes.axvline(0.0, color=GREY, linewidth=0.4)
    entries = []
    for colour, row, bad, u in zip(graded_colours(len(Z)), Z, unstable, curves.points.u, strict=True):
        curve(axes, row.real * scale, -row.imag * scale, colour, linestyle=(0, (3, 2)) if bad else "-")
        entries.append((colour, quantity_digits(float(u), "V")))
    key(axes, entries, title="u")
    axes.set_xlabel(f"Re Z ({unit})")
    axes.set_ylabel(f"−Im Z ({unit})")


def root_locus_figure(figure: Figure, curves: WindowCurves) -> None:
    """The eigenvalues in the complex plane along the bias, dark to light; right of the line they grow."""
    (axes,) = place_axes(figure, [1], _KEY)
    values = curves.steady.eigenvalues
    pair = values[np.abs(values.imag) > 0.0]
    shown = pair if pair.size else values.ravel()
    rate = limits(shown.real, np.array([0.0]))
    linear_axis(axes, "x", rate)
    hertz = values.imag / (2.0 * np.pi)
    around_zero = np.array([-0.1, 0.1]) * float(np.abs(hertz).max() or 1.0)
    linear_axis(axes, "y", limits(shown.imag / (2.0 * np.pi), around_zero))
    axes.axvline(0.0, color=VERMILLION, linewidth=0.7)
    axes.axhline(0.0, color=GREY, linewidth=0.4)
    colours = graded_colours(values.shape[0])
    every = max(values.shape[0] // 120, 1)
    for k in range(0, values.shape[0], every):
        dots(axes, values[k].real, hertz[k], colours[k])
    entries = [
        (colours[k], quantity_digits(float(curves.steady.u[k]), "V"))
        for k in np.linspace(0, values.shape[0] - 1, 4).astype(int)
    ]
    key(axes, entries, title="u")
    axes.set_xlabel("Re λ (s⁻¹)")
    axes.set_ylabel("Im λ / 2π (Hz)")


def time_courses_figure(figure: Figure, curves: WindowCurves) -> None:
    """U after the source is switched on from zero, at biases below, in and above the window."""
    (axes,) = place_axes(figure, [1], _KEY)
    scale, unit = scale_for(float(curves.time[-1]), "s")
    linear_axis(axes, "x", (0.0, float(curves.time[-1]) * scale))
    shown = [
        (colour, float(curves.points.source[place]), course)
        for colour, place, course in zip(SERIES, curves.course_places, curves.courses, strict=False)
        if course is not None
    ]
    linear_axis(axes, "y", limits(*(course for _, _, course in shown)))
    for colour, _, course in shown:
        curve(axes, curves.time * scale, course, colour)
    source = "A" if curves.circuit.control == "current" else "V"
    key(axes, [(colour, quantity_digits(value, source)) for colour, value, _ in shown], title="Source")
    axes.axhline(0.0, color=INK, linewidth=0.3)
    axes.set_xlabel(f"Time ({unit})")
    axes.set_ylabel("u (V)")
