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
from memfit.fitting.combinations import (
    Quantity,
    known_combinations,
    lag,
    two_times,
)
from memfit.fitting.exploration import SETTINGS as EXPLORED
from memfit.fitting.exploration import Exploration, Ridge
from memfit.fitting.findings import (
    Combination,
    Direction,
    Ends,
    Identifiability,
    MinimumFound,
    OpenParameter,
    Place,
    Reach,
)
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.problem import FitState, Unknown, marginal_root, triangle
from memfit.fitting.result import Estimate, FitResult, Status
from memfit.fitting.uncertainty.covariance import SETTINGS as NORMAL
from memfit.fitting.uncertainty.covariance import (
    Covariance,
    NormalApproximation,
    with_bounds,
)
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
    known: float = 0.25
    """Standard error, relative, up to which a combination is worth naming."""


SETTINGS = Settings()
_SEEN_ALONE = names_where(lambda row: row.part in ("leak", "capacitance"))
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
            limits = self.exploration.limits
            estimates = {
                n: self._to_limits(n, e, limits[n]) if n in limits else e for n, e in estimates.items()
            }
            wide = {n: self._too_wide(n, estimates[n]) for n in CORE if n in estimates and n not in lost}
            lost |= {name: reach for name, reach in wide.items() if reach is not None}
            lost = {name: lost[name] for name in CORE if name in lost}
        estimates = {n: _not_determined(e) if n in lost else e for n, e in estimates.items()}
        knowledge = self._knowledge(lost)
        kept = [self.state.x, *self._far_apart()]
        return replace(
            self.result,
            parameters=estimates,
            derived={n: self._derived(n, e) for n, e in self.result.derived.items()},
            status=self._status(estimates, knowledge),
            identifiability=knowledge,
            minimum=MinimumFound(
                names=tuple(n for n in NAMES if n in self.state.unknowns.names),
                places=tuple(self._place(x) for x in kept),
            ),
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
            sides = self._sides(name)
            far = [upward for upward, ridge in sides.items() if ridge.far]
            if far:
                low, high = (sides[side].limit if side in sides else None for side in (False, True))
                reach: Reach = "both sides" if len(far) == 2 else "above" if far[0] else "below"
                lost[name] = OpenParameter(reach=reach, known=(low, high))
            elif estimate.status == "undetermined" and self._limited(name) is None:
                lost.setdefault(name, OpenParameter(reach="both sides"))
        return {name: lost[name] for name in CORE if name in lost}

    def _sides(self, name: str) -> dict[bool, Ridge]:
        """Ridges of a parameter, by whether they go upward."""
        return {ridge.upward: ridge for ridge in self.exploration.ridges if ridge.name == name}

    def _limited(self, name: str) -> tuple[float, float] | None:
        """Where the data stop R_b or C_m nearby on both sides; never said of the channel from one minimum."""
        sides = self._sides(name)
        low, high = (sides[side].limit if side in sides else None for side in (False, True))
        return None if low is None or high is None or name not in _SEEN_ALONE else (low, high)

    def _covering(self, name: str, e: Estimate, lost: Mapping[str, OpenParameter]) -> Estimate:
        """An estimate whose error covers the ridges of non-identifiable parameters, and other good minima.

        What linear theory calls open beside such directions, although the data limit it, has the error of
        linear theory with a weak prior on all parameters.
        """
        if name in lost:
            return e
        if e.status == "undetermined" and (limits := self._limited(name)) is not None:
            error = float(np.linalg.norm(self.spread[self.names.index(name)]))
            e = _within(e, float(self.state.x[self.columns[self.names.index(name)]]), limits, error)
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

    def _too_wide(self, name: str, e: Estimate) -> OpenParameter | None:
        """How far a parameter can go whose interval is wider than that of any that counts as known."""
        if e.status not in ("determined", "weak") or e.ci95 is None:
            return None
        low, high = e.ci95
        if low is None or high is None:
            reach: Reach = (
                "both sides" if low is None and high is None else "below" if low is None else "above"
            )
            return OpenParameter(reach=reach, known=(low, high))
        far = self._width(name, e.ci95) > 2.0 * Z * NORMAL.undetermined
        return OpenParameter(reach="other minimum") if far else None

    def _derived(self, name: str, e: Estimate) -> Estimate:
        """A derived quantity; not determined where it differs by a factor e among places as good."""
        here = np.log(DERIVED[name].value(self.p))
        shifts = [abs(np.log(DERIVED[name].value(p)) - here) for p in self.places]
        return _not_determined(e) if max(shifts, default=0.0) > SETTINGS.apart else e

    def _status(self, estimates: Mapping[str, Estimate], knowledge: Identifiability) -> Status:
        """The verdict, in a sentence with names.

        A search that did not end may only have walked along a direction that the data leave open.
        """
        status, state = self.result.status, self.state
        finite = bool(np.all(np.isfinite(state.x)) and np.isfinite(state.minimum.chi2))
        at_rest = finite and self.exploration.better is None and state.resembles_data()
        if not knowledge.open or (status.code == "not_converged" and not at_rest):
            return status
        names = [n for n, e in estimates.items() if n in CORE and e.status == "undetermined"]
        return Status(
            code="not_identifiable",
            message=f"The data do not determine {', '.join(names)}; the others hold as far as their "
            "intervals say. `memfit plan` says which measurement would settle them; or fix what is known.",
        )

    def _knowledge(self, lost: Mapping[str, OpenParameter]) -> Identifiability:
        """Directions, combinations and sentences."""
        vectors, errors, _ = np.linalg.svd(
            np.column_stack([self.spread, self._missed()]), full_matrices=False
        )
        pair = self._pair() if self.exploration.swap is not None or "tau_d" in lost else None
        knowledge = Identifiability(
            rank=int(np.count_nonzero(errors < 1.0)),
            size=len(self.names),
            directions=tuple(
                Direction(stderr=float(s), weights={n: float(w) for n, w in zip(self.names, v, strict=True)})
                for s, v in zip(errors[::-1], vectors.T[::-1], strict=True)
            ),
            combinations=known_combinations(
                self.p,
                self.state.telling_bias(),
                tuple(lost),
                self._error_of,
                SETTINGS.known,
            ),
            open=dict(lost),
            unordered_pair=pair,
        )
        return replace(knowledge, sentences=tuple(sentences_of(knowledge)))

    def _missed(self) -> FloatArray:
        """(n, k) ways, in the standard errors they suggest, to places that linear theory would not allow.

        Where it calls known what can go far, and the exchange.
        """
        believed = {n for n, row in zip(self.names, self.spread, strict=True) if np.linalg.norm(row) < 1.0}
        points = [ridge.x for ridge in self.exploration.ridges if ridge.far and ridge.name in believed]
        points += [] if self.exploration.swap is None else [self.exploration.swap]
        scale = 1.0 / self.lengths[self.columns] / np.sqrt(EXPLORED.allowed)
        ways = [(x - self.state.x)[self.columns] * scale for x in points]
        return np.column_stack(ways) if ways else np.zeros((len(self.names), 0))

    def _error_of(self, quantity: Quantity) -> float:
        """Standard error of a logarithm: of linear theory, or what places as good suggest if that is more."""
        here = quantity.of(self.p)
        values = [quantity.of(p) for p in self.places]
        if here <= 0 or any(v <= 0 for v in values):
            return float(np.inf)
        shift = max((abs(np.log(v) - np.log(here)) for v in values), default=0.0)
        linear = np.linalg.norm(quantity.gradient(self.p, self.names) @ self.spread)
        return float(max(linear, shift / np.sqrt(EXPLORED.allowed)))

    def _pair(self) -> tuple[float, float] | None:
        """The two times of a spectrum, the shorter first, if the data know both."""
        bias = self.state.telling_bias()
        if bias is None or any(self._error_of(quantity) > SETTINGS.known for quantity in two_times(bias)):
            return None
        first, last = sorted((self.p.tau_d, lag(bias, self.p)))
        return first, last

    def _information(self, x: FloatArray, wanted: Sequence[str]) -> FloatArray:
        """(n, n) root of what data and bounds tell of some unknowns."""
        r, jacobian = self.state.problem.residuals(self.state.unknowns).all_rows(x)
        weight = np.sqrt(self.share[self.state.problem.keep])
        reduced = triangle(np.column_stack([jacobian, r]) * weight[:, None])
        jacobian = with_bounds(reduced[:, :-1], reduced[:, -1], self.state.unknowns.free, x)
        return marginal_root(jacobian, [self.state.unknowns.names.index(n) for n in wanted])

    def _place(self, x: FloatArray) -> Place:
        """One set of parameters with what the data know there."""
        root = self._information(x, [n for n in NAMES if n in self.state.unknowns.names])
        return Place(
            values=self.state.unknowns.parameters(x).as_dict(),
            information=tuple(tuple(float(v) for v in row) for row in root),
        )

    def _far_apart(self) -> list[FloatArray]:
        """A few places that differ as much as possible from each other and from the minimum."""
        scale = 1.0 / self.lengths[self.columns]
        kept, rest = [self.state.x], list(self.exploration.points)
        while rest and len(kept) <= SETTINGS.places:
            ways = [min(float(np.linalg.norm((x - k)[self.columns] * scale)) for k in kept) for x in rest]
            best = int(np.argmax(ways))
            if ways[best] < SETTINGS.apart:
                break
            kept.append(rest.pop(best))
        return kept[1:]


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


def _within(e: Estimate, x: float, limits: tuple[float, float], error: float) -> Estimate:
    """The estimate exp(x) with an error of the logarithm x, or as its limits allow."""
    low, high = (float(np.log(limit)) for limit in limits)
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


def sentences_of(knowledge: Identifiability) -> list[str]:
    """What is known and what not, in words.

    Parameters
    ----------
    knowledge : Identifiability
    """
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
    pair = knowledge.unordered_pair
    if pair is not None:
        said.append(_pair_sentence(*pair))
    told = () if pair is None else ("tau_d f tau_k", "tau_d + f tau_k")
    said += [_known_sentence(c) for c in knowledge.combinations if not c.text.startswith(told)]
    return said + [
        _limit_sentence(name, item)
        for name, item in knowledge.open.items()
        if item.reach in ("above", "below") and any(end is not None for end in item.known)
    ]


def _pair_sentence(first: float, second: float) -> str:
    """Two times of which the order is not known."""
    if second < SETTINGS.equal * first:
        both = format_quantity(np.sqrt(first * second), "s", digits=2)
        return f"tau_d and f tau_k are both near {both}; how near, the data do not tell."
    one, other = (format_quantity(t, "s", digits=3) for t in (first, second))
    return (
        f"The data hold two times, {one} and {other}, but not which is tau_d and which is f tau_k: "
        "exchanging them describes the data as well."
    )


def percent_of(stderr: float) -> str:
    """A relative error in per cent, two digits.

    Parameters
    ----------
    stderr : float
        As a fraction.
    """
    return f"{float(f'{100.0 * stderr:.2g}'):g} %"


def _known_sentence(item: Combination) -> str:
    """What is known of a combination, and what of its counterpart is not."""
    unknown = f"; {item.other} is not" if item.other else ""
    alone = f", {' and '.join((', '.join(item.parameters[:-1]), item.parameters[-1]))} alone are not"
    return f"{item.text} is known to {percent_of(item.stderr)}{unknown or alone}."


def _limit_sentence(name: str, item: OpenParameter) -> str:
    """A limit on one side in words."""
    low, high = item.known
    side, where = ("lower", "above") if low is not None else ("upper", "below")
    limit = format_quantity(float(low if low is not None else high or 0.0), UNITS[name], digits=2)
    return f"{name} has only {'a' if low is not None else 'an'} {side} limit: it is {where} {limit}."
