"""The figures of a comparison: which there are, of what size, with which words and numbers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from memfit.analysis.comparison_correlation import BetweenCorrelation
from memfit.analysis.comparison_pooling import Pooled, pool
from memfit.analysis.comparison_record import Comparison
from memfit.analysis.comparison_sample import Sample
from memfit.analysis.comparison_trends import EXPECTED
from memfit.arrays import FloatArray
from memfit.reporting.comparisonaxes import Z95, outer, panel_of, scaling, stem
from memfit.reporting.comparisoncells import CM2
from memfit.reporting.comparisoncurves import (
    BIASES,
    MOST_CURVES,
    DeviceCurve,
    chosen,
    nyquist_curves,
    steady_curves,
)
from memfit.reporting.comparisontables import matters
from memfit.reporting.comparisonwords import EVENLY, OUTLINES, PER_AREA
from memfit.reporting.content import Panel, Panels
from memfit.reporting.figures.population import (
    MOST_ROWS,
    Population,
    forest_height,
    population_figure,
)
from memfit.reporting.figures.trends import (
    MOST_ELLIPSES,
    PairPicture,
    PlanePicture,
    currents_figure,
    nyquist_overlay_figure,
    pair_figure,
    plane_figure,
)
from memfit.reporting.numbers import fixed
from memfit.reporting.words import CIRCUIT

_CHI2_95 = 5.991464547107979
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
    value, low, high = (outer(one, x + z * s) for z in (0.0, -Z95, Z95))
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
        np.sqrt(_CHI2_95)
        * (axes * np.sqrt(np.maximum(variances, 0.0)))
        @ np.stack([np.cos(angle), np.sin(angle)])
    )
    return center[0] + steps[0], center[1] + steps[1]


def _exponential(outline: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """An outline of logarithms."""
    return np.exp(outline[0]), np.exp(outline[1])
