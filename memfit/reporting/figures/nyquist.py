"""Nyquist plots with equal axes and decade marks; an inset shows all where the frame holds a part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import ComplexArray, FloatArray
from memfit.reporting.content import MARKS, counted
from memfit.reporting.figures.marks import (
    BAND,
    BAND_ALPHA,
    INK,
    MODEL,
    SEEN,
    Margins,
    crosses,
    curve,
    dots,
    kept,
    limits,
    place_axes,
)
from memfit.reporting.figures.spectra import Spectrum, bias_key
from memfit.reporting.figures.ticks import linear_axis
from memfit.reporting.fit.curves import (
    nyquist_band,
)
from memfit.reporting.numbers import power_of_ten, quantity_digits, scale_for

_REACH = 1.6
"""Where all points are shown, the frame holds model curves up to this many times the largest |Z| measured."""
_MOST = 85.0
"""Per cent of the points of one spectrum that its frame holds in any case."""
_FAR, _SHOWN = 6.0, 1.5
"""A frame holds everything up to the first many times what is typical, else up to the second many times."""
_INSET, _INSET_AWAY = 0.38, 0.02
"""Size of an inset that shows all of a spectrum, and its distance from the frame, of the axes."""
_LABEL_AWAY = 7.0
"""Distance of the label of a decade from its ring, points."""
_LABEL_ROOM = 0.09
"""Share of the width of the axes that a label of a decade needs."""
_LABEL_SIZE = np.array([0.075, 0.045])
"""Half of the width and of the height of such a label, with a dot's, in shares of the axes."""
_TURNS = np.pi / 4.0 * np.array([0, 1, -1, 2, -2, 3, -3, 4])
"""Directions in which a label is tried, from outward on."""
_ON_A_DECADE = 0.06
"""Distance in decades at which a frequency still counts as a whole power of ten."""


def draw_nyquist(axes: Axes, spectra: Sequence[Spectrum], *, label_decades: bool = False) -> str:
    """Data as dots, model as lines, rings at whole decades of frequency; equal axes.

    The limits hold the data and the model but where they run far beyond: near a Hopf point a resonance would
    leave the rest a speck.

    Parameters
    ----------
    axes : Axes
    spectra : sequence of Spectrum
    label_decades : bool
        Whether each ring has its frequency.

    Returns
    -------
    str
        Symbol of the unit of both axes.
    """
    data = [kept(spectrum.record.impedance, spectrum.fitted.used) for spectrum in spectra]
    reach, most = _reaches(data, whole=not label_decades)
    factor, unit = scale_for(min(reach, max(float(np.abs(Z).max()) for Z in data)), "ohm")
    zero = np.array([0.0])
    models = [_within(spectrum.model[1], most) for spectrum in spectra]
    everything = np.concatenate([*(_within(Z, reach) for Z in data), *models]) * factor
    _equal_limits(axes, limits(everything.real, zero), limits(-everything.imag, zero))
    axes.axhline(0.0, color=INK, linewidth=0.4, zorder=0)
    for spectrum in spectra:
        Z, Z_model, shown = spectrum.record.impedance, spectrum.model[1], spectrum.fitted.used
        band = nyquist_band(spectrum.fitted, *spectrum.model)
        if band and factor * np.max(np.abs(band[1] - band[0])) > SEEN * np.ptp(axes.get_ylim()):
            outline = np.concatenate([band[0], band[1][::-1]]) * factor
            axes.fill(outline.real, -outline.imag, color=BAND, linewidth=0, alpha=BAND_ALPHA, zorder=0.5)
        curve(axes, Z_model.real * factor, -Z_model.imag * factor, MODEL, linewidth=0.6, zorder=1)
        dots(axes, Z.real[shown] * factor, -Z.imag[shown] * factor, spectrum.colour, 2.4)
        if not shown.all():
            crosses(axes, Z.real[~shown] * factor, -Z.imag[~shown] * factor)
        _decade_marks(axes, spectrum, factor, label_decades)
    whole = not label_decades
    if points_beyond(spectra, whole=whole) or curves_beyond(spectra, whole=whole):
        _draw_whole(axes, spectra, factor)
    return unit


