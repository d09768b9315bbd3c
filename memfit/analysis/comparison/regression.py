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
        if not covariate.known().any():
            continue
        reason = _useless(covariate)
        if reason:
            omitted.append(Omitted(label=covariate.name, what="attribute", reason=reason))
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


def _number_of(value: str | float) -> tuple[float, str] | None:
    """A number and its unit; None for a word."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return (float(value), "") if np.isfinite(value) else None
    parts = _NUMBER.match(value)
    return (float(parts[1]), parts[2] or parts[3]) if parts else None


def _useless(covariate: Covariate) -> str:
    """Why an attribute cannot explain anything; empty where it may."""
    values = [value for value in covariate.values if value is not None]
    if len(set(values)) == 1:
        return "the same in all devices" if len(values) > 1 else "only one device has it"
    if len(values) < SETTINGS.fewest:
        return f"known of {len(values)} devices only; it takes {SETTINGS.fewest}"
    if covariate.words and len(set(values)) > len(values) - 2:
        return "nearly every device has its own; nothing is left to compare"
    return ""


def _trend(sample: Sample, quantity: Quantity, covariate: Covariate) -> Trend | None:
    """How one quantity follows one attribute; None where too few devices have both, or it does not vary."""
    there, y, v = sample.column(quantity.name)
    known = covariate.known()[there]
    values, y, v = [covariate.values[i] for i in there[known]], y[known], v[known]
    if y.size < SETTINGS.fewest:
        return None
    if covariate.words:
        return _groups(quantity, covariate, [str(value) for value in values], y, v)
    kind: Kind = "linear"
    if quantity.logarithmic and covariate.name in ("area", "temperature"):
        kind = "power" if covariate.name == "area" else "arrhenius"
    z = regressor(kind, np.array(values, dtype=np.float64))
    center = float(z.mean())
    X = np.column_stack([np.ones(z.size), z - center])
    if len(set(values)) == 1 or not has_full_rank(X):
        return None
    line = fit_mixed(y, v, X)
    low, high = line.interval95()[1]
    expected = (
        float(AREA_EXPONENTS[quantity.name]) if kind == "power" and quantity.name in AREA_EXPONENTS else None
    )
    return Trend(
        quantity=quantity.name,
        covariate=covariate.name,
        covariate_unit=covariate.unit,
        kind=kind,
        devices=y.size,
        slope=float(line.coefficients[1]),
        slope_ci95=(float(low), float(high)),
        stderr=float(line.careful_stderr[1]),
        center=center,
        level=float(line.coefficients[0]),
        level_stderr=float(line.careful_stderr[0]),
        p_value=float(line.p_values()[1]),
        expected=expected,
        p_expected=None if expected is None else float(line.p_values(expected)[1]),
        tau=float(np.sqrt(line.tau2)),
        tau_before=spread_between(y, v),
        I2=line.I2,
        dof=line.dof,
    )


def _groups(
    quantity: Quantity, covariate: Covariate, words: Sequence[str], y: FloatArray, v: FloatArray
) -> Trend | None:
    """A mean for each word, and their F ratio; None where there are too few devices for the words."""
    levels = sorted(set(words))
    if not 2 <= len(levels) <= len(words) - 2:
        return None
    means = fit_mixed(y, v, _indicators(words))
    p = len(levels)
    contrast = np.eye(p - 1, p, 1) - np.eye(p - 1, p)
    d = contrast @ means.coefficients
    spread = contrast @ (means.covariance * means.inflation) @ contrast.T
    return Trend(
        quantity=quantity.name,
        covariate=covariate.name,
        covariate_unit=covariate.unit,
        kind="groups",
        devices=y.size,
        p_value=float(fdtrc(p - 1, means.dof, d @ np.linalg.solve(spread, d) / (p - 1))),
        tau=float(np.sqrt(means.tau2)),
        tau_before=spread_between(y, v),
        I2=means.I2,
        dof=means.dof,
        levels=tuple(
            Level(word=word, devices=words.count(word), mean=float(mean), ci95=(float(low), float(high)))
            for word, mean, (low, high) in zip(levels, means.coefficients, means.interval95(), strict=True)
        ),
    )


def _indicators(words: Sequence[str]) -> FloatArray:
    """One column a word, in their order: 1 where a device has it."""
    return np.array([[float(word == level) for level in sorted(set(words))] for word in words])


def _explained(one: Covariate, other: Covariate) -> float:
    """Share of the variance of one attribute that another explains (adjusted for their number of devices)."""
    both = np.flatnonzero(one.known() & other.known())
    if both.size < SETTINGS.fewest:
        return 0.0
    y, X = (_design(covariate, [covariate.values[i] for i in both]) for covariate in (one, other))
    y = y - y.mean(axis=0)
    total = float((y**2).sum())
    if total == 0.0 or np.linalg.matrix_rank(X) >= len(X):
        return 0.0
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    free = len(X) - int(np.linalg.matrix_rank(X))
    return 1.0 - float((left**2).sum()) / total * (len(X) - 1) / free


def _design(covariate: Covariate, values: Sequence[float | str | None]) -> FloatArray:
    """An attribute as columns: a number with a constant, or one column a word."""
    if covariate.words:
        return _indicators([str(value) for value in values])
    z = np.array(values, dtype=np.float64)
    z = np.log(z) if covariate.name == "area" else z
    return np.column_stack([np.ones(z.size), (z - z.mean()) / (float(np.std(z)) or 1.0)])
