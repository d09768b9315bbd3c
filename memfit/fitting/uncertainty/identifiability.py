"""What the data can and cannot tell, with names and in sentences.

The singular values of the Jacobian, scaled to logarithms (V_T in units of V_m) and with the terms of the
instruments marginalised, say how many combinations of the parameters are known. The exploration finds what is
not identifiable although the Jacobian looks fine; the intervals of the others then end where their profiles
do, not where linear theory says. Last come simple combinations that are known although their parts are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.fitting.minimum.linear import marginal_root, triangle
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.minimum.unknowns import Unknown
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.results.findings import (
    Combination,
    Direction,
    Ends,
    Identifiability,
    Known,
    MinimumFound,
    OpenParameter,
    Place,
    Reach,
)
from memfit.fitting.results.result import Estimate, FitResult, Status
from memfit.fitting.uncertainty.bounds import with_bounds
from memfit.fitting.uncertainty.combinations import (
    Quantity,
    known_combinations,
    lag,
    two_times,
)
from memfit.fitting.uncertainty.covariance import SETTINGS as NORMAL
from memfit.fitting.uncertainty.covariance import (
    Covariance,
    NormalApproximation,
)
from memfit.fitting.uncertainty.exploration import SETTINGS as EXPLORED
from memfit.fitting.uncertainty.exploration import Exploration
from memfit.model import DERIVED, NAMES, UNITS, names_where
from memfit.units import format_quantity


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the verdict."""

    prior: float = 10.0
    """Standard deviation, in the logarithm, beyond which nothing is believed: width of the plan's bounds."""
    places: int = 8
    """Places that are kept for planning."""
    apart: float = 1.0
    """Length, in logarithms and V_m, by which they differ at least; so may no derived quantity."""
    equal: float = 1.1
    """Ratio of two times below which they are told as one."""
    no_channel: float = 1e-6
    """i_c0 R_b, V, below which there is no channel."""
    known: float = 0.25
    """Standard error, relative, up to which a combination is worth naming."""


SETTINGS = Settings()
_SEEN_ALONE = names_where(lambda row: row.part in ("resistance", "membrane"))
"""What data show without the channel too."""


def with_identifiability(
    result: FitResult, state: FitState, covariance: Covariance, exploration: Exploration
) -> FitResult:
    """The result with what the data cannot tell: verdicts, combinations, sentences, places for planning.

    Parameters
    ----------
    result : FitResult
        With the verdicts of linear theory.
    state : FitState
        The settled fit.
    covariance : Covariance
        Of it.
    exploration : Exploration
        How far the parameters can go.
    """
    return _Verdict(result, state, covariance, exploration).given()


