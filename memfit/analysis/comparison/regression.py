"""What drives the differences: regression of every quantity on what is known of the devices.

Each is a mixed-effects regression (`memfit.analysis.comparison.pooling`), so that devices weigh by their
errors and by the spread that the attribute leaves:

area          log y = a + n log A: the exponent n, expected -1 for R_b and +1 for C_m and i_c0
temperature   log y = a + E_a/(k_B T): Arrhenius; E_a in eV, positive where a time shortens with temperature;
              linear quantities (V_T, R_s, L_s) are linear in T instead
numbers       y (or its logarithm) = a + b x
words         a mean for each word, tested by the F ratio of Knapp and Hartung

p-values of "no trend" are corrected by Holm's method over all quantities and attributes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import fdtrc

from memfit.analysis.comparison.devices import AREA_EXPONENTS, ComparedDevice, Omitted, Quantity, Sample
from memfit.analysis.comparison.pairs import holm
from memfit.analysis.comparison.pooling import fit_mixed, has_full_rank, spread_between
from memfit.arrays import BoolArray, FloatArray, Interval

BOLTZMANN = 8.617333262145179e-05
"""eV/K, exact (CODATA 2018)."""

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+(\D+?)|\s*(nm|µm|um|mm|%|°C))\s*$")
"""A number, a blank and its unit; without a blank only units that are no label of a chip, as "7B" is."""


@dataclass(frozen=True)
class Settings:
    """Numbers behind the trends."""

    fewest: int = 3
    """Devices without which there is no slope with an interval."""
    together: float = 0.8
    """Share of one attribute that another explains, beyond which their effects cannot be told apart."""


SETTINGS = Settings()

Kind = Literal["power", "arrhenius", "linear", "groups"]


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """Something known of the devices."""

    name: str
    """"area", "temperature" or an attribute."""
    values: tuple[float | str | None, ...]
    """One a device: numbers (SI) or words; None where it is not known."""
    words: bool = False
    """Whether it is words."""
    unit: str = ""

    def known(self) -> BoolArray:
        """(n,) which devices have it."""
        return np.array([value is not None for value in self.values])


@dataclass(frozen=True, kw_only=True)
class Level:
    """Mean of the devices that share a word, in the scale of the comparison."""

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
    slope: float | None = None
    """Exponent of the area, activation energy (eV), or change a unit in the scale of the comparison."""
    slope_ci95: Interval | None = None
    stderr: float | None = None
    center: float | None = None
    """Mean of the regressor over the devices, where the line has `level`."""
    level: float | None = None
    """In the scale of the comparison."""
    level_stderr: float | None = None
    p_value: float
    """Of no trend; after Holm's correction over all trends."""
    expected: float | None = None
    """The exponent of a uniform junction."""
    p_expected: float | None = None
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
    """What stands on the axis of a trend: log area, 1/(k_B T) in 1/eV, or the number itself.

    Parameters
    ----------
    kind : {"power", "arrhenius", "linear"}
    values : (n,) array
        Area (m^2), temperature (K) or number.
    """
    if kind == "power":
        return np.log(values)
    return 1.0 / (BOLTZMANN * values) if kind == "arrhenius" else values


def covariates_of(devices: Sequence[ComparedDevice]) -> tuple[Covariate, ...]:
    """Area, temperature and every attribute, as numbers where all that have it give numbers of one unit.

    Parameters
    ----------
    devices : sequence of ComparedDevice
    """
    covariates = [
        Covariate(name="area", values=tuple(device.area for device in devices), unit="m²"),
        Covariate(name="temperature", values=tuple(device.temperature for device in devices), unit="K"),
    ]
    for name in sorted({name for device in devices for name in device.attributes}):
        title = f"{name} (attribute)" if name in ("area", "temperature") else name
        given = [device.attributes.get(name) for device in devices]
        parts = [None if value is None else _number_of(value) for value in given]
        units = {part[1] for part in parts if part is not None}
        if [part is None for part in parts] == [value is None for value in given] and len(units) == 1:
            numbers = tuple(None if part is None else part[0] for part in parts)
            covariates.append(Covariate(name=title, values=numbers, unit=units.pop()))
        else:
            texts = tuple(None if value is None else str(value) for value in given)
            covariates.append(Covariate(name=title, values=texts, words=True))
    return tuple(covariates)


