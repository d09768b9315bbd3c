"""The figures of a comparison: which there are, of what size, with which words and numbers.

What the figures of a comparison share: a panel from its words, axes of quantities, names of files.

The figures of a comparison that show what goes with area, temperature and attributes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import stdtrit

from memfit.analysis.comparison.correlation import BetweenCorrelation
from memfit.analysis.comparison.pooling import Pooled, pool
from memfit.analysis.comparison.ranking import Quantity, Sample
from memfit.analysis.comparison.record import Comparison
from memfit.analysis.comparison.regression import (
    EXPECTED,
    Covariate,
    Trend,
    covariates_of,
    regressor,
)
from memfit.arrays import FloatArray
from memfit.confidence import TAILS, Z, chi2_quantile
from memfit.reporting.comparison.tables import CM2, LEVEL, matters, p_text, shown_unit, slope_texts
from memfit.reporting.comparison.text import EVENLY, EXPECTED_LINE, FIGURES, OUTLINES, PER_AREA
from memfit.reporting.content import Panel, Panels
from memfit.reporting.figures.marks import on_axis
from memfit.reporting.figures.population import (
    MOST_ROWS,
    Population,
    drawn_name,
    forest_height,
    population_figure,
)
from memfit.reporting.figures.trends import (
    BIASES,
    MOST_CURVES,
    MOST_ELLIPSES,
    DeviceCurve,
    GroupPicture,
    PairPicture,
    PlanePicture,
    TrendPicture,
    chosen,
    currents_figure,
    group_figure,
    nyquist_curves,
    nyquist_overlay_figure,
    pair_figure,
    plane_figure,
    steady_curves,
    trend_figure,
)
from memfit.reporting.numbers import fixed, scale_for
from memfit.reporting.text import CIRCUIT, SYMBOLS

_HEIGHT = 62.0


def panel_of(key: str, name: str, draw: Callable[[Figure], None], **more: Any) -> Panel:
    """A figure with the words its name stands for; `data` are the numbers behind it, `height` is in mm."""
    words = FIGURES[name]
    data: Mapping[str, FloatArray] = more.pop("data", {})
    height: float = more.pop("height", _HEIGHT)
    return Panel(
        key=key,
        draw=draw,
        caption=words.caption.format(**more),
        alt=words.alt.format(**more),
        height=height,
        data=data,
    )


def spoken(name: str) -> str:
    """A quantity on an axis."""
    return on_axis(name) if name in SYMBOLS else escaped(name)


def escaped(words: str) -> str:
    """Words of a user on an axis: no mathematics."""
    return drawn_name(words).replace("$", r"\$")


def scaling(one: Quantity, values: FloatArray) -> tuple[float, str]:
    """Factor from SI to the unit of an axis, and its title."""
    known = np.abs(values[np.isfinite(values)])
    unit, factor = shown_unit(one.unit)
    if unit == (one.unit or "1"):
        factor, unit = scale_for(float(np.median(known)) if known.size else 1.0, one.unit)
    return factor, f"{spoken(one.name)} ({unit})" if unit else spoken(one.name)


def outer(one: Quantity, x: FloatArray) -> FloatArray:
    """From the scale of the fit to SI."""
    return np.exp(np.clip(x, -700.0, 700.0)) if one.logarithmic else np.asarray(x, dtype=np.float64)


def stem(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:40]


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
    half = float(stdtrit(one.dof, TAILS[1])) * np.hypot(one.level_stderr or 0.0, (one.stderr or 0.0) * away)
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
        low=scaled(y - Z * s),
        high=scaled(y + Z * s),
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


"""95 % quantile of chi-square with two degrees of freedom: an ellipse in a plane."""
_MOST_PAIRS = 4


def forest_panels(found: Comparison) -> Panels:
    """One figure a quantity, and one more where it is also known of unit area."""
    as_fitted = [
        _forest(found, found.sample, place, found.pooled) for place in range(len(found.sample.quantities))
    ]
    if not found.equal_area:
        return Panels(tuple(as_fitted))
    scaled = [place for place, name in enumerate(found.like.names) if name in EXPECTED]
    of_unit_area = [_forest(found, found.like, place, found.normalised_pooled) for place in scaled]
    return Panels((*as_fitted, *of_unit_area))


def _forest(found: Comparison, sample: Sample, place: int, pools: Mapping[str, Pooled]) -> Panel:
    """A quantity over all devices."""
    one = sample.quantities[place]
    per_area = sample is not found.sample
    x, s = sample.x[:, place], np.sqrt(sample.covariance[:, place, place])
    value, low, high = (outer(one, x + z * s) for z in (0.0, -Z, Z))
    factor, axis = scaling(one, value)
    tested = per_area or not (found.equal_area and one.name in EXPECTED)
    outlying = {o.device for o in found.outlying if o.quantity == one.name and tested}
    pooled = pools.get(one.name)
    ends: dict[str, Any] = {"mean": None, "mean_ci95": None, "predicted95": None}
    if pooled is not None:
        ends = {
            "mean": one.outer(pooled.mean) * factor,
            "mean_ci95": tuple(one.outer(end) * factor for end in pooled.mean_ci95),
            "predicted95": tuple(one.outer(end) * factor for end in pooled.predicted95),
        }
    population = Population(
        labels=tuple(device.label for device in found.devices),
        value=value * factor,
        low=low * factor,
        high=high * factor,
        outlying=np.array([i in outlying for i in range(len(x))], dtype=bool),
        remarks=_remarks(found, one.name, np.isfinite(x)),
        axis=axis,
        logarithmic=one.logarithmic,
        **ends,
    )
    name = "ordered" if len(x) > MOST_ROWS else "forest"
    data = {"value": value, "ci95_low": low, "ci95_high": high}
    return panel_of(
        f"forest_{stem(one.name)}{'_per_area' if per_area else ''}",
        name,
        partial(population_figure, found=population),
        height=forest_height(len(x)),
        quantity=f"{one.name}{PER_AREA if per_area else ''}",
        count=len(x),
        data=data,
    )


def _remarks(found: Comparison, name: str, known: np.ndarray) -> tuple[str, ...]:
    """Why devices have no value."""
    reasons = {o.label: o.reason for o in found.omitted if o.what == name}
    whole = {o.label: o.reason for o in found.omitted if not o.what}
    return tuple(
        "" if there else reasons.get(d.label) or whole.get(d.label) or "not known"
        for d, there in zip(found.devices, known, strict=True)
    )


def margin_panels(found: Comparison) -> Panels:
    """Gain margin of every device, in each circuit where some device can oscillate at some gain."""
    panels = []
    for circuit in dict.fromkeys(one.circuit for one in found.ranking):
        by = {one.device: one for one in found.ranking if one.circuit == circuit}
        known = {i: one for i, one in by.items() if one.gain_margin is not None}
        if len(known) < 2 or not matters(found, circuit):
            continue
        count = len(found.devices)
        value, low, high = (np.full(count, np.nan) for _ in range(3))
        for i, one in known.items():
            value[i] = one.gain_margin or np.nan
            low[i], high[i] = one.gain_margin_ci95 or (value[i], value[i])
        population = Population(
            labels=tuple(device.label for device in found.devices),
            value=value,
            low=low,
            high=high,
            outlying=value < 1.0,
            remarks=tuple("" if i in known else "cannot, or not known" for i in range(count)),
            mean=None,
            mean_ci95=None,
            predicted95=None,
            axis="Smallest gain margin",
            logarithmic=True,
            threshold=1.0,
        )
        draw = partial(population_figure, found=population)
        data = {"gain_margin": value, "ci95_low": low, "ci95_high": high}
        words = {"circuit": CIRCUIT.get(circuit, circuit), "data": data}
        panels.append(panel_of(f"margins_{circuit}", "margins", draw, height=forest_height(count), **words))
    return Panels(tuple(panels))


def overview_panels(found: Comparison) -> Panels:
    """The map of stability and the steady currents."""
    devices = chosen(found)
    return Panels((*_plane_panel(found), *_current_panels(found, devices)))


def curve_panels(found: Comparison) -> Panels:
    """Spectra at equal distance from the threshold, in widths of the activation."""
    devices = chosen(found)
    if not devices:
        return Panels(())
    panels = []
    for k, bias in enumerate(BIASES):
        curves = nyquist_curves(devices, bias)
        draw = partial(nyquist_overlay_figure, curves=curves, labels=_labels(found), bias=bias)
        words = {"bias": f"{bias:g}".replace("-", "−"), "which": _which(found)}
        data = _curve_data(found, curves, "Z_real_over_R_dc", "minus_Z_imag_over_R_dc")
        panels.append(panel_of(f"nyquist_{k + 1}", "nyquist", draw, data=data, **words))
    return Panels(tuple(panels))


def _labels(found: Comparison) -> list[str]:
    """Names of all devices."""
    return [device.label for device in found.devices]


def _which(found: Comparison) -> str:
    """Which devices are drawn."""
    return EVENLY.format(count=MOST_CURVES) if len(found.devices) > MOST_CURVES else ""


def _plane_panel(found: Comparison) -> tuple[Panel, ...]:
    """Every device with three lags in the plane of loop gains."""
    plane = found.plane
    if plane.device.size == 0:
        return ()
    verdicts = {one.device: one.verdict for one in found.ranking if one.circuit == "current"}
    outlines = []
    if plane.device.size <= MOST_ELLIPSES:
        at = np.column_stack([np.log(plane.loop_gain), np.log(plane.needed)])
        outlines = [
            _exponential(_ellipse(center, C))
            for center, C in zip(at, plane.covariance, strict=True)
            if np.all(np.isfinite(C))
        ]
    picture = PlanePicture(
        labels=tuple(found.devices[i].label for i in plane.device),
        verdicts=tuple(verdicts.get(int(i), "undetermined") for i in plane.device),
        loop_gain=plane.loop_gain,
        needed=plane.needed,
        outlines=tuple(outlines),
    )
    data = {"loop_gain": plane.loop_gain, "loop_gain_needed": plane.needed}
    words = {"outlines": OUTLINES if outlines else "", "data": data}
    return (panel_of("stability_map", "plane", partial(plane_figure, found=picture), **words),)


def _current_panels(found: Comparison, devices: Sequence[Any]) -> tuple[Panel, ...]:
    """Steady currents, and their densities where all areas are known."""
    if not devices:
        return ()
    panels = []
    labels = _labels(found)
    areas = all(found.devices[i].area for i, _, _ in devices)
    for key, per_area in (("currents", False), ("densities", True))[: 2 if areas else 1]:
        curves = steady_curves(found, devices, per_area=per_area)
        unit = "A_per_m2" if per_area else "A"
        data = _curve_data(found, curves, "voltage_V", f"current_{unit}")
        shown = [_times(one, 1.0 / CM2 if per_area else 1.0) for one in curves]
        axis = "Current density (A/cm²)" if per_area else "I (A)"
        draw = partial(currents_figure, curves=shown, labels=labels, axis=axis)
        panels.append(panel_of(f"steady_{key}", key, draw, which=_which(found), data=data))
    return tuple(panels)


def _times(one: DeviceCurve, factor: float) -> DeviceCurve:
    """A curve in another unit."""
    return DeviceCurve(device=one.device, rank=one.rank, x=one.x, y=one.y * factor)


def _curve_data(found: Comparison, curves: Sequence[DeviceCurve], x: str, y: str) -> dict[str, FloatArray]:
    """The curves as columns, a pair a device."""
    columns: dict[str, FloatArray] = {}
    for one in curves:
        label = found.devices[one.device].label
        columns |= {f"{x} ({label})": one.x, f"{y} ({label})": one.y}
    return columns


def pair_panels(found: Comparison) -> Panels:
    """The strongest correlations between devices."""
    known = [one for one in found.correlations if one.between is not None and one.p_value is not None]
    known.sort(key=lambda one: (one.p_value or 0.0, -abs(one.between or 0.0)))
    return Panels(tuple(_pair_panel(found, one) for one in known[:_MOST_PAIRS]))


def _pair_panel(found: Comparison, one: BetweenCorrelation) -> Panel:
    """Two quantities over the devices."""
    sample = found.like
    places = [sample.names.index(name) for name in (one.first, one.second)]
    both = np.isfinite(sample.x[:, places]).all(axis=1)
    x, S = sample.x[both][:, places], sample.covariance[both][:, places][:, :, places]
    quantities = [sample.quantities[k] for k in places]
    factors, axes = zip(*(scaling(q, outer(q, x[:, k])) for k, q in enumerate(quantities)), strict=True)

    def shown(outline: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
        first, second = (outer(q, part) * f for q, part, f in zip(quantities, outline, factors, strict=True))
        return first, second

    errors = (
        [shown(_ellipse(center, C)) for center, C in zip(x, S, strict=True)]
        if len(x) <= MOST_ELLIPSES
        else []
    )
    pooled = [pool(x[:, k], S[:, k, k]) for k in (0, 1)]
    t1, t2 = (p.tau for p in pooled)
    cross = (one.between or 0.0) * t1 * t2
    spread = _ellipse(np.array([p.mean for p in pooled]), np.array([[t1 * t1, cross], [cross, t2 * t2]]))
    picture = PairPicture(
        x=outer(quantities[0], x[:, 0]) * factors[0],
        y=outer(quantities[1], x[:, 1]) * factors[1],
        errors=tuple(errors),
        spread=shown(spread),
        title=f"Between devices {fixed(one.between, 2)}, in the fits {fixed(one.within, 2)}",
        x_axis=axes[0],
        y_axis=axes[1],
        x_logarithmic=quantities[0].logarithmic,
        y_logarithmic=quantities[1].logarithmic,
    )
    data = {one.first: outer(quantities[0], x[:, 0]), one.second: outer(quantities[1], x[:, 1])}
    words = {"first": one.first, "second": one.second, "per_area": PER_AREA if found.equal_area else ""}
    key = f"pair_{stem(one.first)}_{stem(one.second)}"
    return panel_of(key, "pair", partial(pair_figure, found=picture), data=data, **words)


def _ellipse(center: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Outline of the 95 % region of two quantities."""
    variances, axes = np.linalg.eigh(covariance)
    angle = np.linspace(0.0, 2.0 * np.pi, 61)
    steps = (
        np.sqrt(chi2_quantile(2))
        * (axes * np.sqrt(np.maximum(variances, 0.0)))
        @ np.stack([np.cos(angle), np.sin(angle)])
    )
    return center[0] + steps[0], center[1] + steps[1]


def _exponential(outline: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """An outline of logarithms."""
    return np.exp(outline[0]), np.exp(outline[1])
