"""What is measured on a synthetic device: spectra, sweeps and pulses, and a set of them fit for any device.

The set places its biases by V_T and V_m, where the memory channel opens, and its frequencies, scan rates and
pulses by the time constants, as one does at the bench after a first look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.model import Parameters, steady_current
from memfit.protocols import Drive, Initial, SmallSignal, pulse_train, sweep
from memfit.synthetic.export import SUFFIXES, Format, Style, usual_format
from memfit.units import format_quantity

SPECTRUM_POINTS = 50
SWEEP_POINTS = 401
PULSE_POINTS = 601

_SPECTRA = 8
_LOWEST_BIAS, _HIGHEST_BIAS = -5.0, 4.0
"""Of the junction, in widths V_m from V_T: from where the channel is closed to where it is open."""
_CLOSED = -3.0
"""Biases stay above 0 V where that is so many widths below V_T or more."""
_FREQUENCY_LIMITS = (1e-2, 1e6)  # Hz: a night's patience, and what an impedance analyser reaches
_PER_DECADE, _FEWEST, _MOST = 8.0, 30, 60
"""Frequencies in a decade; fewest and most in a spectrum."""
_SCAN_SPEEDS = (0.03, 0.3, 3.0)
"""Widths V_m passed in the slowest time constant: nearly steady, lagging, far from steady."""
_PULSE_BIASES = (-1.0, 1.0, 3.0)
"""Steady states that the pulses lead to, in widths V_m from V_T."""
_MOST_DIGITS = 6
"""Of a rounded quantity and in the name of a file."""
_REST, _PULSE, _TAIL = 60, 340, 200
"""Samples before, during and after a pulse."""
_SAMPLES_PER_TIME = 25
"""Samples in the slowest time constant, so that a period of oscillation has 90 or more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectroscopy:
    """One impedance spectrum to measure."""

    file: str
    protocol: SmallSignal
    format: Format = "generic"

    @property
    def kind(self) -> Literal["impedance"]:
        """What is measured."""
        return "impedance"


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One sweep or transient to measure."""

    file: str
    kind: Literal["iv", "transient"]
    drive: Drive
    time: FloatArray
    """(n,) s, when samples are taken."""
    scan_rate: float | None = None
    """V/s or A/s, of a sweep."""
    format: Format = "generic"


Measurement = Spectroscopy | Recording


def spectrum(
    bias: float,
    frequency: ArrayLike,
    *,
    control: Literal["current", "voltage"] = "voltage",
    file: str = "",
) -> Spectroscopy:
    """A spectrum at a dc bias.

    Parameters
    ----------
    bias : float, V or A
        Terminal voltage, or current under current control.
    frequency : (n,) array, Hz
    control : {"current", "voltage"}
    file : str
        Name of the file; by default made of the bias.
    """
    unit = "V" if control == "voltage" else "A"
    label = f"{bias:.6g}V" if control == "voltage" else _label(bias, unit)
    protocol = SmallSignal(control, float(bias), np.asarray(frequency, dtype=np.float64))
    return Spectroscopy(file=file or f"eis_{label}.csv", protocol=protocol)


def loop(
    vertices: Sequence[float],
    rate: float,
    *,
    points: int = SWEEP_POINTS,
    control: Literal["current", "voltage"] = "voltage",
    initial: Initial = "steady",
    file: str = "",
) -> Recording:
    """A sweep from vertex to vertex (V or A) at `rate` (V/s or A/s), sampled evenly and at the vertices.

    Parameters
    ----------
    vertices : sequence of float, V or A
    rate : float, V/s or A/s
    points : int
        Samples besides those at the breaks of the drive.
    control : {"current", "voltage"}
    initial : {"steady", "rest", "free"}
        State at the start.
    file : str
        Name of the file; by default made of the quantity.
    """
    drawn = sweep(control, vertices, rate=rate)
    drive = Drive(control, drawn.time, drawn.value, initial)
    unit = "V" if control == "voltage" else "A"
    name = file or f"iv_{_label(rate, unit)}s.csv"
    return Recording(file=name, kind="iv", drive=drive, time=_sampling(drive, points), scan_rate=rate)


def transient(drive: Drive, *, points: int = PULSE_POINTS, file: str = "") -> Recording:
    """The response to a drive, sampled evenly and at every jump of the drive.

    Parameters
    ----------
    drive : Drive
    points : int
        Samples besides those at the breaks of the drive.
    file : str
        Name of the file; by default made of the quantity.
    """
    unit = "V" if drive.control == "voltage" else "A"
    extreme = float(drive.value[np.argmax(np.abs(drive.value))])
    name = file or f"pulse_{_label(extreme, unit)}.csv"
    return Recording(file=name, kind="transient", drive=drive, time=_sampling(drive, points))


def default_measurements(p: Parameters) -> tuple[Measurement, ...]:
    """Eight spectra, three I-V loops and three current pulses that show what a device does.

    Parameters
    ----------
    p : Parameters
    """
    biases = _biases(p)
    frequency = _frequencies(p)
    slowest = max(p.tau_m, p.tau_d, p.tau_k)
    spectra = [spectrum(bias, frequency) for bias in biases]
    top = float(biases[-1])
    rates = [_nice(speed * p.V_m / slowest) for speed in _SCAN_SPEEDS]
    loops = [loop([0.0, top, 0.0], rate) for rate in rates]
    step = _nice(slowest / _SAMPLES_PER_TIME)
    pulses = [transient(_pulse(current, step)) for current in _pulse_currents(p)]
    return (*spectra, *loops, *pulses)


def in_format(item: Measurement, file_format: Format, *, rename: bool = True) -> Measurement:
    """The same measurement written in another format, with the extension of its files.

    Parameters
    ----------
    item : Measurement
    file_format : Format
    rename : bool
        Whether the file gets the extension of the format.
    """
    name = Path(item.file).with_suffix(SUFFIXES[file_format]).name if rename else item.file
    return replace(item, format=file_format, file=name)


def in_style(measurements: Sequence[Measurement], style: Style) -> tuple[Measurement, ...]:
    """All of them as generic tables, or each kind as its instruments write it, by turns.

    Parameters
    ----------
    measurements : sequence of Measurement
    style : {"generic", "instrument"}
    """
    kinds = [item.kind for item in measurements]
    return tuple(
        in_format(item, usual_format(item.kind, style, kinds[:index].count(item.kind)))
        for index, item in enumerate(measurements)
    )


def check_files(measurements: Sequence[Measurement]) -> None:
    """Every measurement needs a file of its own.

    Parameters
    ----------
    measurements : sequence of Measurement

    Raises
    ------
    InputError
        Two have the same file.
    """
    seen: set[str] = set()
    for item in measurements:
        if item.file in seen:
            raise InputError(f"Two measurements would be written to {item.file!r}; give each its own `file`.")
        seen.add(item.file)


def log_frequencies(lowest: float, highest: float, points: int) -> FloatArray:
    """`points` frequencies (Hz), evenly spaced in the logarithm, the highest first as instruments do.

    Parameters
    ----------
    lowest : float, Hz
    highest : float, Hz
    points : int
    """
    return np.geomspace(highest, lowest, points)


def _biases(p: Parameters) -> FloatArray:
    """Terminal voltages (V) across the opening of the channel, rounded as one would type them."""
    lowest = max(min(0.0, p.V_T + _CLOSED * p.V_m), p.V_T + _LOWEST_BIAS * p.V_m)
    u = np.linspace(lowest, p.V_T + _HIGHEST_BIAS * p.V_m, _SPECTRA)
    V = u + p.R_s * steady_current(p, u)
    step = 10.0 ** np.floor(np.log10(p.V_m / 3.0))
    rounded: FloatArray = np.round(V / step) * step
    return np.round(rounded, 9)


def _frequencies(p: Parameters) -> FloatArray:
    """Frequencies (Hz) from below the slowest to above the fastest time constant."""
    times = [t for t in (p.R_s * p.C_m, p.tau_m, p.tau_d, 0.5 * p.tau_k) if t > 0.0]
    low, high = _FREQUENCY_LIMITS
    lowest = _nice(float(np.clip(0.05 / (2.0 * np.pi * max(times)), low, high / 10.0)))
    highest = _nice(float(np.clip(20.0 / (2.0 * np.pi * min(times)), 10.0 * lowest, high)))
    points = int(np.clip(_PER_DECADE * np.log10(highest / lowest), _FEWEST, _MOST))
    return log_frequencies(lowest, highest, points)


def _pulse_currents(p: Parameters) -> list[float]:
    """Currents (A) whose steady states lie below, at and above the opening of the channel.

    Rounded to two digits, or to as many as tell them apart.
    """
    currents = steady_current(p, p.V_T + p.V_m * np.array(_PULSE_BIASES))
    for digits in range(2, _MOST_DIGITS + 1):
        rounded = [float(f"{current:.{digits - 1}e}") for current in currents]
        if len(set(rounded)) == len(rounded):
            break
    return rounded


def _pulse(current: float, step: float) -> Drive:
    """A current pulse from rest, in samples of `step` (s)."""
    return pulse_train(
        "current",
        current,
        on=_REST * step,
        width=_PULSE * step,
        period=0.0,
        count=1,
        end=(_REST + _PULSE + _TAIL) * step,
    )


def _sampling(drive: Drive, points: int) -> FloatArray:
    """`points` even times over a drive, and those of its breaks, to nine digits as a file holds them."""
    even = np.linspace(drive.time[0], drive.time[-1], points)
    spacing = (drive.time[-1] - drive.time[0]) / max(points - 1, 1)
    breaks = [t for t in np.unique(drive.time) if np.min(np.abs(even - t)) > 1e-6 * spacing]
    return np.sort(np.concatenate([even, breaks]))


def _nice(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    power = np.floor(np.log10(value))
    steps = np.array([1.0, 2.0, 5.0, 10.0])
    nearest = steps[np.argmin(np.abs(np.log(steps) - np.log(value / 10.0**power)))]
    return float(f"{nearest * 10.0**power:.1e}")


def _label(value: float, unit: str) -> str:
    """A quantity as part of a file name: "50mV", "1.2uA"."""
    return format_quantity(value, unit, digits=_MOST_DIGITS).replace(" ", "")
