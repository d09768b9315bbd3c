"""Figures of merit of pulses: facilitation, potentiation and depression, fading, energy.

What a drive holds is read from its polygon: flat pieces that are not its base are pulses; where pulses of
another height follow each of them, the smaller ones are reads. Every figure is one function of the samples,
the same for a measured record and for a predicted one at the same times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid
from scipy.optimize import minimize_scalar

from memfit.arrays import FloatArray
from memfit.protocols import Drive


@dataclass(frozen=True)
class Settings:
    """Numbers of the definitions."""

    late: float = 0.1
    """Part of a pulse, its last, over which its response is averaged."""
    alike: float = 0.02
    """Difference, relative to the span of the drive, up to which pulses are the same."""
    level: float = 1e-3
    """The same, up to which a piece of the drive is flat."""
    most_bent: float = 60.0
    """Of alpha times the logarithm of the dynamic range: more cannot be told from a step."""
    trials: int = 31
    """Values of it that are tried first."""
    straight: float = 1e-6
    """Of the same: nearer to 0 the law is the exponential one."""
    apart: float = 2.0
    """Standard deviations of a read on either side that tell neighbouring levels apart."""


SETTINGS = Settings()


@dataclass(frozen=True)
class Piece:
    """A flat piece of a drive."""

    start: float
    end: float
    level: float

    @property
    def width(self) -> float:
        """S."""
        return self.end - self.start


@dataclass(frozen=True)
class Train:
    """Pulses and reads of a drive."""

    base: float
    pulses: tuple[Piece, ...]
    reads: tuple[Piece, ...]
    end: float
    """Of the drive, s."""


def train_of(drive: Drive) -> Train:
    """The pulses of a drive, and its reads where it has some.

    Parameters
    ----------
    drive : Drive
    """
    t, v = drive.time, drive.value
    unlike = SETTINGS.alike * float(np.ptp(v))
    flat = np.flatnonzero((np.diff(t) > 0.0) & (np.abs(np.diff(v)) <= SETTINGS.level * np.ptp(v)))
    pieces: list[Piece] = []
    for k in flat:
        piece = Piece(float(t[k]), float(t[k + 1]), float(v[k]))
        if pieces and pieces[-1].end == piece.start and abs(pieces[-1].level - piece.level) <= unlike:
            piece = Piece(pieces.pop().start, piece.end, piece.level)
        pieces.append(piece)
    if not pieces:
        return Train(float(v[0]), (), (), float(t[-1]))
    base = pieces[0].level
    pulses = [piece for piece in pieces if abs(piece.level - base) > unlike]
    if not pulses:
        return Train(base, (), (), float(t[-1]))
    if len(pulses) > 2 and _alike(pulses[1:]) and not _alike(pulses[:2]):
        return Train(base, (pulses[0],), tuple(pulses[1:]), float(t[-1]))
    for first in (0, 1):  # reads are every second piece, all alike, between pulses that are not
        reads, others = pulses[first::2], pulses[1 - first :: 2]
        if len(reads) >= 2 and _alike(reads) and not any(_alike([one, reads[0]]) for one in others):
            return Train(base, tuple(others), tuple(reads), float(t[-1]))
    return Train(base, tuple(pulses), (), float(t[-1]))


def _alike(pieces: Sequence[Piece]) -> bool:
    """Whether all have one height."""
    height = [piece.level for piece in pieces]
    return max(height) - min(height) <= SETTINGS.alike * max(map(abs, height))


def late_samples(time: FloatArray, pieces: Sequence[Piece]) -> np.ndarray:
    """(m, 2) first and last + 1 sample of the last part of each piece, or its last one; alike without any.

    Parameters
    ----------
    time : (n,) array
        Does not fall.
    pieces : sequence of Piece
    """
    start, end = np.array([(piece.start, piece.end) for piece in pieces]).reshape(-1, 2).T
    slack = 1e-9 * (end - start)
    late = end - SETTINGS.late * (end - start) - slack
    first, early, last = np.searchsorted(time, [start, late, end - slack])
    return np.column_stack([np.where(first == last, last, np.minimum(early, last - 1)), last])


def late_means(values: FloatArray, late: np.ndarray) -> FloatArray:
    """(m,) means of the samples of `late_samples`; NaN where there are none.

    Parameters
    ----------
    values : (n,) array
    late : (m, 2) array of int
    """
    found: FloatArray = np.full(len(late), np.nan)
    known = late[:, 0] < late[:, 1]
    if np.any(known):
        sums = np.add.reduceat(np.append(values, 0.0), late[known].ravel())[::2]
        found[known] = sums / np.diff(late[known], axis=1)[:, 0]
    return found


def before(time: FloatArray, values: FloatArray, piece: Piece) -> float:
    """Mean of the samples just before a pulse; NaN where there are none.

    Parameters
    ----------
    time, values : (n,) arrays
    piece : Piece
    """
    slack = 1e-9 * piece.width
    kept = (time >= piece.start - SETTINGS.late * piece.width) & (time < piece.start - slack)
    if not np.any(kept):
        earlier = time < piece.start - slack
        return float(values[earlier][-1]) if np.any(earlier) else np.nan
    return float(np.mean(values[kept]))


def paired(time: FloatArray, response: FloatArray, first: Piece, second: Piece) -> tuple[float, float]:
    """Responses A_1, A_2 to two pulses: late in each, less what there was before the first.

    Parameters
    ----------
    time, response : (n,) arrays
    first, second : Piece
    """
    base = before(time, response, first)
    a1, a2 = (late_means(response, late_samples(time, [first, second])) - base).tolist()
    return a1, a2


def energy(time: FloatArray, voltage: FloatArray, current: FloatArray, piece: Piece) -> float:
    """Energy (J) taken up during a pulse; NaN where fewer than three samples lie in it.

    Parameters
    ----------
    time, voltage, current : (n,) arrays
    piece : Piece
    """
    slack = 1e-9 * piece.width
    kept = (time >= piece.start - slack) & (time < piece.end - slack)
    if np.count_nonzero(kept) < 3:
        return np.nan
    t, power = time[kept], voltage[kept] * current[kept]
    # from the first and the last sample to the edges of the pulse
    return float(trapezoid(power, t) + power[0] * (t[0] - piece.start) + power[-1] * (piece.end - t[-1]))


def non_linearity(conductance: FloatArray) -> float:
    """Alpha of G = ((G_n^a - G_0^a) w + G_0^a)^(1/a), w from 0 to 1 over the pulses: 1 is a straight line.

    Parameters
    ----------
    conductance : (n,) array, S
        After each pulse, from first to last; positive.

    Returns
    -------
    float
        NaN where conductances are not positive, too few, or do not change.
    """
    G = conductance
    if G.size < 4 or not np.all(np.isfinite(G)) or np.any(G <= 0.0) or G[0] == G[-1]:
        return np.nan
    w = np.linspace(0.0, 1.0, G.size)
    span = G[-1] - G[0]

    def misses(bend: float) -> float:
        return float(np.sum(((_law(bend, w, float(G[0]), float(G[-1])) - G) / span) ** 2))

    most, ratio = SETTINGS.most_bent, float(np.log(G[-1] / G[0]))
    trials = np.linspace(-most, most, SETTINGS.trials)
    best, step = min(trials.tolist(), key=misses), float(trials[1] - trials[0])
    around = (max(best - step, -most), min(best + step, most))
    bend = float(minimize_scalar(misses, bounds=around, method="bounded", options={"xatol": 1e-9}).x)
    return bend / ratio if abs(bend) < most * (1.0 - 1e-4) else np.nan


def _law(bend: float, w: FloatArray, first: float, last: float) -> FloatArray:
    """The course of the conductance between its ends; `bend` is alpha ln(last/first)."""
    ratio = np.log(last / first)
    if abs(bend) < SETTINGS.straight:
        result: FloatArray = first * np.exp(w * ratio)
        return result
    with np.errstate(divide="ignore"):
        logs = np.logaddexp(np.log1p(-w), np.log(w) + bend)  # ln(1 + w (e^bend - 1))
    return np.asarray(first * np.exp(logs * (ratio / bend)), dtype=np.float64)


def levels(conductance: FloatArray, noise: float) -> float:
    """Number of levels of the conductance that a single read tells apart.

    Parameters
    ----------
    conductance : (n,) array, S
    noise : float, S
        Standard deviation of a read.
    """
    span = float(np.ptp(conductance))
    if not noise > 0.0 or not np.isfinite(span):
        return np.nan
    return 1.0 + min(span / (2.0 * SETTINGS.apart * noise), conductance.size - 1.0)


def time_to_fade(time: FloatArray, values: FloatArray, share: float) -> float:
    """Time (s) after the first sample until a change has faded to a share of itself; NaN where it has not.

    Parameters
    ----------
    time : (n,) array, s
    values : (n,) array
        Of the change, 0 where nothing is remembered.
    share : float
        Between 0 and 1.
    """
    relative = values / values[0]
    below = np.flatnonzero(relative <= share)
    if not below.size or below[0] == 0:
        return np.nan
    k = int(below[0])
    a, b = relative[k - 1], relative[k]
    # straight in the logarithm where there is one
    part = np.log(a / share) / np.log(a / b) if b > 0.0 else (a - share) / (a - b)
    return float(time[k - 1] + part * (time[k] - time[k - 1]) - time[0])


def alternating(pulses: Sequence[Piece]) -> tuple[int, int]:
    """How many pulses of the first height begin a train, and how many of another follow.

    Parameters
    ----------
    pulses : sequence of Piece
    """
    first = pulses[0].level
    same = [abs(p.level - first) <= SETTINGS.alike * abs(first) for p in pulses]
    up = next((k for k, one in enumerate(same) if not one), len(pulses))
    return up, len(pulses) - up
