"""How far a parameter can go while the others make up for it: what a Jacobian at the minimum may not see.

Where data say nothing about a parameter, the minimiser ends where it fits a trace of the noise, and there
the Jacobian looks fine. So the doubtful parameters are moved a factor e, and further while that costs little,
with everything else fitted again: strides along the profile ridge. Tried as well are the other minima of the
search, the exact symmetry of one spectrum, tau_d <-> f tau_k (Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys.
Chem. Lett. 2022, 13, 3789), and the limiting models, at which a search from the minimum may never arrive: an
activation that stands still, a channel without current or with one that does not move, one that is fully on,
or seen by its tail alone. Where one of them describes the data as well, what it does without is not
identifiable. Beside that the limits of the other intervals are searched on their profiles, for the ridge of
chi2 bends where linear theory is straight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import CHI2_1
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import Box, again, evaluator, gauss_newton, settled
from memfit.fitting.minimum.linear import UNSEEN
from memfit.fitting.minimum.problem import FitState, Minimum
from memfit.fitting.minimum.unknowns import Unknowns
from memfit.fitting.plan import CORE, unit_of_length
from memfit.fitting.prediction.drives import drive_of
from memfit.fitting.prediction.predict import Predictor, junction_at
from memfit.fitting.results.findings import Ends
from memfit.fitting.uncertainty.bounds import with_bounds
from memfit.fitting.uncertainty.covariance import Covariance, NormalApproximation
from memfit.fitting.uncertainty.profile_likelihood import (
    DeeperMinimum,
    Origin,
    Side,
    constrained_refit,
    follow,
    hold_unknown,
)
from memfit.model import activation
from memfit.progress import told


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the exploration; lengths are 1 in the logarithm and V_m for V_T."""

    allowed: float = 16.0
    """Rise of chi2, on independent points, that chance and the search for the minimum explain together."""
    far: float = 4.0
    """Length that a non-identifiable parameter can go: a standard error of one, with the rise allowed."""
    stride: float = 1.0
    near_limit: float = 2.0
    """Largest length at which a rise of chi2 is taken for a limit of the data, not of the search."""
    doubtful: float = 0.1
    """Standard error of linear theory from which it is not believed: noise that is taken for a signal has a
    significance of a few standard errors."""
    leverage: float = 0.5
    """Share of what is known that may come from one point: noise of one sample easily seems a signal."""
    no_room: float = 1e-3
    """Length that is too short to move."""
    prior: float = 5.0
    """Standard deviation beyond which nothing is believed."""
    better: float = 1.0
    """Fall of chi2 that makes another place the better minimum."""
    order: float = 9.0
    """Rise of chi2 between two minima of which one is the truth: three standard errors."""
    first_look: int = 10
    """Evaluations after which another minimum may be given up ..."""
    hopeless: float = 300.0
    """... and the rise of chi2 at which it is."""
    patience: int = 50
    """Evaluations for another minimum."""
    different: float = 0.1
    """Length below which two places are one."""
    tail: float = 9.0
    """Distance from V_T, in V_m, at which nothing but the tail of the activation is seen."""


SETTINGS = Settings()
_LIMITING_MODELS = (("tau_k", True), ("i_c0", False), ("tau_d", True))
"""What goes to its upper or lower bound: an activation that stands still, no channel, a current that does."""


@dataclass(frozen=True)
class Ridge:
    """One parameter moved from the minimum, everything else fitted again."""

    name: str
    upward: bool
    x: FloatArray
    """(m,) where it got to within the rise allowed; the minimum itself where it could not move."""
    far: bool
    """Whether it got all the way, or to its bound."""
    limit: float | None = None
    """Where chi2 stopped it, in its own unit; None if nothing did, or only far away."""


