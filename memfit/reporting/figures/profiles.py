"""Profile likelihoods: the least chi2 against one quantity, its threshold, the parabola of the linear fit."""

import numpy as np
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.fitting import Profile
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
    """One profile with its threshold, its interval (to the edge where it is open) and the linear parabola.

    Parameters
    ----------
    figure : Figure
        Empty.
    profile : Profile
    label : str
        Names the quantity.
    """
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
    ends = [
        edge if end is None else end * factor for end, edge in zip(profile.ci95, axes.get_xlim(), strict=True)
    ]
    axes.fill_between(np.array(ends), np.zeros(2), np.full(2, top), color=PALE, linewidth=0, zorder=0)
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


def profile_curve(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """The profile between its computed points: cubics with the exact slopes, straight where one overshoots.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    value, rise : (n,) array
        SI, and above the least chi2.
    """
    value = np.array(profile.value)
    c = np.log(value) if profile.logarithmic else value
    t, h = np.linspace(0.0, 1.0, _POINTS)[1:], np.diff(c)[:, None]
    rise, slope = np.array(profile.rise)[:, None], np.array(profile.slope)[:, None]
    start, end = rise[:-1], rise[1:]
    cubic = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * h * slope[:-1]
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * h * slope[1:]
    )
    room = 0.5 * np.abs(end - start) + 1e-9
    beyond = (cubic < np.minimum(start, end) - room) | (cubic > np.maximum(start, end) + room)
    shown = np.where(beyond.any(axis=1, keepdims=True), start + t * (end - start), cubic)
    x = np.append(c[:1], c[:-1, None] + t * h)
    y = np.append(rise[:1], shown)
    return (np.exp(x) if profile.logarithmic else x), np.maximum(y, 0.0)


def linear_curve(profile: Profile, value: FloatArray) -> FloatArray | None:
    """What the linear fit says of the rise; None where it says nothing.

    Parameters
    ----------
    profile : Profile
    value : (n,) array, SI
    """
    if not profile.linear_error:
        return None
    away = np.log(value / profile.best) if profile.logarithmic else value - profile.best
    result: FloatArray = profile.threshold * (away / (Z * profile.linear_error)) ** 2
    return result
