"""The figures of a comparison that show what goes with area, temperature and attributes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import stdtrit

from memfit.analysis.comparison_record import Comparison
from memfit.analysis.comparison_sample import Quantity
from memfit.analysis.comparison_trends import EXPECTED, Covariate, Trend, covariates_of, regressor
from memfit.arrays import FloatArray
from memfit.reporting.comparisonaxes import Z95, escaped, outer, panel_of, scaling, stem
from memfit.reporting.comparisoncells import CM2, LEVEL, p_text
from memfit.reporting.comparisonwords import EXPECTED_LINE, PER_AREA
from memfit.reporting.content import Panel, Panels
from memfit.reporting.figures.trends import GroupPicture, TrendPicture, group_figure, trend_figure
from memfit.reporting.trendtables import slope_texts

_MOST_TRENDS = 8
_ALWAYS = {"area": ("R_b", "C_m", "i_c0"), "temperature": ("tau_d", "tau_k")}
"""Trends drawn whether or not they are beyond chance."""
_LINE = 61
Scaled = Callable[[FloatArray], FloatArray]


def trend_panels(found: Comparison) -> Panels:
    """Trends that matter by themselves or are beyond chance, the strongest first."""
    covariates = {one.name: one for one in covariates_of(found.devices)}
    wanted = [one for one in found.trends if one.quantity in _ALWAYS.get(one.covariate, ())]
    strong = [one for one in found.trends if one.p_value < LEVEL and one not in wanted]
    strong.sort(key=lambda one: one.p_value)
    shown = [*wanted, *strong[:_MOST_TRENDS]]
    return Panels(
        tuple(_trend_panel(found, one, covariates[one.covariate], k) for k, one in enumerate(shown, start=1))
    )


def _trend_panel(found: Comparison, one: Trend, covariate: Covariate, number: int) -> Panel:
    """One trend, as a line or as groups."""
    key = f"trend_{number}_{stem(one.covariate)}_{stem(one.quantity)}"
    per_area = found.equal_area and one.covariate != "area" and one.quantity in EXPECTED
    name = f"{one.quantity}{PER_AREA if per_area else ''}"
    if one.kind == "groups":
        picture, data = _groups(found, one, covariate)
        words = {"quantity": name, "covariate": one.covariate, "data": data}
        return panel_of(key, "groups", partial(group_figure, found=picture), **words)
    line, data = _line(found, one, covariate)
    words = {"quantity": name, "covariate": one.covariate, "data": data}
    expected = EXPECTED_LINE if one.expected is not None else ""
    return panel_of(key, "trend", partial(trend_figure, found=line), expected=expected, **words)


def _points(found: Comparison, one: Trend, covariate: Covariate) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Places of the devices of a trend, their values and standard errors in the scale of the fit."""
    there, y, v = found.sample_of(one).column(one.quantity)
    known = np.array(covariate.known())[there]
    return there[known], y[known], np.sqrt(v[known])


def _quantity(found: Comparison, one: Trend) -> Quantity:
    """What a trend is of."""
    sample = found.sample_of(one)
    return sample.quantities[sample.names.index(one.quantity)]


def _line(found: Comparison, one: Trend, covariate: Covariate) -> tuple[TrendPicture, dict[str, FloatArray]]:
    """Devices and line of a trend against a number."""
    quantity = _quantity(found, one)
    there, y, s = _points(found, one, covariate)
    values = np.array([(covariate.numbers or ())[i] for i in there], dtype=np.float64)
    z = regressor(one.kind, values)
    fine = np.linspace(z.min(), z.max(), _LINE)
    away = fine - (one.center or 0.0)
    middle = (one.level or 0.0) + (one.slope or 0.0) * away
    half = float(stdtrit(one.dof, 0.975)) * np.hypot(one.level_stderr or 0.0, (one.stderr or 0.0) * away)
    factor, axis = scaling(quantity, outer(quantity, y))
    shown = _abscissa(one.kind, one.covariate)

    def scaled(x: FloatArray) -> FloatArray:
        return outer(quantity, x) * factor

    expected = None
    if one.expected is not None:
        expected = np.column_stack([shown(fine), scaled((one.level or 0.0) + one.expected * away)])
    picture = TrendPicture(
        x=shown(z),
        y=scaled(y),
        low=scaled(y - Z95 * s),
        high=scaled(y + Z95 * s),
        line=np.column_stack([shown(fine), scaled(middle - half), scaled(middle), scaled(middle + half)]),
        expected=expected,
        title=_trend_title(found, one),
        x_axis=_abscissa_title(one),
        y_axis=axis,
        x_logarithmic=one.kind == "power",
        y_logarithmic=quantity.logarithmic,
    )
    data = {stem(one.covariate): values, "value": outer(quantity, y), "stderr_in_scale": s}
    return picture, data


def _abscissa(kind: str, covariate: str) -> Scaled:
    """From the regressor to what stands on the axis."""
    if kind == "power":
        return lambda z: np.exp(z) * CM2
    if kind == "arrhenius":
        return lambda z: np.asarray(z, dtype=np.float64)
    return lambda z: z * (CM2 if covariate == "area" else 1.0)


def _abscissa_title(one: Trend) -> str:
    """Title of the axis of an attribute."""
    if one.kind == "arrhenius":
        return "1/($k_{B}$T) (1/eV)"
    if one.covariate == "area":
        return "Area (cm²)"
    unit = f" ({escaped(one.covariate_unit)})" if one.covariate_unit else ""
    return f"{escaped(one.covariate)}{unit}"


def _trend_title(found: Comparison, one: Trend) -> str:
    """The result of a trend above its figure."""
    slope = slope_texts(found, one)[0]
    head = {"power": f"Exponent {slope}", "arrhenius": f"E_a = {slope}".replace("E_a", "Ea")}.get(
        one.kind, slope
    )
    return f"{head}, p = {p_text(one.p_value)}".replace("p = <", "p <")


def _groups(
    found: Comparison, one: Trend, covariate: Covariate
) -> tuple[GroupPicture, dict[str, FloatArray]]:
    """Devices and means of a trend by words."""
    quantity = _quantity(found, one)
    there, y, _ = _points(found, one, covariate)
    words = [level.word for level in one.levels]
    place = np.array([words.index(str((covariate.words or ())[i])) for i in there], dtype=np.float64)
    factor, axis = scaling(quantity, outer(quantity, y))
    means = [np.array([pick(level) for level in one.levels]) for pick in (_mean, _low, _high)]
    mean, low, high = (outer(quantity, part) * factor for part in means)
    picture = GroupPicture(
        words=tuple(words),
        place=place,
        y=outer(quantity, y) * factor,
        mean=mean,
        low=low,
        high=high,
        title=f"p = {p_text(one.p_value)}".replace("p = <", "p <"),
        y_axis=axis,
        y_logarithmic=quantity.logarithmic,
    )
    return picture, {"group": place, "value": outer(quantity, y)}


def _mean(level: Any) -> float:
    return float(level.mean)


def _low(level: Any) -> float:
    return float(level.ci95[0])


def _high(level: Any) -> float:
    return float(level.ci95[1])
