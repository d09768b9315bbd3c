"""The response in time to any piecewise-linear drive, with exact sensitivities.

Equations 1, 2, 10, 11, 12 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789, under current control
or voltage control with R_s >= 0. The compiled work is in `memfit.model.integrator`; here drives become
pieces, several records become one call, and a run that does not finish becomes a status with a sentence.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import FloatArray, frozen_floats
from memfit.errors import InputError
from memfit.model import integrator as kernel
from memfit.model.directions import Direction, in_groups
from memfit.model.family_run import FIRST, Records, band_of, integrate, names_in_time, run
from memfit.model.parameters import IN_TIME, Parameters
from memfit.model.steady import Balance, junction_voltage
from memfit.progress import free_cores, shared
from memfit.protocols import Control, Drive

DEFAULT_TOLERANCE = 1e-8
"""Error of the measured quantity relative to its size."""

_SENTENCES = {
    kernel.OK: "finished",
    kernel.TOO_MANY_STEPS: f"needs over {kernel.MAX_STEPS_PER_PIECE} steps between two kinks of the drive",
    kernel.STEP_TOO_SMALL: "needs steps smaller than double precision can resolve",
    kernel.NOT_FINITE: "leaves the range of double precision",
}


@dataclass(frozen=True)
class Outcome:
    """How the integration of one record ended."""

    ok: bool
    reached: float
    """Time reached, s."""
    message: str
    """"finished", or why not."""


@dataclass(frozen=True)
class Trajectory:
    """The course of one device under one drive."""

    time: FloatArray
    """(n,) s."""
    u: FloatArray
    """(n,) junction voltage, V."""
    i_c: FloatArray
    """(n,) channel current, A."""
    f: FloatArray
    """(n,) activation."""
    voltage: FloatArray
    """(n,) terminal voltage, V."""
    current: FloatArray
    """(n,) terminal current, A."""
    outcome: Outcome
    """Points after `outcome.reached` are NaN."""
    others: Mapping[str, FloatArray] = field(default_factory=dict)
    """(n,) states of other parts, by name: v (V), i_cn (A), f_n."""


_STEPS, _WORTH_A_CORE = 30, 30_000
"""What a piece of a drive takes, in samples, and the samples of some ten milliseconds: less is not shared."""
_LEAST_PIECE = 1e-9
"""Of the two pieces beside a jump: what is left of one when the jump is moved all over it."""


class DriveSet:
    """Drives and sampling times of several records, prepared for one compiled call.

    Parameters
    ----------
    drives : sequence of Drive
    times : sequence of (n_r,) arrays, s
        Non-decreasing; may begin before and end after the drive.
    margin : sequence of float, s, optional
        How far each record may later be shifted in time; 0 by default.

    Raises
    ------
    InputError
        Times are not finite or run backward.
    """

    def __init__(
        self, drives: Sequence[Drive], times: Sequence[ArrayLike], margin: Sequence[float] | None = None
    ) -> None:
        sampled = [_checked(time) for time in times]
        margins = [0.0] * len(drives) if margin is None else list(margin)
        self._margin = np.array(margins)
        pieces = [_pieces(d, t, m) for d, t, m in zip(drives, sampled, margins, strict=True)]
        self.drives = tuple(drives)
        self.time = np.concatenate(sampled) if sampled else np.empty(0)
        self.offsets = np.concatenate([[0], np.cumsum([t.size for t in sampled])]).astype(np.int64)
        self._band = band_of(self.time, self.offsets)
        self._edges = np.concatenate([p[0] for p in pieces]) if pieces else np.empty(0)
        self._level = np.concatenate([p[1] for p in pieces]) if pieces else np.empty(0)
        self._slope = np.concatenate([p[2] for p in pieces]) if pieces else np.empty(0)
        self._jumps = [
            np.searchsorted(p[0], d.jumps[d.jumps < p[0][-1]]) for p, d in zip(pieces, drives, strict=True)
        ]
        self._piece_offset = np.concatenate([[0], np.cumsum([p[1].size for p in pieces])]).astype(np.int64)
        self._voltage = np.array([d.control == "voltage" for d in drives], dtype=np.bool_)
        kinds: list[tuple[Control, np.ndarray]] = [("voltage", self._voltage), ("current", ~self._voltage)]
        self._kinds = [(control, chosen) for control, chosen in kinds if chosen.any()]
        self._free = np.array([d.initial == "free" for d in drives], dtype=np.bool_)
        self._begins_anywhere = bool(self._free.any())
        self._before = np.array([0.0 if d.initial == "rest" else d.value[0] for d in drives])

    def with_jumps_moved(self, offsets: FloatArray) -> "DriveSet":
        """The same records with the first jumps of their drives moved, each as far as its neighbours allow.

        Parameters
        ----------
        offsets : (r, e) array, s
            What a record has no jump for is not used.
        """
        first = self._piece_offset[:-1] + np.arange(len(self.drives))
        left = np.arange(self._level.size) + np.repeat(
            np.arange(len(self.drives)), np.diff(self._piece_offset)
        )
        end = self._level + self._slope * (self._edges[left + 1] - self._edges[left])
        edges = self._edges.copy()
        for r, jumps in enumerate(self._jumps):
            for place, offset in zip(jumps, offsets[r], strict=False):
                k = int(first[r] + place)
                if place > 0 and offset != 0.0:
                    least = _LEAST_PIECE * (edges[k + 1] - edges[k - 1])
                    edges[k] = min(max(edges[k] + offset, edges[k - 1] + least), edges[k + 1] - least)
        moved = copy.copy(self)
        moved._edges, moved._slope = edges, (end - self._level) / (edges[left + 1] - edges[left])
        return moved

    def held_at(self, levels: FloatArray, times: Sequence[FloatArray]) -> "DriveSet":
        """The same records, whose drives hold one level from time 0 on, at other levels and sampling times.

        Parameters
        ----------
        levels : (r,) array, A or V
        times : sequence of (n_r,) arrays, s
            As many as before of each record, none before 0 and the last after it.
        """
        held = copy.copy(self)
        held.time, held._level, held._before = np.concatenate(times), levels, levels
        held._edges = np.ravel([(0.0, time[-1]) for time in times])
        held._band = band_of(held.time, held.offsets)
        return held

    def respond(
        self,
        p: Parameters,
        *,
        initial: FloatArray | None = None,
        delay: FloatArray | None = None,
        sensitivities: bool = False,
        states: bool = False,
        tolerance: float = DEFAULT_TOLERANCE,
    ) -> "Response":
        """Response of one device to all drives.

        Parameters
        ----------
        p : Parameters
        initial : (r, 3) array, optional
            u (V), i_c (A), f at the start of the records whose drive has initial="free".
        delay : (r,) array, s, optional
            Shift of each record: the drive sets in so much later than stated.
        sensitivities, states : bool
            Whether to compute the derivatives and the states.
        tolerance : float
            Error of the measured quantity relative to its size, 1e-12 to 1e-2.

        Raises
        ------
        InputError
            The tolerance is out of range, an initial state is not finite, or a delay is longer than the
            margin.
        """
        self._check(initial, delay, tolerance)
        time = self.time if delay is None else self.time - np.repeat(delay, np.diff(self.offsets))
        count, n = len(self.drives), self.time.size
        start = np.zeros((count, 3)) if initial is None else np.ascontiguousarray(initial, dtype=np.float64)
        if p.parts:
            answer = integrate(
                p,
                self._records(p, start, time),
                sensitivities=sensitivities,
                states=states,
                tolerance=tolerance,
            )
            return Response(*answer[:6], names_in_time(p), answer[6])
        y = np.empty(n)
        y_p = np.zeros((n if sensitivities else 0, kernel.SENSITIVITIES))
        course = np.full((n if states else 0, 3), np.nan)
        status, reached = np.empty(count, dtype=np.int64), np.empty(count)
        kernel.prepare(kernel.integrate_all)
        values = p.as_array(IN_TIME)

        def integrated(some: slice) -> int:
            """Fill the rows of some records, each of which is integrated by itself; steps that it took."""
            first, last = some.start, some.stop
            piece, end_piece = self._piece_offset[first], self._piece_offset[last]
            rows = slice(self.offsets[first], self.offsets[last])
            return int(
                kernel.integrate_all(
                    values,
                    self._voltage[some],
                    self._before[some],
                    self._edges[piece + first : end_piece + last],
                    self._level[piece:end_piece],
                    self._slope[piece:end_piece],
                    self._piece_offset[first : last + 1] - piece,
                    self._free[some],
                    start[some],
                    time[rows],
                    self.offsets[first : last + 1] - rows.start,
                    tolerance,
                    y[rows],
                    y_p[rows] if sensitivities else y_p,
                    course[rows] if states else course,
                    status[some],
                    reached[some],
                )
            )

        shares = self._shares()
        steps = sum(taken for _, taken in shared(integrated, shares, len(shares)))
        return Response(y, y_p, course, FIRST, status, reached, IN_TIME, steps)

    def _shares(self) -> list[slice]:
        """Records of about as much work for each core; all together where that is soon done."""
        count = len(self.drives)
        work = self.offsets + _STEPS * self._piece_offset
        shares = free_cores() if work[-1] > _WORTH_A_CORE else 1
        ends = np.searchsorted(work, np.linspace(0, work[-1], shares + 1)[1:-1])
        return [slice(int(a), int(b)) for a, b in pairwise([0, *ends, count]) if a < b or count == 0]

    def along(
        self,
        p: Parameters,
        directions: Sequence[Direction],
        *,
        initial: FloatArray | None = None,
        delay: FloatArray | None = None,
        tolerance: float = DEFAULT_TOLERANCE,
    ) -> FloatArray:
        """(n, k) derivatives of the responses by the amplitudes of parts that the device does not have.

        Parameters
        ----------
        p : Parameters
        directions : sequence of Direction
            As many as wanted: some thirty are computed in one integration.
        initial, delay, tolerance
            As for `respond`.
        """
        self._check(initial, delay, tolerance)
        time = self.time if delay is None else self.time - np.repeat(delay, np.diff(self.offsets))
        start = np.zeros((len(self.drives), 3)) if initial is None else np.array(initial, dtype=np.float64)
        result = np.zeros((time.size, len(directions)))
        for terms, names, places in in_groups(p, self._band, directions, kernel.fits):
            records = self._records(p, start, time)
            answer = run(terms, names, records, sensitivities=True, states=False, tolerance=tolerance)
            result[:, places] = answer[1][:, : len(names)]
        return result

    def _records(self, p: Parameters, initial: FloatArray, time: FloatArray) -> Records:
        """For the general integrator: each begins in the steady state before its drive, or with any u."""
        u = np.where(self._free, initial[:, 0], np.nan)
        for control, chosen in self._kinds:
            if not Balance.of(p, control).rises:
                for r in np.flatnonzero(chosen & ~self._free):
                    u[r : r + 1] = junction_voltage(p, control, self._before[r : r + 1])
        return Records(
            voltage=self._voltage,
            u=u,
            before=self._before,
            edges=self._edges,
            level=self._level,
            slope=self._slope,
            piece_offset=self._piece_offset,
            free=self._free,
            initial=initial,
            time=time,
            offsets=self.offsets,
            band=self._band,
        )

    def _check(self, initial: FloatArray | None, delay: FloatArray | None, tolerance: float) -> None:
        """Refuse what the compiled code could not answer."""
        if not 1e-12 <= tolerance <= 1e-2:
            raise InputError(f"The tolerance of an integration is 1e-12 to 1e-2; found {tolerance:g}.")
        if initial is not None and not np.all(np.isfinite(initial)):
            raise InputError("The initial states u, i_c, f of the records must be finite.")
        if initial is None and self._begins_anywhere:
            raise InputError('Records with initial="free" need their initial states u, i_c, f.')
        if delay is not None and not np.all(np.abs(delay) <= self._margin):
            record = int(np.argmax(~(np.abs(delay) <= self._margin)))
            raise InputError(
                f"Record {record + 1} is to be delayed by {delay[record]:g} s, "
                f"but was prepared for at most {self._margin[record]:g} s; prepare it with a larger margin."
            )


@dataclass(frozen=True)
class Response:
    """What a `DriveSet` gives back, all records laid end to end."""

    values: FloatArray
    """(n,) V under current control, I under voltage control; NaN where not reached."""
    derivatives: FloatArray
    """(n, k) by the parameters `names`, by the initial u, i_c, f, and by time; (0, k) if not asked for."""
    states: FloatArray
    """(n, m) u, i_c, f and so on; NaN where not reached; (0, m) if not asked for."""
    state_names: tuple[str, ...]
    """u, i_c, f and so on."""
    status: np.ndarray
    """(r,) code of the kernel for each record."""
    reached: FloatArray
    """(r,) time reached, s."""
    names: tuple[str, ...]
    """Parameters that the response depends on."""
    steps: int = 0
    """Of the integrator, or as many of the plainest device as take as long."""

    @property
    def by_parameters(self) -> FloatArray:
        """(n, p) derivatives by the parameters `names`."""
        return self.derivatives[:, : len(self.names)]

    @property
    def by_initial(self) -> FloatArray:
        """(n, 3) derivatives by the initial u (V), i_c (A), f."""
        return self.derivatives[:, -4:-1]

    @property
    def by_time(self) -> FloatArray:
        """(n,) derivatives by time, 1/s."""
        return self.derivatives[:, -1]

    @property
    def ok(self) -> bool:
        """Whether every record was integrated to its end."""
        return bool(np.all(self.status == kernel.OK))

    def outcome(self, record: int) -> Outcome:
        """How the integration of one record ended."""
        code = int(self.status[record])
        return Outcome(code == kernel.OK, float(self.reached[record]), _SENTENCES[code])


def simulate(
    p: Parameters, drive: Drive, time: ArrayLike, *, tolerance: float = DEFAULT_TOLERANCE
) -> Trajectory:
    """Course of one device under a drive.

    Parameters
    ----------
    p : Parameters
    drive : Drive
        With initial "steady" or "rest".
    time : (n,) array, s
        Non-decreasing.
    tolerance : float
        Error of the measured quantity relative to its size.

    Raises
    ------
    InputError
        Times are not finite or run backward, or the initial state is "free".
    """
    if drive.initial == "free":
        raise InputError('To simulate, the initial state must be "steady" or "rest"; found "free".')
    runs = DriveSet([drive], [time])
    response = runs.respond(p, states=True, tolerance=tolerance)
    applied = drive.at(runs.time)
    others = dict(zip(response.state_names, response.states.T.copy(), strict=True))
    u, i_c, f = (others.pop(name) for name in FIRST)
    if drive.control == "voltage":
        voltage, current = applied, response.values
    else:
        voltage, current = response.values, applied
    return Trajectory(runs.time, u, i_c, f, voltage, current, response.outcome(0), others)


def kernel_is_compiled() -> bool:
    """Whether machine code of the kernel is on disk, so that the first call will not have to compile."""
    return kernel.is_compiled(kernel.integrate_all)


def _checked(time: ArrayLike) -> FloatArray:
    """Sampling times as an array, finite and non-decreasing."""
    array = frozen_floats(time)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)) or np.any(np.diff(array) < 0):
        raise InputError("Sampling times must be a finite, non-decreasing sequence with at least one time.")
    return array


def _pieces(drive: Drive, time: FloatArray, margin: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ends (k + 1,), starting levels (k,) and slopes (k,) of the pieces that cover all sampling times.

    Before its beginning a drive is 0 if the device comes from rest, else at its first value. What begins
    after the last sample is left out.
    """
    asked = int(np.searchsorted(drive.time, time[-1] + margin, side="right")) + 1
    vertex, value = drive.time[:asked], drive.value[:asked]
    first = min(time[0], vertex[0]) - margin
    last = max(time[-1], vertex[-1]) + margin
    last = last if last > first else first + 1.0
    before = 0.0 if drive.initial == "rest" else value[0]
    knots = np.concatenate([[first, vertex[0]], vertex, [last]])
    levels = np.concatenate([[before, before], value, value[-1:]])
    length = np.diff(knots)
    kept = length > 0
    slope = np.diff(levels)[kept] / length[kept]
    return np.append(knots[:-1][kept], last), levels[:-1][kept], slope
