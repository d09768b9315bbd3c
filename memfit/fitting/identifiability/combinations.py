"""Simple quantities that data know although their parts are open: products, quotients, conductances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations as choose
from itertools import product

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.findings import Combination, OpenParameter
from memfit.fitting.identifiability.constrained import ALLOWED
from memfit.fitting.identifiability.explore import Exploration, telling_bias
from memfit.fitting.predict import junction_at
from memfit.fitting.problem import FitState
from memfit.model.equations import activation_time, inverse_resistance_a
from memfit.model.parameters import UNITS, Parameters
from memfit.protocols import Control
from memfit.units import format_quantity

KNOWN = 0.25
"""Standard error, relative, up to which a combination is worth naming."""
_LOGARITHMIC = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
_CHANNEL, _SLOWING = ("i_c0", "V_T", "V_m"), ("tau_k", "V_T", "V_m")
_MOST_NAMED = 4
_NEW = 0.2
"""Share of a combination that must be independent of those already named."""
_STEP = 1e-5


@dataclass(frozen=True)
class Quantity:
    """A positive quantity made of parameters, that data may know better than its parts."""

    text: str
    parameters: tuple[str, ...]
    unit: str
    of: Callable[[Parameters], float]
    other: str = ""


def known_combinations(
    state: FitState,
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

    def error(quantity: Quantity, gradient: FloatArray) -> float:
        return error_of(quantity, p, gradient @ spread, places)

    alone = {n: _monomial({n: 1}) for n in open_ones if n in _LOGARITHMIC}
    told = [n for n, one in alone.items() if error(one, gradient_of(one, p, names)) <= KNOWN]
    lost = [n for n in open_ones if n not in told]
    opened = [k for k, n in enumerate(names) if n in lost]
    chosen: list[Combination] = []
    basis: list[FloatArray] = []
    for quantity in _quantities(state, lost):
        if len(chosen) == _MOST_NAMED:
            break
        gradient = gradient_of(quantity, p, names)
        stderr = error(quantity, gradient)
        new = _independent_part(gradient[opened], basis)
        if stderr > KNOWN or new is None:
            continue
        basis.append(new)
        chosen.append(
            Combination(
                text=quantity.text,
                parameters=quantity.parameters,
                value=quantity.of(p),
                unit=quantity.unit,
                stderr=stderr,
                other=quantity.other,
            )
        )
    return tuple(chosen)


def gradient_of(quantity: Quantity, p: Parameters, names: Sequence[str]) -> FloatArray:
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


def error_of(quantity: Quantity, p: Parameters, scaled: FloatArray, places: Sequence[Parameters]) -> float:
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


def _quantities(state: FitState, lost: Sequence[str]) -> list[Quantity]:
    """What may be known of parameters that are lost, the simplest first."""
    physical = [q for q in _physical(state) if any(n in lost for n in q.parameters)]
    names = [n for n in _LOGARITHMIC if n in lost]
    return [*_monomials(names, 2), *physical, *_monomials(names, 3)]


def _monomials(names: Sequence[str], parts: int) -> list[Quantity]:
    """Products and quotients of some parameters with exponents 1 and 2, the simplest first."""
    found = []
    for chosen in choose(names, parts):
        for tail in product((1, -1, 2, -2), repeat=parts - 1):
            powers = dict(zip(chosen, (1, *tail), strict=True))
            found.append((sum(abs(v) for v in powers.values()), powers))
    found.sort(key=lambda item: item[0])
    return [_monomial(powers) for _, powers in found]


def _monomial(powers: Mapping[str, int]) -> Quantity:
    """A product of powers with its text and unit."""

    def value(p: Parameters) -> float:
        return float(np.exp(sum(power * np.log(getattr(p, n)) for n, power in powers.items())))

    pair = list(powers.items())
    other = ""
    if len(pair) == 2 and all(abs(power) == 1 for _, power in pair):
        (a, _), (b, sign) = pair
        other = written({a: 1, b: -sign})
    return Quantity(written(powers), tuple(powers), _unit_of(powers), value, other)


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


def _physical(state: FitState) -> list[Quantity]:
    """What is measured at a bias, and what is left of the channel far below V_T."""
    bias = telling_bias(state)
    tails = [
        Quantity("i_c0 exp(-V_T/V_m)", _CHANNEL, "A", lambda q: q.i_c0 * _tail(q)),
        Quantity("tau_k exp(-V_T/V_m)", _SLOWING, "s", lambda q: q.tau_k * _tail(q)),
    ]
    return tails if bias is None else [*_at_bias(bias), *two_times(bias), *tails]


def _at_bias(bias: tuple[Control, float]) -> list[Quantity]:
    """Conductances and lag of the channel at a terminal bias."""

    def conductance(p: Parameters) -> float:
        return float(inverse_resistance_a(p, junction_at(p, bias)))

    at = _at(bias)
    return [
        Quantity(f"1/R_a {at}", _CHANNEL, "S", conductance),
        Quantity(f"f tau_k {at}", _SLOWING, "s", partial(lag, bias)),
        Quantity(f"1/R_b + 1/R_a {at}", ("R_b", *_CHANNEL), "S", lambda q: 1.0 / q.R_b + conductance(q)),
    ]


def two_times(bias: tuple[Control, float]) -> list[Quantity]:
    """Product and sum of the two times that a spectrum shows, whichever is which."""
    slow, at, parts = partial(lag, bias), _at(bias), ("tau_d", *_SLOWING)
    return [
        Quantity(f"tau_d f tau_k {at}", parts, "s^2", lambda q: q.tau_d * slow(q)),
        Quantity(f"tau_d + f tau_k {at}", parts, "s", lambda q: q.tau_d + slow(q)),
    ]


def lag(bias: tuple[Control, float], p: Parameters) -> float:
    """F tau_k, s, at a terminal bias."""
    return float(activation_time(p, junction_at(p, bias)))


def _at(bias: tuple[Control, float]) -> str:
    """A terminal bias in words."""
    control, value = bias
    return f"at {format_quantity(value, 'V' if control == 'voltage' else 'A', digits=3)}"


def _tail(p: Parameters) -> float:
    """exp(-V_T/V_m), not below the smallest number."""
    return float(np.exp(np.clip(-p.V_T / p.V_m, -600.0, 600.0)))
