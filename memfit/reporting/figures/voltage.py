"""The fitted device against voltage: steady state, impedance parameters (Fig. 1), stability (Fig. 5)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.reporting.curves import StabilityCurves, VoltageCurves
from memfit.reporting.figures.marks import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PALE,
    PURPLE,
    VERMILLION,
    Margins,
    curve,
    key,
    limits,
    place_axes,
)
from memfit.reporting.figures.ticks import hide_tick_labels, linear_axis, log_axis
from memfit.reporting.numbers import power_of_ten

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
