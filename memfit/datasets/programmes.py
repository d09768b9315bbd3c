"""Programmes of pulses of which only the reads were recorded: potentiation, retention, paired pulses.

A programme is pulses, each followed by a read: base, pulse of a width, base for a delay, read of a width,
base to the end of the period. The record is a transient: its drive is the whole programme, its samples are
the reads. A sample stands late in its read (`AT`), where source-measure units average. Of paired pulses the
ratio of the second response to the first is what was measured; each pair begins where the device has rested.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memfit.arrays import FloatArray, frozen_floats
from memfit.datasets.records import LABELS, Kind, PulseTransient
from memfit.errors import InputError
from memfit.protocols import Control, Drive, Initial

AT = 0.8
"""Part of a read at which its value is taken."""
_LATE = 0.95
"""Part of a pulse at which its own response is taken, where there is no read."""
_REST = 10.0
"""Pause before each pair of pulses, in longest intervals, where none is stated."""
_READ_AFTER = 0.1
"""From a pulse of a pair to its read, in widths of the pulse, where no delay is stated."""
_ROUNDING = 1e-9
"""Relative."""


AXES: Mapping[Kind, str] = {
    "potentiation": "Pulse number",
    "retention": "Time after the pulse (s)",
    "paired_pulse": "Interval (s)",
}
"""What the curves of each kind are told against."""
_FIRST, _RATIO = "Time of the first (s)", "A2/A1"


MOST_PULSES = 1_000_000
"""Pulses of a programme; more are a slip, and would take all memory."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SynapticCurve(PulseTransient):
    """The reads of a programme of pulses: a transient of which nothing else was recorded."""

    kind: Kind = "potentiation"
    """potentiation, retention or paired_pulse."""
    against: FloatArray
    """(n,) what the reads are told against: the number of the pulse; s after the pulse; the interval, s."""
    first: FloatArray | None = None
    """(n,) s, when the first response of each pair was taken; `time` is that of the second."""
    ratio: FloatArray | None = None
    """(n,) second response of each pair over the first; there are no currents and voltages then."""

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        super().__post_init__()
        if self.kind not in AXES:
            raise InputError(
                f"{self.name}: expected one of the kinds {', '.join(AXES)}, found {self.kind!r}."
            )
        for name in ("against", "first", "ratio"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen_floats(values))
                if getattr(self, name).shape != self.time.shape or not np.all(np.isfinite(values)):
                    raise InputError(f"{self.name}: expected {self.points} finite values of `{name}`.")
        if self.first is not None and not (
            np.all(self.first < self.time) and np.all(self.time[:-1] <= self.first[1:])
        ):
            raise InputError(f"{self.name}: expected pairs of pulses one after the other.")

    def _check_response(self) -> None:
        if self.kind != "paired_pulse":
            super()._check_response()
        elif self.ratio is None or self.first is None:
            raise InputError(f"{self.name}: paired pulses need their ratios and the times of the first.")

    @property
    def response(self) -> FloatArray:
        """What was measured: a ratio, or current (A) or voltage (V)."""
        return super().response if self.ratio is None else self.ratio

    @property
    def response_unit(self) -> str:
        """Unit of the response, SI; "1" of a ratio."""
        return super().response_unit if self.ratio is None else "1"

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """What was measured, and what it is told against, by label with unit."""
        more = {AXES[self.kind]: self.against, _FIRST: self.first, _RATIO: self.ratio}
        return {**super().columns, **{label: values for label, values in more.items() if values is not None}}

    @classmethod
    def of_columns(cls, kind: Kind, columns: Mapping[str, FloatArray], **others: Any) -> "SynapticCurve":
        """The record of columns as `columns` gives them.

        Parameters
        ----------
        kind : {"potentiation", "retention", "paired_pulse"}
        columns : mapping of str to (n,) array
        **others
            What else a record is made of: name, drive, notes, ...

        Raises
        ------
        KeyError
            A column is missing.
        """
        arrays: dict[str, Any] = {key: columns.get(LABELS[key]) for key in ("voltage", "current")}
        return cls(
            kind=kind,
            time=columns[LABELS["time"]],
            against=columns[AXES[kind]],
            first=columns.get(_FIRST),
            ratio=columns.get(_RATIO),
            **arrays,
            **others,
        )


COLUMNS = (*AXES.values(), _FIRST, _RATIO)
"""Labels that a `SynapticCurve` has besides those of other records."""


