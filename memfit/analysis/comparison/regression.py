"""What drives the differences: regression of every quantity on what is known of the devices.

Each is a mixed-effects regression (`comparison_pooling`), so that devices weigh by their errors and by the
spread that the attribute leaves:

area          log y = a + n log A: the exponent n, expected -1 for R_b and +1 for C_m and i_c0
temperature   log y = a + E_a/(k_B T): Arrhenius; E_a in eV, positive where a time shortens with temperature;
              V_T, R_s and L_s are linear in T instead
numbers       y (or its logarithm) = a + b x
words         a mean for each word, tested by the F ratio of Knapp and Hartung

p-values of "no trend" are corrected by Holm's method over all quantities and attributes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import fdtrc

from memfit.analysis.comparison.pooling import (
    Interval,
    MixedFit,
    fit_mixed,
    has_full_rank,
    holm,
    restricted_maximum,
)
from memfit.analysis.comparison.ranking import (
    AREA_EXPONENTS,
    ComparedDevice,
    Omitted,
    Quantity,
    Sample,
)
from memfit.arrays import FloatArray

BOLTZMANN = 8.617333262145179e-05
"""eV/K, exact (CODATA 2018)."""
_FEWEST = 3
"""Devices without which there is no slope with an interval."""
_TOGETHER = 0.8
"""Share of one attribute that another explains, beyond which their effects cannot be told apart."""
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+(\D+?)|\s*(nm|µm|um|mm|%|°C))\s*$")
"""A number, a blank and its unit; without a blank only units that are no label of a chip, as "7B" is."""
EXPECTED: Mapping[str, int] = {name: power for name, power in AREA_EXPONENTS.items() if power}
"""Exponents of the area that a uniform junction has."""

Kind = Literal["power", "arrhenius", "linear", "groups"]


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """Something known of the devices."""

    name: str
    """"area", "temperature" or an attribute."""
    numbers: tuple[float | None, ...] | None
    """One a device, SI; None for words."""
    words: tuple[str | None, ...] | None
    unit: str = ""

    def known(self) -> list[bool]:
        """Which devices have it."""
        return [value is not None for value in self.numbers or self.words or ()]


@dataclass(frozen=True, kw_only=True)
class Level:
    """Mean of the devices that share a word, in the scale of the fit."""

    word: str
    devices: int
    mean: float
    ci95: Interval


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How a quantity follows an attribute."""

    quantity: str
    covariate: str
    covariate_unit: str
    """SI of area and temperature; as it was written for others; empty where there is none."""
    kind: Kind
    devices: int
    slope: float | None
    """Exponent of the area, activation energy (eV), or change a unit in the scale of the fit; else None."""
    slope_ci95: Interval | None
    stderr: float | None
    center: float | None
    """Mean of the regressor over the devices, where the line has `level`."""
    level: float | None
    """In the scale of the fit."""
    level_stderr: float | None
    p_value: float
    """Of no trend; after Holm's correction over all trends."""
    expected: float | None
    """The exponent of a uniform junction."""
    p_expected: float | None
    """Of the expected exponent; after Holm's correction over the expected ones."""
    tau: float
    """Standard deviation between devices that is left."""
    tau_before: float
    """The same without the attribute."""
    I2: float
    """Share of the variance that is left between devices, 0 to 1."""
    dof: int
    levels: tuple[Level, ...] = ()

    @property
    def explained(self) -> float:
        """Share of the variance between devices that the attribute explains, 0 to 1."""
        return max(0.0, 1.0 - (self.tau / self.tau_before) ** 2) if self.tau_before > 0.0 else 0.0


def regressor(kind: Kind, values: FloatArray) -> FloatArray:
    """What stands on the axis of a trend: log area, 1/(k_B T) in 1/eV, or the number itself."""
    if kind == "power":
        return np.log(values)
    return 1.0 / (BOLTZMANN * values) if kind == "arrhenius" else values


def covariates_of(devices: Sequence[ComparedDevice]) -> tuple[Covariate, ...]:
    """Area, temperature and every attribute, as numbers where all that have it give numbers."""
    found = [
        Covariate(name="area", numbers=tuple(d.area for d in devices), words=None, unit="m²"),
        Covariate(name="temperature", numbers=tuple(d.temperature for d in devices), words=None, unit="K"),
    ]
    names = sorted({name for device in devices for name in device.attributes})
    taken = {one.name for one in found}
    for name in names:
        title = f"{name} (attribute)" if name in taken else name
        found.append(_attribute(title, [device.attributes.get(name) for device in devices]))
    return tuple(found)