@dataclass(frozen=True)
class Exploration:
    """Places that the data allow as well as the minimum."""

    ridges: tuple[Ridge, ...] = ()
    others: tuple[FloatArray, ...] = ()
    """Other minima that are as good."""
    swap: FloatArray | None = None
    """The minimum with tau_d and f tau_k exchanged, where the data allow it."""
    better: FitState | None = None
    """A lower minimum, where one was found on the way."""
    limits: Mapping[str, Ends] = field(default_factory=dict)
    """Beside non-identifiable parameters: intervals, SI, of the others; None at an open end."""
    ends: tuple[FloatArray, ...] = ()
    """Where those limits were reached, within them."""
    unfollowed: tuple[str, ...] = ()
    """Parameters that are doubtful, for which the effort was not enough."""

    @property
    def points(self) -> list[FloatArray]:
        """All places away from the minimum."""
        swapped = [] if self.swap is None else [self.swap]
        return [*swapped, *self.others, *(ridge.x for ridge in self.ridges)]


def explore(
    state: FitState,
    covariance: Covariance,
    rivals: Sequence[FitState] = (),
    *,
    profiles: bool = True,
    effort: Effort | None = None,
) -> Exploration:
    """Move every parameter of the model, and try the other minima.

    Parameters
    ----------
    state : FitState
        The settled fit.
    covariance : Covariance
        Of it; says how many points of each record are independent.
    rivals : sequence of FitState
        Other minima of the search for the same data.
    profiles : bool
        Whether ridges are followed too: where the model fails its values need no limits.
    effort : Effort, optional
        That may be used; by default that of the fit.
    """
    share = state.independent_share(covariance.effective)
    base = replace(state, problem=replace(state.problem, effort=effort or state.problem.effort))
    if not np.all(share > 0.99):
        weighted = replace(base.problem, sigma=base.problem.sigma / np.sqrt(share))
        base = settled(replace(base, problem=weighted))
    places = []
    for rival in rivals:
        known = dict(zip(rival.unknowns.names, rival.x, strict=True))
        places.append(np.array([known.get(n, v) for n, v in zip(base.unknowns.names, base.x, strict=True)]))
    try:
        return _Search(base).explored(places, profiles=profiles)
    except DeeperMinimum as place:
        there = replace(state, minimum=replace(state.minimum, x=place.x))
        return Exploration(better=again(there))