def at_reads(record: PulseTransient, values: FloatArray) -> FloatArray:
    """What is told of the reads of a potentiation or a retention: conductance, S, or resistance, ohm.

    Parameters
    ----------
    record : PulseTransient
    values : (n,) array, A or V
        Response, measured or predicted; of paired pulses their ratio, which comes back.
    """
    if record.kind == "paired_pulse":
        return values
    held = record.drive.at(record.time)
    voltage, current = (held, values) if record.control == "voltage" else (values, held)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: FloatArray = voltage / current if record.kind == "retention" else current / voltage
    return result


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
        if self.pulse and not self.width:
            raise InputError("expected the `width` of the pulses")
        if len(self.width) not in (0, 1, len(self.pulse)):
            raise InputError(f"expected one width, or one for each of {len(self.pulse)} pulses")
        if sum(self.count) * (len(self.pulse) if len(self.count) == 1 else 1) > MOST_PULSES:
            raise InputError(f"expected at most {MOST_PULSES} pulses, found more in its counts")
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
    """(n,) s, of the reads; of pairs those of the second."""
    against: FloatArray
    """(n,) number of the pulse, s after the pulse, or interval, s."""
    kind: Kind
    first: FloatArray | None = None
    """(n,) s, of the first read of each pair."""
    said: tuple[str, ...] = ()
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
    if programme.read == 0.0:
        raise InputError("a programme of pulses needs a read other than 0")
    pulses = programme.pulses(rows)
    if time is not None and len(pulses) <= 1 < rows:
        return _retention(programme, pulses, time, initial)
    if rows not in (len(pulses), len(pulses) + 1):
        raise InputError(
            f"the protocol makes {len(pulses)} pulse{'s' * (len(pulses) != 1)}, and {rows} reads were found: "
            "expected one after each pulse, perhaps one before the first; correct `count` or the list of "
            "`pulse`"
        )
    before = rows - len(pulses)
    said: list[str] = []
    if time is None:
        if programme.period is None:
            raise InputError(
                "expected the `period` of the pulses, or a column of the time; say it in `protocol`, "
                "or above the table as `# period: 1 s`"
            )
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
    return Played(
        _polygon(programme, steps_of_drive, initial),
        starts + AT * read_width,
        np.arange(rows, dtype=np.float64) + 1.0 - before,
        "potentiation",
        said=tuple(said),
    )


def play_pairs(programme: PulseProgramme, interval: FloatArray) -> Played:
    """The drive of pairs of pulses, and the times of both responses of each.

    Parameters
    ----------
    programme : PulseProgramme
        Of one pulse, or of the two of a pair; without a read the response late in the pulses is meant.
    interval : (n,) array, s
        From the end of the first pulse to the start of the second, pair by pair.

    Raises
    ------
    InputError
        There is no pulse, an interval is not above zero, or the reads do not fit into it.
    """
    if len(programme.pulse) not in (1, 2) or programme.count not in ((), (1,), (2,), (interval.size,)):
        raise InputError(
            "expected the `pulse` of paired pulses, one or two of them, and no `count`: each row is a pair"
        )
    if np.any(interval <= 0):
        raise InputError("expected intervals above 0 s, from the end of a pulse to the start of the next")
    levels, widths, said = programme.pulse * (2 // len(programme.pulse)), programme.width, []
    widths = widths * (2 // len(widths))
    pause = _REST * (float(interval.max()) + sum(widths))
    whole = interval + sum(widths)
    if programme.period is None:
        said.append(f"Before each pair the device rests for {pause:.3g} s; `period` says otherwise.")
    elif programme.period <= float(whole.max()):
        raise InputError(f"a pair lasts {whole.max():g} s, longer than the period {programme.period:g} s")
    delay = _READ_AFTER * widths[0] if programme.delay is None else programme.delay
    read_width = programme.read_width or min(widths[0], 0.5 * (float(interval.min()) - delay))
    if programme.read and (read_width <= 0 or delay + read_width >= float(interval.min())):
        raise InputError(
            f"the reads of the protocol end {delay + read_width:g} s after their pulse, and the shortest "
            f"interval is {interval.min():g} s"
        )
    if programme.read and None in (programme.delay, programme.read_width):
        said.append(
            f"A read is taken to begin {delay:.3g} s after its pulse and to last {read_width:.3g} s; `delay` "
            "and `read_width` in the protocol say otherwise."
        )
    if not programme.read:
        said.append("The responses are those late in the pulses, because the protocol has no `read`.")
    steps, times, begin = [], [], 0.0
    for gap, length in zip(interval.tolist(), whole.tolist(), strict=True):
        for start, width, level in zip((begin, begin + widths[0] + gap), widths, levels, strict=True):
            steps.append((start, start + width, level))
            times.append(start + _LATE * width)
            if programme.read:
                read = start + width + delay
                steps.append((read, read + read_width, programme.read))
                times[-1] = read + AT * read_width
        begin += pause + length if programme.period is None else programme.period
    first, second = np.array(times).reshape(-1, 2).T
    drive = _polygon(programme, steps, "rest")
    return Played(drive, second, interval, "paired_pulse", first=first, said=tuple(said))


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
        drive = _polygon(programme, steps, initial if pulses else "free")
        return Played(drive, time, time, "retention", said=said)
    starts = time - AT * programme.read_width
    if starts[0] < 0:
        starts, time = starts - starts[0], time - starts[0]
    if np.any(np.diff(starts) <= programme.read_width):
        raise InputError("the reads of the protocol last longer than the times between them")
    steps += [(s, s + programme.read_width, programme.read) for s in starts.tolist()]
    return Played(_polygon(programme, steps, initial if pulses else "free"), time, time, "retention")


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
