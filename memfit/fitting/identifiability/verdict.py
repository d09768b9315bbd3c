"""What the data can and cannot tell, with names and in words.

The singular values of the Jacobian, scaled to logarithms (V_T in units of V_m) and with the terms of the
instruments marginalised, say how many combinations of the parameters are known. `equivalents` finds what is
open although the Jacobian looks fine. Then come the simple combinations that are known although their parts
are not: products and quotients with small exponents, and what the physics measures at a bias.

Intervals beside open parameters: where the data end them; linear theory is straight where valleys bend.

What the data can and cannot tell, in sentences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.confidence import Z
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
from memfit.fitting.identifiability.combinations import (
    KNOWN,
    error_of,
    gradient_of,
    known_combinations,
    lag,
    two_times,
)
from memfit.fitting.identifiability.constrained import ALLOWED, CORE, Excursion, unit_of_length
from memfit.fitting.identifiability.explore import Exploration, independent_share, telling_bias
from memfit.fitting.problem import FitState, Unknown, marginal_root, triangle
from memfit.fitting.result import Estimate, FitResult, Status
from memfit.fitting.uncertainty.covariance import UNDETERMINED, WEAK, Covariance, with_bounds
from memfit.model.parameters import NAMES, UNITS, Parameters
from memfit.units import format_quantity


def spanning(ends: Ends, low: float | None, high: float | None) -> Ends:
    """An interval that includes two more ends; open where either is."""
    first, last = ends
    return (
        None if first is None or low is None else min(first, low),
        None if last is None or high is None else max(last, high),
    )


def including(e: Estimate, others: Sequence[float]) -> Estimate:
    """An estimate whose interval includes its values at other minima that are as good."""
    if e.ci95 is None or e.status == "fixed" or not others:
        return e
    return replace(e, ci95=spanning(e.ci95, min(others), max(others)))


def widened(e: Estimate, shift: tuple[Unknown, float] | None) -> Estimate:
    """An estimate whose error is at least what excursions of others suggest: linear theory ends at them."""
    if shift is None or e.value is None or e.stderr is None or e.ci95 is None:
        return e
    unknown, way = shift
    error, scale = way / np.sqrt(ALLOWED), e.value if unknown.logarithmic else 1.0
    if error * scale <= e.stderr:
        return e
    low, high = (unknown.outer(unknown.inner(e.value) + side * Z * error) for side in (-1.0, 1.0))
    return replace(
        e,
        stderr=float(error * scale),
        ci95=spanning(e.ci95, max(low, unknown.lower), min(high, unknown.upper)),
        status="weak" if e.status == "determined" and unknown.logarithmic and error > WEAK else e.status,
    )


def with_ends(
    estimates: Mapping[str, Estimate], found: Mapping[str, Ends], V_m: float
) -> dict[str, Estimate]:
    """Estimates whose intervals include the ends that were found, open where they are."""
    return {n: _with_ends(n, e, found[n], V_m) if n in found else e for n, e in estimates.items()}


def _with_ends(name: str, e: Estimate, found: Ends, V_m: float) -> Estimate:
    """One of them."""
    if e.ci95 is None or e.value is None or e.stderr is None:
        return e
    ends = spanning(e.ci95, *found)
    width = _width(name, ends, V_m)
    if not np.isfinite(width):
        return replace(e, ci95=ends)
    error = width / (2.0 * Z)
    size = 2.0 * V_m if name == "V_T" else e.value
    status = "weak" if error > WEAK and e.status == "determined" else e.status
    return replace(e, ci95=ends, stderr=max(e.stderr, error * size), status=status)


def _width(name: str, ends: Ends, V_m: float) -> float:
    """Width of an interval in the logarithm, of V_T in units of 2 V_m."""
    low, high = ends
    if low is None or high is None:
        return np.inf
    return (high - low) / (2.0 * V_m) if name == "V_T" else float(np.log(high / max(low, 1e-300)))


def reach_of(e: Estimate, name: str, V_m: float) -> OpenParameter | None:
    """How far a parameter can go whose interval is wider than that of any that counts as known."""
    if e.status not in ("determined", "weak") or e.ci95 is None:
        return None
    low, high = e.ci95
    if low is None or high is None:
        reach: Reach = "both sides" if low is None and high is None else "below" if low is None else "above"
        return OpenParameter(reach=reach, known=(low, high))
    far = _width(name, e.ci95, V_m) > 2.0 * Z * UNDETERMINED
    return OpenParameter(reach="other minimum") if far else None


_EQUAL = 1.1
"""Ratio of two times below which they are told as one."""


def sentences_of(knowledge: Identifiability) -> list[str]:
    """What is known and what not, in words."""
    if not knowledge.directions:  # all parameters were fixed
        return []
    said = [_counted(knowledge)]
    if knowledge.unordered_pair is not None:
        said.append(_pair_sentence(*knowledge.unordered_pair))
    told = ("tau_d f tau_k", "tau_d + f tau_k") if knowledge.unordered_pair is not None else ()
    said += [_known_sentence(c) for c in knowledge.combinations if not c.text.startswith(told)]
    said += [_open_sentence(name, item) for name, item in knowledge.open.items() if _one_sided(item)]
    return said


def _pair_sentence(first: float, second: float) -> str:
    """Two times of which the order is not known."""
    if second < _EQUAL * first:
        both = format_quantity(np.sqrt(first * second), "s", digits=2)
        return f"tau_d and f tau_k are both near {both}; how near, the data do not tell."
    one, other = (format_quantity(t, "s", digits=3) for t in (first, second))
    return (
        f"The data hold two times, {one} and {other}, but not which is tau_d and which is f tau_k: "
        "exchanging them describes the data as well."
    )


def _counted(knowledge: Identifiability) -> str:
    """How many combinations are known, and which is known least."""
    worst = knowledge.directions[-1]
    parts = sorted(worst.weights.items(), key=lambda item: -abs(item[1]))
    main = [name for name, w in parts if abs(w) > 0.3 * abs(parts[0][1])]
    which = "all" if knowledge.rank == knowledge.size else f"{knowledge.rank} of {knowledge.size}"
    return (
        f"The data fix {which} independent combinations of the parameters to better than a factor e; "
        f"the least known one, made of {', '.join(main)}, {_how_well(worst.stderr)}."
    )


def _how_well(stderr: float) -> str:
    """A standard error of a logarithm in words."""
    if stderr < 0.3:
        return f"is known to {percent_of(stderr)}"
    if stderr < 5.0:
        return f"is known to a factor of {np.exp(stderr):.2g}"
    return "is not known at all"


def percent_of(stderr: float) -> str:
    """A relative error in per cent, two digits."""
    return f"{float(f'{100.0 * stderr:.2g}'):g} %"


def _known_sentence(item: Combination) -> str:
    """What is known of a combination, and what of its counterpart is not."""
    unknown = f"; {item.other} is not" if item.other else ""
    alone = f", {' and '.join((', '.join(item.parameters[:-1]), item.parameters[-1]))} alone are not"
    return f"{item.text} is known to {percent_of(item.stderr)}{unknown or alone}."


def _one_sided(item: OpenParameter) -> bool:
    """Whether there is a limit on one side."""
    return item.reach in ("above", "below") and any(end is not None for end in item.known)


def _open_sentence(name: str, item: OpenParameter) -> str:
    """A limit in words."""
    low, high = item.known
    unit = UNITS[name]
    if low is not None:
        return f"{name} has only a lower limit: it is above {format_quantity(low, unit, digits=2)}."
    if high is not None:
        return f"{name} has only an upper limit: it is below {format_quantity(high, unit, digits=2)}."
    return f"{name} is open."


_PRIOR = 10.0
"""Standard deviation, in the logarithm, beyond which nothing is believed: the width of the plan's bounds."""
_PLACES = 8
"""Places that are kept for planning."""
_SEEN_ALONE = ("R_b", "C_m")
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
    open_ones = _open_parameters(result, state, exploration)
    bounded = _with_what_places_allow(result, state, covariance, exploration, open_ones)
    if open_ones:
        V_m = state.unknowns.parameters(state.x).V_m
        bounded = with_ends(bounded, exploration.ends, V_m)
        lost = {n: reach_of(bounded[n], n, V_m) for n in CORE if n in bounded and n not in open_ones}
        open_ones |= {name: reach for name, reach in lost.items() if reach is not None}
        open_ones = {name: open_ones[name] for name in CORE if name in open_ones}
    parameters = {n: _not_determined(e) if n in open_ones else e for n, e in bounded.items()}
    knowledge = _knowledge(state, covariance, exploration, open_ones)
    places = [state.x, *_spread_out(state, exploration.points)]
    minimum = MinimumFound(
        names=tuple(n for n in NAMES if n in state.unknowns.names),
        places=tuple(_place(state, covariance, x) for x in places),
    )
    return replace(
        result,
        parameters=parameters,
        derived=_derived(result.derived, state, exploration),
        status=_status(result.status, parameters, knowledge, _at_rest(state, exploration)),
        identifiability=knowledge,
        minimum=minimum,
    )


