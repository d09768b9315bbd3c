"""Records as they were read, without any model, a row for each kind.

Spectra: Nyquist and modulus, points that the Kramers-Kronig test suspects marked. Sweeps: current against
voltage, linear and logarithmic. Transients: response and drive. Channels of an oscilloscope: against time.

Normalised residuals, one strip a record, and their autocorrelation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memfit.arrays import BoolArray, FloatArray
from memfit.confidence import Z
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record, SynapticCurve
from memfit.datasets.programmes import AXES, at_reads
from memfit.fitting import FittedRecord
from memfit.reporting.content import Columns, counted
from memfit.reporting.figures.marks import (
    BLUE,
    GREY,
    INK,
    MILLIMETRE,
    PALE,
    SERIES,
    VERMILLION,
    Margins,
    crosses,
    curve,
    dots,
    graded_colours,
    key,
    limits,
    place_axes,
    place_labels,
    write,
)
from memfit.reporting.figures.nyquist import reach_of
from memfit.reporting.figures.ticks import BareAxes, draw_ticks, linear_axis, log_axis
from memfit.reporting.numbers import scale_for
from memfit.units import split_label

ROW, WIDTH = 68.0, 170.0
"""Height of a row and width of a picture, mm."""
_MOST = 40
"""Records of one kind that are drawn."""
_LEFT, _BOTTOM, _SIDE, _ABOVE = 15.0, 11.0, 66.0, 4.0

Suspects = Mapping[int, BoolArray]
"""Suspect points by place of the spectrum in the list."""


def records_figure(figure: Figure, records: Sequence[Record], suspects: Suspects) -> None:
    """All records of a file, a row for each kind that there is.

    Parameters
    ----------
    figure : Figure
    records : sequence of Record
    suspects : mapping
        Suspect points by place of the spectrum.
    """
    spectra = [(i, r) for i, r in enumerate(records) if isinstance(r, ImpedanceSpectrum)][:_MOST]
    sweeps = [r for r in records if isinstance(r, IVSweep)][:_MOST]
    reads = [r for r in records if isinstance(r, SynapticCurve)][:_MOST]
    transients = [r for r in records if isinstance(r, PulseTransient) and r not in reads][:_MOST]
    rows: list[Callable[[Axes, Axes], None]] = []
    if spectra:
        rows.append(lambda a, b: _spectra(a, b, spectra, suspects))
    if sweeps:
        rows.append(lambda a, b: _sweeps(a, b, sweeps))
    if transients:
        rows.append(lambda a, b: _transients(a, b, transients))
    for kind in AXES:
        some = [one for one in reads if one.kind == kind]
        if some:
            rows.append(partial(_reads, some=some))
    for number, draw in enumerate(rows):
        draw(*_pair(figure, number, len(rows)))


def channels_figure(figure: Figure, columns: Mapping[str, FloatArray]) -> None:
    """Columns against time, or against their number, before device.toml says what they are.

    Parameters
    ----------
    figure : Figure
    columns : mapping of str to (n,) array
        "time" is one of them where it is known, s.
    """
    names = [name for name in columns if name != "time"]
    first = columns[names[0]] if names else np.zeros(1)
    time = columns.get("time", np.arange(first.size, dtype=np.float64))
    left, right = _pair(figure, 0, 1)
    for axes, chosen in ((left, names[::2]), (right, names[1::2] or names[:1])):
        numbers = ", ".join(str(names.index(name) + 1) for name in chosen[: len(SERIES)])
        _linear(axes, [(time, columns[name]) for name in chosen], ("s", "Time"), ("", f"Column {numbers}"))


def _pair(figure: Figure, row: int, rows: int) -> tuple[Axes, Axes]:
    """The two axes of a row, the first row on top."""
    width, height = (size / MILLIMETRE for size in figure.get_size_inches())
    bottom = (rows - 1 - row) * ROW + _BOTTOM
    tall = ROW - _BOTTOM - _ABOVE
    left, right = (
        figure.add_axes((x / width, bottom / height, _SIDE / width, tall / height), axes_class=BareAxes)
        for x in (_LEFT, _LEFT + _SIDE + _LEFT + 4.0)
    )
    for axes in (left, right):
        place_labels(axes, _SIDE, tall, Margins())
    return left, right


def _spectra(
    nyquist: Axes, bode: Axes, spectra: Sequence[tuple[int, ImpedanceSpectrum]], suspects: Suspects
) -> None:
    """-Im Z against Re Z, and |Z| against frequency, one colour a spectrum."""
    values = [spectrum.impedance for _, spectrum in spectra]
    reach = reach_of(values, whole=False)
    scale, unit = scale_for(min(reach, float(max(np.abs(Z).max() for Z in values))), "ohm")
    shown = [Z[np.abs(Z) <= reach] for Z in values]
    linear_axis(nyquist, "x", limits(*(Z.real * scale for Z in shown)))
    linear_axis(nyquist, "y", limits(*(-Z.imag * scale for Z in shown)))
    outside = sum(Z.size for Z in values) - sum(Z.size for Z in shown)
    if outside:
        write(nyquist, 0.0, 1.055, f"{counted(outside, 'point')} far beyond the others outside")
    log_axis(bode, "x", limits(*(spectrum.frequency for _, spectrum in spectra), log=True), 6)
    log_axis(bode, "y", limits(*(np.abs(Z) for Z in values), log=True), 6)
    for colour, (place, spectrum) in zip(graded_colours(len(spectra)), spectra, strict=True):
        Z, frequency = spectrum.impedance, spectrum.frequency
        suspect = suspects.get(place, np.zeros(Z.size, dtype=bool))
        dots(nyquist, Z.real * scale, -Z.imag * scale, colour)
        dots(bode, frequency, np.abs(Z), colour)
        crosses(nyquist, Z.real[suspect] * scale, -Z.imag[suspect] * scale)
        crosses(bode, frequency[suspect], np.abs(Z)[suspect])
    nyquist.axhline(0.0, color=GREY, linewidth=0.4)
    nyquist.set_xlabel(f"Re Z ({unit})")
    nyquist.set_ylabel(f"−Im Z ({unit})")
    bode.set_xlabel("Frequency (Hz)")
    bode.set_ylabel("|Z| (Ω)")


def _sweeps(linear: Axes, logarithmic: Axes, sweeps: Sequence[IVSweep]) -> None:
    """Current against voltage, and the logarithm of its modulus."""
    _linear(linear, [(s.voltage, s.current) for s in sweeps], ("V", "Voltage"), ("A", "Current"))
    currents = [np.abs(sweep.current) for sweep in sweeps]
    linear_axis(logarithmic, "x", limits(*(sweep.voltage for sweep in sweeps)))
    log_axis(logarithmic, "y", limits(*currents, log=True), 6)
    for colour, sweep, current in zip(_colours(len(sweeps)), sweeps, currents, strict=False):
        dots(logarithmic, sweep.voltage, current, colour)
    logarithmic.set_xlabel("Voltage (V)")
    logarithmic.set_ylabel("|I| (A)")


def _transients(response: Axes, drive: Axes, transients: Sequence[PulseTransient]) -> None:
    """What was measured, and what was applied, against time."""
    control = transients[0].control
    measured = ("A", "Current") if control == "voltage" else ("V", "Voltage")
    applied = ("V", "Applied voltage") if control == "voltage" else ("A", "Applied current")
    alike = [transient for transient in transients if transient.control == control]
    _linear(response, [(t.time, t.response) for t in alike], ("s", "Time"), measured)
    times = [np.unique(np.concatenate([t.drive.time, t.time])) for t in alike]
    _linear(
        drive, [(at, t.drive.at(at)) for at, t in zip(times, alike, strict=True)], ("s", "Time"), applied,
        lines=True,
    )  # fmt: skip


def _reads(told: Axes, drive: Axes, some: Sequence[SynapticCurve]) -> None:
    """Conductance, resistance or ratio of reads against what they are told by, and what was applied."""
    words, unit = split_label(AXES[some[0].kind])
    up = {"potentiation": ("S", "Conductance"), "retention": ("ohm", "Resistance")}
    curves = [(one.against, at_reads(one, one.response)) for one in some]
    _linear(told, curves, (unit or "", words), up.get(some[0].kind, ("", "A₂/A₁")))
    applied = ("V", "Applied voltage") if some[0].control == "voltage" else ("A", "Applied current")
    alike = [(one.drive.time, one.drive.value) for one in some if one.control == some[0].control]
    _linear(drive, alike, ("s", "Time"), applied, lines=True)


def _linear(
    axes: Axes,
    curves: Sequence[tuple[FloatArray, FloatArray]],
    across: tuple[str, str],
    up: tuple[str, str],
    *,
    lines: bool = False,
) -> None:
    """Curves on linear axes whose units have prefixes; (unit, words) of each axis."""
    factors = []
    for which, (unit, words), values in (
        ("x", across, [x for x, _ in curves]),
        ("y", up, [y for _, y in curves]),
    ):
        largest = float(max(np.abs(part).max() for part in values))
        factor, symbol = scale_for(largest, unit) if unit else (1.0, "")
        factors.append(factor)
        linear_axis(axes, which, limits(*(part * factor for part in values)))
        getattr(axes, f"set_{which}label")(f"{words} ({symbol})" if symbol else words)
    for colour, (x, y) in zip(_colours(len(curves)), curves, strict=False):
        if lines:
            curve(axes, x * factors[0], y * factors[1], colour)
        else:
            dots(axes, x * factors[0], y * factors[1], colour)


def _colours(count: int) -> Sequence[Any]:
    """At least one for each curve: apart from each other where they are few, else graded."""
    return graded_colours(count) if count > len(SERIES) else SERIES


_STRIP = 9.0
"""Height of a strip in standard deviations."""
_CLIP = 4.2
"""Residuals beyond are drawn at the edge of their strip."""
LAGS = 25
_LARGEST_CORRELATION = 0.65
"""Half the height of a strip of autocorrelation; what lies beyond is drawn at its edge."""


@dataclass(frozen=True)
class Strip:
    """Residuals of one record along a coordinate."""

    label: str
    coordinate: FloatArray
    """(n,) frequency (Hz), time (s) or index."""
    parts: tuple[tuple[str, FloatArray], ...]
    """Name and (n,) residuals in standard deviations, of the points used."""


def strip_of(fitted: FittedRecord, label: str) -> Strip:
    """The strip of a fitted record: against frequency, time or place in the sweep; used points only.

    Parameters
    ----------
    fitted : FittedRecord
    label : str
    """
    record, used = fitted.record, fitted.used
    residuals = fitted.residuals[used]
    if record.kind == "impedance":
        frequency = record.frequency[used]  # type: ignore[union-attr]
        return Strip(label, frequency, (("Z′", residuals.real), ("Z″", residuals.imag)))
    time = record.time  # type: ignore[union-attr]
    coordinate = np.linspace(0.0, 1.0, record.points) if time is None else time
    if record.kind == "iv":
        coordinate = (coordinate - coordinate[0]) / (float(np.ptp(coordinate)) or 1.0)
    return Strip(label, coordinate[used], (("", np.asarray(residuals, dtype=np.float64)),))


def autocorrelation(residuals: FloatArray, lags: int = LAGS) -> FloatArray:
    """(m,) correlation of residuals with themselves, 1 to `lags` points later.

    Parameters
    ----------
    residuals : (n,) array
        In standard deviations.
    lags : int
        Most points later.
    """
    centred = residuals - residuals.mean() if residuals.size else residuals
    power = float(centred @ centred)
    most = min(lags, residuals.size - 1)
    if power == 0.0 or most < 1:
        return np.zeros(0)
    return np.array([float(centred[lag:] @ centred[:-lag]) / power for lag in range(1, most + 1)])


def residuals_figure(figure: Figure, strips: Sequence[Strip], kind: str) -> None:
    """Residuals in standard deviations, one strip a record, with a band of ±2.

    Parameters
    ----------
    figure : Figure
    strips : sequence of Strip
        Of records of one kind.
    kind : str
        A key of `KINDS` of `memfit.reporting.content`.
    """
    (axes,) = place_axes(figure, [1], Margins(left=17, top=6))
    _strip_axes(axes, strips, [2.0] * len(strips), 0.6)
    coordinates = [strip.coordinate for strip in strips]
    factor = 1.0
    if kind == "impedance":
        log_axis(axes, "x", limits(*coordinates, log=True, pad=0.02), 9)
        axes.set_xlabel("Frequency (Hz)")
    elif kind == "iv":
        linear_axis(axes, "x", (-0.01, 1.01))
        axes.set_xlabel("Part of the sweep")
    else:
        longest = max(float(np.ptp(c)) for c in coordinates)
        factor, unit = scale_for(longest, "s")
        linear_axis(axes, "x", limits(*(c * factor for c in coordinates), pad=0.02))
        axes.set_xlabel(f"Time ({unit})")
    colours = (BLUE, VERMILLION)
    for place, strip in enumerate(strips):
        base = -_STRIP * place
        for (_, residuals), colour in zip(strip.parts, colours, strict=False):
            dots(axes, strip.coordinate * factor, base + np.clip(residuals, -_CLIP, _CLIP), colour, 1.5)
    height = float(axes.get_position().height * figure.get_size_inches()[1]) / MILLIMETRE
    names = [name for name, _ in strips[0].parts if name]
    for place, (name, colour) in enumerate(zip(names, colours, strict=False)):
        key(axes, [(colour, name)], at=(0.12 * place, 1.0 + 4.2 / height))


def _strip_axes(axes: Axes, strips: Sequence[Strip], halves: Sequence[float], alpha: float) -> None:
    """Zero lines, labels, and a band on both sides of zero, of the half width of each strip."""
    bases = [-_STRIP * place for place in range(len(strips))]
    axes.set_ylim(bases[-1] - _STRIP / 2, _STRIP / 2)
    for base, half in zip(bases, halves, strict=True):
        axes.axhspan(base - half, base + half, color=PALE, alpha=alpha, linewidth=0, zorder=-2)
    axes.hlines(bases, 0, 1, transform=axes.get_yaxis_transform(), color=INK, linewidth=0.4)
    draw_ticks(axes, "y", bases, [strip.label for strip in strips], marks=False)


def autocorrelation_figure(figure: Figure, strips: Sequence[Strip]) -> None:
    """Autocorrelation of the residuals at lags of 1 to 25 points; the band holds 95 % of white residuals.

    Parameters
    ----------
    figure : Figure
        Empty.
    strips : sequence of Strip
        One a record, drawn from the top.
    """
    (axes,) = place_axes(figure, [1], Margins(left=17))
    scale = _STRIP / (2 * _LARGEST_CORRELATION)
    _strip_axes(axes, strips, [scale * Z / np.sqrt(max(s.coordinate.size, 1)) for s in strips], 1.0)
    for place, strip in enumerate(strips):
        base = -_STRIP * place
        for part, colour in zip(range(len(strip.parts)), (BLUE, VERMILLION), strict=False):
            values = autocorrelation(strip.parts[part][1])
            lag = np.arange(1, values.size + 1) + 0.25 * part
            shown = np.clip(values, -_LARGEST_CORRELATION, _LARGEST_CORRELATION)
            axes.vlines(lag, base, base + scale * shown, color=colour, linewidth=1.1)
    linear_axis(axes, "x", (0, LAGS + 1))
    axes.set_xlabel("Lag (points)")


def strips_data(strips: Sequence[Strip]) -> Columns:
    """Residuals in standard deviations, a pair of columns a strip and component.

    Parameters
    ----------
    strips : sequence of Strip

    Returns
    -------
    dict of str to (n,) array
        The coordinate in Hz or s, or from 0 to 1 without times; n differs between strips.
    """
    columns: dict[str, FloatArray] = {}
    for strip in strips:
        columns[f"coordinate ({strip.label})"] = strip.coordinate
        columns |= {_titled("residual", name, strip.label): values for name, values in strip.parts}
    return columns


def autocorrelation_data(strips: Sequence[Strip]) -> Columns:
    """Autocorrelation from lag 1 on, a column a strip and component."""
    return {
        _titled("autocorrelation", name, strip.label): autocorrelation(values)
        for strip in strips
        for name, values in strip.parts
    }


def _titled(what: str, component: str, label: str) -> str:
    """Title of a column: "residual Z′ (0.55 V)"."""
    return f"{what} {component} ({label})" if component else f"{what} ({label})"