def _number_of(value: str | float) -> tuple[float, str] | None:
    """A number and its unit; None for a word."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return (float(value), "") if np.isfinite(value) else None
    parts = _NUMBER.match(value)
    return (float(parts[1]), parts[2] or parts[3]) if parts else None


def find_trends(
    sample: Sample, like: Sample
) -> tuple[tuple[Trend, ...], tuple[Omitted, ...], tuple[str, ...]]:
    """All trends.

    Parameters
    ----------
    sample : Sample
        The devices: for trends of the area.
    like : Sample
        The same of one area: for all other trends.

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
    useful: list[Covariate] = []
    confounded: list[str] = []
    for covariate in covariates_of(sample.devices):
        values = [value for value in covariate.values if value is not None]
        several, reason = len(set(values)), ""
        if several == 1:
            reason = "the same in all devices" if len(values) > 1 else "only one device has it"
        elif len(values) < SETTINGS.fewest:
            reason = f"known of {len(values)} devices only; it takes {SETTINGS.fewest}"
        elif covariate.words and several > len(values) - 2:
            reason = "nearly every device has its own; nothing is left to compare"
        if reason:
            omitted += [Omitted(label=covariate.name, what="attribute", reason=reason)] if values else []
            continue
        for other in useful:
            shared = max(_explained(covariate, other), _explained(other, covariate))
            if shared > SETTINGS.together:
                confounded.append(
                    f"{other.name} and {covariate.name} vary together ({100 * shared:.0f} % is shared): "
                    "their effects cannot be told apart here."
                )
        useful.append(covariate)
        arrays = sample if covariate.name == "area" else like
        each = (_trend(arrays, quantity, covariate) for quantity in arrays.quantities)
        trends += [trend for trend in each if trend is not None]
    p = holm([trend.p_value for trend in trends])
    q = holm([np.nan if trend.p_expected is None else trend.p_expected for trend in trends])
    corrected = tuple(
        replace(trend, p_value=float(a), p_expected=None if np.isnan(b) else float(b))
        for trend, a, b in zip(trends, p, q, strict=True)
    )
    return corrected, tuple(omitted), tuple(confounded)


def _trend(sample: Sample, quantity: Quantity, covariate: Covariate) -> Trend | None:
    """How one quantity follows one attribute; None where too few devices have both, or it does not vary."""
    there, y, v = sample.column(quantity.name)
    known = covariate.known()[there]
    values, y, v = [covariate.values[i] for i in there[known]], y[known], v[known]
    levels = sorted({str(value) for value in values})
    if y.size < SETTINGS.fewest or (covariate.words and not 2 <= len(levels) <= y.size - 2):
        return None
    kind: Kind = "groups" if covariate.words else "linear"
    if quantity.logarithmic and covariate.name in ("area", "temperature"):
        kind = "power" if covariate.name == "area" else "arrhenius"
    center = 0.0
    if covariate.words:
        X = _indicators(values)
    else:
        z = regressor(kind, np.array(values, dtype=np.float64))
        center = float(z.mean())
        X = np.column_stack([np.ones(z.size), z - center])
        if len(set(values)) == 1 or not has_full_rank(X):
            return None
    fit = fit_mixed(y, v, X)
    trend = Trend(
        quantity=quantity.name,
        covariate=covariate.name,
        covariate_unit=covariate.unit,
        kind=kind,
        devices=y.size,
        p_value=float(fit.p_values()[1]),
        tau=float(np.sqrt(fit.tau2)),
        tau_before=spread_between(y, v),
        I2=fit.I2,
        dof=fit.dof,
    )
    if covariate.words:
        # The F ratio of the differences between neighbouring means.
        p = len(levels)
        contrast = np.eye(p - 1, p, 1) - np.eye(p - 1, p)
        d = contrast @ fit.coefficients
        spread = contrast @ (fit.covariance * fit.inflation) @ contrast.T
        means = zip(levels, fit.coefficients, fit.interval95(), strict=True)
        return replace(
            trend,
            p_value=float(fdtrc(p - 1, fit.dof, d @ np.linalg.solve(spread, d) / (p - 1))),
            levels=tuple(
                Level(word=word, devices=values.count(word), mean=float(mean), ci95=(float(low), float(high)))
                for word, mean, (low, high) in means
            ),
        )
    low, high = fit.interval95()[1]
    expected = AREA_EXPONENTS.get(quantity.name) if kind == "power" else None
    return replace(
        trend,
        slope=float(fit.coefficients[1]),
        slope_ci95=(float(low), float(high)),
        stderr=float(fit.careful_stderr[1]),
        center=center,
        level=float(fit.coefficients[0]),
        level_stderr=float(fit.careful_stderr[0]),
        expected=None if expected is None else float(expected),
        p_expected=None if expected is None else float(fit.p_values(expected)[1]),
    )


def _indicators(words: Sequence[float | str | None]) -> FloatArray:
    """One column a word, in their order: 1 where a device has it."""
    levels = sorted(set(map(str, words)))
    return np.array([[float(word == level) for level in levels] for word in words])


def _explained(one: Covariate, other: Covariate) -> float:
    """Share of the variance of one attribute that another explains (adjusted for their number of devices)."""
    both = np.flatnonzero(one.known() & other.known())
    if both.size < SETTINGS.fewest:
        return 0.0
    columns = []
    for covariate in (one, other):
        values = [covariate.values[i] for i in both]
        if covariate.words:
            columns.append(_indicators(values))
        else:
            z = np.array(values, dtype=np.float64)
            z = np.log(z) if covariate.name == "area" else z
            columns.append(np.column_stack([np.ones(z.size), (z - z.mean()) / (float(np.std(z)) or 1.0)]))
    y, X = columns
    y = y - y.mean(axis=0)
    total, free = float((y**2).sum()), len(X) - int(np.linalg.matrix_rank(X))
    if total == 0.0 or free <= 0:
        return 0.0
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return 1.0 - float((left**2).sum()) / total * (len(X) - 1) / free
