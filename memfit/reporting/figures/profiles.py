"""Profile likelihoods: the least chi2 against one quantity, its threshold, the parabola of the linear fit."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.fitting.findings import Profile
from memfit.reporting.figures.marks import (
    GREY,
    INK,
    PALE,
    VERMILLION,
    Margins,
    curve,
    dots,
    linear_axis,
    log_axis,
    place_axes,
    write,
)
from memfit.reporting.numbers import scale_for

_HIGHEST = 1.6
"""Top of the picture, in thresholds."""
_POINTS = 40
"""Of the drawn curve between two computed points."""
_TITLE = 1.14
"""Height of the title, of that of the axes."""
_WIDE = 4.0
"""Ratio of the largest to the smallest value from which the axis is logarithmic."""


def profile_figure(figure: Figure, profile: Profile, label: str) -> None:
    """One profile; `label` names the quantity."""
    (axes,) = place_axes(figure, [1], Margins(left=9.5, right=4.0, top=5.5, bottom=7.6))
    value, rise = profile_curve(profile)
    wide = profile.logarithmic and value[-1] > _WIDE * value[0]
    factor, unit = (1.0, profile.unit) if wide else scale_for(float(np.abs(value).max()), profile.unit)
    shown = value * factor
    if wide:
        log_axis(axes, "x", (float(shown[0]), float(shown[-1])), 4)
    else:
        linear_axis(axes, "x", (float(shown[0]), float(shown[-1])), 2)
        axes.ticklabel_format(axis="x", useOffset=False, style="plain")
    top = _HIGHEST * profile.threshold
    linear_axis(axes, "y", (0.0, top), 4)
    _shade_interval(axes, profile, factor, top)
    axes.axhline(profile.threshold, color=INK, linewidth=0.5, linestyle=(0, (4, 2)))
    parabola = linear_curve(profile, value)
    if parabola is not None:
        curve(axes, shown, parabola, GREY, linewidth=0.8, linestyle=(0, (1.5, 1.5)))
    curve(axes, shown, rise, VERMILLION, linewidth=1.0)
    computed = np.array(profile.value) * factor
    dots(axes, computed, np.array(profile.rise), VERMILLION, 2.6)
    write(axes, 0.0, _TITLE, label)
    axes.set_xlabel(unit, labelpad=1)
    axes.set_ylabel("χ² − min", labelpad=1)


def _shade_interval(axes: Axes, profile: Profile, factor: float, top: float) -> None:
    """The 95 % interval, to the edge where it is open."""
    left, right = axes.get_xlim()
    low, high = profile.ci95
    ends = np.array([left if low is None else low * factor, right if high is None else high * factor])
    axes.fill_between(ends, np.zeros(2), np.full(2, top), color=PALE, linewidth=0, zorder=0)


def profile_curve(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """The profile between its computed points: cubics with the exact slopes."""
    value = np.array(profile.value)
    c = np.log(value) if profile.logarithmic else value
    rise, slope = np.array(profile.rise), np.array(profile.slope)
    share = np.linspace(0.0, 1.0, _POINTS)
    xs, ys = [c[:1]], [rise[:1]]
    for k in range(c.size - 1):
        h = c[k + 1] - c[k]
        xs.append(c[k] + share[1:] * h)
        ys.append(_cubic(share[1:], rise[k], rise[k + 1], h * slope[k], h * slope[k + 1]))
    x = np.concatenate(xs)
    return (np.exp(x) if profile.logarithmic else x), np.maximum(np.concatenate(ys), 0.0)


def _cubic(t: FloatArray, start: float, end: float, at_start: float, at_end: float) -> FloatArray:
    """The cubic of Hermite on [0, 1] with these values and slopes; straight where it would overshoot."""
    t2, t3 = t * t, t**3
    found: FloatArray = (
        (2 * t3 - 3 * t2 + 1) * start
        + (t3 - 2 * t2 + t) * at_start
        + (3 * t2 - 2 * t3) * end
        + (t3 - t2) * at_end
    )
    room = 0.5 * abs(end - start) + 1e-9
    if found.min() < min(start, end) - room or found.max() > max(start, end) + room:
        found = start + t * (end - start)
    return found


def linear_curve(profile: Profile, value: FloatArray) -> FloatArray | None:
    """What the linear fit says of the rise; None where it says nothing."""
    if not profile.linear_error:
        return None
    away = np.log(value / profile.best) if profile.logarithmic else value - profile.best
    result: FloatArray = profile.threshold * (away / (Z * profile.linear_error)) ** 2
    return result
