"""The record of a comparison, and the same as plain data: the layout `memfit/comparison/1`, and a table.

Means are given in SI units (of positive quantities they are geometric means), spreads and differences in
the scale of the fit, where they are what was estimated. What is not known is null; NaN never appears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.analysis.comparison.correlation import BetweenCorrelation
from memfit.analysis.comparison.pooling import Pairs, Pooled
from memfit.analysis.comparison.ranking import (
    ComparedDevice,
    Omitted,
    Quantity,
    Ranked,
    Sample,
    StabilityPlane,
)
from memfit.analysis.comparison.regression import Level, Trend
from memfit.fitting.result import Estimate

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "memfit/comparison/1"
MOST_LISTED = 5_000
"""Pairs of devices that are listed one by one; of more only the numbers that differ are given."""


@dataclass(frozen=True, kw_only=True)
class Outlying:
    """A device that one quantity sets apart from the others."""

    device: int
    """Its place among the devices."""
    quantity: str
    deviation: float
    """From the mean of the others, in the scale of the fit."""
    score: float
    """The same in standard deviations of what the others predict."""
    p_value: float
    """After Bonferroni's correction over the devices."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison:
    """What several devices have in common, and what sets them apart."""

    sample: Sample
    """The devices in the order of their names, as arrays."""
    like: Sample
    """The same with R_b, C_m and i_c0 of unit area (1 m^2) where all areas are known and they differ: what
    `outlying`, `correlations` and `trends` other than those of the area are about."""
    pooled: Mapping[str, Pooled]
    """By quantity: mean, spread between devices, heterogeneity; of those that at least two devices have."""
    normalised: Sample | None
    """R_b, C_m and i_c0 of unit area (1 m^2); None where fewer than two devices have an area."""
    normalised_pooled: Mapping[str, Pooled]
    outlying: tuple[Outlying, ...]
    pairs: Pairs | None
    """None where there are too many."""
    correlations: tuple[BetweenCorrelation, ...]
    trends: tuple[Trend, ...]
    confounded: tuple[str, ...]
    """Sentences on attributes that vary together."""
    ranking: tuple[Ranked, ...]
    """By circuit, the smallest gain margin first."""
    plane: StabilityPlane
    omitted: tuple[Omitted, ...]
    """Results, parameters and attributes that take no part, and why."""
    notes: tuple[str, ...] = ()
    """What else a reader should know."""

    def __repr__(self) -> str:
        """The devices; `to_frame` has their parameters."""
        return f"<Comparison of {len(self.devices)} devices: {', '.join(one.label for one in self.devices)}>"

    @property
    def devices(self) -> tuple[ComparedDevice, ...]:
        """The devices, in the order of every other array."""
        return self.sample.devices

    @property
    def equal_area(self) -> bool:
        """Whether `like` is of unit area."""
        return self.like is not self.sample

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the layout `memfit/comparison/1`."""
        return to_dict(self)

    def to_frame(self) -> "pd.DataFrame":
        """One row a device: parameters with intervals, of unit area too, and stability; SI."""
        return devices_frame(self)

    def quantity(self, name: str) -> Quantity:
        """A quantity by its name."""
        return self.sample.quantities[self.sample.names.index(name)]

    def sample_of(self, trend: Trend) -> Sample:
        """The arrays that a trend is of."""
        return self.sample if trend.covariate == "area" else self.like


def to_dict(found: Comparison) -> dict[str, Any]:
    """The whole comparison."""
    labels = [device.label for device in found.devices]
    return {
        "schema": SCHEMA,
        "devices": [
            {**_device(device), "in_scale": _in_scale(found.sample, place)}
            for place, device in enumerate(found.devices)
        ],
        "quantities": _pooled(found.sample, found.pooled),
        "per_area": {} if found.normalised is None else _pooled(found.normalised, found.normalised_pooled),
        "outlying": [{**vars(one), "device": labels[one.device]} for one in found.outlying],
        "differences": _differences(found.pairs, labels),
        "correlations": [
            {**vars(one), "ci95": _listed(one.ci95), "per_area": found.equal_area}
            for one in found.correlations
        ],
        "trends": [_trend(one, _quantity(found.sample_of(one), one.quantity)) for one in found.trends],
        "confounded": list(found.confounded),
        "ranking": {
            circuit: [_ranked(vars(one), labels) for one in found.ranking if one.circuit == circuit]
            for circuit in dict.fromkeys(one.circuit for one in found.ranking)
        },
        "plane": {
            "devices": [labels[i] for i in found.plane.device],
            "loop_gain": found.plane.loop_gain.tolist(),
            "loop_gain_needed": found.plane.needed.tolist(),
        },
        "left_out": [vars(one) for one in found.omitted],
        "notes": list(found.notes),
    }


def _device(device: ComparedDevice) -> dict[str, Any]:
    """What is known of one device."""
    return {
        "name": device.label,
        "source": device.source,
        "status": vars(device.status),
        "model": device.model,
        "area_m2": device.area,
        "temperature_K": device.temperature,
        "attributes": dict(device.attributes),
        "parameters": {name: _estimate(e) for name, e in device.parameters.items()},
        "derived": {name: _estimate(e) for name, e in device.derived.items()},
    }


def _in_scale(sample: Sample, place: int) -> dict[str, Any]:
    """Values and covariance of the parameters as they are compared; a difference has the sum of two."""
    known = np.flatnonzero(np.isfinite(sample.x[place, : sample.fitted]))
    return {
        "names": [sample.names[k] for k in known],
        "values": sample.x[place, known].tolist(),
        "covariance": sample.covariance[place][np.ix_(known, known)].tolist(),
    }


def _estimate(e: Estimate) -> dict[str, Any]:
    """A value with its uncertainty."""
    return {
        "value": e.value,
        "unit": e.unit,
        "stderr": e.stderr,
        "ci95": None if e.ci95 is None else list(e.ci95),
        "status": e.status,
    }


def _pooled(sample: Sample, pooled: Mapping[str, Pooled]) -> dict[str, Any]:
    """Mean, spread and heterogeneity by quantity."""
    quantities = {quantity.name: quantity for quantity in sample.quantities}
    return {name: _one_pooled(one, quantities[name]) for name, one in pooled.items()}


def _one_pooled(one: Pooled, quantity: Quantity) -> dict[str, Any]:
    """One quantity over all devices."""
    return {
        "unit": quantity.unit,
        "scale": _scale(quantity),
        "devices": one.devices,
        "mean": quantity.outer(one.mean),
        "mean_ci95": [quantity.outer(end) for end in one.mean_ci95],
        "predicted95": [quantity.outer(end) for end in one.predicted95],
        "mean_in_scale": one.mean,
        "stderr_in_scale": one.stderr,
        "spread": one.tau,
        "spread_ci95": list(one.tau_ci95),
        "Q": one.Q,
        "dof": one.dof,
        "p_heterogeneity": one.p_heterogeneity,
        "I2": one.I2,
    }


def _scale(quantity: Quantity) -> str:
    """In which spreads and differences are given."""
    return "log" if quantity.logarithmic else "linear"


def _differences(pairs: Pairs | None, labels: Sequence[str]) -> dict[str, Any]:
    """How many pairs differ in each parameter, and the pairs where they are few enough."""
    if pairs is None:
        return {"pairs": None, "differ": None, "listed": []}
    few = len(pairs.first) <= MOST_LISTED
    return {
        "pairs": len(pairs.first),
        "differ": {name: int(np.count_nonzero(pairs.differ[:, k])) for k, name in enumerate(pairs.names)},
        "listed": [_pair(pairs, m, labels) for m in range(len(pairs.first))] if few else [],
    }


def _pair(pairs: Pairs, m: int, labels: Sequence[str]) -> dict[str, Any]:
    """One pair of devices."""
    known = np.flatnonzero(np.isfinite(pairs.difference[m]))
    return {
        "first": labels[pairs.first[m]],
        "second": labels[pairs.second[m]],
        "parameters": {
            pairs.names[k]: {
                "difference": float(pairs.difference[m, k]),
                "stderr": float(pairs.stderr[m, k]),
                "p_value": float(pairs.p_value[m, k]),
            }
            for k in known
        },
        "joint": {
            "chi2": float(pairs.joint[m]),
            "dof": int(pairs.joint_dof[m]),
            "p_value": float(pairs.joint_p_value[m]) if known.size else None,
        },
    }


def _quantity(sample: Sample, name: str) -> Quantity:
    """A quantity by its name."""
    return sample.quantities[sample.names.index(name)]


def _trend(one: Trend, quantity: Quantity) -> dict[str, Any]:
    """How a quantity follows an attribute."""
    plain = {**vars(one), "slope_ci95": _listed(one.slope_ci95), "explained": one.explained}
    return {
        **plain,
        "unit": quantity.unit,
        "scale": _scale(quantity),
        "levels": [_level(level) for level in one.levels],
    }


def _level(level: Level) -> dict[str, Any]:
    """The mean of the devices that share a word."""
    return {**vars(level), "ci95": list(level.ci95)}


def _ranked(entry: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """One line of the ranking."""
    return {
        "rank": entry["rank"],
        "device": labels[entry["device"]],
        "verdict": entry["verdict"],
        "gain_margin": entry["gain_margin"],
        "gain_margin_ci95": _listed(entry["gain_margin_ci95"]),
        "probability_oscillates": entry["probability_oscillates"],
        "at_u": entry["at_u"],
        "hopf_V": list(entry["hopf_V"]),
        "hopf_frequency_Hz": list(entry["hopf_frequency_Hz"]),
    }


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    """An interval as JSON has it."""
    return None if interval is None else list(interval)


def devices_frame(found: Comparison) -> "pd.DataFrame":
    """One row a device, in columns named by quantity and SI unit."""
    scaled, stable = _per_area(found.normalised), _stable(found)
    rows = [
        {**_known(device), **_fitted(device), **scaled.get(device.label, {}), **stable.get(place, {})}
        for place, device in enumerate(found.devices)
    ]
    import pandas as pd  # noqa: PLC0415 - other commands need not wait for it

    return pd.DataFrame(rows).set_index("device")


def _known(device: ComparedDevice) -> dict[str, Any]:
    """What is known of a device besides its fit."""
    return {
        "device": device.label,
        "source": device.source,
        "status": device.status.code,
        "model": device.model,
        "area_m2": device.area,
        "temperature_K": device.temperature,
        **{f"attribute_{name}": value for name, value in device.attributes.items()},
    }


def _fitted(device: ComparedDevice) -> dict[str, Any]:
    """Values with standard errors, intervals and status."""
    row: dict[str, Any] = {}
    for name, e in {**device.parameters, **device.derived}.items():
        low, high = e.ci95 or (None, None)
        row |= {
            f"{name}_{e.unit}" if e.unit else name: e.value,
            f"{name}_stderr": e.stderr,
            f"{name}_ci95_low": low,
            f"{name}_ci95_high": high,
            f"{name}_status": e.status,
        }
    return row


def _per_area(scaled: Sample | None) -> dict[str, dict[str, Any]]:
    """What scales with the area, of one square metre, by device."""
    if scaled is None:
        return {}
    titles = [
        f"{one.name}_{one.unit.replace('/m²', '_per_m2').replace(' m²', '_m2')}" for one in scaled.quantities
    ]
    return {
        device.label: {
            title: one.outer(x)
            for title, one, x in zip(titles, scaled.quantities, values, strict=True)
            if np.isfinite(x)
        }
        for device, values in zip(scaled.devices, scaled.x, strict=True)
    }


def _stable(found: Comparison) -> dict[int, dict[str, Any]]:
    """Verdict, rank and gain margin in every circuit, by place of the device."""
    rows: dict[int, dict[str, Any]] = {}
    for one in found.ranking:
        low, high = one.gain_margin_ci95 or (None, None)
        rows.setdefault(one.device, {}).update(
            {
                f"{one.circuit}_verdict": one.verdict,
                f"{one.circuit}_rank": one.rank,
                f"{one.circuit}_gain_margin": one.gain_margin,
                f"{one.circuit}_gain_margin_ci95_low": low,
                f"{one.circuit}_gain_margin_ci95_high": high,
                f"{one.circuit}_probability_oscillates": one.probability_oscillates,
                f"{one.circuit}_hopf_V": "; ".join(f"{V:.6g}" for V in one.hopf_V),
                f"{one.circuit}_hopf_frequency_Hz": "; ".join(f"{f:.6g}" for f in one.hopf_frequency_Hz),
            }
        )
    return rows
