"""Where data meet the model: what the model says at every point of every record, with derivatives.

All records of a device are laid end to end in one real vector: a spectrum gives Re Z of all its points and
then Im Z, any other record its measured quantity (current under voltage control, voltage under current
control; of paired pulses the ratio of two). Derivatives are by parameters, gain, delay and initial state.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.errors import InputError
from memfit.fitting.prediction.drives import (
    Jumping,
    Pairs,
    drive_of,
    drive_of_timed,
    free_start,
    rows_of,
    sampled_at,
)
from memfit.fitting.prediction.instrument import Instrument, driven
from memfit.model.directions import Direction, by_amplitudes
from memfit.model.parameters import COLUMN, NAMES, Parameters
from memfit.model.parts import drift
from memfit.model.smallsignal import BiasGrid, impedance_at, impedance_with_derivatives
from memfit.model.steady import junction_voltage, response_at, steady_response
from memfit.model.transient import DriveSet
from memfit.protocols import Control

_EDGE_STEP = 0.01
"""Of a sampling interval."""
FIT_TOLERANCE = 1e-7
"""Of the integrator during a fit: a thousand times below the noise of good instruments."""
_LEAST_CHARGING = 1e-9
"""Of the shortest sampling interval: a charging time R_s C_m below is none."""
_LEAST_SERIES = 1e-6
"""Of R_b: a series resistance below is none."""
_MOST_SERIES = 1e-5
"""Of R_b: beyond it a series resistance is seen by itself, and left as it is."""
_KEPT = 2_000_000
"""Points up to which the last prediction is kept."""


@dataclass(frozen=True)
class Prediction:
    """The model at all points, end to end."""

    values: FloatArray
    """(n,) ohm, A or V; NaN where the integration did not finish."""
    derivatives: FloatArray
    """(n, p) by the parameters in the order of `NAMES`, gains included."""
    bare: FloatArray
    """(n,) values for gain 1: the derivative by the gain."""
    by_time: FloatArray
    """(n,) derivative by time; minus the derivative by the delay; 0 for spectra and quasi-steady sweeps."""
    by_initial: FloatArray
    """(n, 3) derivatives by the initial u, i_c, f; 0 for records without a beginning."""
    by_edge: FloatArray
    """(n, e) derivatives by the shift of each jump."""
    work: int = 0
    """Points that were computed, and steps of the integrator, each as two points; 0 if known before."""

    def at(self, points: np.ndarray | slice) -> "Prediction":
        """The same at some of the points."""
        values, derivatives, bare = self.values[points], self.derivatives[points], self.bare[points]
        by_time, by_initial, by_edge = self.by_time[points], self.by_initial[points], self.by_edge[points]
        return Prediction(values, derivatives, bare, by_time, by_initial, by_edge)


class Predictor:
    """The model prepared for the records of one device.

    Parameters
    ----------
    records : sequence of Record
    tolerance : float
        Of the integrator.

    Raises
    ------
    InputError
        A spectrum has neither bias voltage nor bias current.
    """

    def __init__(self, records: Sequence[Record], tolerance: float = FIT_TOLERANCE) -> None:
        self.records = tuple(records)
        self.tolerance = tolerance
        sizes = [2 * r.points if isinstance(r, ImpedanceSpectrum) else r.points for r in self.records]
        ends = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self.slices = tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(ends))
        self.record_of_point = np.repeat(np.arange(len(self.records)), sizes)
        self.size = int(ends[-1])
        self._grids = [g for g in (self._grid("voltage"), self._grid("current")) if g is not None]
        self._steady = [
            (k, r.control, r.voltage if r.control == "voltage" else r.current)
            for k, r in enumerate(self.records)
            if isinstance(r, IVSweep) and r.drive is None
        ]
        self._timed = [k for k, r in enumerate(self.records) if drive_of(r) is not None]
        self._points_in_time = np.flatnonzero(np.isin(self.record_of_point, self._timed))
        self._told = {
            k: (float(drive.value[0]), float(measured(self.records[k])[0]))
            for k in self._timed
            if (drive := drive_of_timed(self.records[k])).initial == "free" and drive.control == "voltage"
        }
        """Voltage and current at the start of records whose state there is unknown."""
        self._drives = self._drive_set(self._timed)
        self._jumping = [
            jumping for k in self._timed if any((jumping := Jumping.of(k, self.records[k])).gaps)
        ]
        self._jumping_drives = self._drive_set([jumping.record for jumping in self._jumping])
        shortest = np.inf
        for record in (self.records[k] for k in self._timed):
            if isinstance(record, ImpedanceSpectrum) or record.time is None or record.control != "voltage":
                continue
            gaps = np.diff(record.time)
            shortest = min(shortest, float(np.min(gaps[gaps > 0], initial=np.inf)))
        self._shortest = shortest if np.isfinite(shortest) else 0.0
        """Shortest time, s, between two samples of a record under voltage control; 0 without any."""
        self._known: tuple[object, Prediction] | None = None
        """The last prediction, with what it was made for."""
        self._session = np.array([record.session for record in self.records])

    def _grid(self, control: Control) -> tuple[BiasGrid, FloatArray, FloatArray] | None:
        """The spectra whose bias is a voltage (or a current), and where their Re Z and Im Z go."""
        chosen = []
        for k, record in enumerate(self.records):
            if isinstance(record, ImpedanceSpectrum) and bias_of(record)[0] == control:
                chosen.append((self.slices[k].start, record))
        if not chosen:
            return None
        index = np.concatenate([start + np.arange(r.points) for start, r in chosen])
        imaginary = np.concatenate([start + r.points + np.arange(r.points) for start, r in chosen])
        grid = BiasGrid(
            control,
            np.array([bias_of(r)[1] for _, r in chosen]),
            np.concatenate([r.frequency for _, r in chosen]),
            np.repeat(np.arange(len(chosen)), [r.points for _, r in chosen]),
        )
        return grid, index, imaginary

    def _drive_set(self, chosen: Sequence[int]) -> DriveSet | None:
        """Drives of records in time."""
        if not chosen:
            return None
        drives, times, margins = [], [], []
        for k in chosen:
            record = self.records[k]
            drive = drive_of(record)
            time = record.time if isinstance(record, (IVSweep, PulseTransient)) else None
            if drive is not None and time is not None:
                drives.append(drive)
                times.append(sampled_at(record, time))
                # how far it may be shifted: a few samples, and more where they are many
                room = 0.05 * float(time[-1] - time[0]) + 4.0 * float(np.max(np.diff(time), initial=0.0))
                margins.append(0.0 if free_start(record) else room)
        return DriveSet(drives, times, margins)

    def data(self) -> FloatArray:
        """(n,) what was measured, end to end."""
        return np.concatenate([measured(record) for record in self.records])

    def __call__(
        self, p: Parameters, instrument: Instrument | None = None, *, slopes_in_time: bool = True
    ) -> Prediction:
        """Prediction for one set of parameters; slopes in time are NaN where they are not wanted.

        The last one is kept: a place that was found is asked for by all who judge it.
        """
        p = self._with_series_resistance(p)
        terms = instrument or Instrument.ideal(len(self.records))
        wanted = (p, terms.content, slopes_in_time)
        if self._known is not None and self._known[0] == wanted:
            return self._known[1]
        prediction = self._computed(p, terms, slopes_in_time=slopes_in_time)
        self._known = (wanted, replace(prediction, work=0)) if self.size <= _KEPT else None
        return prediction

    def _computed(self, p: Parameters, terms: Instrument, *, slopes_in_time: bool) -> Prediction:
        """Prediction for one set of parameters."""
        if p.d_i != 0.0 or np.any(terms.drive != 1.0):
            return self._one_by_one(p, terms, slopes_in_time)
        steps = 0
        # What a record does not fill stays NaN; derivatives lie column by column, for most are by nothing.
        values, by_time = np.full((2, self.size), np.nan)
        slopes = np.zeros((len(NAMES), self.size)).T
        by_initial = np.zeros((self.size, 3))
        for grid, re, im in self._grids:
            Z, dZ = impedance_with_derivatives(p, grid)
            values[re], values[im] = Z.real, Z.imag
            slopes[re], slopes[im] = dZ.real, dZ.imag
            for points in (re, im):
                by_time[points] = 0.0
        for k, control, drive in self._steady:
            here = self.slices[k]
            values[here], slopes[here] = steady_response(p, control, drive)
            by_time[here] = 0.0
        if (drives := self._moved(terms)) is not None:
            initial = self._initial_states(p, terms)
            response = drives.respond(
                p,
                initial=initial,
                delay=terms.delay[self._timed],
                sensitivities=slopes_in_time,
                tolerance=self.tolerance,
            )
            steps, timed = response.steps, self._points_in_time
            rows = rows_of(response, drives.offsets, [self.records[k] for k in self._timed], slopes_in_time)
            values[timed] = rows[0]
            if slopes_in_time:
                for name, column in zip(response.names, rows[1].T, strict=True):
                    slopes[timed, COLUMN[name]] = column
                by_initial[timed], by_time[timed] = rows[2], rows[3]
                first = self._first_currents(terms)
                for k in self._told:
                    here = self.slices[k]
                    slopes[here, COLUMN["R_s"]] -= by_initial[here, 0] * first[k]
            else:
                slopes[timed], by_initial[timed] = np.nan, np.nan
        by_edge = np.zeros((self.size, terms.edge.shape[1]))
        if slopes_in_time:
            by_edge, more = self._edge_slopes(p, terms, values, by_time)
            steps += more
        work = self.size + 2 * steps
        if np.any(self._session):
            slopes = drift.with_drift(p, self._session[self.record_of_point], slopes)
        offset = terms.offset[self.record_of_point] if np.any(terms.offset) else 0.0
        if np.all(terms.gain == 1.0):
            return Prediction(values + offset, slopes, values, by_time, by_initial, by_edge, work)
        gain = terms.gain[self.record_of_point]
        first = self._first_currents(terms)
        return Prediction(
            gain * values + offset,
            gain[:, None] * slopes,
            values + p.R_s * first[self.record_of_point] * by_initial[:, 0],
            gain * by_time,
            gain[:, None] * by_initial,
            gain[:, None] * by_edge,
            work,
        )

    def _with_series_resistance(self, p: Parameters) -> Parameters:
        """The device with an R_s that can be told from none, or none."""
        if self._shortest == 0.0:
            return p
        # Under voltage control a kink of the drive moves the current by C_m dV/dt within R_s C_m. Where
        # that is shorter than the rounding of the times, a sample on a kink would take any value in
        # between for some R_s, and the fit would find it. Rounding of the voltage, divided by R_s^2, is a
        # slope that would tell R_s where nothing does. So R_s is one that can be told from none.
        charging = min(_LEAST_CHARGING * self._shortest / p.C_m, _MOST_SERIES * p.R_b)
        least = max(charging, _LEAST_SERIES * p.R_b)
        return p.replace(R_s=least) if 0.0 < p.R_s < least else p

    def along(
        self, p: Parameters, directions: Sequence[Direction], instrument: Instrument | None = None
    ) -> FloatArray:
        """(n, k) derivatives by the amplitudes of parts that the device does not have, gains included.

        In time some thirty directions take one integration by the general step; a direction costs one to
        two predictions of the plainest device.

        Parameters
        ----------
        p : Parameters
        directions : sequence of Direction
        instrument : Instrument, optional
        """
        p, terms = self._with_series_resistance(p), instrument or Instrument.ideal(len(self.records))
        if p.d_i != 0.0:
            each = enumerate(zip(self._apart, self._session, strict=True))
            return np.concatenate(
                [one.along(drift.at(p, t), directions, terms.of(k)) for k, (one, t) in each]
            )
        result = np.zeros((self.size, len(directions)))
        for grid, re, im in self._grids:
            u = junction_voltage(p, grid.control, grid.bias)
            by_Z = by_amplitudes(p, directions, partial(_impedance_slopes, grid=grid, u=u))
            result[re], result[im] = by_Z.real, by_Z.imag
        for k, control, drive in self._steady:
            u = junction_voltage(p, control, drive)
            slopes = partial(_steady_slopes, control=control, drive=drive, u=u)
            result[self.slices[k]] = by_amplitudes(p, directions, slopes)
        if (drives := self._moved(terms)) is not None:
            delay, initial = terms.delay[self._timed], self._initial_states(p, terms)
            by = drives.along(p, directions, initial=initial, delay=delay, tolerance=self.tolerance)
            bare = np.empty(0)
            if any(self.records[k].kind == "paired_pulse" for k in self._timed):
                bare = drives.respond(p, initial=initial, delay=delay, tolerance=self.tolerance).values
            for j, k in enumerate(self._timed):
                part = slice(drives.offsets[j], drives.offsets[j + 1])
                pairs = Pairs.of(self.records[k], bare[part])
                result[self.slices[k]] = by[part] if pairs is None else pairs.slopes(by[part])
        return result * terms.gain[self.record_of_point, None]

    @cached_property
    def _apart(self) -> tuple["Predictor", ...]:
        """One of each record, whose device is another one where it drifts."""
        return tuple(Predictor([record], self.tolerance) for record in self.records)

    def _one_by_one(self, p: Parameters, terms: Instrument, slopes_in_time: bool) -> Prediction:
        """Prediction of records that see devices of their own, by drift or by a gain of the drive."""
        found = []
        for k, t in enumerate(self._session):
            own, gain = terms.of(k), float(terms.drive[k])
            device, scale = driven(drift.at(p, t), gain)
            one = self._apart[k](device, own.undriven(), slopes_in_time=slopes_in_time)
            by_initial = one.by_initial / np.array([1.0, gain, 1.0])
            slopes = drift.with_drift(p, t, one.derivatives * scale)
            found.append(replace(one, derivatives=slopes, by_initial=by_initial))
        work = sum(one.work for one in found)
        whole = {f.name: [getattr(one, f.name) for one in found] for f in fields(Prediction)}
        arrays = {name: np.concatenate(part) for name, part in whole.items() if name != "work"}
        return Prediction(**arrays, work=work)

    def _moved(self, terms: Instrument) -> DriveSet | None:
        """Drives of the records in time, their jumps where the instrument has them."""
        if self._drives is None or not np.any(terms.edge):
            return self._drives
        return self._drives.with_jumps_moved(terms.edge[self._timed])

    def _initial_states(self, p: Parameters, terms: Instrument) -> FloatArray:
        """(t, 3) initial u, i_c, f of the records in time.

        Under voltage control u follows the source within R_s C_m: the first sample, and no other, tells it.
        """
        initial, first = terms.initial.copy(), self._first_currents(terms)
        for k, (voltage, _) in self._told.items():
            initial[k, 0] = voltage - p.R_s * first[k]
        result: FloatArray = initial[self._timed]
        return result

    def _first_currents(self, terms: Instrument) -> FloatArray:
        """(r,) the currents, A, that tell u at the start of the records; 0 where it is told otherwise."""
        first = np.zeros(len(self.records))
        for k, (_, current) in self._told.items():
            first[k] = (current - terms.offset[k]) / terms.gain[k]
        return first

    def _edge_slopes(
        self, p: Parameters, terms: Instrument, values: FloatArray, by_time: FloatArray
    ) -> tuple[FloatArray, int]:
        """(n, e) derivatives of the values by the shift of each jump, by a small step; steps that it took.

        A sample between the old and the new edge would see the jump itself: edges move earlier, never past
        a sample. Where a drive is nothing but jumps, all of them together are a shift in time, which spares
        the last step.
        """
        count, drives = terms.edge.shape[1], self._jumping_drives
        result = np.zeros((self.size, count))
        steps = 0
        if drives is None:
            return result, steps
        chosen = [jumping.record for jumping in self._jumping]
        for e in range(count):
            step = np.array([-_EDGE_STEP * jumping.gap(e) for jumping in self._jumping])
            if not np.any(step):
                continue
            edge = terms.edge[chosen]
            edge[:, e] += step
            moved = drives.with_jumps_moved(edge)
            initial = self._initial_states(p, terms)[[self._timed.index(k) for k in chosen]]
            response = moved.respond(p, initial=initial, delay=terms.delay[chosen], tolerance=self.tolerance)
            steps += response.steps
            parts = np.split(response.values, moved.offsets[1:-1])
            for k, size, part in zip(chosen, step, parts, strict=True):
                if size:
                    pairs = Pairs.of(self.records[k], part)
                    shifted = part if pairs is None else pairs.ratio
                    result[self.slices[k], e] = (shifted - values[self.slices[k]]) / size
        for jumping in self._jumping:
            last, here = len(jumping.gaps) - 1, self.slices[jumping.record]
            if jumping.shifts_whole and last < count:
                result[here, last] = -by_time[here] - np.sum(result[here, :last], axis=1)
        return result, steps


def _impedance_slopes(p: Parameters, grid: BiasGrid, u: FloatArray) -> ComplexArray:
    """Derivatives of the impedance."""
    return impedance_at(p, grid, u)[1]


def _steady_slopes(p: Parameters, control: Control, drive: FloatArray, u: FloatArray) -> FloatArray:
    """Derivatives of the steady response."""
    return response_at(p, control, drive, u)[1]


def bias_of(record: ImpedanceSpectrum) -> tuple[Control, float]:
    """What fixes the operating point of a spectrum: its dc voltage, else its dc current.

    Parameters
    ----------
    record : ImpedanceSpectrum

    Returns
    -------
    {"voltage", "current"}, and its value in V or A

    Raises
    ------
    InputError
        Neither is known.
    """
    if record.bias_voltage is not None:
        return "voltage", record.bias_voltage
    if record.bias_current is not None:
        return "current", record.bias_current
    raise InputError(
        f"{record.name}: a spectrum needs its dc bias, and none was found in the file or its name. "
        'Add bias = "0.80 V" to its [[measurement]] in device.toml, which `memfit init FOLDER` writes.'
    )


def junction_at(p: Parameters, bias: tuple[Control, float]) -> float:
    """Voltage across the junction, V, at a terminal bias.

    Parameters
    ----------
    p : Parameters
    bias : tuple of str and float
        "voltage" and V at the terminals, or "current" and A, as from `bias_of`.
    """
    return float(junction_voltage(p, bias[0], [bias[1]])[0])


def measured(record: Record) -> FloatArray:
    """What was measured, as one real vector: Re Z then Im Z, or the response."""
    if isinstance(record, ImpedanceSpectrum):
        return np.concatenate([record.impedance.real, record.impedance.imag])
    return record.response


def modulus(record: Record, values: FloatArray) -> FloatArray:
    """Size of each value that a relative error refers to: |Z| for both parts of a spectrum.

    Parameters
    ----------
    record : Record
    values : (m,) array, ohm or A or V
        As from `measured`: of a spectrum of n points m = 2 n, all Z', then all Z''.
    """
    if isinstance(record, ImpedanceSpectrum):
        half = np.hypot(values[: record.points], values[record.points :])
        return np.concatenate([half, half])
    return np.abs(values)