def _draw_whole(axes: Axes, spectra: Sequence[Spectrum], factor: float) -> None:
    """All of the spectra, small, in the corner where least else is: near a resonance the frame holds a part.

    Parameters
    ----------
    axes : Axes
        Drawn in, with limits set.
    spectra : sequence of Spectrum
    factor : float
        From ohm to the unit of the axes.
    """
    box = np.array([axes.get_xlim(), axes.get_ylim()])
    drawn = [s.record.impedance for s in spectra] + [s.model[1] for s in spectra]
    points = np.concatenate(drawn) * factor
    share = (np.array([points.real, -points.imag]) - box[:, :1]) / np.diff(box)

    def crowd(corner: tuple[float, float]) -> int:
        low = np.array(corner)[:, None]
        return int(np.count_nonzero(np.all((share > low) & (share < low + _INSET), axis=0)))

    far = 1.0 - _INSET - _INSET_AWAY
    x, y = min(((a, b) for b in (far, _INSET_AWAY) for a in (far, _INSET_AWAY)), key=crowd)
    inset = axes.inset_axes((x, y, _INSET, _INSET), zorder=4)
    curves = [spectrum.model[1] for spectrum in spectra if np.all(np.isfinite(spectrum.model[1]))]
    whole = np.concatenate([*curves, *(spectrum.record.impedance for spectrum in spectra)])
    reach, shown = float(np.abs(whole).max()), whole * factor
    width, height = (axes.get_position().width, axes.get_position().height)
    size = axes.get_figure().get_size_inches()  # type: ignore[union-attr]
    aspect = float(height * size[1] / (width * size[0]))
    middle = 0.5 * np.array([shown.real.max() + shown.real.min(), -shown.imag.max() - shown.imag.min()])
    half = 0.55 * max(float(np.ptp(shown.real)), float(np.ptp(shown.imag)) / aspect)
    inset.set_xlim(middle[0] - half, middle[0] + half)
    inset.set_ylim(middle[1] - half * aspect, middle[1] + half * aspect)
    inset.set_xticks([])
    inset.set_yticks([])
    inset.axhline(0.0, color=INK, linewidth=0.3, zorder=0)
    for spectrum in spectra:
        Z, Z_model = spectrum.record.impedance * factor, spectrum.model[1] * factor
        curve(inset, Z_model.real, -Z_model.imag, MODEL, linewidth=0.4, zorder=1)
        dots(inset, Z.real, -Z.imag, spectrum.colour, 1.6)
    corner: dict[str, Any] = {"transform": inset.transAxes, "ha": "right", "va": "bottom"}
    inset.text(0.97, 0.03, f"to {quantity_digits(reach, 'ohm', 2)}", fontsize=4.6, color=INK, **corner)


def reach_of(data: Sequence[ComplexArray], *, whole: bool) -> float:
    """Largest |Z| (ohm) that the frame must hold: all of it, but for a few points far beyond the others.

    Parameters
    ----------
    data : sequence of (n,) complex arrays, ohm
    whole : bool
        Whether one spectrum by itself is shown whole, or its bulk.
    """
    if len(data) == 1 and whole:
        return float(np.abs(data[0]).max())
    if len(data) > 1:
        typical = float(np.median([np.abs(Z).max() for Z in data]))
    else:
        typical = float(np.percentile(np.abs(data[0]), _MOST))
    largest = max(float(np.abs(Z).max()) for Z in data)
    return largest if largest <= _FAR * typical else _SHOWN * typical


def points_beyond(spectra: Sequence[Spectrum], *, whole: bool) -> int:
    """Number of points that lie outside the frame of a Nyquist plot of these spectra.

    Parameters
    ----------
    spectra : sequence of Spectrum
    whole : bool
        Whether one spectrum by itself is shown whole: True for `nyquist_figure`.
    """
    data = [kept(spectrum.record.impedance, spectrum.fitted.used) for spectrum in spectra]
    return int(sum(np.count_nonzero(np.abs(Z) > reach_of(data, whole=whole)) for Z in data))


def curves_beyond(spectra: Sequence[Spectrum], *, whole: bool) -> bool:
    """Whether a model curve runs out of the frame of a Nyquist plot of these spectra.

    Parameters
    ----------
    spectra : sequence of Spectrum
    whole : bool
        As for `points_beyond`.
    """
    data = [kept(spectrum.record.impedance, spectrum.fitted.used) for spectrum in spectra]
    _, most = _reaches(data, whole=whole)
    return any(bool(np.any(np.abs(spectrum.model[1]) > most)) for spectrum in spectra)


def outside_words(spectra: Sequence[Spectrum], *, whole: bool) -> str:
    """What a caption says of points and curves outside the frame; "" where there are none.

    Parameters
    ----------
    spectra : sequence of Spectrum
    whole : bool
        As for `points_beyond`.
    """
    number = points_beyond(spectra, whole=whole)
    if number:
        return MARKS["beyond"].format(points=counted(number, "point"), lie="lies" if number == 1 else "lie")
    return MARKS["curve_beyond"] if curves_beyond(spectra, whole=whole) else ""


def _reaches(data: Sequence[ComplexArray], *, whole: bool) -> tuple[float, float]:
    """Largest |Z| (ohm) that the frame must hold of what was measured, and of the model."""
    reach, largest = reach_of(data, whole=whole), max(float(np.abs(Z).max()) for Z in data)
    return reach, reach if largest > reach else _REACH * largest


def _within(Z: ComplexArray, reach: float) -> ComplexArray:
    """The points that the frame must hold."""
    reached: ComplexArray = Z[np.abs(Z) <= reach]
    return reached