def find_trends(
    sample: Sample, like: Sample
) -> tuple[tuple[Trend, ...], tuple[Omitted, ...], tuple[str, ...]]:
    """All trends: those of the area in `sample`, the others in `like`, whose devices have one area.

    Returns
    -------
    trends : tuple of Trend
    omitted : tuple of Omitted
        Attributes that say nothing, and why.
    confounded : tuple of str
        Sentences on attributes that vary together.
    """
    trends: list[Trend] = []
    omitted: list[Omitted] = []
    useful = []
    for covariate in covariates_of(sample.devices):
        if not any(covariate.known()):
            continue
        reason = _useless(covariate)
        if reason:
            omitted.append(Omitted(label=covariate.name, what="attribute", reason=reason))
            continue
        useful.append(covariate)
        arrays = sample if covariate.name == "area" else like
        found = [_trend(arrays, quantity, covariate) for quantity in arrays.quantities]
        trends += [trend for trend in found if trend is not None]
    return _corrected(trends), tuple(omitted), _confounded(useful)


def _attribute(name: str, values: Sequence[str | float | None]) -> Covariate:
    """An attribute as numbers, also where they are texts with one and the same unit; else as words."""
    parts = [_number_of(value) for value in values if value is not None]
    units = {part[1] for part in parts if part is not None}
    if all(part is not None for part in parts) and len(units) == 1:
        numbers = tuple(None if value is None else (_number_of(value) or (0.0, ""))[0] for value in values)
        return Covariate(name=name, numbers=numbers, words=None, unit=units.pop())
    words = tuple(None if value is None else str(value) for value in values)
    return Covariate(name=name, numbers=None, words=words)


