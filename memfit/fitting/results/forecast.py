"""What a fitted device will do that was not measured: one prediction with its band, for every caller.

The answer to any drive in time, to a small signal at a bias, or at the points of a record, by the fitted
model, with the intervals that follow from what the fit knows of the parameters
(`memfit.fitting.results.propagation`). The noise of a measurement is not part of the band.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray, frozen_floats
from memfit.datasets.programmes import SynapticCurve
from memfit.datasets.records import QUANTITIES, ImpedanceSpectrum, PulseTransient, Record
from memfit.datasets.standard_protocols import StandardProtocol, even_times
from memfit.errors import InputError
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.propagation import Fitted, Knowledge, Method, knowledge_of, propagate
from memfit.model import Parameters
from memfit.protocols import Drive, SmallSignal

if TYPE_CHECKING:
    import pandas as pd

COURSE_POINTS = 1001
"""Of a course whose times nobody asked for."""
_TOLERANCE = 1e-8
"""Of the integrator."""

Quantity = Literal["current", "voltage", "impedance", "ratio"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """A predicted curve with its band."""

    quantity: Quantity
    """What is predicted: what an instrument would measure."""
    at: FloatArray
    """(n,) where: time (s), frequency (Hz), the drive of a quasi-steady sweep (V or A), or what reads of
    pulses are told against."""
    applied: FloatArray
    """(n,) what the instrument holds at each point, V or A."""
    values: FloatArray | ComplexArray
    """(n,) A, V or ohm."""
    low: FloatArray | ComplexArray
    high: FloatArray | ComplexArray
    """(n,) ends of the band, at `memfit.confidence.LEVEL`; of an impedance those of Z' and of Z'' each. NaN
    where the errors of the parameters are not known."""
    method: Method
    """How the band was made."""
    notes: tuple[str, ...] = ()
    """On what the prediction is conditional, a sentence each."""

    def to_frame(self) -> "pd.DataFrame":
        """The curve as a table: at, applied, value, low, high; of an impedance its parts."""
        import pandas as pd  # noqa: PLC0415 - half a second that only a table needs

        columns = {"at": self.at, "applied": self.applied}
        for name, curve in (("value", self.values), ("low", self.low), ("high", self.high)):
            if self.quantity == "impedance":
                columns |= {f"{name}_real": curve.real, f"{name}_imag": curve.imag}
            else:
                columns[name] = np.asarray(curve, dtype=np.float64)
        return pd.DataFrame(columns)


def predict(
    result: Fitted | Parameters,
    protocol: Drive | SmallSignal | StandardProtocol | Record,
    time: ArrayLike | None = None,
) -> Forecast:
    """What a device does under a protocol, measured or not, with the band that the fit allows.

    Parameters
    ----------
    result : FitResult or Parameters
        Parameters alone have no band.
    protocol : Drive, StandardProtocol, SmallSignal or record
        A drive in time, as made by `pulse`, `pulse_train`, `sweep`, `staircase` or `protocol`; frequencies
        at a bias; or a record, whose drive and points are taken and whose response is not looked at.
    time : (n,) array, s, optional
        Of a drive, non-decreasing; by default 1001 even times and those of its breaks.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        The result leaves parameters undetermined and does not say where its minimum lies, it is no protocol,
        the model cannot be followed through it, or a record has no bias.
    """
    known = knowledge_of(result)
    if not isinstance(protocol, Record | Drive | SmallSignal | StandardProtocol):
        raise InputError(
            f"Expected a record, or a protocol as `pulse`, `sweep` or `protocol` make it; found {protocol!r}."
        )
    record = protocol if isinstance(protocol, Record) else as_record(protocol, time)
    predictor = Predictor([record], _TOLERANCE)

    def response(p: Parameters) -> FloatArray:
        at_points: FloatArray = predictor(p, slopes_in_time=False).values  # noqa: PD011 - no DataFrame
        return at_points

    found = propagate(known, response, together=True)
    if not np.all(np.isfinite(found.value)):
        raise InputError(
            f"{record.name or 'The protocol'}: the fitted model cannot be followed to the end; shorten the "
            "protocol or lower its amplitude."
        )
    curves = (found.value, found.low, found.high)
    method, notes = found.methods[0], notes_on(known)
    if known.source != "none" and not np.all(np.isfinite(curves[1] + curves[2])):
        notes += (NO_BAND,)
    if isinstance(record, ImpedanceSpectrum):
        n = record.points
        values, low, high = (curve[:n] + 1j * curve[n:] for curve in curves)
        bias = record.bias_voltage if record.bias_voltage is not None else record.bias_current
        return Forecast(
            quantity="impedance",
            at=record.frequency,
            applied=np.full(n, np.nan if bias is None else bias),
            values=values,
            low=low,
            high=high,
            method=method,
            notes=notes,
        )
    held = record.voltage if record.control == "voltage" else record.current
    applied = (
        np.asarray(held) if record.drive is None or record.time is None else record.drive.at(record.time)
    )
    return Forecast(
        quantity=QUANTITIES[record.response_unit],
        at=record.against
        if isinstance(record, SynapticCurve)
        else applied
        if record.time is None
        else record.time,
        applied=applied,
        values=curves[0],
        low=curves[1],
        high=curves[2],
        method=method,
        notes=notes,
    )


NO_BAND = (
    "Where there is no band, too many of the devices that the data allow cannot be followed: how far the "
    "prediction can be wrong there is not known."
)


def notes_on(known: Knowledge) -> tuple[str, ...]:
    """On what everything predicted from a fit is conditional, a sentence each.

    Parameters
    ----------
    known : Knowledge
    """
    notes = []
    if known.conditional:
        notes.append(
            "The model does not describe the measurements of this fit: what it predicts, and the intervals, "
            "are conditional on the model and say nothing of how far the device itself departs from it."
        )
    if known.open:
        notes.append(
            f"The data leave {', '.join(known.open)} open: predictions start from where the fit ended, one "
            "point of many, and their intervals show what that costs."
        )
    if known.source == "none":
        notes.append("The errors of the parameters are not known: there are no intervals.")
    return tuple(notes)


def as_record(protocol: Drive | SmallSignal | StandardProtocol, time: ArrayLike | None = None) -> Record:
    """A protocol as the record that it would give, with a response of nothing.

    Parameters
    ----------
    protocol : Drive, SmallSignal or StandardProtocol
    time : (n,) array, s, optional
        Of a drive.
    """
    if isinstance(protocol, SmallSignal):
        return ImpedanceSpectrum(
            name="",
            frequency=protocol.frequency,
            impedance=np.zeros(np.size(protocol.frequency), dtype=np.complex128),
            bias_voltage=protocol.bias if protocol.control == "voltage" else None,
            bias_current=protocol.bias if protocol.control == "current" else None,
            control=protocol.control,
        )
    if isinstance(protocol, StandardProtocol):
        return as_record(protocol.drive, protocol.time if time is None else time)
    if protocol.initial == "free":
        raise InputError('To predict, the initial state must be "steady" or "rest"; found "free".')
    sampled = even_times(protocol, COURSE_POINTS) if time is None else frozen_floats(time)
    nothing = np.zeros(sampled.shape)
    return PulseTransient(name="", time=sampled, voltage=nothing, current=nothing, drive=protocol)
