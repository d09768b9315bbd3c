"""What the data can and cannot tell, with names and in words.

The singular values of the Jacobian, scaled to logarithms (V_T in units of V_m) and with the terms of the
instruments marginalised, say how many combinations of the parameters are known. `equivalents` finds what is
open although the Jacobian looks fine. Then come the simple combinations that are known although their parts
are not: products and quotients with small exponents, and what the physics measures at a bias.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations as choose
from itertools import product

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.equivalents import (
    ALLOWED,
    CORE,
    Excursion,
    Exploration,
    independent_share,
    junction_at,
    telling_bias,
    unit_of_length,
)
from memfit.fitting.knowledge import (
    Combination,
    Direction,
    Identifiability,
    MinimumFound,
    OpenParameter,
    Place,
    Reach,
)
from memfit.fitting.residuals import triangle
from memfit.fitting.result import Estimate, FitResult, Status
from memfit.fitting.state import State
from memfit.fitting.uncertainty import Covariance
from memfit.model.equations import activation_time, inverse_resistance_a
from memfit.model.parameters import NAMES, UNITS, Parameters
from memfit.protocols import Control
from memfit.units import format_quantity

_PRIOR = 10.0
"""Standard deviation, in the logarithm, beyond which nothing is believed: the width of the plan's bounds."""
_KNOWN = 0.25
"""Standard error, relative, up to which a combination is worth naming."""
_LOGARITHMIC = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
_CHANNEL, _SLOWING = ("i_c0", "V_T", "V_m"), ("tau_k", "V_T", "V_m")
_EQUAL = 1.1
"""Ratio of two times below which they are told as one."""
_MOST_NAMED = 4
_NEW = 0.2
"""Share of a combination that must be independent of those already named."""
_PLACES = 8
"""Places that are kept for planning."""
_STEP = 1e-5


@dataclass(frozen=True)
class _Quantity:
    """A positive quantity made of parameters, that data may know better than its parts."""

    text: str
    parameters: tuple[str, ...]
    unit: str
    of: Callable[[Parameters], float]
    other: str = ""


def with_identifiability(
    result: FitResult, state: State, covariance: Covariance, exploration: Exploration
) -> FitResult:
    """The result with what the data cannot tell: verdicts, combinations, sentences, places for planning.

    Parameters
    ----------
    result : FitResult
        With the verdicts of linear theory.
    state : State
        The settled fit.
    covariance : Covariance
        Of it.
    exploration : Exploration
        How far the parameters can go.
    """
    open_ones = _open_parameters(result, state, exploration)
    knowledge = _knowledge(state, covariance, exploration, open_ones)
    places = [state.x, *_spread_out(state, exploration.points)]
    minimum = MinimumFound(
        names=tuple(n for n in NAMES if n in state.unknowns.names),
        places=tuple(_place(state, covariance, x) for x in places),
    )
    parameters = {
        name: _not_determined(e) if name in open_ones else e for name, e in result.parameters.items()
    }
    return replace(
        result,
        parameters=parameters,
        derived=_derived(result.derived, state, exploration),
        status=_status(result.status, parameters, knowledge, _at_rest(state, exploration)),
        identifiability=knowledge,
        minimum=minimum,
    )


def _not_determined(e: Estimate) -> Estimate:
    """An estimate without its number."""
    return Estimate(value=None, unit=e.unit, status="undetermined", start=e.start, reason=e.reason)


def _open_parameters(result: FitResult, state: State, exploration: Exploration) -> dict[str, OpenParameter]:
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
        elif estimate.status == "undetermined":
            found.setdefault(name, OpenParameter(reach="both sides"))
    return {name: found[name] for name in CORE if name in found}


def _by_excursions(sides: Mapping[bool, Excursion], far: Sequence[bool]) -> OpenParameter:
    """How far an open parameter can go."""
    low, high = (sides[side].limit if side in sides else None for side in (False, True))
    reach: Reach = "both sides" if len(far) == 2 else "above" if far[0] else "below"
    return OpenParameter(reach=reach, known=(low, high))