def _number_of(value: str | float) -> tuple[float, str] | None:
    """A number and its unit; None for a word."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return (float(value), "") if np.isfinite(value) else None
    found = _NUMBER.match(value)
    return (float(found[1]), found[2] or found[3]) if found else None


def _useless(covariate: Covariate) -> str:
    """Why an attribute cannot explain anything; empty where it may."""
    values = [value for value in covariate.numbers or covariate.words or () if value is not None]
    if len(set(values)) == 1:
        return "the same in all devices" if len(values) > 1 else "only one device has it"
    if len(values) < _FEWEST:
        return f"known of {len(values)} devices only; it takes {_FEWEST}"
    if covariate.words is not None and len(set(values)) > len(values) - 2:
        return "nearly every device has its own; nothing is left to compare"
    return ""


def _trend(sample: Sample, quantity: Quantity, covariate: Covariate) -> Trend | None:
    """How one quantity follows one attribute; None where too few devices have both."""
    there, y, v = sample.column(quantity.name)
    known = np.array(covariate.known())[there]
    there, y, v = there[known], y[known], v[known]
    if y.size < _FEWEST:
        return None
    if covariate.words is not None:
        return _groups(quantity, covariate, [str(covariate.words[i]) for i in there], y, v)
    values = np.array([(covariate.numbers or ())[i] for i in there], dtype=np.float64)
    return _line(quantity, covariate, values, y, v)


def _line(
    quantity: Quantity, covariate: Covariate, values: FloatArray, y: FloatArray, v: FloatArray
) -> Trend | None:
    """A straight line in the regressor that suits the attribute; None where it does not vary."""
    kind: Kind = "linear"
    if quantity.logarithmic and covariate.name in ("area", "temperature"):
        kind = "power" if covariate.name == "area" else "arrhenius"
    z = regressor(kind, values)
    center = float(z.mean())
    X = np.column_stack([np.ones(z.size), z - center])
    if np.ptp(values) == 0.0 or not has_full_rank(X):
        return None
    found = fit_mixed(y, v, X)
    low, high = found.interval95()[1]
    expected = float(EXPECTED[quantity.name]) if kind == "power" and quantity.name in EXPECTED else None
    return Trend(
        quantity=quantity.name,
        covariate=covariate.name,
        covariate_unit=covariate.unit,
        kind=kind,
        devices=y.size,
        slope=float(found.coefficients[1]),
        slope_ci95=(float(low), float(high)),
        stderr=float(found.careful_stderr[1]),
        center=center,
        level=float(found.coefficients[0]),
        level_stderr=float(found.careful_stderr[0]),
        p_value=float(found.p_values()[1]),
        expected=expected,
        p_expected=None if expected is None else float(found.p_values(expected)[1]),
        tau=float(np.sqrt(found.tau2)),
        tau_before=_spread_before(y, v),
        I2=found.I2,
        dof=found.dof,
    )


def _groups(
    quantity: Quantity, covariate: Covariate, words: Sequence[str], y: FloatArray, v: FloatArray
) -> Trend | None:
    """A mean for each word; None where there are too few devices for the words."""
    levels = sorted(set(words))
    if not 2 <= len(levels) <= len(words) - 2:
        return None
    found = fit_mixed(y, v, _indicators(words, levels))
    bounds = found.interval95()
    means = tuple(
        Level(word=level, devices=words.count(level), mean=float(mean), ci95=(float(low), float(high)))
        for level, mean, (low, high) in zip(levels, found.coefficients, bounds, strict=True)
    )
    return Trend(
        quantity=quantity.name,
        covariate=covariate.name,
        covariate_unit=covariate.unit,
        kind="groups",
        devices=y.size,
        slope=None,
        slope_ci95=None,
        stderr=None,
        center=None,
        level=None,
        level_stderr=None,
        p_value=_equal_means(found),
        expected=None,
        p_expected=None,
        levels=means,
        tau=float(np.sqrt(found.tau2)),
        tau_before=_spread_before(y, v),
        I2=found.I2,
        dof=found.dof,
    )


def _indicators(words: Sequence[str], levels: Sequence[str]) -> FloatArray:
    """One column a word: 1 where a device has it."""
    return np.array([[float(word == level) for level in levels] for word in words])


def _equal_means(found: MixedFit) -> float:
    """p-value of all coefficients being equal, by the F ratio."""
    p = found.coefficients.size
    contrast = np.eye(p - 1, p, 1) - np.eye(p - 1, p)
    d = contrast @ found.coefficients
    spread = contrast @ (found.covariance * found.inflation) @ contrast.T
    return float(fdtrc(p - 1, found.dof, d @ np.linalg.solve(spread, d) / (p - 1)))


def _spread_before(y: FloatArray, v: FloatArray) -> float:
    """Standard deviation between devices without any attribute."""
    basis = np.full((y.size, 1), 1.0 / np.sqrt(y.size))
    return float(np.sqrt(restricted_maximum(y - y.mean(), v, basis)))


def _corrected(trends: Sequence[Trend]) -> tuple[Trend, ...]:
    """The trends with p-values after Holm's correction."""
    p = holm([trend.p_value for trend in trends])
    q = holm([np.nan if trend.p_expected is None else trend.p_expected for trend in trends])
    return tuple(
        replace(trend, p_value=float(a), p_expected=None if np.isnan(b) else float(b))
        for trend, a, b in zip(trends, p, q, strict=True)
    )


def _confounded(covariates: Sequence[Covariate]) -> tuple[str, ...]:
    """Which attributes vary together."""
    said = []
    for k, one in enumerate(covariates):
        for other in covariates[:k]:
            both = np.array(one.known()) & np.array(other.known())
            shared = max(_explained(one, other, both), _explained(other, one, both))
            if shared > _TOGETHER:
                said.append(
                    f"{other.name} and {one.name} vary together ({100 * shared:.0f} % is shared): "
                    "their effects cannot be told apart here."
                )
    return tuple(said)


def _explained(one: Covariate, other: Covariate, both: np.ndarray) -> float:
    """Share of the variance of one attribute that another explains (adjusted for their number of devices)."""
    if np.count_nonzero(both) < _FEWEST:
        return 0.0
    y, X = _design(one, both), _design(other, both)
    y = y - y.mean(axis=0)
    total = float((y**2).sum())
    if total == 0.0 or np.linalg.matrix_rank(X) >= len(X):
        return 0.0
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    free = len(X) - int(np.linalg.matrix_rank(X))
    return 1.0 - float((left**2).sum()) / total * (len(X) - 1) / free


def _design(covariate: Covariate, which: np.ndarray) -> FloatArray:
    """An attribute as columns: a number with a constant, or one column a word."""
    if covariate.words is not None:
        words = [str(word) for word, there in zip(covariate.words, which, strict=True) if there]
        return _indicators(words, sorted(set(words)))
    z = np.array([v for v, there in zip(covariate.numbers or (), which, strict=True) if there], dtype=float)
    z = np.log(z) if covariate.name == "area" else z
    spread = float(np.std(z)) or 1.0
    return np.column_stack([np.ones(z.size), (z - z.mean()) / spread])
