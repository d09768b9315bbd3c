"""What is said of the rows of a comparison, column by column, and how its numbers are written.

A `Field` is one thing said of a row: a column of a table in the page, where numbers are text made by
`memfit.reporting.numbers`, and columns of the file for programs, where they are SI and in full. All tables of
`memfit.reporting.comparison.tables` are made from the same fields. All words are in `text.toml`.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from memfit.analysis.comparison import (
    BetweenCorrelation,
    Comparison,
    Outlying,
    Pooled,
    Quantity,
    Sample,
    Trend,
)
from memfit.confidence import LEVEL
from memfit.model import PARAMETERS, names_where
from memfit.reporting.content import Cell, ColumnKind, listed
from memfit.reporting.numbers import MISSING, fixed, interval, percent, quantity, quantity_digits, unit_symbol

TEXT: Mapping[str, Any] = tomllib.loads(
    (files("memfit.reporting.comparison") / "text.toml").read_text(encoding="utf-8")
)
SCALED = names_where(lambda row: row.area_exponent is not None and not row.extension)
"""Parameters of every device that scale with the area of a uniform junction."""
SIGNIFICANT = round(1.0 - LEVEL, 12)
"""p-value below which something is beyond chance: 0.05."""
CM2 = 1e4  # cm^2 in a m^2
_AREA_UNITS = {"ohm m²": ("Ω cm²", CM2), "F/m²": ("µF/cm²", 1e6 / CM2), "A/m²": ("mA/cm²", 1e3 / CM2)}
WIDE = 3.0
"""Ratio of the ends of an interval from which each has its own digits."""


@dataclass(frozen=True)
class Limits:
    """How much a table shows; devices.csv, trends.csv and comparison.json have all."""

    rows: int = 60
    pairs: int = 66  # those of twelve devices
    trends: int = 24
    correlations: int = 12
    far: float = 10.0  # gain margin from which a device is far from oscillation
    smallest_p: float = 1e-4
    shades: int = 4  # of a correlation of 1


LIMITS = Limits()


def sentence(key: str, part: str = "sentences", **words: object) -> str:
    """Words of the comparison with what stands in braces filled in.

    Parameters
    ----------
    key : str
        Of the sentence in its part of `text.toml`.
    part : str
        Name of the part, such as "captions".
    **words
        What to fill in, besides the parameters that scale with the area and those compared as they are.
    """
    by_exponent: dict[int, list[str]] = {}
    for name in SCALED:
        by_exponent.setdefault(PARAMETERS[name].area_exponent or 0, []).append(name)
    exponents = [f"{power:+d} of {listed(names)}".replace("-", "−") for power, names in by_exponent.items()]
    linear = names_where(lambda row: row.in_time and not row.logarithmic and not row.extension)
    common = {"scaled": listed(list(SCALED)), "exponents": listed(exponents), "linear": listed(list(linear))}
    return str(TEXT[part][key]).format(**common, **words)


def p_text(p: float | None) -> str:
    """A p-value without digits that mean nothing.

    Parameters
    ----------
    p : float or None
        0 to 1; None or NaN becomes a dash.
    """
    if p is None or not np.isfinite(p):
        return MISSING
    return "< 0.0001" if p < LIMITS.smallest_p else quantity_digits(p, "1", 2)


def shown_unit(unit: str) -> tuple[str, float]:
    """Unit as printed and the factor to it, for quantities of unit area; others stay.

    Parameters
    ----------
    unit : str
        Of a compared quantity, such as "ohm" or "F/m²".
    """
    return _AREA_UNITS.get(unit, (unit or "1", 1.0))


def value_text(of: Quantity, value: float, error: float | None = None) -> str:
    """A value as text.

    Parameters
    ----------
    of : Quantity
    value : float
        SI.
    error : float, optional
        Its standard error, in the scale of the fit.
    """
    unit, factor = shown_unit(of.unit)
    stderr = None if error is None else error * (abs(value) if of.logarithmic else 1.0) * factor
    return quantity(value * factor, unit, stderr)


def interval_text(of: Quantity, ends: tuple[float, float]) -> str:
    """An interval as text; each end by itself where it is wide.

    Parameters
    ----------
    of : Quantity
    ends : two float
        In the scale of the fit.
    """
    unit, factor = shown_unit(of.unit)
    low, high = (of.outer(end) * factor for end in ends)
    if of.logarithmic and high > WIDE * low > 0.0:
        return f"{quantity_digits(low, unit)} to {quantity_digits(high, unit)}"
    return interval((low, high), unit)


def spread_text(of: Quantity, tau: float) -> str:
    """A spread between devices: a factor or per cent for logarithms, else in the unit.

    Parameters
    ----------
    of : Quantity
    tau : float
        Standard deviation between devices, in the scale of the fit.
    """
    if tau <= 0.0:
        return "none"
    if not of.logarithmic:
        return f"± {quantity_digits(tau, of.unit, 2)}"
    if tau < 0.1:
        return f"± {quantity_digits(100.0 * tau, '1', 2)} %"
    return f"×/÷ {quantity_digits(of.outer(tau), '1', 3)}"


def _spread_interval(of: Quantity, ends: tuple[float, float]) -> str:
    """The interval of a spread; the sign is not repeated where both ends have the same."""
    low, high = (spread_text(of, end) for end in ends)
    same = low.split()[0] == high.split()[0]
    return f"{low} to {high.removeprefix('×/÷ ').removeprefix('± ') if same else high}"


def matters(comparison: Comparison, circuit: str) -> bool:
    """Whether any device comes near to oscillation in a circuit.

    Parameters
    ----------
    comparison : Comparison
    circuit : str
    """
    margins = [one.gain_margin for one in comparison.ranking if one.circuit == circuit]
    known = [margin for margin in margins if margin is not None]
    return circuit == "current" or not known or min(known) < LIMITS.far


@dataclass(frozen=True)
class Field:
    """One thing that is said of a row."""

    key: str
    """Of its title in `text.toml`; else the title itself."""
    text: Callable[[Any], Cell]
    """The cell in the page, from what a row is about."""
    data: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    """The columns in a file for programs: title, and the value from what a row is about."""
    kind: ColumnKind = "number"


def _ends(title: str, interval_of: Callable[[Any], Any]) -> dict[str, Callable[[Any], object]]:
    """The two columns of an interval."""
    return {f"{title}_low": lambda row: interval_of(row)[0], f"{title}_high": lambda row: interval_of(row)[1]}


def file_row(fields: Iterable[Field], row: object) -> dict[str, object]:
    """A row of a file for programs.

    Parameters
    ----------
    fields : iterable of Field
    row
        What it is about, as the fields take it.
    """
    return {title: value(row) for one in fields for title, value in one.data.items()}


class PooledRow(NamedTuple):
    """A quantity over all devices."""

    of: Quantity
    pooled: Pooled
    tail: str
    """Behind the name in files, where the quantity is of unit area."""


FEWEST = 3
"""Devices from which a spread has an interval that says something: that of two runs over 15 decades."""


def _of_several(row: PooledRow, text: str) -> str:
    """An interval, or a dash where two devices cannot give one."""
    return text if row.pooled.devices >= FEWEST else MISSING


POOLED = (
    Field(
        "quantity",
        lambda r: r.of.name,
        {
            "quantity": lambda r: f"{r.of.name}{r.tail}",
            "unit": lambda r: r.of.unit,
            "scale": lambda r: "log" if r.of.logarithmic else "linear",
        },
        "symbol",
    ),
    Field("devices", lambda r: str(r.pooled.devices), {"devices": lambda r: r.pooled.devices}),
    Field(
        "mean",
        lambda r: value_text(r.of, r.of.outer(r.pooled.mean), r.pooled.stderr),
        {"mean": lambda r: r.of.outer(r.pooled.mean)},
    ),
    Field(
        "mean_ci95",
        lambda r: _of_several(r, interval_text(r.of, r.pooled.mean_ci95)),
        {
            **_ends("mean_ci95", lambda r: [r.of.outer(end) for end in r.pooled.mean_ci95]),
            "mean_in_scale": lambda r: r.pooled.mean,
            "stderr_in_scale": lambda r: r.pooled.stderr,
        },
    ),
    Field("spread", lambda r: spread_text(r.of, r.pooled.tau), {"spread_in_scale": lambda r: r.pooled.tau}),
    Field(
        "spread_ci95",
        lambda r: _of_several(r, _spread_interval(r.of, r.pooled.tau_ci95)),
        _ends("spread_ci95", lambda r: r.pooled.tau_ci95),
    ),
    Field(
        "predicted",
        lambda r: _of_several(r, interval_text(r.of, r.pooled.predicted95)),
        _ends("predicted95", lambda r: [r.of.outer(end) for end in r.pooled.predicted95]),
    ),
    Field(
        "Q",
        lambda r: quantity_digits(r.pooled.Q, "1", 3),
        {"Q": lambda r: r.pooled.Q, "dof": lambda r: r.pooled.dof},
    ),
    Field(
        "p",
        lambda r: p_text(r.pooled.p_heterogeneity),
        {"p_heterogeneity": lambda r: r.pooled.p_heterogeneity},
    ),
    Field("I2", lambda r: percent(r.pooled.I2), {"I2": lambda r: r.pooled.I2}),
)


def pooled_rows(sample: Sample, pooled: Mapping[str, Pooled], tail: str = "") -> list[PooledRow]:
    """What the fields of `POOLED` are read from, a row a quantity.

    Parameters
    ----------
    sample : Sample
    pooled : mapping of str to Pooled
        By quantity of the sample.
    tail : str
        Behind the names in files.
    """
    quantities = dict(zip(sample.names, sample.quantities, strict=True))
    return [PooledRow(quantities[name], one, tail) for name, one in pooled.items()]


def slope_texts(comparison: Comparison, trend: Trend) -> tuple[str, str]:
    """Slope and interval of a trend as text; means for words.

    Small changes of a logarithm are fractions, given in per cent.

    Parameters
    ----------
    comparison : Comparison
    trend : Trend
        One of the comparison.
    """
    sample = comparison.sample_of(trend)
    of = sample.quantities[sample.names.index(trend.quantity)]
    if trend.slope is None or trend.slope_ci95 is None:
        means = [f"{level.word}: {value_text(of, of.outer(level.mean))}" for level in trend.levels]
        return "; ".join(means), MISSING
    if trend.kind in ("power", "arrhenius"):
        unit = "eV" if trend.kind == "arrhenius" else "1"
        return quantity(trend.slope, unit, trend.stderr), interval(trend.slope_ci95, unit, trend.stderr)
    factor, per = (1.0 / CM2, "cm²") if trend.covariate == "area" else (1.0, trend.covariate_unit or "unit")
    factor, unit = (100.0 * factor, "%") if of.logarithmic else (factor, unit_symbol(of.unit))
    stderr = None if trend.stderr is None else trend.stderr * factor
    low, high = (end * factor for end in trend.slope_ci95)
    slope, ends = quantity(trend.slope * factor, "1", stderr), interval((low, high), "1", stderr)
    return f"{slope} {unit}/{per}", f"{ends} {unit}/{per}"


def trend_fields(comparison: Comparison) -> tuple[Field, ...]:
    """Of a `Trend`: how a quantity follows an attribute."""
    return (
        Field("attribute", lambda t: t.covariate, {"covariate": lambda t: t.covariate}, "text"),
        Field("quantity", lambda t: t.quantity, {"quantity": lambda t: t.quantity}, "symbol"),
        Field(
            "law",
            lambda t: TEXT["laws"][t.kind],
            {
                "kind": lambda t: t.kind,
                "devices": lambda t: t.devices,
                "p_holm": lambda t: t.p_value,
                "explained": lambda t: t.explained,
                "spread_left": lambda t: t.tau,
            },
            "text",
        ),
        Field("slope", lambda t: slope_texts(comparison, t)[0]),
        Field("mean_ci95", lambda t: slope_texts(comparison, t)[1]),
        Field("expected", _expected_text),
        Field("p_trend", lambda t: p_text(t.p_value)),
        Field("explained", lambda t: percent(t.explained)),
        Field("devices", lambda t: str(t.devices)),
    )


def _expected_text(trend: Trend) -> str:
    """The exponent of a uniform junction and whether it holds."""
    if trend.expected is None:
        return MISSING
    return f"{fixed(trend.expected, 0)} (p = {p_text(trend.p_expected)})"


def correlation_fields(comparison: Comparison) -> tuple[Field, ...]:
    """Of a `BetweenCorrelation`: how two quantities go together."""
    return (
        Field(
            "quantity",
            lambda r: f"{r.first}, {r.second}",
            {"first": lambda r: r.first, "second": lambda r: r.second, "devices": lambda r: r.devices},
            "prose",
        ),
        Field("between", lambda r: fixed(r.between, 2), {"between": lambda r: r.between}),
        Field(
            "between_ci95",
            lambda r: f"{fixed(r.ci95[0], 2)} to {fixed(r.ci95[1], 2)}" if r.ci95 else MISSING,
            _ends("between_ci95", lambda r: r.ci95 or (None, None)),
        ),
        Field("p_outlying", lambda r: p_text(r.p_value), {"p_holm": lambda r: r.p_value}),
        Field("observed", lambda r: fixed(r.observed, 2)),
        Field(
            "within",
            lambda r: fixed(r.within, 2),
            {
                "within_fits": lambda r: r.within,
                "observed": lambda r: r.observed,
                "per_area": lambda _: comparison.equal_area,
                "remark": lambda r: r.reason,
            },
        ),
    )


def strongest(comparison: Comparison) -> list[BetweenCorrelation]:
    """The correlations between devices that are known, least by chance first."""
    known = [one for one in comparison.correlations if one.between is not None]
    known.sort(key=lambda one: (one.p_value if one.p_value is not None else 1.0, -abs(one.between or 0.0)))
    return known


def outlying_fields(comparison: Comparison) -> tuple[Field, ...]:
    """Of an `Outlying`: a device that one quantity sets apart."""

    def label(o: Outlying) -> str:
        return comparison.devices[o.device].label

    return (
        Field("device", label, {"device": label}, "file"),
        Field("quantity", lambda o: o.quantity, {"quantity": lambda o: o.quantity}, "symbol"),
        Field(
            "score",
            lambda o: fixed(o.score, 1),
            {"deviation_in_scale": lambda o: o.deviation, "score": lambda o: o.score},
        ),
        Field("p_outlying", lambda o: p_text(o.p_value), {"p_value": lambda o: o.p_value}),
    )


LEFT_OUT = (
    Field("who", lambda o: o.label, {"of": lambda o: o.label}, "file"),
    Field("what", lambda o: o.what or "all of it", {"what": lambda o: o.what}, "symbol"),
    Field("why", lambda o: o.reason, {"reason": lambda o: o.reason}, "text"),
)
