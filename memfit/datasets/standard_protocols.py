"""The protocols that everybody in the field applies to a memristor, by name.

    triangle                  loops of current and voltage, at a rate
    paired_pulses             two pulses an interval apart
    potentiation_depression   so many pulses up, so many down, a read after each
    retention                 one pulse, then reads, further and further apart
    spike_train               equal pulses at a frequency
    constant                  a constant drive, from rest: whether the device spikes by itself

Each is a drive and the times of its samples: dense after every jump, a few late in every flat piece.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, get_args

import numpy as np

from memfit.arrays import FloatArray, frozen_floats
from memfit.datasets.programmes import PulseProgramme, play
from memfit.errors import InputError
from memfit.protocols import Control, Drive, pulse_train, sweep
from memfit.units import as_si


@dataclass(frozen=True)
class Settings:
    """How samples are laid."""

    loop: int = 401
    """Of each cycle of a triangle."""
    early: int = 16
    """After a jump, evenly in the logarithm of the time,"""
    earliest: float = 1e-5
    """from this part of the flat piece on;"""
    first: int = 1200
    """in the first pulse so many,"""
    soonest: float = 1e-11
    """from here on: its energy is an integral over the charging of the capacitance, which may be fast."""
    late: int = 5
    """Samples over the last tenth of a flat piece, evenly,"""
    last: float = 0.999
    """up to this part of it."""
    near: float = 1e-6
    """Distance of an even sample from a break, of that between samples, at which it stands for it."""
    lead: float = 0.5
    """Time at the base before the first pulse, in widths of the pulse."""
    reads: int = 25
    """Of a retention."""
    constant: int = 2001
    """Samples of a constant drive."""
    tail: float = 5.0
    """Time at the base after paired pulses, in their widths."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True, eq=False)
class StandardProtocol:
    """A protocol that has a name."""

    name: str
    drive: Drive
    time: FloatArray
    """(n,) s, of the samples."""
    settings: Mapping[str, float]
    """What was asked for, SI."""


def triangle(
    control: Control, *, amplitude: float, rate: float, low: float = 0.0, cycles: int = 1
) -> tuple[Drive, FloatArray]:
    """Triangles from zero to the amplitude and to `low`, and back to zero."""
    if amplitude in (low, 0.0):
        raise InputError(f"A triangle needs an amplitude other than 0 and than `low`; found {amplitude:g}.")
    turn = [0.0, amplitude, low] if low != 0.0 else [0.0, amplitude]
    drive = sweep(control, [*turn * cycles, 0.0], rate=rate)
    return drive, even_times(drive, SETTINGS.loop * cycles)


def paired_pulses(
    control: Control, *, amplitude: float, width: float, interval: float, base: float = 0.0
) -> tuple[Drive, FloatArray]:
    """Two pulses; the interval is that from the end of the first to the start of the second."""
    on, period = SETTINGS.lead * width, width + interval
    end = on + period + (1.0 + SETTINGS.tail) * width
    drive = pulse_train(control, amplitude, on=on, width=width, period=period, count=2, end=end, base=base)
    return drive, samples_of(drive)


def potentiation_depression(
    control: Control,
    *,
    amplitude: float,
    depression: float,
    width: float,
    period: float,
    count: int,
    read: float,
    read_width: float | None = None,
    delay: float | None = None,
    base: float = 0.0,
) -> tuple[Drive, FloatArray]:
    """So many pulses of the amplitude and as many of `depression`, each followed by a read.

    By default a read begins a tenth of the width after its pulse and lasts half of what is left of the
    period.
    """
    delay = 0.1 * width if delay is None else delay
    read_width = min(width, 0.5 * (period - width - delay)) if read_width is None else read_width
    programme = PulseProgramme(
        control=control,
        pulse=(amplitude, depression),
        width=(width, width),
        count=(count, count),
        read=read,
        read_width=read_width,
        period=period,
        delay=delay,
        base=base,
    )
    drive = play(programme, 2 * count).drive
    shifted = Drive(control, drive.time - drive.time[0], drive.value, drive.initial)
    return shifted, samples_of(shifted)


def retention(
    control: Control,
    *,
    amplitude: float,
    width: float,
    read: float,
    read_width: float,
    duration: float,
    base: float = 0.0,
) -> tuple[Drive, FloatArray]:
    """One pulse, then reads whose distance grows, up to a duration after the pulse."""
    first = 0.1 * read_width
    starts = np.geomspace(first + read_width, duration, SETTINGS.reads) - read_width
    starts = np.maximum.accumulate(starts)
    kept = [float(starts[0])]
    for start in starts[1:].tolist():
        if start > kept[-1] + 1.2 * read_width:
            kept.append(start)
    on = SETTINGS.lead * width
    points: list[tuple[float, float]] = [(0.0, base), (on, base), (on, amplitude), (on + width, amplitude)]
    for start in kept:
        begin = on + width + start
        points += [(points[-1][0], base), (begin, base), (begin, read), (begin + read_width, read)]
    points += [(points[-1][0], base), (points[-1][0] + read_width, base)]
    time, value = np.array(points).T
    drive = Drive(control, time, value)
    return drive, samples_of(drive)


