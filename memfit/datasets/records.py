"""The three kinds of measurement; reads of pulses, a fourth that is a transient, are in `programmes`.

Signs: current into the device positive; impedance Z' + i Z'' with exp(+i omega t), so that a capacitance
has negative Z''. Arrays are SI, one-dimensional and read-only.

A fingerprint of what a record holds: equal numbers have equal digests, whatever file they came from.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from memfit.above import PICTURE, Shown, from_above
from memfit.arrays import BoolArray, ComplexArray, FloatArray, frozen_complex, frozen_floats
from memfit.errors import InputError
from memfit.protocols import Control, Drive
from memfit.units import texts_in_si

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["impedance", "iv", "transient", "potentiation", "retention", "paired_pulse"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a record came from."""

    file: str
    """File name, relative to the device folder where there is one; "" if made in memory."""
    sha256: str = ""
    """Digest of the file's bytes."""
    part: str = ""
    """Segment, cycle or sheet inside the file; "" if the file holds one record."""
    format: str = ""
    """Name of the format as the loader recognised it."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class _Record(Shown, ABC):
    """What all three kinds carry."""

    name: str
    """Short name, unique in its device: the file name, with the part where there are several."""
    origin: Origin = Origin(file="")
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What else the file said, as text (instrument, technique, temperature, ...)."""
    notes: tuple[str, ...] = ()
    """Warnings of the loader and what was done to the data, a sentence each."""
    session: float = 0.0
    """When it began, after the first of its device: s, or how many records later; what a drift goes by."""

    @property
    @abstractmethod
    def points(self) -> int:
        """Number of frequencies or samples."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, FloatArray]:
        """What was measured, by label with unit, as in the tables that memfit writes."""

    @abstractmethod
    def select(self, keep: BoolArray, note: str = "") -> Self:
        """The same record with the chosen points only."""

    @abstractmethod
    def conditions(self) -> Mapping[str, Any]:
        """How it was measured, by the keys that device.toml has for it, SI."""

    def masked(self, out: npt.ArrayLike, note: str = "") -> Self:
        """The same record without some points; what the instrument applied stays whole.

        Parameters
        ----------
        out : (n,) array of bool, or whole numbers
            True for each point to leave out, as in `record.masked(record.frequency > 1e5)`; or the places of
            those points, counted from 0.
        note : str
            Why, a sentence for the notes.

        Raises
        ------
        InputError
            The array has another length, a place is not there, or nothing would be left.
        """
        chosen, keep = np.asarray(out), np.ones(self.points, dtype=np.bool_)
        wrong = chosen.dtype == np.bool_ and chosen.shape != keep.shape
        if wrong or (chosen.size and chosen.dtype.kind not in "biu"):
            raise InputError(
                f"{self.name}: expected {self.points} times True or False, or places of points; "
                f"found an array of {chosen.dtype} of the shape {chosen.shape}."
            )
        try:
            keep[chosen if chosen.size else []] = False
        except IndexError as problem:
            raise InputError(f"{self.name}: it has {self.points} points; {problem}.") from problem
        if not keep.any():
            raise InputError(f"{self.name}: nothing would be left; leave the record out instead.")
        count = int(np.count_nonzero(~keep))
        return self.select(keep, note or f"{count} of {keep.size} points were left out by hand.")

    def plot(self) -> Any:
        """Draw the record in a new figure of pyplot; its axes come back."""
        return from_above(PICTURE, self)

    def to_frame(self) -> "pd.DataFrame":
        """A table of the points, one row each, with units in its labels.

        Its `attrs` say how it was measured; `memfit.record_from_frame` makes the record again.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that a fit need not wait

        frame = pd.DataFrame(dict(self.columns))
        frame.attrs.update({"name": self.name, **self.conditions()})
        return frame

    def __repr__(self) -> str:
        """Its name and size; the numbers are in its arrays."""
        return f"<{type(self).__name__} {self.name!r}: {self.points} points>"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ImpedanceSpectrum(_Record):
    """One impedance spectrum at one dc bias."""

    frequency: FloatArray
    """(n,) Hz, > 0, in the order measured."""
    impedance: ComplexArray
    """(n,) ohm."""
    bias_voltage: float | None = None
    """Terminal dc voltage, V, if known."""
    bias_current: float | None = None
    """Terminal dc current, A, if known."""
    control: Control = "voltage"
    """What the instrument held: voltage (potentiostatic) or current (galvanostatic)."""
    amplitude: float | None = None
    """Amplitude of the sine, V or A, if known."""

    kind: Kind = field(default="impedance", init=False)

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        object.__setattr__(self, "frequency", frozen_floats(self.frequency))
        object.__setattr__(self, "impedance", frozen_complex(self.impedance))
        texts_in_si(self, bias_voltage="voltage", bias_current="current", amplitude=self.control)
        _check_lengths(self.name, frequency=self.frequency, impedance=self.impedance)
        if np.any(self.frequency <= 0):
            raise InputError(
                f"{self.name}: every frequency must be greater than 0 Hz; found {self.frequency.min():g} Hz."
            )

    @property
    def points(self) -> int:
        """Number of frequencies."""
        return self.frequency.size

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """Frequency, Z' and Z'', by label with unit."""
        Z = self.impedance
        return {LABELS["frequency"]: self.frequency, LABELS["real"]: Z.real, LABELS["imag"]: Z.imag}

    def conditions(self) -> Mapping[str, Any]:
        """Bias, control and amplitude, as far as they are known."""
        bias = self.bias_voltage if self.control == "voltage" else self.bias_current
        stated = {"kind": self.kind, "control": self.control, "bias": bias, "amplitude": self.amplitude}
        return {key: value for key, value in stated.items() if value is not None}

    def select(self, keep: BoolArray, note: str = "") -> "ImpedanceSpectrum":
        """A spectrum of the chosen points only.

        Parameters
        ----------
        keep : (n,) bool
        note : str
            Why, a sentence for the notes.
        """
        return replace(
            self,
            frequency=self.frequency[keep],
            impedance=self.impedance[keep],
            notes=(*self.notes, *([note] if note else [])),
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class IVSweep(_Record):
    """One current-voltage sweep or loop."""

    voltage: FloatArray
    """(n,) V, terminal voltage as recorded."""
    current: FloatArray
    """(n,) A."""
    time: FloatArray | None = None
    """(n,) s from the start of the sweep; None: a quasi-steady curve."""
    drive: Drive | None = None
    """What the instrument applied, made from the samples; None where there is no time."""
    control: Control = "voltage"
    scan_rate: float | None = None
    """V/s (A/s under current control), if known."""

    kind: Kind = field(default="iv", init=False)

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        object.__setattr__(self, "voltage", frozen_floats(self.voltage))
        object.__setattr__(self, "current", frozen_floats(self.current))
        _check_lengths(self.name, voltage=self.voltage, current=self.current)
        if (self.time is None) != (self.drive is None):
            raise InputError(f"{self.name}: a sweep has both a time and a drive, or neither.")
        if self.time is not None:
            object.__setattr__(self, "time", frozen_floats(self.time))
            _check_lengths(self.name, time=self.time, voltage=self.voltage)
            _check_time(self.name, self.time)

    @property
    def points(self) -> int:
        """Number of samples."""
        return self.voltage.size

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """Voltage, current and, where it is known, time, by label with unit."""
        return _labelled(voltage=self.voltage, current=self.current, time=self.time)

    def conditions(self) -> Mapping[str, Any]:
        """Control and, as far as they are known, scan rate and state at the start."""
        rate = {} if self.scan_rate is None else {"scan_rate": self.scan_rate}
        start = {"initial": self.drive.initial} if self.drive else {}
        return {"kind": self.kind, "control": self.control, **rate, **start}

    @property
    def response(self) -> FloatArray:
        """What was measured: current (A) under voltage control, else voltage (V)."""
        return self.current if self.control == "voltage" else self.voltage

    @property
    def response_unit(self) -> str:
        """Unit of the response, SI."""
        return "A" if self.control == "voltage" else "V"

    def select(self, keep: BoolArray, note: str = "") -> "IVSweep":
        """A sweep of the chosen points only; the drive stays whole.

        Parameters
        ----------
        keep : (n,) bool
        note : str
            Why, a sentence for the notes.
        """
        return replace(
            self,
            voltage=self.voltage[keep],
            current=self.current[keep],
            time=None if self.time is None else self.time[keep],
            notes=(*self.notes, *([note] if note else [])),
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PulseTransient(_Record):
    """The response in time to pulses, steps or any other drive."""

    time: FloatArray
    """(n,) s, non-decreasing."""
    voltage: FloatArray | None
    """(n,) V, terminal voltage; None if not recorded (then it is the drive)."""
    current: FloatArray | None
    """(n,) A; None if not recorded (then it is the drive)."""
    drive: Drive
    """What the instrument applied."""

    kind: Kind = field(default="transient", init=False)

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        object.__setattr__(self, "time", frozen_floats(self.time))
        _check_time(self.name, self.time)
        for name in ("voltage", "current"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen_floats(values))
                _check_lengths(self.name, time=self.time, **{name: getattr(self, name)})
        self._check_response()

    def _check_response(self) -> None:
        """What was measured is there."""
        measured = "current" if self.drive.control == "voltage" else "voltage"
        if getattr(self, measured) is None:
            raise InputError(
                f"{self.name}: under {self.drive.control} control the {measured} must be recorded."
            )

    @property
    def points(self) -> int:
        """Number of samples."""
        return self.time.size

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """Time, voltage and current, those that were recorded, by label with unit."""
        return _labelled(time=self.time, voltage=self.voltage, current=self.current)

    def conditions(self) -> Mapping[str, Any]:
        """What the instrument applied: control, vertices (s, and A or V) and the state at the start."""
        vertices = np.column_stack([self.drive.time, self.drive.value]).tolist()
        stated = {"control": self.control, "initial": self.drive.initial, "waveform": vertices}
        return {"kind": self.kind, **stated}

    @property
    def control(self) -> Control:
        """What the instrument set."""
        return self.drive.control

    @property
    def response(self) -> FloatArray:
        """What was measured: current (A) under voltage control, else voltage (V)."""
        values = self.current if self.drive.control == "voltage" else self.voltage
        if values is None:  # excluded when the record was made
            raise InputError(f"{self.name}: the response is missing.")
        return values

    @property
    def response_unit(self) -> str:
        """Unit of the response, SI; "1" of a ratio."""
        return "A" if self.drive.control == "voltage" else "V"

    def select(self, keep: BoolArray, note: str = "") -> Self:
        """A transient of the chosen points only; the drive stays whole.

        Parameters
        ----------
        keep : (n,) bool
        note : str
            Why, a sentence for the notes.
        """
        arrays = {name: getattr(self, name, None) for name in _OF_POINTS}
        chosen: dict[str, Any] = {name: v[keep] for name, v in arrays.items() if v is not None}
        return replace(self, **chosen, notes=(*self.notes, *([note] if note else [])))


Quantity = Literal["current", "voltage", "ratio"]
QUANTITIES: Mapping[str, Quantity] = {"A": "current", "V": "voltage", "1": "ratio"}
"""What a response is, by its unit."""
_OF_POINTS = ("time", "voltage", "current", "against", "first", "ratio")
"""Arrays of a transient, and of reads of pulses, that have a value a point."""

Record = ImpedanceSpectrum | IVSweep | PulseTransient


LABELS: Mapping[str, str] = {
    "frequency": "Frequency (Hz)",
    "real": "Z_real (ohm)",
    "imag": "Z_imag (ohm)",
    "time": "Time (s)",
    "voltage": "Voltage (V)",
    "current": "Current (A)",
}
"""Of the columns of a table that memfit writes."""


def _labelled(**columns: FloatArray | None) -> dict[str, FloatArray]:
    """Columns that there are, by label with unit."""
    return {LABELS[name]: values for name, values in columns.items() if values is not None}


def _check_lengths(name: str, **arrays: FloatArray | ComplexArray) -> None:
    """All arrays are one-dimensional, equally long, finite and not empty."""
    sizes = {key: array.shape for key, array in arrays.items()}
    if len(set(sizes.values())) != 1 or any(array.ndim != 1 or array.size == 0 for array in arrays.values()):
        raise InputError(f"{name}: expected columns of equal length with at least one row; found {sizes}.")
    for key, array in arrays.items():
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise InputError(
                f"{name}: {key} must be finite; point {bad[0] + 1} of {array.size} is {array[bad[0]]}. "
                "Remove the row or mend it."
            )


def _check_time(name: str, time: FloatArray) -> None:
    """Time is finite and never runs backward."""
    _check_lengths(name, time=time)
    back = np.flatnonzero(np.diff(time) < 0)
    if back.size:
        i = int(back[0])
        raise InputError(
            f"{name}: time must not run backward; point {i + 2} is at {time[i + 1]:g} s after {time[i]:g} s. "
            "Split the file where the time restarts."
        )


def silent(record: Record) -> str:
    """What is exactly zero in a record in which nothing was measured.

    Parameters
    ----------
    record : Record

    Returns
    -------
    str
        The beginning of a sentence, "the current is exactly 0 in all 40 rows"; "" where there is a value.
    """
    if isinstance(record, ImpedanceSpectrum):
        count = int(np.count_nonzero(record.impedance == 0))
        return f"the impedance is exactly 0 at {count} of {record.points} frequencies" if count else ""
    if np.any(record.response != 0):
        return ""
    word = QUANTITIES[record.response_unit]
    return f"the {word}, which is what was measured, is exactly 0 in all {record.points} rows"


_ARRAYS = ("frequency", "impedance", "voltage", "current", "time", "first", "ratio")


def content_digest(record: Record) -> str:
    """SHA-256 (hexadecimal) of the numbers a fit sees: kind, control, bias, columns, drive.

    Names, notes and metadata take no part; neither does the file they came from.

    Parameters
    ----------
    record : Record
    """
    digest = sha256(f"{record.kind} {record.control}".encode())
    if isinstance(record, ImpedanceSpectrum):
        digest.update(f" {record.bias_voltage!r} {record.bias_current!r}".encode())
    for name in _ARRAYS:
        values = getattr(record, name, None)
        if values is not None:
            digest.update(f" {name} ".encode() + np.ascontiguousarray(values).tobytes())
    drive = getattr(record, "drive", None)
    if drive is not None:
        digest.update(f" drive {drive.initial} ".encode() + drive.time.tobytes() + drive.value.tobytes())
    return digest.hexdigest()
