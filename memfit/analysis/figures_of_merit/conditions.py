"""The conditions at which figures of merit are stated: as asked for, else as records and device suggest."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from memfit.datasets import IVSweep, PulseTransient, Record
from memfit.errors import InputError
from memfit.model import Parameters
from memfit.units import format_quantity


@dataclass(frozen=True)
class Settings:
    """What is usual, where neither records nor anybody say."""

    top: float = 4.0
    """Amplitude above V_T, in V_m,"""
    closed: float = 2.0
    """and read voltage below V_T, in V_m, at most;"""
    half: float = 0.5
    """at most this part of the amplitude."""
    width: float = 0.05
    """Of a pulse, and the interval, of the slowest time of the memory."""
    count: int = 30
    """Pulses of potentiation, and of depression."""
    duration: float = 20.0
    """Of retention, in slowest times."""
    loop: float = 0.1
    """Amplitude passed in the slowest time, for the scan rate where no loop was measured."""
    disturbs: float = 0.1
    """Open part of the channel at the read voltage from which a read disturbs."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """At which figures of merit that were not measured are predicted; what is None is chosen.

    Raises
    ------
    InputError
        A time, a rate or a count is not above zero, or the amplitude is zero.
    """

    amplitude: float | None = None
    """Of loops and of pulses that potentiate, V."""
    read: float | None = None
    """V."""
    rate: float | None = None
    """Of loops, V/s."""
    depression: float | None = None
    """Height of the pulses that depress, V."""
    base: float | None = None
    """Between pulses, V."""
    width: float | None = None
    """Of a pulse, s."""
    interval: float | None = None
    """From the end of a pulse to the start of the next, s."""
    count: int | None = None
    """Pulses up, and down."""
    duration: float | None = None
    """For which retention is followed, s."""
    current: float | None = None
    """At which the device may spike, A."""

    def __post_init__(self) -> None:
        """Check what was given."""
        for name in ("rate", "width", "interval", "count", "duration"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"Expected {name} above 0, found {value:g}.")
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and not np.isfinite(value):
                raise InputError(f"Expected a finite number for {one.name}, found {value}.")
        for name in ("amplitude", "read"):
            if getattr(self, name) == 0.0:
                raise InputError(f"Expected a voltage other than 0 V for {name}: at 0 V nothing can be told.")


@dataclass(frozen=True, kw_only=True)
class Stated:
    """The conditions in full."""

    amplitude: float
    read: float
    rate: float
    depression: float
    base: float
    width: float
    interval: float
    count: int
    duration: float
    current: float | None
    warnings: tuple[str, ...] = ()
    """What is wrong with them, a sentence each."""

    @property
    def period(self) -> float:
        """From pulse to pulse, s."""
        return self.width + self.interval


def stated(asked: Conditions, p: Parameters, records: Sequence[Record]) -> Stated:
    """Conditions in full, with what they do to the device.

    Parameters
    ----------
    asked : Conditions
    p : Parameters
    records : sequence of Record
        Those of the fit; may be empty.
    """
    slowest = max(p.tau_d, p.tau_k) or p.tau_m
    loops = [r for r in records if isinstance(r, IVSweep) and r.control == "voltage"]
    tops = [float(r.voltage[np.argmax(np.abs(r.voltage))]) for r in loops]
    if not tops:
        tops = [
            float(r.voltage[np.argmax(np.abs(r.voltage))])
            for r in records
            if isinstance(r, IVSweep | PulseTransient) and r.voltage is not None
        ]
    usual = _typed(p.V_T + SETTINGS.top * p.V_m)
    amplitude = asked.amplitude or (max(tops, key=abs) if tops and max(map(abs, tops)) > 0.0 else usual)
    sign = float(np.sign(amplitude))
    if asked.read is None:
        below = p.V_T - SETTINGS.closed * p.V_m
        half = SETTINGS.half * abs(amplitude)
        read = sign * _typed(min(half, below) if below > 0.0 else half)
    else:
        read = asked.read
    width = asked.width or _typed(SETTINGS.width * slowest, 1)
    rates = sorted(r.scan_rate for r in loops if r.scan_rate)
    rate = rates[len(rates) // 2] if rates else _typed(SETTINGS.loop * abs(amplitude) / slowest, 1)
    full = Stated(
        amplitude=float(f"{amplitude:.4g}"),
        read=read,
        rate=asked.rate or rate,
        depression=_typed(0.5 * read) if asked.depression is None else asked.depression,
        base=asked.base or 0.0,
        width=width,
        interval=asked.interval or width,
        count=asked.count or SETTINGS.count,
        duration=asked.duration or _typed(SETTINGS.duration * slowest, 1),
        current=asked.current,
    )
    return replace(full, warnings=tuple(_warnings(full, p)))


def alike(asked: Conditions, devices: Sequence[Parameters]) -> Conditions:
    """Conditions under which devices can be set side by side: what is not asked for is the median of theirs.

    Parameters
    ----------
    asked : Conditions
    devices : sequence of Parameters
        At least one.
    """
    own = [stated(asked, p, ()) for p in devices]
    kept = {name: getattr(asked, name) for name in ("current", "base")}
    middle = {
        one.name: float(f"{np.median([getattr(full, one.name) for full in own]):.3g}")
        for one in fields(Conditions)
        if one.name not in kept
    }
    return Conditions(**{**middle, **kept, "count": round(middle["count"])})


def _warnings(full: Stated, p: Parameters) -> list[str]:
    """What the conditions do that they should not."""
    said = []
    opened = 1.0 / (1.0 + np.exp(np.clip(-(full.read - p.V_T) / p.V_m, -500.0, 500.0)))
    if opened > SETTINGS.disturbs:
        said.append(
            f"The read voltage {format_quantity(full.read, 'V', digits=3)} opens {100 * opened:.0f} % of the "
            f"memory channel (threshold {format_quantity(p.V_T, 'V', digits=3)}): reads disturb what they "
            "read; take less."
        )
    if abs(full.read) > abs(full.amplitude):
        said.append(
            f"The read voltage {format_quantity(full.read, 'V', digits=3)} is larger than the amplitude "
            f"{format_quantity(full.amplitude, 'V', digits=3)}: loops do not reach it."
        )
    return said


def _typed(value: float, digits: int = 2) -> float:
    """A number as one would type it."""
    return float(f"{value:.{digits - 1}e}")
