"""A device through its window: spectra (as the paper's Fig. 4), eigenvalues, courses in time (its Fig. 5)."""

import numpy as np
from matplotlib.figure import Figure

from memfit.reporting.figures.marks import (
    GREY,
    INK,
    SERIES,
    VERMILLION,
    Margins,
    curve,
    dots,
    graded_colours,
    key,
    limits,
    linear_axis,
    place_axes,
)
from memfit.reporting.numbers import quantity_digits, scale_for
from memfit.reporting.window import WindowCurves

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