def _equal_limits(axes: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Set limits so that an ohm is as long upward as it is to the right, with the data inside."""
    box = axes.get_position()
    width, height = axes.get_figure().get_size_inches()  # type: ignore[union-attr]
    across, up = box.width * width, box.height * height
    per_inch = max((x[1] - x[0]) / across, (y[1] - y[0]) / up)
    spare_x, spare_y = per_inch * across - (x[1] - x[0]), per_inch * up - (y[1] - y[0])
    linear_axis(axes, "x", (x[0] - 0.5 * spare_x, x[1] + 0.5 * spare_x), 4)
    linear_axis(axes, "y", (y[0] - 0.3 * spare_y, y[1] + 0.7 * spare_y), 4)


def _decade_marks(axes: Axes, spectrum: Spectrum, factor: float, label: bool) -> None:
    """Rings where the frequency is a whole power of ten, labelled by it if wanted.

    A label stands outside the curve, inside the axes, and not where it would cover those at the ends.
    """
    record = spectrum.record
    decades = np.log10(record.frequency)
    whole = np.arange(np.ceil(decades.min() - _ON_A_DECADE), np.floor(decades.max() + _ON_A_DECADE) + 1)
    nearest = np.argmin(np.abs(decades[:, None] - whole), axis=0)
    there = np.abs(decades[nearest] - whole) <= _ON_A_DECADE
    Z = record.impedance * factor
    rings = Z[nearest[there]]
    style: dict[str, Any] = {"markersize": 3.4, "mfc": "none", "markeredgecolor": INK, "markeredgewidth": 0.4}
    axes.plot(rings.real, -rings.imag, "o", **style)
    if not label:
        return
    ends = Z[[np.argmin(record.frequency), np.argmax(record.frequency)]]
    box = np.array([axes.get_xlim(), axes.get_ylim()])
    size = np.diff(box)[:, 0]
    drawn = np.concatenate([Z, spectrum.model[1] * factor])
    course = (np.column_stack([drawn.real, -drawn.imag]) - box[:, 0]) / size
    course = course[np.all((course > 0.0) & (course < 1.0), axis=1)]
    middle = 0.5 * (course.min(axis=0) + course.max(axis=0)) if len(course) else np.array([0.5, 0.5])
    places: list[FloatArray] = []
    for decade, ring in zip(whole[there], rings, strict=True):
        others = np.concatenate([ends, rings[rings != ring]])
        if np.any(np.abs(ring - others) <= _LABEL_ROOM * size[0]):
            continue
        at = (np.array([ring.real, -ring.imag]) - box[:, 0]) / size
        away = _free_side(at, middle, np.array([*course, *places]))
        if away is None:
            continue
        places.append(at + _LABEL_ROOM * away)
        axes.annotate(
            power_of_ten(int(decade)),
            (ring.real, -ring.imag),
            tuple(_LABEL_AWAY * away),
            textcoords="offset points",
            fontsize=5.5,
            ha="center",
            va="center",
            annotation_clip=False,
        )


def _free_side(at: FloatArray, middle: FloatArray, others: FloatArray) -> FloatArray | None:
    """A direction in which a label covers nothing and is in the frame: outward, or as near to it as can be.

    Parameters
    ----------
    at, middle : (2,) arrays
        The ring, and the middle of the curve, in shares of the frame.
    others : (n, 2) array
        Points and labels that are not to be covered.
    """
    outward = float(np.arctan2(*(at - middle)[::-1]))
    for turn in _TURNS:
        away = np.array([np.cos(outward + turn), np.sin(outward + turn)])
        place = at + _LABEL_ROOM * away
        in_frame = np.all((place > 0.5 * _LABEL_ROOM) & (place < 1.0 - 0.5 * _LABEL_ROOM))
        if in_frame and not np.any(np.all(np.abs(others - place) < _LABEL_SIZE, axis=1)):
            return away
    return None


def nyquist_figure(figure: Figure, spectra: Sequence[Spectrum]) -> None:
    """All spectra in one Nyquist plot, graded by bias.

    Parameters
    ----------
    figure : Figure
        Empty.
    spectra : sequence of Spectrum
        As from `spectra_of`.
    """
    (axes,) = place_axes(figure, [1], Margins(right=17))
    unit = draw_nyquist(axes, spectra)
    axes.set_xlabel(f"Z′ ({unit})")
    axes.set_ylabel(f"−Z″ ({unit})")
    bias_key(axes, spectra)


def small_nyquist_figure(figure: Figure, spectrum: Spectrum) -> None:
    """One spectrum, with labelled decades.

    Parameters
    ----------
    figure : Figure
        Empty.
    spectrum : Spectrum
    """
    (axes,) = place_axes(figure, [1], Margins(left=11.5, right=1.5, top=4.5, bottom=7.6))
    unit = draw_nyquist(axes, [spectrum], label_decades=True)
    axes.set_title(spectrum.label, pad=2.5)
    axes.set_xlabel(f"Z′ ({unit})", labelpad=1)
    axes.set_ylabel(f"−Z″ ({unit})", labelpad=1)
