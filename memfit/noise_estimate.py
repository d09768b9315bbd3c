"""How rough a curve is, seen without a model: the only estimate of noise that needs no fit.

The distance of every point from the polynomial through its neighbours: from the chord of one on either side,
or from the cubic of two. It is scaled to the noise of one point, and taken as typical by its median, to which
jumps and resonances between few points do not count. Drives, loaders, checks of spectra and the first weights
of a fit all ask here.
"""

from dataclasses import dataclass

import numpy as np

from memfit.arrays import ComplexArray, FloatArray

TO_SIGMA = {0.5: 1.4826, 0.25: 3.1384}
"""Standard deviation of a normal variable over a quantile of its modulus."""
_WILD = 8.0
"""Sum of the weights of neighbours, so unevenly spaced, beyond which their cubic says nothing."""
_TINY = 1e-150
"""Smallest modulus whose square is a number."""


@dataclass(frozen=True)
class NoiseLevel:
    """Standard deviation sqrt((relative |y|)^2 + floor^2)."""

    relative: float
    floor: float

    def sigma(self, sizes: FloatArray) -> FloatArray:
        """(n,) standard deviations for values of the given sizes."""
        result: FloatArray = np.hypot(self.relative * sizes, self.floor)
        return result


def distance_from_neighbours(
    values: FloatArray, at: FloatArray | None = None, *, reach: int = 2
) -> FloatArray:
    """Distance of each value from the polynomial through its neighbours, scaled to the noise of one value.

    NaN where there are no neighbours on both sides, or too unevenly spaced ones.

    Parameters
    ----------
    values : (n,) array
    at : (n,) array, optional
        Where, in any order; by default evenly spaced.
    reach : int
        Neighbours on either side: 2 for a cubic, 1 for a chord, as where there are fewer than five values.
    """
    n = values.size
    result = np.full(n, np.nan)
    if n < 3:
        return result
    reach = reach if n >= 5 else 1
    offsets = np.array([k for k in range(-reach, reach + 1) if k != 0])
    order = np.arange(n) if at is None else np.argsort(at, kind="stable")
    y = values[order]
    if at is None:
        around = offsets[None, :].astype(np.float64)
    else:
        x, middle = at[order], np.arange(reach, n - reach)
        around = x[middle[:, None] + offsets] - x[middle][:, None]
        around += 1e-12 * max(float(np.ptp(x)), 1e-30) * offsets  # repeated coordinates
    weight = np.ones(around.shape)
    for j in range(offsets.size):
        for k in range(offsets.size):
            if k != j:
                weight[:, j] *= around[:, k] / (around[:, k] - around[:, j])
    through = sum(weight[:, k] * y[reach + offset : n - reach + offset] for k, offset in enumerate(offsets))
    scaled = (y[reach : n - reach] - through) / np.sqrt(1.0 + np.sum(weight**2, axis=1))
    result[order[reach : n - reach]] = np.where(np.abs(weight).sum(axis=1) > _WILD, np.nan, scaled)
    return result


def typical(distance: FloatArray, quantile: float = 0.5) -> float:
    """Standard deviation of the noise that shows in distances from neighbours; 0 where none is known.

    Parameters
    ----------
    distance : (n,) array
        NaN where it is not known.
    quantile : float
        0.5, or 0.25 where most points may lie beside a jump.
    """
    known = np.abs(distance[np.isfinite(distance)])
    if not known.size:
        return 0.0
    return TO_SIGMA[quantile] * float(np.median(known) if quantile == 0.5 else np.quantile(known, quantile))


def local_roughness(values: FloatArray, at: FloatArray, window: int = 15) -> FloatArray:
    """(n,) standard deviation of the noise around each of n >= 3 points, by the median in a window.

    Parameters
    ----------
    values, at : (n,) array
    window : int
        Points around each.
    """
    distance = np.abs(distance_from_neighbours(values, at))
    known = np.flatnonzero(np.isfinite(distance))
    if not known.size:
        return np.zeros(values.size)
    distance = np.interp(np.arange(values.size), known, distance[known])
    return _typical_around(distance, window)


def typical_by_size(distance: FloatArray, sizes: FloatArray, window: int) -> FloatArray:
    """(n,) standard deviation of the noise of each of n >= 3 points, by the median over those of like size.

    Parameters
    ----------
    distance : (n,) array
        From a curve that describes the points.
    sizes : (n,) array
        Of the curve.
    window : int
        Points of like size.
    """
    order = np.argsort(sizes, kind="stable")
    result = np.empty(sizes.size)
    result[order] = _typical_around(np.abs(distance[order]), window)
    return result


def _typical_around(distance: FloatArray, window: int) -> FloatArray:
    """(n,) standard deviation that shows in the moduli of distances around each."""
    half = min(window // 2, (distance.size - 1) // 2)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(distance, half, mode="reflect"), 2 * half + 1)
    result: FloatArray = TO_SIGMA[0.5] * np.median(around, axis=1)
    return result


def relative_distances(frequency: FloatArray, impedance: ComplexArray) -> FloatArray:
    """(2 n,) distances of log |Z| and of the phase from their neighbours over log f: noise relative to |Z|.

    Parameters
    ----------
    frequency : (n,) array, Hz
    impedance : (n,) array, ohm
    """
    at = np.log(frequency)
    order = np.argsort(at)
    Z = impedance[order]
    logs = np.log(np.maximum(np.abs(Z), _TINY)), np.unwrap(np.angle(Z))
    return np.concatenate([distance_from_neighbours(part, at[order]) for part in logs])


def noise_of_differences(*curves: FloatArray) -> float:
    """Standard deviation of the noise of curves that are parabolas between neighbours, by the median.

    Third differences of independent noise have 20 times its variance.

    Parameters
    ----------
    *curves : (n,) arrays
        Values in order, at about even steps; all with the same noise.
    """
    rough = np.concatenate([np.diff(curve, 3) for curve in curves])
    return float(np.median(np.abs(rough)) / 0.6745 / np.sqrt(20.0))


def correlation(r: FloatArray, two_parts: bool) -> tuple[float, float]:
    """Lag-1 autocorrelation of residuals and the effective number of points.

    Values within the scatter of uncorrelated noise, 2/sqrt(n), count as zero, and so do negative ones.

    Parameters
    ----------
    r : (n,) array
    two_parts : bool
        Whether its halves are two series, as the real and imaginary parts of a spectrum are.
    """
    n = r.size
    parts = np.split(r, 2) if two_parts and n % 2 == 0 else [r]
    over = sum(float(part[1:] @ part[:-1]) for part in parts)
    under = sum(float(part @ part) for part in parts)
    rho = float(np.clip(over / under if under > 0 else 0.0, -0.999, 0.999))
    excess = rho if rho > 2.0 / np.sqrt(max(n, 1)) else 0.0
    return rho, n * (1.0 - excess) / (1.0 + excess)