def _with_what_places_allow(
    result: FitResult,
    state: FitState,
    covariance: Covariance,
    exploration: Exploration,
    open_ones: Mapping[str, OpenParameter],
) -> dict[str, Estimate]:
    """Estimates whose errors cover the excursions of open parameters, and other minima that are as good."""
    minima = exploration.others if exploration.swap is None else (*exploration.others, exploration.swap)
    there = [state.unknowns.parameters(x).as_dict() for x in minima]
    limited = _limited_ones(result, state, covariance, exploration)
    apart = _shifts(state, exploration) if open_ones else {}
    return {
        name: e
        if name in open_ones
        else including(widened(limited.get(name, e), apart.get(name)), [p[name] for p in there])
        for name, e in result.parameters.items()
    }


def _not_determined(e: Estimate) -> Estimate:
    """An estimate without its number."""
    return Estimate(value=None, unit=e.unit, status="undetermined", start=e.start, reason=e.reason)


def _shifts(state: FitState, exploration: Exploration) -> dict[str, tuple[Unknown, float]]:
    """How far the other unknowns went on the excursions, as the minimiser sees them."""
    points = np.array([e.x for e in exploration.excursions]).reshape(-1, state.x.size)
    largest = np.max(np.abs(points - state.x), axis=0, initial=0.0)
    return {u.name: (u, float(way)) for u, way in zip(state.unknowns.free, largest, strict=True)}


