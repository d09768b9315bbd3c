"""The fitted device against voltage, and what it does in a circuit.

Against voltage: steady state, impedance parameters (as Fig. 1 of Bisquert & Guerrero, J. Phys. Chem. Lett.
2022, 13, 3789) and stability (Fig. 5). In a circuit: bifurcation diagram and frequency of the oscillation,
spectra through the window (Fig. 4), eigenvalues, courses in time (Fig. 5), maps of what the device does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.analysis.cycles import BifurcationDiagram, LimitCycle
from memfit.analysis.stability import Circuit, OperatingPoints, RegionMap
from memfit.arrays import ComplexArray, FloatArray
from memfit.model import UNITS, Parameters
from memfit.reporting.content import SYMBOLS, capitalised
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
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.ticks import hide_tick_labels, linear_axis, log_axis
from memfit.reporting.fit.curves import StabilityCurves, VoltageCurves
from memfit.reporting.numbers import power_of_ten, quantity_digits, scale_for

_DASHED: Any = (0, (3, 2))
_OSCILLATES, _RINGS = "#f6d6b8", "#d5e6f3"
LOG_MARGINS = np.log([1.0, 1.25, 2.0, 5.0, 10.0, 100.0])
MARGIN_COLOURS = ("#efb681", "#fbeee2", "#e6f0f8", "#c4dcee", "#93bfe0", "#5b9fd0", "#3a7fb5")
MARGIN_WORDS = ("below 1", "1 to 1.25", "1.25 to 2", "2 to 5", "5 to 10", "10 to 100", "above 100")
_LARGEST_LOG = 50.0
_FINER, _FEWEST_SMOOTH = 8, 5
_NARROW = 6.0  # ratio of the ends of an axis below which it is linear
_LARGEST_RATIO = 1e4  # R_a is drawn up to so many times R_b, beyond which it carries no current
_DECADES_OF_CURRENT = 6
_FAR = 100.0  # gain margin from which a circuit no longer sets the range shown
_REACH = 1.5  # spectra are shown up to so many times the largest one that is stable
_CIRCUIT_COLOURS = {"current": BLUE, "voltage": VERMILLION}
_KEY = Margins(right=22)


_MULTIPLIER_ERROR = 1e-4  # of a Floquet multiplier, where the orbit shrinks to a point
AXIS_UNITS: Mapping[str, str] = {
    **UNITS,
    "R_load": "ohm",
    "R_shunt": "ohm",
    "C_external": "F",
}
"""Units of all that can be changed: parameters of the device, and what is added to its circuit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dynamics:
    """What one device does in one circuit, which leaves its junction free and has three lags."""

    parameters: Parameters
    circuit: Circuit
    critical: OperatingPoints
    """The one bias at which the gain margin is smallest."""
    diagram: BifurcationDiagram
    steady: OperatingPoints
    """Steady states through the window of oscillation, or around V_T where there is none."""
    start_up: float | None
    """Time in which a small deviation grows a thousandfold at the critical bias, s; None where it decays."""
    cycle: LimitCycle | None
    """The stable limit cycle at the critical bias."""
    from_rest: float | None
    """Time from rest to the swing of that cycle after the source is switched on, s; None where none is."""

    @property
    def source_unit(self) -> str:
        """Of what the source holds."""
        return "A" if self.circuit.control == "current" else "V"


def attracts(cycle: LimitCycle) -> bool:
    """Whether an experiment settles on the cycle, within the error of the multiplier near a Hopf point."""
    return abs(cycle.multipliers[0]) < 1.0 + _MULTIPLIER_ERROR