def spike_train(
    control: Control, *, amplitude: float, width: float, frequency: float, count: int, base: float = 0.0
) -> tuple[Drive, FloatArray]:
    """Equal pulses at a frequency."""
    on, period = SETTINGS.lead * width, 1.0 / frequency
    drive = pulse_train(
        control, amplitude, on=on, width=width, period=period, count=count, end=on + count * period, base=base
    )
    return drive, samples_of(drive)


def constant(control: Control, *, amplitude: float, duration: float) -> tuple[Drive, FloatArray]:
    """A constant drive that sets in at rest."""
    drive = Drive(control, np.array([0.0, duration]), np.array([amplitude, amplitude]), "rest")
    return drive, np.linspace(0.0, duration, SETTINGS.constant)


BUILDERS: Mapping[str, Callable[..., tuple[Drive, FloatArray]]] = MappingProxyType(
    {
        build.__name__: build
        for build in (triangle, paired_pulses, potentiation_depression, retention, spike_train, constant)
    }
)
"""The protocols by name."""

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("amplitude", "depression", "low", "read", "base"), "control"),
        "rate": "control rate",
        **dict.fromkeys(("width", "interval", "period", "delay", "read_width", "duration"), "time"),
        "frequency": "frequency",
        **dict.fromkeys(("count", "cycles"), "number"),
    }
)
"""Of what the protocols are set by: "control" is a voltage or a current, as the instrument holds it."""


def settings_of(name: str) -> Mapping[str, bool]:
    """What a protocol is set by, and whether it has to be given.

    Parameters
    ----------
    name : str
        Out of `BUILDERS`.
    """
    given = inspect.signature(BUILDERS[name]).parameters.values()
    return {one.name: one.default is one.empty for one in given if one.name != "control"}


def protocol(name: str, *, control: Control = "voltage", **settings: float | str) -> StandardProtocol:
    """A protocol of the field by its name, to simulate or to predict.

    Parameters
    ----------
    name : str
        triangle (amplitude, rate, low, cycles), paired_pulses (amplitude, width, interval, base),
        potentiation_depression (amplitude, depression, width, period, count, read, read_width, delay, base),
        retention (amplitude, width, read, read_width, duration, base), spike_train (amplitude, width,
        frequency, count, base) or constant (amplitude, duration).
    control : {"voltage", "current"}
        What amplitudes, bases and reads are of.
    **settings : float
        V or A, s, Hz; or texts with units.

    Returns
    -------
    StandardProtocol

    Raises
    ------
    InputError
        The name or a setting is unknown, a setting is missing, or makes no sense.
    """
    if name not in BUILDERS:
        raise InputError(f"Expected the name of a protocol out of {', '.join(BUILDERS)}; found {name!r}.")
    known = settings_of(name)
    unknown = [key for key in settings if key not in known]
    missing = [key for key, needed in known.items() if needed and key not in settings]
    if unknown or missing:
        raise InputError(
            f"The protocol {name} is set by {', '.join(known)}"
            + (f"; {', '.join(unknown)} is none of them" if unknown else "")
            + (f"; {', '.join(missing)} is missing" if missing else "")
            + "."
        )
    if control not in get_args(Control):
        raise InputError(f'Expected the control "voltage" or "current", found {control!r}.')
    read = {"control": str(control), "control rate": f"{control}_rate", "number": "ratio"}
    values = {key: as_si(one, read.get(DIMENSIONS[key], DIMENSIONS[key])) for key, one in settings.items()}
    for key, value in values.items():
        number = DIMENSIONS[key] == "number"
        if not np.isfinite(value) or (number and (value != int(value) or value < 1)):
            raise InputError(
                f"{name}: expected {'a whole number' if number else 'a number'} for {key}, found {value}."
            )
        if DIMENSIONS[key] in ("time", "control rate", "frequency") and not value > 0.0:
            raise InputError(f"{name}: expected {key} above 0, found {value:g}.")
    given: dict[str, Any] = {k: int(v) if DIMENSIONS[k] == "number" else float(v) for k, v in values.items()}
    drive, time = BUILDERS[name](control, **given)
    return StandardProtocol(name=name, drive=drive, time=time, settings=values)


def even_times(drive: Drive, points: int) -> FloatArray:
    """Even times over a drive, and those of its breaks that none of them is near.

    Parameters
    ----------
    drive : Drive
    points : int
        Even ones.
    """
    even = np.linspace(drive.time[0], drive.time[-1], points)
    breaks, spacing = np.unique(drive.time), (drive.time[-1] - drive.time[0]) / max(points - 1, 1)
    near = np.min(np.abs(breaks[:, None] - even), axis=1) <= SETTINGS.near * spacing
    return np.sort(np.concatenate([even, breaks[~near]]))


def samples_of(drive: Drive) -> FloatArray:
    """Times at which every piece of a drive is sampled: dense after its start, and late in it.

    Parameters
    ----------
    drive : Drive
    """
    late = np.linspace(0.9, SETTINGS.last, SETTINGS.late)
    first = next((t for t, v in zip(drive.time, drive.value, strict=True) if v != drive.value[0]), None)
    pieces = []
    for a, b in pairwise(drive.time):
        begin = (SETTINGS.soonest, SETTINGS.first) if a == first else (SETTINGS.earliest, SETTINGS.early)
        early = np.geomspace(begin[0], 0.85, begin[1])
        if b > a:
            pieces.append(a + (b - a) * np.concatenate([[0.0], early, late]))
    return frozen_floats(np.concatenate([*pieces, drive.time[-1:]]))