def _open_parameters(
    result: FitResult, state: FitState, exploration: Exploration
) -> dict[str, OpenParameter]:
    """What is undetermined: by linear theory, by excursions, or because there is another minimum."""
    found: dict[str, OpenParameter] = {}
    if exploration.swap is not None:
        found = {name: OpenParameter(reach="other minimum") for name in ("tau_d", "tau_k")}
    V_m = state.unknowns.parameters(state.x).V_m
    for j, unknown in enumerate(state.unknowns.free):
        ways = [abs(x[j] - state.x[j]) / unit_of_length(unknown, V_m) for x in exploration.points]
        if unknown.name in CORE and max(ways, default=0.0) > 0.99 * np.sqrt(ALLOWED):
            found[unknown.name] = OpenParameter(reach="other minimum")
    for name, estimate in result.parameters.items():
        if name not in CORE or estimate.status == "fixed":
            continue
        sides = {e.upward: e for e in exploration.excursions if e.name == name}
        far = [side for side, e in sides.items() if e.far]
        if far:
            found[name] = _by_excursions(sides, far)
        elif estimate.status == "undetermined" and _limits(name, sides) is None:
            found.setdefault(name, OpenParameter(reach="both sides"))
    return {name: found[name] for name in CORE if name in found}


def _limits(name: str, sides: Mapping[bool, Excursion]) -> tuple[float, float] | None:
    """Where the data stop R_b or C_m nearby on both sides; never said of the channel from one minimum."""
    low, high = (sides[side].limit if side in sides else None for side in (False, True))
    return None if low is None or high is None or name not in _SEEN_ALONE else (low, high)