class _Verdict:
    """The verdict in the making."""

    def __init__(
        self, result: FitResult, state: FitState, covariance: Covariance, exploration: Exploration
    ) -> None:
        self.result, self.state, self.exploration = result, state, exploration
        self.share = state.independent_share(covariance.effective)
        self.p = state.parameters
        self.places = [state.unknowns.parameters(x) for x in exploration.points]
        self.lengths = np.array([unit_of_length(u.name, self.p.V_m) for u in state.unknowns.free])
        self.names = [n for n in CORE if n in state.unknowns.names]
        """Fitted parameters of the device."""
        self.columns = [state.unknowns.names.index(n) for n in self.names]
        root = self._information(state.x, self.names) * self.lengths[self.columns]
        prior = np.eye(len(self.names)) / SETTINGS.prior
        normal = NormalApproximation.of(np.vstack([root, prior]), np.ones(len(self.names)))
        self.spread: FloatArray = normal.directions.T / normal.singular
        """(n, n) root S of the covariance S S^T of the scaled parameters, with a weak prior."""

    def given(self) -> FitResult:
        """The result with the verdict."""
        lost = self._non_identifiable()
        estimates = {name: self._covering(name, e, lost) for name, e in self.result.parameters.items()}
        if lost:
            for name in [n for n in estimates if n in self.exploration.limits]:
                estimates[name] = self._to_limits(name, estimates[name], self.exploration.limits[name])
            for name in [n for n in CORE if n in estimates and n not in lost]:
                e = estimates[name]
                if e.status not in ("determined", "weak") or e.ci95 is None:
                    continue
                low, high = e.ci95
                if low is None or high is None:
                    lost[name] = OpenParameter(reach=_reach(low is None, high is None), known=e.ci95)
                elif self._width(name, e.ci95) > 2.0 * Z * NORMAL.undetermined:
                    lost[name] = OpenParameter(reach="other minimum")
            lost = {name: lost[name] for name in CORE if name in lost}
        estimates = {n: _not_determined(e) if n in lost else e for n, e in estimates.items()}
        derived = {}
        for name, e in self.result.derived.items():
            here = np.log(DERIVED[name].value(self.p))
            shifts = [abs(np.log(DERIVED[name].value(p)) - here) for p in self.places]
            derived[name] = _not_determined(e) if max(shifts, default=0.0) > SETTINGS.apart else e
        status, state = self.result.status, self.state
        finite = bool(np.all(np.isfinite(state.x)) and np.isfinite(state.minimum.chi2))
        # A search that did not end may only have walked along a direction that the data leave open.
        at_rest = finite and self.exploration.better is None and state.resembles_data()
        names = [n for n, e in estimates.items() if n in NAMES and e.status == "undetermined"]
        if names and (status.code != "not_converged" or at_rest):
            status = Status(
                code="not_identifiable",
                message=f"The data do not determine {', '.join(names)}; the others hold as far as their "
                "intervals say. `memfit plan` says which measurement would settle them; or fix what is "
                "known.",
            )
        knowledge = self._knowledge(lost)
        return replace(
            self.result,
            parameters=estimates,
            derived=derived,
            status=status,
            identifiability=knowledge,
            known=(*self._series_resistance(estimates), *map(_known, knowledge.combinations)),
            minimum=self._minimum_found(),
        )

    def _non_identifiable(self) -> dict[str, OpenParameter]:
        """What is undetermined: by linear theory, by its ridge, or because there is another minimum."""
        lost: dict[str, OpenParameter] = {}
        if self.exploration.swap is not None:
            lost = {name: OpenParameter(reach="other minimum") for name in ("tau_d", "tau_k")}
        for j, name in zip(self.columns, self.names, strict=True):
            ways = [abs(x[j] - self.state.x[j]) / self.lengths[j] for x in self.exploration.points]
            if max(ways, default=0.0) > 0.99 * np.sqrt(EXPLORED.allowed):
                lost[name] = OpenParameter(reach="other minimum")
        for name, estimate in self.result.parameters.items():
            if name not in CORE or estimate.status == "fixed":
                continue
            far = {ridge.upward: ridge.far for ridge in self.exploration.ridges if ridge.name == name}
            known = self._limits(name)
            if any(far.values()):
                reach = _reach(far.get(False, False), far.get(True, False))
                lost[name] = OpenParameter(reach=reach, known=known)
            # That R_b or C_m is limited is believed; never of the channel from one minimum.
            elif estimate.status == "undetermined" and (name not in _SEEN_ALONE or None in known):
                lost.setdefault(name, OpenParameter(reach="both sides"))
        for name in self.exploration.unfollowed:  # nothing holds it that was seen
            lost.setdefault(name, OpenParameter(reach="both sides"))
        return {name: lost[name] for name in CORE if name in lost}

    def _series_resistance(self, estimates: Mapping[str, Estimate]) -> tuple[Known, ...]:
        """R_b + R_s, where the data know the sum and not how it is shared, as of any resistor.

        Asked at the best of the places without a channel, if there is one as good as the minimum.
        """
        if not {"R_b", "R_s"} <= set(self.state.unknowns.names):
            return ()
        residuals = self.state.problem.residuals(self.state.unknowns)
        bare = []
        for x in (self.state.x, *self.exploration.points):
            p = self.state.unknowns.parameters(x)
            if p.i_c0 * p.R_b < SETTINGS.no_channel:
                bare.append((float(np.sum(residuals.residuals(x) ** 2)), x, p))
        allowed = float(np.sum(residuals.residuals(self.state.x) ** 2)) + EXPLORED.allowed
        chi2, x, p = min(bare, key=lambda place: place[0], default=(np.inf, self.state.x, self.p))
        if chi2 > allowed or estimates["R_b"].status == "determined":
            return ()
        total = p.R_b + p.R_s
        root = self._information(x, ("R_b", "R_s")) * np.array([1.0, total])
        normal = NormalApproximation.of(np.vstack([root, np.eye(2) / SETTINGS.prior]), np.ones(2))
        gradient = np.array([p.R_b / total, 1.0])
        error = float(np.sqrt(gradient @ normal.covariance() @ gradient))
        return (_named_known("R_b + R_s", total, "ohm", error * total),) if error < SETTINGS.known else ()

    def _limits(self, name: str) -> Ends:
        """Where the data stop a parameter nearby, going down and going up."""
        limits = {ridge.upward: ridge.limit for ridge in self.exploration.ridges if ridge.name == name}
        return limits.get(False), limits.get(True)

    def _covering(self, name: str, e: Estimate, lost: Mapping[str, OpenParameter]) -> Estimate:
        """An estimate whose error covers the ridges of non-identifiable parameters, and other good minima.

        What linear theory calls open beside such directions, although the data limit it, has the error of
        linear theory with a weak prior on all parameters.
        """
        if name in lost:
            return e
        low, high = self._limits(name)
        if e.status == "undetermined" and name in _SEEN_ALONE and low is not None and high is not None:
            k = self.names.index(name)
            x, error = float(self.state.x[self.columns[k]]), float(np.linalg.norm(self.spread[k]))
            e = _within(e, x, float(np.log(low)), float(np.log(high)), error)
        if lost and name in self.state.unknowns.names:
            j = self.state.unknowns.names.index(name)
            way = max((abs(float(r.x[j] - self.state.x[j])) for r in self.exploration.ridges), default=0.0)
            e = _widened(e, self.state.unknowns.free[j], way)
        swap = () if self.exploration.swap is None else (self.exploration.swap,)
        values = [
            float(getattr(self.state.unknowns.parameters(x), name)) for x in (*self.exploration.others, *swap)
        ]
        if e.ci95 is None or e.status == "fixed" or not values:
            return e
        return replace(e, ci95=_spanning(e.ci95, min(values), max(values)))

    def _to_limits(self, name: str, e: Estimate, limits: Ends) -> Estimate:
        """An estimate whose interval includes the limits that were found, open where they are."""
        if e.ci95 is None or e.value is None or e.stderr is None:
            return e
        ends = _spanning(e.ci95, *limits)
        width = self._width(name, ends)
        if not np.isfinite(width):
            return replace(e, ci95=ends)
        error = width / (2.0 * Z)
        size = self.p.V_m if unit_of_length(name, self.p.V_m) != 1.0 else e.value
        status = "weak" if error > NORMAL.weak and e.status == "determined" else e.status
        return replace(e, ci95=ends, stderr=max(e.stderr, error * size), status=status)

    def _width(self, name: str, ends: Ends) -> float:
        """Width of an interval in the logarithm, of V_T in units of V_m."""
        low, high = ends
        if low is None or high is None:
            return np.inf
        length = unit_of_length(name, self.p.V_m)
        return (high - low) / length if length != 1.0 else float(np.log(high / max(low, 1e-300)))

    def _knowledge(self, lost: Mapping[str, OpenParameter]) -> Identifiability:
        """Directions, combinations and sentences."""
        # Places that linear theory would not allow, in the standard errors they suggest: along what can go
        # far although it is called known, and the exchange.
        believed = {n for n, row in zip(self.names, self.spread, strict=True) if np.linalg.norm(row) < 1.0}
        points = [ridge.x for ridge in self.exploration.ridges if ridge.far and ridge.name in believed]
        points += [] if self.exploration.swap is None else [self.exploration.swap]
        scale = 1.0 / self.lengths[self.columns] / np.sqrt(EXPLORED.allowed)
        missed = [(x - self.state.x)[self.columns] * scale for x in points]
        vectors, errors, _ = np.linalg.svd(np.column_stack([self.spread, *missed]), full_matrices=False)
        bias, pair = self.state.telling_bias(), None
        if bias is not None and (self.exploration.swap is not None or "tau_d" in lost):
            slow = lag(bias, self.p)
            if all(self._error_of(quantity) <= SETTINGS.known for quantity in two_times(bias)):
                pair = min(self.p.tau_d, slow), max(self.p.tau_d, slow)
        knowledge = Identifiability(
            rank=int(np.count_nonzero(errors < 1.0)),
            size=len(self.names),
            directions=tuple(
                Direction(stderr=float(s), weights={n: float(w) for n, w in zip(self.names, v, strict=True)})
                for s, v in zip(errors[::-1], vectors.T[::-1], strict=True)
            ),
            combinations=known_combinations(self.p, bias, tuple(lost), self._error_of, SETTINGS.known),
            open=dict(lost),
            unordered_pair=pair,
        )
        return replace(knowledge, sentences=tuple(_sentences(knowledge)))

    def _error_of(self, quantity: Quantity) -> float:
        """Standard error of a logarithm: of linear theory, or what places as good suggest if that is more."""
        here = quantity.of(self.p)
        values = [quantity.of(p) for p in self.places]
        if here <= 0 or any(v <= 0 for v in values):
            return float(np.inf)
        shift = max((abs(np.log(v) - np.log(here)) for v in values), default=0.0)
        linear = np.linalg.norm(quantity.gradient(self.p, self.names) @ self.spread)
        return float(max(linear, shift / np.sqrt(EXPLORED.allowed)))

    def _information(self, x: FloatArray, wanted: Sequence[str]) -> FloatArray:
        """(n, n) root of what data and bounds tell of some unknowns."""
        residuals = self.state.problem.residuals(self.state.unknowns)
        r, jacobian = residuals.all_rows(x)
        weight = np.sqrt(self.share[self.state.problem.keep])
        rows = np.column_stack([jacobian, r]) * weight[:, None]
        reduced = triangle(np.vstack([rows, residuals.own_rows(x)]))
        jacobian = with_bounds(reduced[:, :-1], reduced[:, -1], self.state.unknowns.free, x)
        return marginal_root(jacobian, [self.state.unknowns.names.index(n) for n in wanted])

    def _minimum_found(self) -> MinimumFound:
        """The minimum, and a few places as good that differ as much as possible from it and each other."""
        scale = 1.0 / self.lengths[self.columns]
        kept, rest = [self.state.x], [*self.exploration.points, *self.exploration.ends]
        while rest and len(kept) <= SETTINGS.places:
            ways = [min(float(np.linalg.norm((x - k)[self.columns] * scale)) for k in kept) for x in rest]
            best = int(np.argmax(ways))
            if ways[best] < SETTINGS.apart:
                break
            kept.append(rest.pop(best))
        names = tuple(n for n in NAMES if n in self.state.unknowns.names)
        places = []
        for x in kept:
            p = self.state.unknowns.parameters(x)
            fitted = {name: getattr(p, name) for name in names}  # also where its part has no size
            information = tuple(tuple(float(v) for v in row) for row in self._information(x, names))
            places.append(Place(values={**p.as_dict(), **fitted}, information=information))
        return MinimumFound(names=names, places=tuple(places))