@dataclass(frozen=True, kw_only=True, eq=False)
class GainMap:
    """The smallest gain margin over two parameters, with what a fit knows of them."""

    map: RegionMap
    device: tuple[float, float]
    """Values of the device, SI."""
    ellipse: tuple[FloatArray, FloatArray] | None
    """Outline that holds both parameters with 95 %; None without a covariance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowCurves:
    """A device in a circuit at a few biases and along all of them."""

    circuit: Circuit
    points: OperatingPoints
    """Steady states of the few biases, the lowest first."""
    frequency: FloatArray
    """(m,) Hz."""
    impedance: ComplexArray
    """(k, m) ohm: under current control that of the device, else of the junction with its circuit."""
    polynomial: StabilityCurves | None
    """Coefficients in this circuit; its Hopf voltages are under the name "current". A member has none."""
    steady: OperatingPoints
    """Steady states along the bias."""
    time: FloatArray
    """(t,) s after the source is switched on from zero."""
    courses: Mapping[float, FloatArray | None]
    """u (V) by the setting of the source at the first, the middle and the last bias, A or V; None where the
    integrator fails."""


def bifurcation_figure(figure: Figure, found: Dynamics) -> None:
    """Steady junction voltage and extremes of the limit cycles against the source; unstable is dashed.

    Parameters
    ----------
    figure : Figure
        Empty, as in all that follow.
    found : Dynamics
    """
    (axes,) = place_axes(figure, [1], _KEY)
    scale = _source_axis(axes, found)
    steady = found.steady
    lows, highs = np.array([cycle.u for cycle in found.diagram.cycles]).T
    linear_axis(axes, "y", limits(steady.u, lows, highs))
    for pick, style in ((steady.kind < 2, "-"), (steady.kind >= 2, _DASHED)):
        curve(axes, steady.source * scale, np.where(pick, steady.u, np.nan), INK, linestyle=style)
    _branch(axes, found, scale, lows)
    _branch(axes, found, scale, highs)
    key(axes, [(INK, "steady state"), (VERMILLION, "limit cycle")])
    axes.set_ylabel("u (V)")


def frequency_figure(figure: Figure, found: Dynamics) -> None:
    """Frequency of the limit cycles, and of the ringing about the steady state, against the source."""
    (axes,) = place_axes(figure, [1], _KEY)
    scale = _source_axis(axes, found)
    ringing = np.where(found.steady.frequency_Hz > 0.0, found.steady.frequency_Hz, np.nan)
    frequency = np.array([cycle.frequency_Hz for cycle in found.diagram.cycles])
    linear_axis(axes, "y", limits(ringing, frequency, np.array([0.0]), pad=0.03))
    curve(axes, found.steady.source * scale, ringing, GREY, linewidth=0.7)
    _branch(axes, found, scale, frequency)
    key(axes, [(VERMILLION, "limit cycle"), (GREY, "eigenvalue")])
    axes.set_ylabel("Frequency (Hz)")


def _source_axis(axes: Axes, found: Dynamics) -> float:
    """The horizontal axis: what the source holds; gives the factor from SI to its unit."""
    source = found.steady.source
    scale, unit = scale_for(float(np.abs(source).max()), found.source_unit)
    linear_axis(axes, "x", (float(source[0]) * scale, float(source[-1]) * scale), 6)
    axes.set_xlabel(f"Source {found.circuit.control} ({unit})")
    return scale


def _branch(axes: Axes, found: Dynamics, scale: float, values: FloatArray) -> None:
    """Something of the limit cycles against the source: stable parts solid, unstable ones dashed.

    The line is smooth between the cycles computed: Akima's, which does not swing beside a corner (J. ACM
    1970, 17, 589).
    """
    from scipy.interpolate import Akima1DInterpolator  # noqa: PLC0415 - slow to import, seldom needed

    source = np.array([cycle.source for cycle in found.diagram.cycles]) * scale
    stable = np.array([attracts(cycle) for cycle in found.diagram.cycles], dtype=bool)
    if source.size >= _FEWEST_SMOOTH:
        steps = [np.diff(one) / (float(np.ptp(one)) or 1.0) for one in (source, values)]
        way = np.concatenate([[0.0], np.cumsum(np.maximum(np.hypot(*steps), 1e-9))])  # cycles lie unevenly
        places = np.interp(np.arange(_FINER * (source.size - 1) + 1) / _FINER, np.arange(source.size), way)
        stable = stable[np.rint(np.interp(places, way, np.arange(source.size))).astype(np.int64)]
        source, values = (Akima1DInterpolator(way, one)(places) for one in (source, values))
    for pick, style in ((stable, "-"), (~stable, _DASHED)):
        curve(axes, source, np.where(pick, values, np.nan), VERMILLION, linestyle=style)


def load_map_figure(figure: Figure, regions: RegionMap) -> None:
    """What the device does over bias and load of a voltage source."""
    (axes,) = place_axes(figure, [1], _KEY)
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
    (axes,) = place_axes(figure, [1], _KEY)
    regions, margin = found.map, _bounded(found.map)
    x_factor = _map_axis(axes, "x", regions.x_name, regions.x)
    y_factor = _map_axis(axes, "y", regions.y_name, regions.y)
    x, y = regions.x * x_factor, regions.y * y_factor
    levels = [-_LARGEST_LOG, *LOG_MARGINS, 2.0 * _LARGEST_LOG]
    axes.contourf(x, y, margin, levels=levels, colors=MARGIN_COLOURS)
    if margin.min() < 0.0 < margin.max():
        axes.contour(x, y, margin, levels=[0.0], colors=[VERMILLION], linewidths=0.9)
    rings = (regions.region >= 1).astype(np.float64)
    if 0.0 < rings.mean() < 1.0:
        axes.contour(x, y, rings, levels=[0.5], colors=[INK], linewidths=0.6, linestyles=[_DASHED])
    if found.ellipse is not None:
        curve(axes, found.ellipse[0] * x_factor, found.ellipse[1] * y_factor, INK)
    at = (found.device[0] * x_factor, found.device[1] * y_factor)
    axes.plot(*at, "o", markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9, markersize=4.5)
    axes.annotate("device", at, (4, 4), textcoords="offset points", fontsize=6, color=INK)
    bands = zip(MARGIN_COLOURS, MARGIN_WORDS, levels[:-1], levels[1:], strict=True)
    shown = [
        (colour, words) for colour, words, low, high in bands if np.any((margin >= low) & (margin < high))
    ]
    key(axes, shown, title="Gain margin")


def _map_axis(axes: Axes, which: str, name: str, values: FloatArray) -> float:
    """An axis of a map; gives the factor from SI to its unit."""
    factor, unit = scale_for(float(values[-1]), AXIS_UNITS[name])
    ends = float(values[0]) * factor, float(values[-1]) * factor
    (linear_axis if ends[1] < _NARROW * ends[0] else log_axis)(axes, which, ends, 5)
    getattr(axes, f"set_{which}label")(f"{capitalised(SYMBOLS[name].meaning)} ({unit})")
    return factor


def _bounded(regions: RegionMap) -> FloatArray:
    """The logarithm of the gain margin within what can be drawn."""
    return np.clip(regions.log_gain_margin, 0.99 * -_LARGEST_LOG, _LARGEST_LOG)


def _two_panels(figure: Figure, u: FloatArray, heights: Sequence[float], margins: Margins) -> list[Axes]:
    """Axes one above the other, both against u (V)."""
    both = place_axes(figure, heights, margins)
    for axes in both:
        linear_axis(axes, "x", (float(u[0]), float(u[-1])), 6)
    hide_tick_labels(both[0])
    both[1].set_xlabel("u (V)")
    return both


def _lines(axes: Axes, u: FloatArray, lines: Sequence[tuple[FloatArray, str, str]]) -> None:
    """Curves against u, each with its colour and its name beside the axes."""
    for values, colour, _ in lines:
        curve(axes, u, values, colour)
    key(axes, [(colour, name) for _, colour, name in lines])


def steady_figure(figure: Figure, curves: VoltageCurves, biases: FloatArray) -> None:
    """Steady |I| with its parts above, the activation below; ticks mark the biases (V) measured."""
    top, bottom = _two_panels(figure, curves.u, [1.6, 1], Margins(right=17))
    largest = float(np.abs(curves.current).max())
    log_axis(top, "y", (largest * 10.0**-_DECADES_OF_CURRENT, largest * 2.0), 6)
    current, leakage = np.abs(curves.current), np.abs(curves.u) / curves.R_b
    lines = [(current, INK, "steady I"), (leakage, GREEN, "leakage"), (curves.channel, BLUE, "channel")]
    _lines(top, curves.u, lines)
    top.set_ylabel("|I| (A)")
    linear_axis(bottom, "y", (-0.04, 1.04))
    curve(bottom, curves.u, curves.channel / curves.saturation, BLUE)
    bottom.set_ylabel("Activation f")
    _rug(bottom, biases)


def resistances_figure(figure: Figure, curves: VoltageCurves, biases: FloatArray) -> None:
    """R_a, R_b and R_dc above, L_d and L_k below; ticks mark the biases (V) measured."""
    top, bottom = _two_panels(figure, curves.u, [1, 1], Margins(right=12))
    ceiling = float(curves.R_b[0]) * _LARGEST_RATIO
    low, high = limits(curves.R_dc, curves.R_b, curves.R_a, log=True)
    log_axis(top, "y", (low, min(high, ceiling)), 6)
    resistances = [(curves.R_a, BLUE, "R_a"), (curves.R_b, GREEN, "R_b"), (curves.R_dc, VERMILLION, "R_dc")]
    _lines(top, curves.u, resistances)
    top.set_ylabel("Resistance (Ω)")
    shown = curves.R_a < ceiling
    inductances = [(curves.L_d, BLUE, "L_d"), (curves.L_k, PURPLE, "L_k")]
    inductances = [item for item in inductances if np.any(item[0] > 0)]
    log_axis(bottom, "y", limits(*(values[shown] for values, _, _ in inductances), log=True), 6)
    _lines(bottom, curves.u, inductances)
    bottom.set_ylabel("Inductance (H)")
    _rug(bottom, biases)


def _rug(axes: Axes, positions: FloatArray) -> None:
    """Short ticks along the lower edge."""
    axes.vlines(positions, 0, 0.05, transform=axes.get_xaxis_transform(), color=INK, linewidth=0.8)


def coefficients_figure(figure: Figure, curves: StabilityCurves) -> None:
    """c2, c1, c0 above, the Hurwitz determinant relative to c2 c1 below; Hopf points as dashed lines."""
    top, bottom = _two_panels(figure, curves.u, [1.2, 1], Margins(right=12, left=14))
    coefficients = [
        (curves.c2, BLUE, "c₂ (s⁻¹)"),
        (curves.c1, GREEN, "c₁ (s⁻²)"),
        (curves.c0, VERMILLION, "c₀ (s⁻³)"),
    ]
    log_axis(top, "y", limits(*(values for values, _, _ in coefficients), log=True), 6)
    _lines(top, curves.u, coefficients)
    top.set_ylabel("Coefficient")
    curve(bottom, curves.u, curves.hurwitz, INK)
    low, high = limits(curves.hurwitz, np.array([0.0]))
    linear_axis(bottom, "y", (max(low, -2.0), high))
    bottom.axhline(0.0, color=INK, linewidth=0.4)
    bottom.set_ylabel("(c₂c₁ − c₀) / c₂c₁")
    for axes in (top, bottom):
        _hopf_lines(axes, curves.hopf["current"], INK)


def _hopf_lines(axes: Axes, voltages: Sequence[float] | FloatArray, colour: Any) -> None:
    """Dashed upright lines at the Hopf voltages."""
    for voltage in voltages:
        axes.axvline(float(voltage), color=colour, linewidth=0.7, linestyle=_DASHED)


def gain_margin_figure(figure: Figure, curves: StabilityCurves) -> None:
    """Gain margin by circuit; below 1, shaded, the steady state is unstable."""
    (axes,) = place_axes(figure, [1], Margins(right=21))
    key(axes, draw_gain_margin(axes, curves), title="Control")


def draw_gain_margin(axes: Axes, curves: StabilityCurves) -> list[tuple[Any, str]]:
    """Gain margin by circuit against voltage; gives the colours and words of a key.

    Parameters
    ----------
    axes : Axes
    curves : StabilityCurves
    """
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
    axes.set_xlabel("u (V)")
    axes.set_ylabel("Gain margin")
    return entries


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
        curve(axes, row.real * scale, -row.imag * scale, colour, linestyle=_DASHED if bad else "-")
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
    courses = {source: course for source, course in curves.courses.items() if course is not None}
    colours = dict(zip(curves.courses, SERIES, strict=False))
    linear_axis(axes, "y", limits(*courses.values()))
    for source, course in courses.items():
        curve(axes, curves.time * scale, course, colours[source])
    held = "A" if curves.circuit.control == "current" else "V"
    key(axes, [(colours[one], quantity_digits(one, held)) for one in courses], title="Source")
    axes.axhline(0.0, color=INK, linewidth=0.3)
    axes.set_xlabel(f"Time ({unit})")
    axes.set_ylabel("u (V)")
