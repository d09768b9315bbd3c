"""Simple quantities that data know although their parts are not: products, quotients, conductances."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations as choose
from itertools import product

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.prediction.predict import junction_at
from memfit.fitting.results.findings import Combination
from memfit.model import PARAMETERS, UNITS, Parameters, activation_time, inverse_resistance_a
from memfit.protocols import Control
from memfit.units import format_quantity

MOST_NAMED = 4
_NEW = 0.2
"""Share of a combination that must be independent of those already named."""
_STEP = 1e-5
"""Of a difference quotient, in the logarithm."""
_CHANNEL, _SLOWING = ("i_c0", "V_T", "V_m"), ("tau_k", "V_T", "V_m")
"""Parameters in i_c0 f_ss, and in f tau_k."""
Bias = tuple[Control, float]


@dataclass(frozen=True)
class Quantity:
    """A positive quantity made of parameters, that data may know better than its parts."""

    text: str
    parameters: tuple[str, ...]
    unit: str
    of: Callable[[Parameters], float]
    other: str = ""
    """Counterpart that is then not known."""

    def gradient(self, p: Parameters, names: Sequence[str]) -> FloatArray:
        """(n,) derivatives of its logarithm by the logarithms of parameters, by V_T in units of V_m.

        Parameters
        ----------
        p : Parameters
        names : sequence of str
        """
        result = np.zeros(len(names))
        for k, name in enumerate(names):
            value, step = getattr(p, name), _STEP * np.array([1.0, -1.0])
            moved = value + step * p.V_m if not PARAMETERS[name].logarithmic else value * np.exp(step)
            high, low = (self.of(p.replace(**{name: float(v)})) for v in moved)
            if high > 0 and low > 0:
                result[k] = (np.log(high) - np.log(low)) / (2.0 * _STEP)
        return result


def known_combinations(
    p: Parameters,
    bias: Bias | None,
    non_identifiable: Sequence[str],
    error_of: Callable[[Quantity], float],
    known: float,
) -> tuple[Combination, ...]:
    """The simplest quantities that are known although their parts are not.

    Parameters
    ----------
    p : Parameters
        At the minimum.
    bias : pair of control and value, optional
        Of the spectrum that sees most of the channel.
    non_identifiable : sequence of str
    error_of : callable
        Standard error of the logarithm of a quantity.
    known : float
        Standard error up to which a quantity is worth naming.
    """
    alone = {n: _monomial({n: 1}) for n in non_identifiable if PARAMETERS[n].logarithmic}
    lost = [n for n in non_identifiable if n not in alone or error_of(alone[n]) > known]
    chosen: list[Combination] = []
    basis: list[FloatArray] = []
    for quantity in _quantities(bias, lost):
        if len(chosen) == MOST_NAMED:
            break
        stderr, gradient = error_of(quantity), quantity.gradient(p, lost)
        size = float(np.linalg.norm(gradient))
        if stderr > known or size < 1e-6:
            continue
        rest = gradient / size
        for vector in basis:
            rest = rest - (rest @ vector) * vector
        left = float(np.linalg.norm(rest))
        if left <= _NEW:
            continue
        basis.append(rest / left)
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


def _quantities(bias: Bias | None, lost: Sequence[str]) -> list[Quantity]:
    """What may be known of parameters that are lost, the simplest first."""
    physical = [
        Quantity("i_c0 exp(-V_T/V_m)", _CHANNEL, "A", lambda p: p.i_c0 * _tail(p)),
        Quantity("tau_k exp(-V_T/V_m)", _SLOWING, "s", lambda p: p.tau_k * _tail(p)),
    ]
    if bias is not None:
        at, slow = _at(bias), partial(lag, bias)

        def conductance(p: Parameters) -> float:
            return float(inverse_resistance_a(p, junction_at(p, bias)))

        physical = [
            Quantity(f"1/R_a {at}", _CHANNEL, "S", conductance),
            Quantity(f"f tau_k {at}", _SLOWING, "s", slow),
            Quantity(f"1/R_b + 1/R_a {at}", ("R_b", *_CHANNEL), "S", lambda p: 1.0 / p.R_b + conductance(p)),
            *two_times(bias),
            *physical,
        ]
    names = [n for n in PARAMETERS if n in lost and PARAMETERS[n].logarithmic]
    seen = [q for q in physical if any(n in lost for n in q.parameters)]
    return [*_monomials(names, 2), *seen, *_monomials(names, 3)]


def _monomials(names: Sequence[str], parts: int) -> list[Quantity]:
    """Products and quotients of some parameters with exponents 1 and 2, the simplest first."""
    powers = [
        dict(zip(chosen, (1, *tail), strict=True))
        for chosen in choose(names, parts)
        for tail in product((1, -1, 2, -2), repeat=parts - 1)
    ]
    return [_monomial(one) for one in sorted(powers, key=lambda one: sum(abs(v) for v in one.values()))]


def _monomial(powers: Mapping[str, int]) -> Quantity:
    """A product of powers with its text, its unit and, of two factors, its counterpart."""

    def value(p: Parameters) -> float:
        return float(np.exp(sum(power * np.log(getattr(p, n)) for n, power in powers.items())))

    other = ""
    if len(powers) == 2 and all(abs(power) == 1 for power in powers.values()):
        (a, _), (b, sign) = powers.items()
        other = written({a: 1, b: -sign})
    units: dict[str, int] = {}
    for name, power in powers.items():
        units[UNITS[name]] = units.get(UNITS[name], 0) + power
    units = {unit: power for unit, power in units.items() if power != 0}
    return Quantity(written(powers), tuple(powers), written(units) if units else "", value, other)


def written(powers: Mapping[str, int]) -> str:
    """Powers as text: "tau_d tau_k", "i_c0/V_m", "R_b^2 C_m".

    Parameters
    ----------
    powers : mapping of str to int
        Exponents by name, none of them 0.
    """
    over = [n if k == 1 else f"{n}^{k}" for n, k in powers.items() if k > 0]
    under = [n if k == -1 else f"{n}^{-k}" for n, k in powers.items() if k < 0]
    below = under[0] if len(under) == 1 else f"({' '.join(under)})"
    return (" ".join(over) or "1") + (f"/{below}" if under else "")


def two_times(bias: Bias) -> list[Quantity]:
    """Product and sum of the two times that a spectrum shows, whichever is which.

    Parameters
    ----------
    bias : pair of control and value
        Terminal bias of the spectrum.
    """
    slow, at, parts = partial(lag, bias), _at(bias), ("tau_d", *_SLOWING)
    return [
        Quantity(f"tau_d f tau_k {at}", parts, "s^2", lambda p: p.tau_d * slow(p)),
        Quantity(f"tau_d + f tau_k {at}", parts, "s", lambda p: p.tau_d + slow(p)),
    ]


def lag(bias: Bias, p: Parameters) -> float:
    """F tau_k, s, at a terminal bias.

    Parameters
    ----------
    bias : pair of control and value
    p : Parameters
    """
    return float(activation_time(p, junction_at(p, bias)))


def _at(bias: Bias) -> str:
    """A terminal bias in words."""
    control, value = bias
    return f"at {format_quantity(value, 'V' if control == 'voltage' else 'A', digits=3)}"


def _tail(p: Parameters) -> float:
    """exp(-V_T/V_m), not below the smallest number."""
    return float(np.exp(np.clip(-p.V_T / p.V_m, -600.0, 600.0)))