def _known(combination: Combination) -> Known:
    """A combination as a quantity with its value and error."""
    c = combination
    return _named_known(c.text, c.value, c.unit, c.stderr * c.value)


def _named_known(expression: str, value: float, unit: str, stderr: float) -> Known:
    """A known quantity with its sentence."""
    text = f"{format_quantity(value, unit)} +- {format_quantity(stderr, unit, digits=2)}"
    sentence = f"{expression} = {text} is known, its parts are not."
    return Known(expression=expression, value=value, unit=unit, stderr=stderr, sentence=sentence)


def _reach(below: bool, above: bool) -> Reach:
    """How far a parameter can go that is open on either side or on both."""
    return "both sides" if below and above else "above" if above else "below"


def _not_determined(e: Estimate) -> Estimate:
    """An estimate without its number."""
    return Estimate(value=None, unit=e.unit, status="undetermined", start=e.start, reason=e.reason)


def _spanning(ends: Ends, low: float | None, high: float | None) -> Ends:
    """An interval that includes two more ends; open where either is."""
    first, last = ends
    return (
        None if first is None or low is None else min(first, low),
        None if last is None or high is None else max(last, high),
    )


def _within(e: Estimate, x: float, low: float, high: float, error: float) -> Estimate:
    """The estimate exp(x) with an error of the logarithm x, or as the limits of the logarithm allow."""
    error = min(error, max(x - low, high - x) / Z)
    value, half = float(np.exp(x)), Z * error
    return replace(
        e,
        value=value,
        stderr=value * error,
        ci95=(float(np.exp(max(x - half, low))), float(np.exp(min(x + half, high)))),
        status="weak" if error > NORMAL.weak else "determined",
    )