class _Search:
    """Places around a minimum, on independent points.

    Every method raises `DeeperMinimum` where it comes upon a lower place.
    """

    def __init__(self, base: FitState) -> None:
        self.base, self.unknowns, self.chi2 = base, base.unknowns, base.minimum.chi2
        self.evaluate, self.box = evaluator(base), Box.of(base)
        V_m = base.parameters.V_m
        self.length = np.array([unit_of_length(u.name, V_m) for u in base.unknowns.free])
        self.device = [j for j, u in enumerate(base.unknowns.free) if u.name in CORE]
        self.unfollowed: list[str] = []
        self.ends: list[FloatArray] = []

    def explored(self, rivals: Sequence[FloatArray], *, profiles: bool) -> Exploration:
        """Everything that is tried, in turn, as far as the effort goes."""
        others = [x for rival in rivals if (x := self.second_minimum(rival)) is not None]
        swap = self.second_minimum(exchanged(self.base)) if self._spectra_allow_exchange() else None
        if swap is not None:
            j = self.unknowns.names.index("tau_d")
            moved = abs(swap[j] - self.base.x[j]) > SETTINGS.different
            if not (moved and self.evaluate(swap).chi2 < self.chi2 + SETTINGS.order):  # the order is known
                others, swap = [*others, swap], None
        if not profiles:
            return Exploration(others=tuple(others), swap=swap)
        ridges = self._ridges()
        limiting = self._limiting_models() if any(ridge.far for ridge in ridges) else []
        far = {(ridge.name, ridge.upward) for ridge in ridges if ridge.far}
        for model in limiting:  # what is doubtful there may go far, although it could not from the minimum
            errors, _ = self._linear_theory(model.x)
            onwards = [
                self._ridge(j, side, model.x)
                for j in self.device
                for side in (-1, 1)
                if errors[j] > SETTINGS.doubtful
                and self.unknowns.names[j] != model.name
                and (self.unknowns.names[j], side > 0) not in far
            ]
            ridges += [ridge for ridge in onwards if ridge.far]
        places = [*limiting, *ridges]
        limits = self._limits_beside(places, others) if any(ridge.far for ridge in places) else {}
        return Exploration(
            ridges=tuple(ridges),
            others=(*others, *(model.x for model in limiting)),
            swap=swap,
            limits=limits,
            ends=tuple(self.ends),
            unfollowed=tuple(self.unfollowed),
        )

    def second_minimum(self, start: FloatArray | None) -> FloatArray | None:
        """The minimum near a start, if it is another one and as good."""
        if start is None or self._near(start):
            return None
        found = gauss_newton(self.evaluate, start, self.box, most=SETTINGS.first_look)
        if not found.chi2 <= self.chi2 + SETTINGS.hopeless:
            return None
        found = gauss_newton(self.evaluate, found.x, self.box, most=SETTINGS.patience)
        if not found.chi2 <= self.chi2 + SETTINGS.allowed or self._near(found.x):
            return None
        self._refuse_deeper(found.x, found.chi2)
        return found.x

    def _refuse_deeper(self, x: FloatArray, chi2: float) -> None:
        """Go on from a lower place."""
        if chi2 < self.chi2 - SETTINGS.better:
            raise DeeperMinimum(x, chi2)

    def _near(self, x: FloatArray) -> bool:
        """Whether no parameter of the model differs enough to matter."""
        away = np.abs(x - self.base.x) / self.length
        return bool(np.all(away[self.device] < SETTINGS.different))

    def _spectra_allow_exchange(self) -> bool:
        """Whether the spectra alone, which cost nothing, allow tau_d and f tau_k to be exchanged.

        Not where a search from there leads back.
        """
        base, predictor = self.base, self.base.problem.predictor
        spectra = [k for k, r in enumerate(predictor.records) if isinstance(r, ImpedanceSpectrum)]
        start = exchanged(base)
        if not spectra or start is None:
            return True
        points = np.isin(predictor.record_of_point, spectra)
        problem = replace(
            base.problem,
            predictor=Predictor([predictor.records[k] for k in spectra]),
            noise=tuple(base.problem.noise[k] for k in spectra),
            sigma=base.problem.sigma[points],
            keep=base.problem.keep[points],
            robust=False,
        )
        columns = [j for j, u in enumerate(self.unknowns.free) if u.term is None]
        free = [self.unknowns.free[j] for j in columns]
        unknowns = Unknowns(free, self.unknowns.base, problem.kinds, self.unknowns.ties)
        alone = FitState(problem, unknowns, Minimum.at(base.x[columns], free))
        evaluate = evaluator(alone)
        here = evaluate(alone.x)
        found = gauss_newton(evaluate, start[columns], Box.of(alone), most=SETTINGS.patience)
        there = base.x.copy()
        there[columns] = found.x
        return bool(found.chi2 <= here.chi2 + SETTINGS.hopeless) and not self._near(there)

    def _ridges(self) -> list[Ridge]:
        """Those of doubtful parameters, and if one of them goes far, those of all."""
        base = self.base
        errors, leverage = self._linear_theory(base.x)
        doubtful = [
            j
            for j in self.device
            if errors[j] > SETTINGS.doubtful
            or leverage[j] > SETTINGS.leverage
            or self.unknowns.names[j] in base.minimum.at_bound
        ]
        ridges = self._ridges_of(doubtful)
        if not any(ridge.far for ridge in ridges):
            return ridges
        return ridges + self._ridges_of([j for j in self.device if j not in doubtful])

    def _ridges_of(self, chosen: Sequence[int]) -> list[Ridge]:
        """Both ways along some parameters."""
        ridges: list[Ridge] = []
        told("what the data allow", 0, len(chosen))
        for place, j in enumerate(chosen, start=1):
            if self.base.problem.effort.over:
                self.unfollowed += [self.unknowns.names[k] for k in chosen[place - 1 :]]
                break
            ridges += [self._ridge(j, side, self.base.x) for side in (-1, 1)]
            told("what the data allow", place, len(chosen))
        return ridges

    def _linear_theory(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Errors (m,) in units of length, with a weak prior that makes all of them finite, and leverage (m,).

        The leverage is the share of what is known of an unknown that comes from one point.
        """
        residuals = self.base.problem.residuals(self.unknowns)
        (r, rows), own = residuals.all_rows(x), residuals.own_rows(x)
        known = np.vstack([rows, own[:, :-1]]), np.concatenate([r, own[:, -1]])
        root = with_bounds(*known, self.unknowns.free, x)
        seen = np.linalg.norm(root, axis=0)
        prior = np.where(seen > UNSEEN, 1e3 / np.where(seen > UNSEEN, seen, 1.0), 1.0)
        prior[self.device] = SETTINGS.prior * self.length[self.device]
        covariance = NormalApproximation.of(np.vstack([root, np.diag(1.0 / prior)]), 1.0 / prior).covariance()
        leverage = np.max((rows @ covariance) ** 2, axis=0, initial=0.0) / np.diag(covariance)
        return np.sqrt(np.diag(covariance)) / self.length, leverage

    def _ridge(self, j: int, direction: int, x: FloatArray) -> Ridge:
        """One unknown moved stride by stride."""
        unknown, length = self.unknowns.free[j], float(self.length[j])
        origin = self._origin(x, SETTINGS.allowed, stride=SETTINGS.stride * length)
        side = self._side(j, origin, direction, SETTINGS.far * length)
        if side is None:
            return Ridge(unknown.name, direction > 0, x, False)
        far = side.ending == "bound" and abs(side.last[j] - x[j]) > 0.99 * SETTINGS.stride * length
        near = side.limit is not None and abs(side.limit - x[j]) <= 1.01 * SETTINGS.near_limit * length
        limit = unknown.outer(side.limit) if side.limit is not None and near else None
        return Ridge(unknown.name, direction > 0, side.last, far, limit)

    def _origin(
        self, x: FloatArray, threshold: float, error: float = 0.0, stride: float | None = None
    ) -> Origin:
        """A place from which a ridge is followed."""
        point = self.evaluate(x)
        rise = max(point.chi2 - self.chi2, 0.0)
        return Origin(point, self.chi2, threshold, error, rise, stride)

    def _side(
        self, j: int, origin: Origin, direction: int, reach: float, centre: float | None = None
    ) -> Side | None:
        """A side of a profile, so far and no further; None where there is no room."""
        x = origin.point.x
        constraint = hold_unknown(self.unknowns, self.unknowns.names[j], x)
        middle = float(x[j]) if centre is None else centre
        low, high = max(constraint.lower, middle - reach), min(constraint.upper, middle + reach)
        room = high - x[j] if direction > 0 else x[j] - low
        if room < SETTINGS.no_room * self.length[j]:
            return None
        return follow(self.evaluate, self.box, replace(constraint, lower=low, upper=high), origin, direction)

    def _limiting_models(self) -> list[Ridge]:
        """Those that describe the data as well, as ridges that went far."""
        names, x, half_on = self.unknowns.names, self.base.x, self.base.x
        full: list[tuple[str, bool, FloatArray]] = []
        drives = [drive for r in self.base.problem.predictor.records if (drive := drive_of(r)) is not None]
        p = self.base.parameters
        if drives and {"V_T", "i_c0"} <= set(names):
            # The same channel current before the first drive, by half the activation: an activation that
            # stands still shows i_c0 f of its start alone, and where f is 1 V_T leaves no trace.
            u = junction_at(p, (drives[0].control, float(drives[0].value[0])))
            i_c0 = 2.0 * p.i_c0 * max(float(activation(p, u)), 1e-12)
            half_on = with_values(self.base, {"V_T": u, "i_c0": i_c0})
        if drives and {"V_T", "V_m", "i_c0"} <= set(names):
            # The same under the largest drive by full activation, which shows i_c0 alone, and by its tail,
            # which shows i_c0 exp(-V_T/V_m) and V_m.
            ends = [junction_at(p, (d.control, float(d.value[np.argmax(np.abs(d.value))]))) for d in drives]
            u, tail = max(ends, key=abs), SETTINGS.tail
            current, width = p.i_c0 * max(float(activation(p, u)), 1e-12), abs(u) / tail
            on = {"V_T": u - 2 * tail * width, "V_m": width / 2, "i_c0": current}
            low = {"V_T": u + tail * width, "V_m": width, "i_c0": current * float(np.exp(tail))}
            full = [("V_T", up, with_values(self.base, v)) for up, v in ((False, on), (True, low))]
        starts = [(name, upward, start) for name, upward in _LIMITING_MODELS for start in (half_on, x)]
        models: dict[tuple[str, bool], Ridge] = {}
        for name, upward, start in [*starts, *full]:
            if name not in names or (name, upward) in models or self.base.problem.effort.over:
                continue
            j, there = names.index(name), start.copy()
            value = float(start[j]) if name == "V_T" else self.unknowns.free[j].inner_bounds[int(upward)]
            there[j] = value
            constraint = hold_unknown(self.unknowns, name, there)
            found = constrained_refit(self.evaluate, self.box, constraint, value, there)
            if found.chi2 < self.chi2 + SETTINGS.allowed:
                self._refuse_deeper(found.x, found.chi2)
                models[name, upward] = Ridge(name, upward, found.x, True)
        return list(models.values())

    def _limits_beside(self, ridges: Sequence[Ridge], others: Sequence[FloatArray]) -> dict[str, Ends]:
        """Intervals, SI, of the parameters that do not go far; None at an open end.

        Each limit is searched from the place that is nearest to it.
        """
        non_identifiable = {ridge.name for ridge in ridges if ridge.far}
        bends = []
        for ridge in [ridge for ridge in ridges if ridge.far and ridge.name == "V_T"]:
            # such a ridge is followed until chi2 stops it: there the others bend away
            j = self.unknowns.names.index("V_T")
            origin = self._origin(ridge.x, CHI2_1, error=float(self.length[j]))
            side = None
            if origin.rise < CHI2_1:
                side = self._side(j, origin, 1 if ridge.upward else -1, np.inf)
            bends.append(ridge.x if side is None else side.last)
        points = [*bends, *others, *(ridge.x for ridge in ridges)]
        allowed = [self.base.x, *(x for x in points if self.evaluate(x).chi2 < self.chi2 + CHI2_1)]
        limits: dict[str, Ends] = {}
        for j in self.device:
            unknown = self.unknowns.free[j]
            if unknown.name in (*non_identifiable, *self.base.minimum.at_bound):
                continue
            if self.base.problem.effort.over:
                self.unfollowed.append(unknown.name)
                continue
            low = self._limit(j, -1, min(allowed, key=lambda x: float(x[j])))
            high = self._limit(j, 1, max(allowed, key=lambda x: float(x[j])))
            limits[unknown.name] = (
                None if low is None else unknown.outer(low),
                None if high is None else unknown.outer(high),
            )
        return limits

    def _limit(self, j: int, direction: int, start: FloatArray) -> float | None:
        """Where the least chi2 of an unknown reaches its threshold; None if nowhere near."""
        errors, _ = self._linear_theory(start)
        origin = self._origin(start, CHI2_1, error=float(errors[j] * self.length[j]))
        reach = SETTINGS.far * float(self.length[j])
        side = self._side(j, origin, direction, reach, float(self.base.x[j]))
        self.ends += [] if side is None else [side.last]
        if side is None or side.ending in ("bound", "level"):
            return None
        return float(side.last[j]) if side.limit is None else side.limit


def with_values(base: FitState, values: Mapping[str, float]) -> FloatArray:
    """(m,) The minimum with other values of some unknowns.

    Parameters
    ----------
    base : FitState
    values : mapping of str to float
        SI.
    """
    x = base.x.copy()
    for name, value in values.items():
        j = base.unknowns.names.index(name)
        x[j] = base.unknowns.free[j].inner(value)
    return x


def exchanged(state: FitState) -> FloatArray | None:
    """(m,) The minimum with tau_d and f tau_k exchanged at the most telling bias, or at half activation."""
    names = state.unknowns.names
    if "tau_d" not in names or "tau_k" not in names:
        return None
    p = state.parameters
    bias = state.telling_bias()
    f = 0.5 if bias is None else max(float(activation(p, junction_at(p, bias))), 1e-12)
    return with_values(state, {"tau_d": f * p.tau_k, "tau_k": p.tau_d / f})