def _limited_ones(
    result: FitResult, state: FitState, covariance: Covariance, exploration: Exploration
) -> dict[str, Estimate]:
    """Estimates of what linear theory calls open, beside directions that are, although the data limit it.

    Their errors are those of linear theory with a weak prior on all parameters.
    """
    found: dict[str, Estimate] = {}
    lost = [
        n for n in _SEEN_ALONE if n in result.parameters and result.parameters[n].status == "undetermined"
    ]
    if not lost:
        return found
    names, root = _scaled_root(state, covariance, state.x)
    errors = dict(zip(names, np.linalg.norm(_linear_spread(root), axis=1), strict=True))
    for name in lost:
        limits = _limits(name, {e.upward: e for e in exploration.excursions if e.name == name})
        if limits is not None:
            x = float(state.x[state.unknowns.names.index(name)])
            found[name] = _within(result.parameters[name], x, limits, float(errors[name]))
    return found


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
        status="weak" if error > WEAK else "determined",
    )


def _by_excursions(sides: Mapping[bool, Excursion], far: Sequence[bool]) -> OpenParameter:
    """How far an open parameter can go."""
    low, high = (sides[side].limit if side in sides else None for side in (False, True))
    reach: Reach = "both sides" if len(far) == 2 else "above" if far[0] else "below"
    return OpenParameter(reach=reach, known=(low, high))


def _at_rest(state: FitState, exploration: Exploration) -> bool:
    """Whether a search that did not end was only walking along a direction that the data leave open."""
    finite = bool(np.all(np.isfinite(state.x)) and np.isfinite(state.minimum.chi2))
    return finite and exploration.better is None and state.resembles_data()


def _status(
    found: Status, parameters: Mapping[str, Estimate], knowledge: Identifiability, at_rest: bool
) -> Status:
    """The verdict, in a sentence with names."""
    if not knowledge.open or (found.code == "not_converged" and not at_rest):
        return found
    names = [n for n, e in parameters.items() if n in CORE and e.status == "undetermined"]
    return Status(
        code="not_identifiable",
        message=f"The data do not determine {', '.join(names)}; the others hold as far as their intervals "
        "say. `memfit plan` says which measurement would settle them; or fix what is known.",
    )


def _derived(
    derived: Mapping[str, Estimate], state: FitState, exploration: Exploration
) -> dict[str, Estimate]:
    """Derived quantities; not determined are those that differ by a factor e among equivalent places."""
    recipes: dict[str, Callable[[Parameters], float]] = {
        "tau_m": lambda p: p.R_b * p.C_m,
        "A_max": lambda p: p.R_b * p.i_c0 / p.V_m,
    }
    return {
        name: _not_determined(e)
        if name in recipes and _largest_shift(recipes[name], state, exploration.points) > 1.0
        else e
        for name, e in derived.items()
    }


def _largest_shift(
    quantity: Callable[[Parameters], float], state: FitState, points: Sequence[FloatArray]
) -> float:
    """Largest change of the logarithm of a quantity among places."""
    here = np.log(quantity(state.unknowns.parameters(state.x)))
    shifts = [abs(np.log(quantity(state.unknowns.parameters(x))) - here) for x in points]
    return float(max(shifts, default=0.0))


def _knowledge(
    state: FitState,
    covariance: Covariance,
    exploration: Exploration,
    open_ones: Mapping[str, OpenParameter],
) -> Identifiability:
    """Directions, combinations and sentences."""
    names, root = _scaled_root(state, covariance, state.x)
    linear = _linear_spread(root)
    ways = _ways(state, names, _missed(names, linear, exploration))
    vectors, errors, _ = np.linalg.svd(np.column_stack([linear, ways]), full_matrices=False)
    directions = tuple(
        Direction(stderr=float(s), weights={n: float(w) for n, w in zip(names, v, strict=True)})
        for s, v in zip(errors[::-1], vectors.T[::-1], strict=True)
    )
    found = known_combinations(state, names, linear, exploration, open_ones)
    either = exploration.swap is not None or "tau_d" in open_ones
    pair = _pair(state, names, linear, exploration) if either else None
    knowledge = Identifiability(
        rank=int(np.count_nonzero(errors < 1.0)),
        size=len(names),
        directions=directions,
        combinations=found,
        open=dict(open_ones),
        unordered_pair=pair,
    )
    return replace(knowledge, sentences=tuple(sentences_of(knowledge)))


