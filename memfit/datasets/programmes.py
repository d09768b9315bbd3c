"""Programmes of pulses of which only the reads were recorded: potentiation and depression, retention.

A programme is pulses, each followed by a read: base, pulse of a width, base for a delay, read of a width,
base to the end of the period. The record is an ordinary transient: its drive is the whole programme, its
samples are the reads. A sample stands late in its read (`AT`), where source-measure units average.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import InputError
from memfit.protocols import Control, Drive, Initial

AT = 0.8
"""Part of a read at which its value is taken."""
_ROUNDING = 1e-9
"""Relative."""


@dataclass(frozen=True, kw_only=True)
class PulseProgramme:
    """What was applied: pulses and reads.

    Raises
    ------
    InputError
        A width or a period is not above zero, lists differ in length, or a pulse and its read do not fit into
        their period.
    """

    control: Control = "voltage"
    """What pulses and reads are of."""
    pulse: tuple[float, ...] = ()
    """V or A, in turn; none: reads alone."""
    width: tuple[float, ...] = ()
    """s, of each pulse of `pulse`; one for all."""
    count: tuple[int, ...] = ()
    """One number: how often the whole list is repeated. One for each pulse: so many of it before the next."""
    read: float = 0.0
    """V or A."""
    read_width: float | None = None
    """s."""
    period: float | None = None
    """s, from one pulse to the next."""
    delay: float | None = None
    """s, from the end of a pulse to the start of its read."""
    base: float = 0.0
    """V or A, between pulses and reads."""

    def __post_init__(self) -> None:
        """Check what the parts say together."""
        if self.read == 0.0:
            raise InputError("a programme of pulses needs a read other than 0")
        if self.pulse and not self.width:
            raise InputError("expected the `width` of the pulses")
        if len(self.width) not in (0, 1, len(self.pulse)):
            raise InputError(f"expected one width, or one for each of {len(self.pulse)} pulses")
        if len(self.count) not in (0, 1, len(self.pulse)):
            raise InputError(f"expected one count, or one for each of {len(self.pulse)} pulses")
        lengths = (*self.width, *(x for x in (self.read_width, self.period) if x is not None))
        if any(length <= 0.0 for length in lengths) or (self.delay is not None and self.delay < 0.0):
            raise InputError("expected widths and a period above 0 s, and no delay below")
        if self.period is not None and self.pulse:
            needed = max(self.width) + (self.delay or 0.0) + (self.read_width or 0.0)
            if needed >= self.period:
                raise InputError(
                    f"a pulse and its read last {needed:g} s, longer than the period {self.period:g} s"
                )

    def pulses(self, rows: int) -> list[tuple[float, float]]:
        """Value and width (s) of every pulse, in order.

        Parameters
        ----------
        rows : int
            Reads of the file, which say how many pulses there were where no count does.
        """
        if not self.pulse:
            return []
        widths = self.width if len(self.width) == len(self.pulse) else self.width * len(self.pulse)
        turn = list(zip(self.pulse, widths, strict=True))
        if len(self.count) == len(turn) and len(turn) > 1:
            return [one for one, times in zip(turn, self.count, strict=True) for _ in range(times)]
        if self.count:
            return turn * self.count[0]
        return [turn[k % len(turn)] for k in range(rows)]


@dataclass(frozen=True)
class Played:
    """A programme as it was played."""

    drive: Drive
    time: FloatArray
    """(n,) s, of the reads."""
    said: tuple[str, ...]
    """What had to be assumed."""


def play(
    programme: PulseProgramme, rows: int, time: FloatArray | None = None, *, initial: Initial = "rest"
) -> Played:
    """The drive of a programme and the times of its reads.

    Parameters
    ----------
    programme : PulseProgramme
    rows : int
        Number of reads: one after each pulse, perhaps one before the first; any number after a single pulse.
    time : (rows,) array, s, optional
        When the reads were taken: after a single pulse from its end, else on any clock.
    initial : {"steady", "rest", "free"}

    Raises
    ------
    InputError
        The number of reads is not that of the pulses, or neither times nor a period are known.
    """
    pulses = programme.pulses(rows)
    if time is not None and len(pulses) <= 1 < rows:
        return _retention(programme, pulses, time, initial)
    if rows not in (len(pulses), len(pulses) + 1):
        raise InputError(
            f"the protocol makes {len(pulses)} pulses, and {rows} reads were found: expected one after each "
            "pulse, perhaps one before the first; correct `count` or the list of `pulse`"
        )
    before = rows - len(pulses)
    said: list[str] = []
    if time is None:
        if programme.period is None:
            raise InputError("expected the `period` of the pulses, or a column of the time")
        ends = programme.period * np.arange(before, rows) + np.array([width for _, width in pulses])
        rest = programme.period - max(width for _, width in pulses)
        read_width = programme.read_width or min(programme.width[0], rest / 2)
        delay = rest - read_width if programme.delay is None else programme.delay
        if programme.delay is None:
            said.append(
                "Each read is taken at the end of its period; `delay` in the protocol says otherwise."
            )
        starts = ends + delay
        if before:
            starts = np.concatenate([[starts[0] - programme.period], starts])
    else:
        steps = np.diff(time)
        if np.any(steps <= 0):
            raise InputError("expected times of the reads that rise")
        usual = float(np.median(steps))
        read_width = programme.read_width or min(programme.width[0], usual / 4)
        starts = time - AT * read_width
        earlier = np.concatenate([time[:1] - usual, time[:-1]])[before:]
        delay = usual / 4 if programme.delay is None else programme.delay
        if programme.delay is None:
            said.append(
                f"Each pulse is taken to end {delay:.3g} s before its read; `delay` in the protocol says "
                "otherwise."
            )
        ends = starts[before:] - delay
        if np.any(ends - np.array([width for _, width in pulses]) < earlier):
            raise InputError(
                "the pulses and delays of the protocol do not fit between the times of the reads"
            )
    if programme.read_width is None:
        said.append(
            f"A read is taken to last {read_width:.3g} s; `read_width` in the protocol says otherwise."
        )
    steps_of_drive = [(e - w, e, v) for (v, w), e in zip(pulses, ends.tolist(), strict=True)]
    steps_of_drive += [(s, s + read_width, programme.read) for s in starts.tolist()]
    return Played(_polygon(programme, steps_of_drive, initial), starts + AT * read_width, tuple(said))


def _retention(
    programme: PulseProgramme, pulses: Sequence[tuple[float, float]], time: FloatArray, initial: Initial
) -> Played:
    """Reads after a single pulse, or after none; their times count from the end of the pulse."""
    if np.any(np.diff(time) <= 0) or time[0] < 0:
        raise InputError("expected times of the reads that rise, counted from the end of the pulse")
    steps = [(-width, 0.0, value) for value, width in pulses]
    end = float(time[-1])
    if programme.read_width is None:
        said = ("The read is taken to stand all the time; `read_width` in the protocol parts the reads.",)
        steps.append((0.0, end + max(end, 1e-9) * 1e-3, programme.read))
        return Played(_polygon(programme, steps, initial if pulses else "free"), time, said)
    starts = time - AT * programme.read_width
    if starts[0] < 0:
        starts, time = starts - starts[0], time - starts[0]
    if np.any(np.diff(starts) <= programme.read_width):
        raise InputError("the reads of the protocol last longer than the times between them")
    steps += [(s, s + programme.read_width, programme.read) for s in starts.tolist()]
    return Played(_polygon(programme, steps, initial if pulses else "free"), time, ())


def _polygon(programme: PulseProgramme, steps: list[tuple[float, float, float]], initial: Initial) -> Drive:
    """A drive at its base but for some steps (start, end, value), in order of time."""
    ordered = sorted(steps)
    lead = ordered[0][0] - 0.1 * (ordered[0][1] - ordered[0][0])
    points = [(lead, programme.base)]
    for first, end, value in ordered:
        last, rounding = points[-1][0], _ROUNDING * max(abs(first), abs(end), end - first)
        if first < last - rounding:
            raise InputError(f"a pulse or read that begins at {first:g} s overlaps the one before")
        start = last if first <= last + rounding else first
        if start == last:  # right behind the step before: no return to the base
            points.pop()
        else:
            points.append((start, programme.base))
        points += [(start, value), (end, value), (end, programme.base)]
    at, value_at = np.array(points).T
    return Drive(programme.control, at, value_at, initial)