def _widened(e: Estimate, unknown: Unknown, way: float) -> Estimate:
    """An estimate whose error is at least what the ridges of others suggest: linear theory ends at them."""
    if e.value is None or e.stderr is None or e.ci95 is None:
        return e
    error, scale = way / np.sqrt(EXPLORED.allowed), e.value if unknown.logarithmic else 1.0
    if error * scale <= e.stderr:
        return e
    low, high = (unknown.outer(unknown.inner(e.value) + side * Z * error) for side in (-1.0, 1.0))
    weak = e.status == "determined" and unknown.logarithmic and error > NORMAL.weak
    return replace(
        e,
        stderr=float(error * scale),
        ci95=_spanning(e.ci95, max(low, unknown.lower), min(high, unknown.upper)),
        status="weak" if weak else e.status,
    )


def _sentences(knowledge: Identifiability) -> list[str]:
    """What is known and what not, in words."""
    if not knowledge.directions:  # all parameters were fixed
        return []
    worst = knowledge.directions[-1]
    parts = sorted(worst.weights.items(), key=lambda item: -abs(item[1]))
    main = [name for name, w in parts if abs(w) > 0.3 * abs(parts[0][1])]
    which = "all" if knowledge.rank == knowledge.size else f"{knowledge.rank} of {knowledge.size}"
    how_well = "is not known at all"
    if worst.stderr < 0.3:
        how_well = f"is known to {percent_of(worst.stderr)}"
    elif worst.stderr < 5.0:
        how_well = f"is known to a factor of {np.exp(worst.stderr):.2g}"
    first = f"The data fix {which} independent combinations of the parameters to better than a factor e; "
    said = [first + f"the least known one, made of {', '.join(main)}, {how_well}."]
    told: tuple[str, ...] = ()
    if knowledge.unordered_pair is not None:
        short, long = knowledge.unordered_pair
        told = ("tau_d f tau_k", "tau_d + f tau_k")
        if long < SETTINGS.equal * short:
            both = format_quantity(np.sqrt(short * long), "s", digits=2)
            said.append(f"tau_d and f tau_k are both near {both}; how near, the data do not tell.")
        else:
            one, other = (format_quantity(t, "s", digits=3) for t in (short, long))
            said.append(
                f"The data hold two times, {one} and {other}, but not which is tau_d and which is f tau_k: "
                "exchanging them describes the data as well."
            )
    for item in knowledge.combinations:
        if not item.text.startswith(told):
            names = " and ".join((", ".join(item.parameters[:-1]), item.parameters[-1]))
            rest = f"; {item.other} is not" if item.other else f", {names} alone are not"
            said.append(f"{item.text} is known to {percent_of(item.stderr)}{rest}.")
    for name, reach in knowledge.open.items():
        low, high = reach.known
        limit = high if low is None else low
        if reach.reach in ("above", "below") and limit is not None:
            side, where = ("an upper", "below") if low is None else ("a lower", "above")
            value = format_quantity(float(limit), UNITS[name], digits=2)
            said.append(f"{name} has only {side} limit: it is {where} {value}.")
    return said


def percent_of(stderr: float) -> str:
    """A relative error in per cent, two digits.

    Parameters
    ----------
    stderr : float
        As a fraction.
    """
    return f"{float(f'{100.0 * stderr:.2g}'):g} %"
