"""Places that the data allow, in one model or in several, and what an experiment would say at each.

A place is a set of parameters with the information that the data hold there: the Fisher information of the
fit, by its root, with the bounds of the plan as a weak prior.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from memfit.analysis.experiments import Experiment
from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, Kind
from memfit.fitting import FitResult, MinimumFound, unit_of_length
from memfit.fitting.minimum.linear import triangle
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.results.findings import Member
from memfit.model import NAMES, PARAMETERS, Parameters
from memfit.model.rows import Parameter


@dataclass(frozen=True)
class Settings:
    """Numbers behind places; errors are those of logarithms."""

    open: float = 10.0
    """Standard error of what is not known at all."""
    confused: float = 25.0
    """Difference of chi2 below which two places could still be taken for each other."""
    least_weight: float = 0.01
    """Share of the probability below which another model is not thought of."""
    usual_noise: Mapping[Kind, tuple[float, float]] = field(
        default_factory=lambda: {"impedance": (0.01, 0.0), "iv": (0.01, 1e-3), "transient": (0.0, 5e-3)}
    )
    """Relative noise, and floor as a part of the largest value, of kinds that were not measured."""


SETTINGS = Settings()


@dataclass(frozen=True, eq=False)
class Place:
    """A place with the information there, in logarithms and V_T in units of V_m."""

    names: tuple[str, ...]
    parameters: Parameters
    root: FloatArray
    """Of the data, prior included."""
    scale: FloatArray
    """What a unit of each coordinate is, in SI."""
    at: FloatArray
    """The coordinates."""


@dataclass(frozen=True, eq=False)
class Gain:
    """What one experiment says at one place."""

    jacobian: FloatArray
    """(k, n) in standard deviations."""
    values: FloatArray
    """(k,) what would be measured, SI."""
    sigma: FloatArray
    """(k,) its standard deviation; infinite where the model gives no value."""

    def with_more(self, other: "Gain") -> "Gain":
        """Both experiments."""
        pairs = ((self.values, other.values), (self.sigma, other.sigma))
        return Gain(np.vstack([self.jacobian, other.jacobian]), *(np.concatenate(pair) for pair in pairs))


def places_allowed(result: FitResult, minimum: MinimumFound) -> list[Place]:
    """The places that may be a halide perovskite; the minimum first, if it is one, or if there is no other.

    Asked of the memory alone: leak and capacitance of any size are met. What the data leave open is taken
    within its usual range, for at the bound of a search it says nothing of a device. The bounds of the plan
    are a prior.
    """
    rows = [PARAMETERS[name] for name in minimum.names]
    memory = [row for row in rows if row.part in ("channel", "activation")]
    plausible = [
        place
        for place in minimum.places
        if all(row.usual[0] <= place.values[row.name] <= row.usual[1] for row in memory)
    ]
    stored, places = result.plan.get("bounds", {}), []
    lost = {name for name, e in result.parameters.items() if e.status == "undetermined"}
    for place in plausible or minimum.places[:1]:
        usual = {
            r.name: min(max(place.values[r.name], r.usual[0]), r.usual[1]) for r in rows if r.name in lost
        }
        p = Parameters.from_mapping({**place.values, **usual})
        places.append(_place(rows, p, np.array(place.information), stored))
    return places


def places_of(result: FitResult) -> list[tuple[Member, Place]]:
    """Other models that the data allow, each with its place; the likeliest first.

    Parameters
    ----------
    result : FitResult
    """
    stored, found = result.plan.get("bounds", {}), []
    for member in result.members[1:]:
        if member.status == "ok" and member.weight >= SETTINGS.least_weight and member.covariance_names:
            here = [k for k, name in enumerate(member.covariance_names) if name in PARAMETERS]
            rows = [PARAMETERS[member.covariance_names[k]] for k in here]
            variances, axes = np.linalg.eigh(np.array(member.covariance)[np.ix_(here, here)])
            root = (axes / np.sqrt(np.maximum(variances, variances.max(initial=0.0) * 1e-15))).T
            found.append((member, _place(rows, Parameters.from_mapping(member.parameters), root, stored)))
    return found


def _place(
    rows: Sequence[Parameter], p: Parameters, information: FloatArray, bounds: Mapping[str, Sequence[float]]
) -> Place:
    """A place, of parameters and the root of the information, in logarithms where they are logarithmic."""
    scale, per_unit, at, prior = [], [], [], []
    for row in rows:
        value, (low, high) = getattr(p, row.name), bounds.get(row.name, row.bounds)
        unit = max(float(value), 1e-30) if row.logarithmic else unit_of_length(row.name, p.V_m)
        width = float(np.log(high / low)) if row.logarithmic else (high - low) / unit
        scale.append(unit)
        per_unit.append(1.0 if row.logarithmic else unit)
        at.append(np.log(max(value, 1e-300)) if row.logarithmic else value / unit)
        prior.append(width / 4.0 if row.scale == "linear" else min(width / 4.0, SETTINGS.open))
    root = np.vstack([information * np.array(per_unit), np.diag(1.0 / np.array(prior))])
    return Place(tuple(row.name for row in rows), p, triangle(root), np.array(scale), np.array(at))


def measured_noise(result: FitResult) -> dict[Kind, tuple[float, float, float]]:
    """By kind that was measured: relative noise, floor, share of independent points."""
    noise: dict[Kind, tuple[float, float, float]] = {}
    kinds: list[Kind] = ["impedance", "iv", "transient"]
    for kind in kinds:
        items = [item for item in result.goodness.datasets if item.kind == kind]
        if items:
            points = [item.points * (2 if kind == "impedance" else 1) for item in items]
            shares = [i.effective_points / max(n, 1) for i, n in zip(items, points, strict=True)]
            relative, floor = ([item.noise[part] for item in items] for part in ("relative", "floor"))
            share = min(np.median(shares), 1.0)
            noise[kind] = float(np.median(relative)), float(np.median(floor)), float(share)
    return noise


def simulated(
    place: Place,
    predictor: Predictor,
    experiments: Sequence[Experiment],
    noise: Mapping[Kind, tuple[float, float, float]],
) -> list[Gain]:
    """Every experiment at one place; each point stands for those that would really be taken.

    Parameters
    ----------
    place : Place
    predictor : Predictor
        Of the records of the experiments.
    experiments : sequence of Experiment
    noise : mapping
        As `measured_noise` gives it.
    """
    prediction = predictor(place.parameters)
    slopes = prediction.derivatives[:, [NAMES.index(n) for n in place.names]] * place.scale
    gains = []
    for experiment, here in zip(experiments, predictor.slices, strict=True):
        values, jacobian = prediction.values[here], slopes[here]
        known = np.isfinite(values) & np.isfinite(jacobian).all(axis=1)
        size = np.abs(values)
        if isinstance(experiment.record, ImpedanceSpectrum):
            size = np.tile(np.hypot(*np.split(values, 2)), 2)
        largest = float(np.nanmax(size, initial=1e-300))
        if experiment.kind in noise:
            relative, floor, share = noise[experiment.kind]
        else:
            relative, part = SETTINGS.usual_noise[experiment.kind]
            floor, share = part * largest, 1.0
        sigma = np.hypot(relative * size, max(floor, 1e-9 * largest)) / np.sqrt(share * experiment.share)
        jacobian = np.where(known[:, None], jacobian / sigma[:, None], 0.0)
        gains.append(Gain(jacobian, np.where(known, values, 0.0), np.where(known, sigma, np.inf)))
    return gains


def told_apart(place: Place, gain: Gain, other: Gain) -> float:
    """chi2 by which a device at this place would miss what the experiment gives at another place.

    Linearised: the parameters may adapt, within what the data so far allow (a test by which models are told
    apart: Atkinson and Fedorov, Biometrika 1975, 62, 57).

    Parameters
    ----------
    place : Place
    gain, other : Gain
        What the experiment says here, and there.
    """
    known = np.isfinite(gain.sigma) & np.isfinite(other.sigma)
    ratio, precision = np.zeros((2, known.size))
    np.divide(gain.sigma, other.sigma, out=ratio, where=known)
    np.divide(1.0, other.sigma, out=precision, where=known)
    told = np.column_stack([gain.jacobian * ratio[:, None], (gain.values - other.values) * precision])
    rows = np.vstack([told, np.column_stack([place.root, np.zeros(len(place.root))])])
    return float(triangle(rows)[-1, -1] ** 2)
