"""Many devices side by side: which differ, what drives it, which will spike.

Results of fits go in, one frozen record comes out; as plain data it has the layout `memfit/comparison/1`.
All statistics are in the scale in which quantities are compared: the natural logarithm of positive ones.
Means are given in SI units (of positive quantities they are geometric means), spreads and differences in that
scale, where they are what was estimated. What is not known is null; NaN never appears.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.above import Shown
from memfit.analysis.comparison.devices import (
    ComparedDevice,
    Omitted,
    Quantity,
    Sample,
    checked_result,
    device_name,
    gather,
    natural,
    normalised,
    of_equal_area,
    sample_of,
)
from memfit.analysis.comparison.merits import ComparedMerits, with_merits
from memfit.analysis.comparison.pairs import BetweenCorrelation, Pairs, compare_pairs, correlate
from memfit.analysis.comparison.plane import StabilityPlane, stability_plane
from memfit.analysis.comparison.pooling import Outlying, Pooled, find_outliers, pool
from memfit.analysis.comparison.regression import Trend, find_trends
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.stability import analyse_result
from memfit.arrays import Interval
from memfit.errors import InputError
from memfit.fitting import EDITED, FitResult, to_plain

if TYPE_CHECKING:
    import pandas as pd

MOST_LISTED = 5_000
"""Pairs of devices that are listed one by one; of more only the numbers that differ are given."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A device in the order of its gain margin, in one circuit."""

    rank: int
    """1 is the most eager to oscillate."""
    device: int
    """Its place among the devices."""
    circuit: str
    verdict: str
    gain_margin: float | None
    """Smallest over all biases; below 1 it oscillates; None where it cannot, or where it is not known."""
    gain_margin_ci95: Interval | None
    probability_oscillates: float | None
    at_u: float | None
    """V."""
    hopf_V: tuple[float, ...] = ()
    """Terminal voltages of the Hopf points, V."""
    hopf_frequency_Hz: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison(Shown):
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
    merits: ComparedMerits = field(default_factory=ComparedMerits)
    """Figures of merit, which are among the quantities, and the conditions they are at."""

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

    def quantity(self, name: str) -> Quantity:
        """A quantity by its name."""
        return self.sample.quantity(name)

    def sample_of(self, trend: Trend) -> Sample:
        """The arrays that a trend is of."""
        return self.sample if trend.covariate == "area" else self.like

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the layout `memfit/comparison/1`."""
        labels = [device.label for device in self.devices]
        ranking: dict[str, list[dict[str, Any]]] = {}
        for ranked in self.ranking:
            plain = {**to_plain(ranked), "device": labels[ranked.device]}
            ranking.setdefault(plain.pop("circuit"), []).append(plain)
        trends = [
            {
                **to_plain(one),
                "explained": one.explained,
                **_unit_and_scale(self.sample_of(one).quantity(one.quantity)),
            }
            for one in self.trends
        ]
        return {
            "schema": "memfit/comparison/1",
            "devices": [_device_entry(self.sample, place) for place in range(len(labels))],
            "quantities": _pooled_entries(self.sample, self.pooled),
            "per_area": _pooled_entries(self.normalised, self.normalised_pooled) if self.normalised else {},
            "outlying": [{**to_plain(one), "device": labels[one.device]} for one in self.outlying],
            "differences": _differences(self.pairs, labels),
            "correlations": [{**to_plain(one), "per_area": self.equal_area} for one in self.correlations],
            "trends": trends,
            "confounded": list(self.confounded),
            "ranking": ranking,
            "plane": {
                "devices": [labels[i] for i in self.plane.device],
                "loop_gain": self.plane.loop_gain.tolist(),
                "loop_gain_needed": self.plane.needed.tolist(),
            },
            "left_out": to_plain(self.omitted),
            "figures_of_merit_at": to_plain(self.merits.conditions),
            "notes": list(self.notes),
        }

    def to_frame(self) -> "pd.DataFrame":
        """One row a device: parameters with intervals, of unit area too, and stability; SI.

        The columns are named by quantity and SI unit.
        """
        rows: dict[str, dict[str, Any]] = {}
        for device in self.devices:
            rows[device.label] = row = {
                "device": device.label,
                "source": device.source,
                "status": device.status.code,
                "model": device.model,
                "area_m2": device.area,
                "temperature_K": device.temperature,
                **{f"attribute_{name}": value for name, value in device.attributes.items()},
            }
            for name, e in device.estimates.items():
                row[f"{name}_{e.unit}" if e.unit else name] = e.value
                row[f"{name}_stderr"] = e.stderr
                row[f"{name}_ci95_low"], row[f"{name}_ci95_high"] = e.ci95 or (None, None)
                row[f"{name}_status"] = e.status
        if self.normalised is not None:
            for i, k in np.argwhere(np.isfinite(self.normalised.x)):
                quantity = self.normalised.quantities[k]
                unit = quantity.unit.replace("/m²", "_per_m2").replace(" m²", "_m2")
                value = quantity.outer(self.normalised.x[i, k])
                rows[self.normalised.devices[i].label][f"{quantity.name}_{unit}"] = value
        for one in self.ranking:
            low, high = one.gain_margin_ci95 or (None, None)
            columns = {
                "verdict": one.verdict,
                "rank": one.rank,
                "gain_margin": one.gain_margin,
                "gain_margin_ci95_low": low,
                "gain_margin_ci95_high": high,
                "probability_oscillates": one.probability_oscillates,
                "hopf_V": "; ".join(f"{v:.6g}" for v in one.hopf_V),
                "hopf_frequency_Hz": "; ".join(f"{v:.6g}" for v in one.hopf_frequency_Hz),
            }
            rows[self.devices[one.device].label] |= {f"{one.circuit}_{k}": v for k, v in columns.items()}
        import pandas as pd  # noqa: PLC0415 - other commands need not wait for it

        return pd.DataFrame(list(rows.values())).set_index("device")


def compare_results(
    results: Sequence[FitResult],
    sources: Sequence[str] | None = None,
    omitted: Sequence[Omitted] = (),
    merits: Sequence[str] = ("none",),
    conditions: Conditions | None = None,
) -> Comparison:
    """Compare devices by the results of their fits.

    Parameters
    ----------
    results : sequence of FitResult
        One a device, in any order.
    sources : sequence of str, optional
        Where each came from.
    omitted : sequence of Omitted
        What could not be read, to be carried along.
    merits : sequence of str
        Figures of merit to compare too, by name; "all" for all, the usual ones where it is empty.
    conditions : Conditions, optional
        At which they are predicted; by default the median of what the devices suggest.

    Raises
    ------
    InputError
        Fewer than two devices remain.
    """
    left_out, whole, origin = list(omitted), [], []
    for result, source in zip(results, sources or [""] * len(results), strict=True):
        try:
            sound = checked_result(result)
        except InputError as problem:
            left_out.append(Omitted(label=source or "a result", what="", reason=f"damaged: {problem}"))
            continue
        # What a fit that did not converge says of stability is not to be used.
        stored = sound.stability if sound.status.code != "not_converged" else {}
        whole.append(replace(sound, stability=stored or analyse_result(sound)))
        origin.append(source)
    devices, twice, kept = gather(whole, origin)
    left_out = sorted((*left_out, *twice), key=lambda one: natural(one.label))
    _require_two(len(devices), left_out)
    devices, compared, without = with_merits(devices, kept, merits, conditions)
    sample = sample_of(devices, kept)
    _require_two(int(np.isfinite(sample.x).any(axis=1).sum()), [*left_out, *sample.omitted])
    scaled, like = normalised(sample), of_equal_area(sample)
    trends, idle, confounded = find_trends(sample.without_merits(), like.without_merits())
    outlying: list[Outlying] = []
    for name in like.names:
        place, y, v = like.column(name)
        outlying += [replace(o, device=int(place[o.device]), quantity=name) for o in find_outliers(y, v)]
    q = sample.fitted
    names, covariance = sample.names[:q], sample.covariance[:, :q, :q]
    return Comparison(
        sample=sample,
        like=like,
        pooled=_pool_all(sample),
        normalised=scaled,
        normalised_pooled={} if scaled is None else _pool_all(scaled),
        outlying=tuple(sorted(outlying, key=lambda one: (one.p_value, -abs(one.score), one.device))),
        pairs=compare_pairs(names, sample.x[:, :q], covariance),
        correlations=correlate(names, like.x[:, :q], covariance),
        trends=trends,
        confounded=confounded,
        ranking=_rank(devices),
        plane=stability_plane(sample),
        omitted=(*left_out, *sample.omitted, *without, *idle),
        notes=_notes(kept, devices),
        merits=compared,
    )


def _rank(devices: Sequence[ComparedDevice]) -> tuple[Ranked, ...]:
    """All devices in each circuit, the smallest gain margin first, what is not known last."""

    def eagerness(place: int) -> tuple[bool, float, float, int]:
        """By gain margin, then by probability; what cannot oscillate, what is not known last."""
        known = devices[place].stability[circuit]
        margin = np.inf if known.gain_margin_min is None else known.gain_margin_min
        return known.verdict == "undetermined", margin, -(known.probability_oscillates or 0.0), place

    ranked: list[Ranked] = []
    for circuit in dict.fromkeys(name for device in devices for name in device.stability):
        there = [place for place, device in enumerate(devices) if circuit in device.stability]
        for rank, place in enumerate(sorted(there, key=eagerness), start=1):
            one = devices[place].stability[circuit]
            ranked.append(
                Ranked(
                    rank=rank,
                    device=place,
                    circuit=circuit,
                    verdict=one.verdict,
                    gain_margin=one.gain_margin_min,
                    gain_margin_ci95=one.gain_margin_ci95,
                    probability_oscillates=one.probability_oscillates,
                    at_u=one.at_u,
                    hopf_V=tuple(point.V for point in one.hopf_points),
                    hopf_frequency_Hz=tuple(point.frequency_Hz for point in one.hopf_points),
                )
            )
    return tuple(ranked)


def _require_two(count: int, left_out: Sequence[Omitted]) -> None:
    """An error where too few devices remain, with what became of the others."""
    if count < 2:
        reasons = "".join(f" {one.label}: {one.reason}." for one in left_out[:3] if not one.what)
        raise InputError(
            "Expected results of at least two devices that can be compared, found "
            f"{'none' if count == 0 else 'one'}.{reasons} Give more results, or a folder that holds them."
        )


def _pool_all(sample: Sample) -> dict[str, Pooled]:
    """Every quantity that at least two devices have."""
    columns = {name: sample.column(name) for name in sample.names}
    return {name: pool(y, v) for name, (_, y, v) in columns.items() if y.size >= 2}


def _notes(results: Sequence[FitResult], devices: Sequence[ComparedDevice]) -> tuple[str, ...]:
    """Names that occur more than once, and fits that are not what they should be."""
    notes = [
        f"Several results are called {name!r}; they are told apart by their folders or numbers."
        for name, count in sorted(Counter(map(device_name, results)).items())
        if count > 1
    ]
    owner: dict[str, str] = {}
    for result, device in zip(results, devices, strict=True):
        said = (*result.measured, *(EDITED,) * (EDITED in result.warnings))
        notes += [f"{device.label}: {text}" for text in said]
        notes += [f"{device.label}: {device.status.message}"] * (device.status.code != "ok")
        others = {owner.setdefault(item.sha256, device.label) for item in result.inputs if item.sha256}
        told = f"and {device.label} were fitted to the same files; they are not independent."
        notes += [f"{other} {told}" for other in sorted(others - {device.label})]
    return tuple(dict.fromkeys(notes))


def _unit_and_scale(quantity: Quantity) -> dict[str, str]:
    """Unit of a quantity, and the scale in which its spreads and differences are given."""
    return {"unit": quantity.unit, "scale": "log" if quantity.logarithmic else "linear"}


def _device_entry(sample: Sample, place: int) -> dict[str, Any]:
    """What is known of one device; a difference of values in scale has the sum of two covariances."""
    device = sample.devices[place]
    known = np.flatnonzero(np.isfinite(sample.x[place, : sample.fitted]))
    kept = ("value", "unit", "stderr", "ci95", "status")
    return {
        "name": device.label,
        "source": device.source,
        "status": to_plain(device.status),
        "model": device.model,
        "area_m2": device.area,
        "temperature_K": device.temperature,
        "attributes": dict(device.attributes),
        **{
            kind: {name: {key: to_plain(getattr(e, key)) for key in kept} for name, e in group.items()}
            for kind, group in (
                ("parameters", device.parameters),
                ("derived", device.derived),
                ("figures_of_merit", device.merits),
            )
        },
        "in_scale": {
            "names": [sample.names[k] for k in known],
            "values": sample.x[place, known].tolist(),
            "covariance": sample.covariance[place][np.ix_(known, known)].tolist(),
        },
    }


def _pooled_entries(sample: Sample, pooled: Mapping[str, Pooled]) -> dict[str, Any]:
    """Mean, spread and heterogeneity by quantity."""
    entries = {}
    for name, one in pooled.items():
        quantity = sample.quantity(name)
        entries[name] = {
            **_unit_and_scale(quantity),
            "devices": one.devices,
            "mean": quantity.outer(one.mean),
            "mean_ci95": [quantity.outer(end) for end in one.mean_ci95],
            "predicted95": [quantity.outer(end) for end in one.predicted95],
            "mean_in_scale": one.mean,
            "stderr_in_scale": one.stderr,
            "spread": one.tau,
            "spread_ci95": list(one.tau_ci95),
            **{key: getattr(one, key) for key in ("Q", "dof", "p_heterogeneity", "I2")},
        }
    return entries


def _differences(pairs: Pairs | None, labels: Sequence[str]) -> dict[str, Any]:
    """How many pairs differ in each parameter, and the pairs where they are few enough."""
    if pairs is None:
        return {"pairs": None, "differ": None, "listed": []}
    count, listed = len(pairs.first), []
    for m in range(count if count <= MOST_LISTED else 0):
        known = np.flatnonzero(np.isfinite(pairs.difference[m]))
        parameters = {
            pairs.names[k]: {
                "difference": float(pairs.difference[m, k]),
                "stderr": float(pairs.stderr[m, k]),
                "p_value": float(pairs.p_value[m, k]),
            }
            for k in known
        }
        joint = {
            "chi2": float(pairs.joint[m]),
            "dof": int(pairs.joint_dof[m]),
            "p_value": float(pairs.joint_p_value[m]) if known.size else None,
        }
        first, second = labels[pairs.first[m]], labels[pairs.second[m]]
        listed.append({"first": first, "second": second, "parameters": parameters, "joint": joint})
    differ = {name: int(np.count_nonzero(pairs.differ[:, k])) for k, name in enumerate(pairs.names)}
    return {"pairs": count, "differ": differ, "listed": listed}