def _linear_spread(root: FloatArray) -> FloatArray:
    """(n, n) root S of the covariance S S^T of the scaled parameters, with a weak prior."""
    _, singular, vectors = np.linalg.svd(np.vstack([root, np.eye(len(root)) / _PRIOR]), full_matrices=False)
    result: FloatArray = vectors.T / singular
    return result


def _missed(names: Sequence[str], linear: FloatArray, exploration: Exploration) -> list[FloatArray]:
    """Places that linear theory would not allow: where it calls known what can go far, and the exchange."""
    believed = {n for n, row in zip(names, linear, strict=True) if np.linalg.norm(row) < 1.0}
    far = [e.x for e in exploration.excursions if e.far and e.name in believed]
    return far if exploration.swap is None else [*far, exploration.swap]


def _ways(state: FitState, names: Sequence[str], points: Sequence[FloatArray]) -> FloatArray:
    """(n, k) the ways to some places, in standard errors that they suggest."""
    columns = [state.unknowns.names.index(n) for n in names]
    V_m = state.unknowns.parameters(state.x).V_m
    scale = np.array([1.0 / V_m if n == "V_T" else 1.0 for n in names]) / np.sqrt(ALLOWED)
    ways = [(x - state.x)[columns] * scale for x in points]
    return np.column_stack(ways) if ways else np.zeros((len(names), 0))


def _pair(
    state: FitState, names: Sequence[str], spread: FloatArray, exploration: Exploration
) -> tuple[float, float] | None:
    """The two times of a spectrum, the shorter first, if the data know both."""
    p = state.unknowns.parameters(state.x)
    bias = telling_bias(state)
    if bias is None:
        return None
    places = [state.unknowns.parameters(x) for x in exploration.points]
    for quantity in two_times(bias):
        if error_of(quantity, p, gradient_of(quantity, p, names) @ spread, places) > KNOWN:
            return None
    first, last = sorted((p.tau_d, lag(bias, p)))
    return first, last


def _scaled_root(state: FitState, covariance: Covariance, x: FloatArray) -> tuple[list[str], FloatArray]:
    """Names of the fitted core parameters, and the root of their information: logarithms, V_T in V_m."""
    names, root = _told_of(state, covariance, x, CORE)
    if "V_T" in names:
        root[:, names.index("V_T")] *= state.unknowns.parameters(x).V_m
    return names, root


def _told_of(
    state: FitState, covariance: Covariance, x: FloatArray, wanted: Sequence[str]
) -> tuple[list[str], FloatArray]:
    """Names of the wanted unknowns that are fitted, and the root of what data and bounds tell of them."""
    r, jacobian = state.problem.residuals(state.unknowns).all_rows(x)
    weight = np.sqrt(independent_share(state, covariance)[state.problem.keep])
    reduced = triangle(np.column_stack([jacobian, r]) * weight[:, None])
    jacobian = with_bounds(reduced[:, :-1], reduced[:, -1], state.unknowns.free, x)
    names = [n for n in wanted if n in state.unknowns.names]
    columns = [state.unknowns.names.index(n) for n in names]
    return names, marginal_root(jacobian, columns)


def _place(state: FitState, covariance: Covariance, x: FloatArray) -> Place:
    """One set of parameters with what the data know there."""
    _, root = _told_of(state, covariance, x, NAMES)
    return Place(
        values=state.unknowns.parameters(x).as_dict(),
        information=tuple(tuple(float(v) for v in row) for row in root),
    )


def _spread_out(state: FitState, points: Sequence[FloatArray]) -> list[FloatArray]:
    """A few places that differ as much as possible from each other and from the minimum."""
    columns = [j for j, n in enumerate(state.unknowns.names) if n in CORE]
    V_m = state.unknowns.parameters(state.x).V_m
    scale = np.array([0.5 / V_m if state.unknowns.names[j] == "V_T" else 1.0 for j in columns])
    kept, rest = [state.x], list(points)
    while rest and len(kept) <= _PLACES:
        distance = [min(float(np.linalg.norm((x - k)[columns] * scale)) for k in kept) for x in rest]
        best = int(np.argmax(distance))
        if distance[best] < 1.0:
            break
        kept.append(rest.pop(best))
    return kept[1:]
