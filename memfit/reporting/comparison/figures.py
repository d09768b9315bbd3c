"""The figures of a comparison: which there are, of what size, with which words and numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from scipy.special import stdtrit

from memfit.analysis.comparison import (
    BetweenCorrelation,
    Comparison,
    Covariate,
    Pooled,
    Quantity,
    Sample,
    Trend,
    covariates_of,
    pool,
    regressor,
)
from memfit.arrays import FloatArray, IntArray
from memfit.confidence import TAILS, Z, confidence_region
from memfit.model import names_where
from memfit.reporting.comparison.columns import (
    CM2,
    FEWEST,
    SCALED,
    SIGNIFICANT,
    TEXT,
    matters,
    p_text,
    sentence,
    shown_unit,
    slope_texts,
    strongest,
)
from memfit.reporting.content import CIRCUIT, SYMBOLS, Panel, Panels, on_axis
from memfit.reporting.distributions import Spread, distribution_panels
from memfit.reporting.figures.population import (
    MOST_ROWS,
    Population,
    Scale,
    drawn_name,
    forest_height,
    population_figure,
)
from memfit.reporting.figures.trends import (
    BIASES,
    MOST_CURVES,
    MOST_ELLIPSES,
    DeviceCurve,
    Outline,
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

_HEIGHT = 62.0
_ALWAYS = {"area": SCALED, "temperature": names_where(lambda row: row.unit == "s")}
"""Trends drawn whether or not they are beyond chance."""
_MOST_TRENDS, _MOST_PAIRS = 8, 4
_LINE, _OUTLINE = 61, 61  # points


def _panel(
    key: str,
    name: str,
    draw: Callable[[Figure], None],
    data: Mapping[str, FloatArray],
    height: float = _HEIGHT,
    **words: object,
) -> Panel:
    """A figure with the words its name stands for; `data` are the numbers behind it, `height` is in mm."""
    figure_words = TEXT["figures"][name]
    caption, alt = (figure_words[part].format(**words) for part in ("caption", "alt"))
    return Panel(key=key, draw=draw, caption=caption, alt=alt, height=height, data=data)


@dataclass(frozen=True)
class _Axis:
    """A quantity on an axis: what brings values from the scale of the fit to its unit."""

    of: Quantity
    factor: float
    scale: Scale

    def __call__(self, x: FloatArray) -> FloatArray:
        """Values in the unit of the axis."""
        return _si(self.of, x) * self.factor


def _si(of: Quantity, x: FloatArray) -> FloatArray:
    """From the scale of the fit to SI."""
    return np.exp(np.clip(x, -700.0, 700.0)) if of.logarithmic else np.asarray(x, dtype=np.float64)


def _axis(of: Quantity, x: FloatArray) -> _Axis:
    """The axis for values in the scale of the fit."""
    values = np.abs(_si(of, x))
    known = values[np.isfinite(values)]
    unit, factor = shown_unit(of.unit)
    if unit == (of.unit or "1"):
        factor, unit = scale_for(float(np.median(known)) if known.size else 1.0, of.unit)
    title = on_axis(of.name) if of.name in SYMBOLS else _escaped(of.name)
    return _Axis(of, factor, Scale(f"{title} ({unit})" if unit else title, logarithmic=of.logarithmic))


def _escaped(words: str) -> str:
    """Words of a user on an axis: no mathematics."""
    return drawn_name(words).replace("$", r"\$")


def _stem(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:40]


def _titled(head: str, p_value: float) -> str:
    """The result of a trend above its figure."""
    return f"{head}p = {p_text(p_value)}".replace("p = <", "p <")


def trend_panels(comparison: Comparison) -> Panels:
    """Trends that matter by themselves or are beyond chance, the strongest first."""
    covariates = {one.name: one for one in covariates_of(comparison.devices)}
    wanted = [one for one in comparison.trends if one.quantity in _ALWAYS.get(one.covariate, ())]
    strong = [one for one in comparison.trends if one.p_value < SIGNIFICANT and one not in wanted]
    strong.sort(key=lambda one: one.p_value)
    panels = []
    for number, trend in enumerate([*wanted, *strong[:_MOST_TRENDS]], start=1):
        sample = comparison.sample_of(trend)
        there, y, v = sample.column(trend.quantity)
        covariate = covariates[trend.covariate]
        known = np.array(covariate.known())[there]
        points = there[known], y[known], np.sqrt(v[known])
        of = sample.quantities[sample.names.index(trend.quantity)]
        per_area = comparison.equal_area and trend.covariate != "area" and trend.quantity in SCALED
        if trend.kind == "groups":
            draw, data = _groups(trend, covariate, of, points)
        else:
            draw, data = _line(comparison, trend, covariate, of, points)
        panels.append(
            _panel(
                f"trend_{number}_{_stem(trend.covariate)}_{_stem(trend.quantity)}",
                "groups" if trend.kind == "groups" else "trend",
                draw,
                data,
                quantity=f"{trend.quantity}{TEXT['parts']['per_area'] if per_area else ''}",
                covariate=trend.covariate,
                expected="" if trend.expected is None else TEXT["parts"]["expected"],
            )
        )
    return Panels(tuple(panels))


_Drawn = tuple[Callable[[Figure], None], dict[str, FloatArray]]
"""What draws a figure, and the numbers behind it."""
_Points = tuple[IntArray, FloatArray, FloatArray]
"""Places of the devices of a trend, their values and standard errors in the scale of the fit."""


def _line(
    comparison: Comparison, trend: Trend, covariate: Covariate, of: Quantity, points: _Points
) -> _Drawn:
    """Devices and line of a trend against a number."""
    there, y, s = points
    values = np.array([covariate.values[i] for i in there], dtype=np.float64)
    z = regressor(trend.kind, values)
    fine = np.linspace(z.min(), z.max(), _LINE)
    away, level = fine - (trend.center or 0.0), trend.level or 0.0
    middle = level + (trend.slope or 0.0) * away
    half = float(stdtrit(trend.dof, TAILS[1])) * np.hypot(
        trend.level_stderr or 0.0, (trend.stderr or 0.0) * away
    )
    axis, slope = _axis(of, y), slope_texts(comparison, trend)[0]
    head = {"power": f"Exponent {slope}", "arrhenius": f"Ea = {slope}"}.get(trend.kind, slope)
    unit = f" ({_escaped(trend.covariate_unit)})" if trend.covariate_unit else ""
    across = "Area (cm²)" if trend.covariate == "area" else f"{_escaped(trend.covariate)}{unit}"
    if trend.kind == "arrhenius":
        across = "1/($k_{B}$T) (1/eV)"

    def shown(z: FloatArray) -> FloatArray:
        """From the regressor to what stands on the axis."""
        return (np.exp(z) if trend.kind == "power" else z) * (CM2 if trend.covariate == "area" else 1.0)

    draw = partial(
        trend_figure,
        x=shown(z),
        y=axis(y),
        low=axis(y - Z * s),
        high=axis(y + Z * s),
        line=(shown(fine), *(axis(part) for part in (middle - half, middle, middle + half))),
        expected=None if trend.expected is None else (shown(fine), axis(level + trend.expected * away)),
        title=_titled(f"{head}, ", trend.p_value),
        across=Scale(across, logarithmic=trend.kind == "power"),
        up=axis.scale,
    )
    return draw, {_stem(trend.covariate): values, "value": _si(of, y), "stderr_in_scale": s}


def _groups(trend: Trend, covariate: Covariate, of: Quantity, points: _Points) -> _Drawn:
    """Devices and means of a trend by words."""
    there, y, _ = points
    words = tuple(level.word for level in trend.levels)
    place = np.array([words.index(str(covariate.values[i])) for i in there], dtype=np.float64)
    axis = _axis(of, y)
    draw = partial(
        group_figure,
        words=words,
        place=place,
        y=axis(y),
        mean=axis(np.array([level.mean for level in trend.levels])),
        low=axis(np.array([level.ci95[0] for level in trend.levels])),
        high=axis(np.array([level.ci95[1] for level in trend.levels])),
        title=_titled("", trend.p_value),
        up=axis.scale,
    )
    return draw, {"group": place, "value": _si(of, y)}


def forest_panels(comparison: Comparison) -> Panels:
    """One figure a quantity, and one more where it is also known of unit area."""
    sample, like = comparison.sample.without_merits(), comparison.like.without_merits()
    panels = [_forest(comparison, sample, k, comparison.pooled) for k in range(len(sample.quantities))]
    if comparison.equal_area:
        scaled = [k for k, name in enumerate(like.names) if name in SCALED]
        panels += [_forest(comparison, like, k, comparison.normalised_pooled) for k in scaled]
    return Panels(tuple(panels))


def _forest(comparison: Comparison, sample: Sample, k: int, pools: Mapping[str, Pooled]) -> Panel:
    """A quantity over all devices."""
    of, per_area = sample.quantities[k], pools is comparison.normalised_pooled
    x, s = sample.x[:, k], np.sqrt(sample.covariance[:, k, k])
    value, low, high = (_si(of, x + z * s) for z in (0.0, -Z, Z))
    axis = _axis(of, x)
    tested = per_area or not (comparison.equal_area and of.name in SCALED)
    outlying = {o.device for o in comparison.outlying if o.quantity == of.name and tested}
    reasons = {o.label: o.reason for what in ("", of.name) for o in comparison.omitted if o.what == what}
    labels = tuple(device.label for device in comparison.devices)
    population = Population(
        labels=labels,
        value=value * axis.factor,
        low=low * axis.factor,
        high=high * axis.factor,
        outlying=np.array([i in outlying for i in range(len(x))], dtype=bool),
        remarks=tuple(
            "" if there else reasons.get(label) or "not known"
            for label, there in zip(labels, np.isfinite(x), strict=True)
        ),
        scale=axis.scale,
    )
    pooled = pools.get(of.name)
    if pooled is not None and pooled.devices >= FEWEST:
        mean, mean_ci95, predicted95 = (
            axis(np.array(part)) for part in (pooled.mean, pooled.mean_ci95, pooled.predicted95)
        )
        population = replace(population, mean=float(mean), mean_ci95=mean_ci95, predicted95=predicted95)
    return _panel(
        f"forest_{_stem(of.name)}{'_per_area' if per_area else ''}",
        ("ordered" if len(x) > MOST_ROWS else "forest") + ("_alone" if population.mean is None else ""),
        partial(population_figure, found=population),
        {"value": value, "ci95_low": low, "ci95_high": high},
        forest_height(len(x)),
        quantity=f"{of.name}{TEXT['parts']['per_area'] if per_area else ''}",
        count=len(x),
    )


def merit_panels(comparison: Comparison) -> Panels:
    """How the figures of merit are distributed over the devices, and where these lie."""
    figures: dict[str, Spread] = {}
    for name in comparison.merits.names:
        own = [device.merits.get(name) for device in comparison.devices]
        value = np.array([np.nan if e is None or e.value is None else e.value for e in own])
        ends = [(None, None) if e is None or e.ci95 is None else e.ci95 for e in own]
        low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
        figures[name] = value, low, high
    attributes = [device.attributes for device in comparison.devices]
    return Panels(tuple(distribution_panels(figures, attributes, "")))


def margin_panels(comparison: Comparison) -> Panels:
    """Gain margin of every device, in each circuit where some device can oscillate at some gain."""
    panels, count = [], len(comparison.devices)
    for circuit in dict.fromkeys(one.circuit for one in comparison.ranking):
        value, low, high = (np.full(count, np.nan) for _ in range(3))
        for one in comparison.ranking:
            if one.circuit == circuit and one.gain_margin is not None:
                value[one.device] = one.gain_margin or np.nan
                low[one.device], high[one.device] = one.gain_margin_ci95 or (one.gain_margin,) * 2
        if np.count_nonzero(np.isfinite(value)) < 2 or not matters(comparison, circuit):
            continue
        population = Population(
            labels=tuple(device.label for device in comparison.devices),
            value=value,
            low=low,
            high=high,
            outlying=value < 1.0,
            remarks=tuple("" if there else "cannot, or not known" for there in np.isfinite(value)),
            scale=Scale("Smallest gain margin", logarithmic=True),
            threshold=1.0,
        )
        draw = partial(population_figure, found=population)
        data = {"gain_margin": value, "ci95_low": low, "ci95_high": high}
        spoken = CIRCUIT.get(circuit, circuit)
        panels.append(
            _panel(f"margins_{circuit}", "margins", draw, data, forest_height(count), circuit=spoken)
        )
    return Panels(tuple(panels))


def overview_panels(comparison: Comparison) -> Panels:
    """The map of stability, the steady currents, and their densities where all areas are known."""
    panels = []
    plane, devices = comparison.plane, chosen(comparison)
    if plane.device.size:
        verdicts = {one.device: one.verdict for one in comparison.ranking if one.circuit == "current"}
        outlines: list[Outline] = []
        if plane.device.size <= MOST_ELLIPSES:
            at = np.column_stack([np.log(plane.loop_gain), np.log(plane.needed)])
            for center, C in zip(at, plane.covariance, strict=True):
                if np.all(np.isfinite(C)):
                    across, up = confidence_region(center, C, _OUTLINE)
                    outlines.append((np.exp(across), np.exp(up)))
        draw = partial(
            plane_figure,
            labels=tuple(comparison.devices[i].label for i in plane.device),
            verdicts=tuple(verdicts.get(int(i), "undetermined") for i in plane.device),
            loop_gain=plane.loop_gain,
            needed=plane.needed,
            outlines=outlines,
        )
        data = {"loop_gain": plane.loop_gain, "loop_gain_needed": plane.needed}
        said = TEXT["parts"]["outlines"] if outlines else ""
        panels.append(_panel("stability_map", "plane", draw, data, outlines=said))
    kinds = [("currents", "A", 1.0, "I (A)")] if devices else []
    if devices and all(comparison.devices[i].area for i, _, _ in devices):
        kinds.append(("densities", "A_per_m2", 1.0 / CM2, "Current density (A/cm²)"))
    for name, unit, factor, axis in kinds:
        curves = steady_curves(comparison, devices, per_area=name == "densities")
        draw = partial(
            currents_figure,
            curves=[replace(one, y=one.y * factor) for one in curves],
            labels=[device.label for device in comparison.devices],
            axis=axis,
        )
        data = _curve_data(comparison, curves, "voltage_V", f"current_{unit}")
        panels.append(_panel(f"steady_{name}", name, draw, data, which=_which(comparison)))
    return Panels(tuple(panels))


def curve_panels(comparison: Comparison) -> Panels:
    """Spectra at equal distance from the threshold, in widths of the activation."""
    devices, panels = chosen(comparison), []
    labels = [device.label for device in comparison.devices]
    for k, bias in enumerate(BIASES if devices else ()):
        curves = nyquist_curves(devices, bias)
        draw = partial(nyquist_overlay_figure, curves=curves, labels=labels, bias=bias)
        data = _curve_data(comparison, curves, "Z_real_over_R_dc", "minus_Z_imag_over_R_dc")
        said = f"{bias:g}".replace("-", "−")
        panel = _panel(f"nyquist_{k + 1}", "nyquist", draw, data, bias=said, which=_which(comparison))
        panels.append(panel)
    return Panels(tuple(panels))


def _which(comparison: Comparison) -> str:
    """Which devices are drawn, where not all are."""
    return sentence("evenly", "parts", count=MOST_CURVES) if len(comparison.devices) > MOST_CURVES else ""


def _curve_data(
    comparison: Comparison, curves: Sequence[DeviceCurve], x: str, y: str
) -> dict[str, FloatArray]:
    """The curves as columns, a pair a device."""
    columns: dict[str, FloatArray] = {}
    for one in curves:
        label = comparison.devices[one.device].label
        columns |= {f"{x} ({label})": one.x, f"{y} ({label})": one.y}
    return columns


def pair_panels(comparison: Comparison) -> Panels:
    """The strongest correlations between devices."""
    known = [one for one in strongest(comparison) if one.p_value is not None]
    return Panels(tuple(_pair_panel(comparison, one) for one in known[:_MOST_PAIRS]))


def _pair_panel(comparison: Comparison, pair: BetweenCorrelation) -> Panel:
    """Two quantities over the devices, with the errors of their fits and their spread free of them."""
    sample = comparison.like
    places = [sample.names.index(name) for name in (pair.first, pair.second)]
    both = np.isfinite(sample.x[:, places]).all(axis=1)
    x, S = sample.x[both][:, places], sample.covariance[both][:, places][:, :, places]
    first, second = (_axis(sample.quantities[place], x[:, k]) for k, place in enumerate(places))
    one, other = (pool(x[:, k], S[:, k, k]) for k in (0, 1))
    cross = (pair.between or 0.0) * one.tau * other.tau
    T = np.array([[one.tau**2, cross], [cross, other.tau**2]])
    regions = [*zip(x, S, strict=True)] if len(x) <= MOST_ELLIPSES else []
    *errors, spread = [
        (first(a), second(b))
        for a, b in (
            confidence_region(*region, _OUTLINE)
            for region in [*regions, (np.array([one.mean, other.mean]), T)]
        )
    ]
    draw = partial(
        pair_figure,
        x=first(x[:, 0]),
        y=second(x[:, 1]),
        errors=errors,
        spread=spread,
        title=f"Between devices {fixed(pair.between, 2)}, in the fits {fixed(pair.within, 2)}",
        across=first.scale,
        up=second.scale,
    )
    data = {pair.first: _si(first.of, x[:, 0]), pair.second: _si(second.of, x[:, 1])}
    per_area = TEXT["parts"]["per_area"] if comparison.equal_area else ""
    key = f"pair_{_stem(pair.first)}_{_stem(pair.second)}"
    return _panel(key, "pair", draw, data, first=pair.first, second=pair.second, per_area=per_area)