def _at_rest(state: State, exploration: Exploration) -> bool:
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


def _derived(derived: Mapping[str, Estimate], state: State, exploration: Exploration) -> dict[str, Estimate]:
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
    quantity: Callable[[Parameters], float], state: State, points: Sequence[FloatArray]
) -> float:
    """Largest change of the logarithm of a quantity among places."""
    here = np.log(quantity(state.unknowns.parameters(state.x)))
    shifts = [abs(np.log(quantity(state.unknowns.parameters(x))) - here) for x in points]
    return float(max(shifts, default=0.0))


def _knowledge(
    state: State,
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
    found = _combinations(state, names, linear, exploration, open_ones)
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
    return replace(knowledge, sentences=tuple(_sentences(knowledge)))


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


def _ways(state: State, names: Sequence[str], points: Sequence[FloatArray]) -> FloatArray:
    """(n, k) the ways to some places, in standard errors that they suggest."""
    columns = [state.unknowns.names.index(n) for n in names]
    V_m = state.unknowns.parameters(state.x).V_m
    scale = np.array([1.0 / V_m if n == "V_T" else 1.0 for n in names]) / np.sqrt(ALLOWED)
    ways = [(x - state.x)[columns] * scale for x in points]
    return np.column_stack(ways) if ways else np.zeros((len(names), 0))


def _pair(
    state: State, names: Sequence[str], spread: FloatArray, exploration: Exploration
) -> tuple[float, float] | None:
    """The two times of a spectrum, the shorter first, if the data know both."""
    p = state.unknowns.parameters(state.x)
    bias = telling_bias(state)
    if bias is None:
        return None
    places = [state.unknowns.parameters(x) for x in exploration.points]
    for quantity in _two_times(bias):
        if _error(quantity, p, _gradient(quantity, p, names) @ spread, places) > _KNOWN:
            return None
    first, last = sorted((p.tau_d, _lag(bias, p)))
    return first, last


def _scaled_root(state: State, covariance: Covariance, x: FloatArray) -> tuple[list[str], FloatArray]:
    """Names of the fitted core parameters, and the root of their information: logarithms, V_T in V_m."""
    names, root = _marginal_root(state, covariance, x, CORE)
    if "V_T" in names:
        root[:, names.index("V_T")] *= state.unknowns.parameters(x).V_m
    return names, root


def _marginal_root(
    state: State, covariance: Covariance, x: FloatArray, wanted: Sequence[str]
) -> tuple[list[str], FloatArray]:
    """(n, n) triangular root of the information on some unknowns, all others marginalised.

    With [A B] = Q [R11 R12; 0 R22] for the unwanted columns A and the wanted ones B, the information on the
    wanted ones is R22^T R22.
    """
    _, jacobian = state.problem.residuals(state.unknowns).all_rows(x)
    jacobian *= np.sqrt(independent_share(state, covariance)[state.problem.keep])[:, None]
    names = [n for n in wanted if n in state.unknowns.names]
    columns = [state.unknowns.names.index(n) for n in names]
    rest = [j for j in range(jacobian.shape[1]) if j not in columns]
    length = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(length > 0, length, 1.0)
    root = triangle(scaled[:, [*rest, *columns]])[len(rest) :, len(rest) :]
    result: FloatArray = root * length[columns]
    return names, result


def _place(state: State, covariance: Covariance, x: FloatArray) -> Place:
    """One set of parameters with what the data know there."""
    _, root = _marginal_root(state, covariance, x, NAMES)
    return Place(
        values=state.unknowns.parameters(x).as_dict(),
        information=tuple(tuple(float(v) for v in row) for row in root),
    )


def _spread_out(state: State, points: Sequence[FloatArray]) -> list[FloatArray]:
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


def _combinations(
    state: State,
    names: Sequence[str],
    spread: FloatArray,
    exploration: Exploration,
    open_ones: Mapping[str, OpenParameter],
) -> tuple[Combination, ...]:
    """The simplest quantities that are known although their parts are open."""
    if not open_ones:
        return ()
    p = state.unknowns.parameters(state.x)
    places = [state.unknowns.parameters(x) for x in exploration.points]
    opened = [k for k, n in enumerate(names) if n in open_ones]
    chosen: list[Combination] = []
    basis: list[FloatArray] = []
    for quantity in _quantities(state, open_ones):
        if len(chosen) == _MOST_NAMED:
            break
        gradient = _gradient(quantity, p, names)
        error = _error(quantity, p, gradient @ spread, places)
        new = _independent_part(gradient[opened], basis)
        if error > _KNOWN or new is None:
            continue
        basis.append(new)
        chosen.append(
            Combination(
                text=quantity.text,
                parameters=quantity.parameters,
                value=quantity.of(p),
                unit=quantity.unit,
                stderr=error,
                other=quantity.other,
            )
        )
    return tuple(chosen)


def _gradient(quantity: _Quantity, p: Parameters, names: Sequence[str]) -> FloatArray:
    """(n,) derivatives of the logarithm of a quantity by the scaled parameters."""
    result = np.zeros(len(names))
    for k, name in enumerate(names):
        value = getattr(p, name)
        up, down = (
            value + sign * _STEP * p.V_m if name == "V_T" else value * np.exp(sign * _STEP)
            for sign in (1.0, -1.0)
        )
        high, low = (quantity.of(p.replace(**{name: v})) for v in (up, down))
        if high > 0 and low > 0:
            result[k] = (np.log(high) - np.log(low)) / (2.0 * _STEP)
    return result


def _error(quantity: _Quantity, p: Parameters, scaled: FloatArray, places: Sequence[Parameters]) -> float:
    """Standard error of a logarithm: of linear theory, or what equivalent places suggest if that is more."""
    here = quantity.of(p)
    values = [quantity.of(q) for q in places]
    if here <= 0 or any(v <= 0 for v in values):
        return float(np.inf)
    shift = max((abs(np.log(v) - np.log(here)) for v in values), default=0.0)
    return float(max(np.linalg.norm(scaled), shift / np.sqrt(ALLOWED)))


def _independent_part(gradient: FloatArray, basis: Sequence[FloatArray]) -> FloatArray | None:
    """The unit vector of what a gradient adds to others; None if that is little."""
    size = float(np.linalg.norm(gradient))
    if size < 1e-6:
        return None
    rest = gradient / size
    for vector in basis:
        rest = rest - (rest @ vector) * vector
    left = float(np.linalg.norm(rest))
    return rest / left if left > _NEW else None


def _quantities(state: State, open_ones: Mapping[str, OpenParameter]) -> list[_Quantity]:
    """What may be known, the simplest first."""
    physical = [q for q in _physical(state) if any(n in open_ones for n in q.parameters)]
    names = [n for n in _LOGARITHMIC if n in open_ones]
    return [*_monomials(names, 2), *physical, *_monomials(names, 3)]


def _monomials(names: Sequence[str], parts: int) -> list[_Quantity]:
    """Products and quotients of some parameters with exponents 1 and 2, the simplest first."""
    found = []
    for chosen in choose(names, parts):
        for tail in product((1, -1, 2, -2), repeat=parts - 1):
            powers = dict(zip(chosen, (1, *tail), strict=True))
            found.append((sum(abs(v) for v in powers.values()), powers))
    found.sort(key=lambda item: item[0])
    return [_monomial(powers) for _, powers in found]


def _monomial(powers: Mapping[str, int]) -> _Quantity:
    """A product of powers with its text and unit."""

    def value(p: Parameters) -> float:
        return float(np.exp(sum(power * np.log(getattr(p, n)) for n, power in powers.items())))

    pair = list(powers.items())
    other = ""
    if len(pair) == 2 and all(abs(power) == 1 for _, power in pair):
        (a, _), (b, sign) = pair
        other = written({a: 1, b: -sign})
    return _Quantity(written(powers), tuple(powers), _unit_of(powers), value, other)


def written(powers: Mapping[str, int]) -> str:
    """Powers as text: "tau_d tau_k", "i_c0/V_m", "R_b^2 C_m"."""
    over = [_power(n, k) for n, k in powers.items() if k > 0]
    under = [_power(n, -k) for n, k in powers.items() if k < 0]
    bottom = under[0] if len(under) == 1 else f"({' '.join(under)})"
    return (" ".join(over) or "1") + (f"/{bottom}" if under else "")


def _power(name: str, exponent: int) -> str:
    """A name with its exponent."""
    return name if exponent == 1 else f"{name}^{exponent}"


def _unit_of(powers: Mapping[str, int]) -> str:
    """Unit of a product of powers."""
    units = _units(powers)
    return written(units) if units else ""


def _units(powers: Mapping[str, int]) -> dict[str, int]:
    """Exponents of the units in a product."""
    units: dict[str, int] = {}
    for name, power in powers.items():
        units[UNITS[name]] = units.get(UNITS[name], 0) + power
    return {unit: power for unit, power in units.items() if power != 0}


def _physical(state: State) -> list[_Quantity]:
    """What is measured at a bias, and what is left of the channel far below V_T."""
    bias = telling_bias(state)
    tails = [
        _Quantity("i_c0 exp(-V_T/V_m)", _CHANNEL, "A", lambda q: q.i_c0 * _tail(q)),
        _Quantity("tau_k exp(-V_T/V_m)", _SLOWING, "s", lambda q: q.tau_k * _tail(q)),
    ]
    return tails if bias is None else [*_at_bias(bias), *_two_times(bias), *tails]


def _at_bias(bias: tuple[Control, float]) -> list[_Quantity]:
    """Conductances and lag of the channel at a terminal bias."""

    def conductance(p: Parameters) -> float:
        return float(inverse_resistance_a(p, junction_at(p, bias)))

    at = _at(bias)
    return [
        _Quantity(f"1/R_a {at}", _CHANNEL, "S", conductance),
        _Quantity(f"f tau_k {at}", _SLOWING, "s", partial(_lag, bias)),
        _Quantity(f"1/R_b + 1/R_a {at}", ("R_b", *_CHANNEL), "S", lambda q: 1.0 / q.R_b + conductance(q)),
    ]


def _two_times(bias: tuple[Control, float]) -> list[_Quantity]:
    """Product and sum of the two times that a spectrum shows, whichever is which."""
    lag, at, parts = partial(_lag, bias), _at(bias), ("tau_d", *_SLOWING)
    return [
        _Quantity(f"tau_d f tau_k {at}", parts, "s^2", lambda q: q.tau_d * lag(q)),
        _Quantity(f"tau_d + f tau_k {at}", parts, "s", lambda q: q.tau_d + lag(q)),
    ]


def _lag(bias: tuple[Control, float], p: Parameters) -> float:
    """F tau_k, s, at a terminal bias."""
    return float(activation_time(p, junction_at(p, bias)))


def _at(bias: tuple[Control, float]) -> str:
    """A terminal bias in words."""
    control, value = bias
    return f"at {format_quantity(value, 'V' if control == 'voltage' else 'A', digits=3)}"


def _tail(p: Parameters) -> float:
    """exp(-V_T/V_m), not below the smallest number."""
    return float(np.exp(np.clip(-p.V_T / p.V_m, -600.0, 600.0)))


def _sentences(knowledge: Identifiability) -> list[str]:
    """What is known and what not, in words."""
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
