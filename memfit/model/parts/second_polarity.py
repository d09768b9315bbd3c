"""The second polarity: the memory channel once more, seen from -u.

i_n           = -i_cn (1 - kappa - kappa u/V_Tn)
tau_d di_cn/dt = i_c0n f_n - i_cn;  f_n as f, at -u, with V_Tn and V_mn

The channel's formulas serve, for a device whose i_c0, V_T, V_m are exchanged with i_c0n, V_Tn, V_mn and
whose voltages have the other sign. tau_d, tau_k, p_k, q_k, kappa are shared. Met in loops through 0 V of
devices with two alike contacts.
"""

import copy
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import EXTENSIONS, NAMES, Parameters
from memfit.model.parts import activation, channel
from memfit.model.terms import Number, Terms

PART = "second_polarity"
STATE = "i_cn"
_PAIRS = {name.removesuffix("n"): name for name in EXTENSIONS[PART]}
_EXCHANGE = {**_PAIRS, **{second: first for first, second in _PAIRS.items()}}
_COLUMNS = np.array([NAMES.index(_EXCHANGE.get(name, name)) for name in NAMES])
"""Of the parameters after the exchange, where each parameter is."""


def mirrored(p: Parameters) -> Parameters:
    """The device with its polarities exchanged."""
    result = copy.copy(p)
    for name, other in _EXCHANGE.items():
        object.__setattr__(result, name, getattr(p, other))
    return result


def _mirrored_state(state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """What the channel sees."""
    return {"u": -state["u"], "i_c": state["i_cn"], "f": state["f_n"]}


def steady_current(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """-i_c0n f_n (1 - kappa - kappa u/V_Tn), A; with a resistance (ohm) the voltage across it, V."""
    return -channel.steady_current(mirrored(p), -np.asarray(u, dtype=np.float64), resistance)


def conductance(p: Parameters, u: ArrayLike, resistance: float = 1.0) -> FloatArray:
    """Derivative of the steady current by u, S; times the resistance (ohm)."""
    return channel.conductance(mirrored(p), -np.asarray(u, dtype=np.float64), resistance)


def limits(p: Parameters) -> tuple[float, float]:
    """Least and most steady current, A; with kappa > 0 least where u >= 0, most where u <= 0."""
    least, most = channel.limits(mirrored(p))
    return -most, -least


def is_bounded(p: Parameters) -> bool:
    """As the channel."""
    return channel.is_bounded(p)


def least_conductance(p: Parameters) -> float:
    """As that of the channel, S."""
    return channel.least_conductance(mirrored(p))


def add_current_derivatives(p: Parameters, u: FloatArray, by: FloatArray) -> None:
    """Add to (n, p) the derivatives of the steady current by the parameters at fixed u (n,)."""
    theirs = np.zeros_like(by)
    channel.add_current_derivatives(mirrored(p), -u, theirs)
    by -= theirs[:, _COLUMNS]


def admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """As that of the channel, S."""
    return channel.admittance(mirrored(p), s, -np.asarray(u, dtype=np.float64))


def loop_admittance(p: Parameters, s: ComplexArray, u: ArrayLike) -> ComplexArray:
    """What of it answers late, S."""
    return channel.loop_admittance(mirrored(p), s, -np.asarray(u, dtype=np.float64))


def add_admittance(
    p: Parameters, s: ComplexArray, u: FloatArray, u_by_p: FloatArray, k: np.ndarray, by: ComplexArray
) -> ComplexArray:
    """Y at s (n,) about u[k]; adds to `by` (n, p) its derivatives, those through u (m, p) included."""
    theirs = np.zeros_like(by)
    Y = channel.add_admittance(mirrored(p), s, -u, -u_by_p[:, _COLUMNS], k, theirs)
    by += theirs[:, _COLUMNS]
    return Y


def current(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """i_n, A."""
    return -channel.current(mirrored(p), _mirrored_state(state))


def current_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, FloatArray | float]:
    """Derivatives of the current by u and the states."""
    slopes = channel.current_slopes(mirrored(p), _mirrored_state(state))
    result: dict[str, FloatArray | float] = {"i_cn": -slopes["i_c"]}
    return result if "u" not in slopes else {**result, "u": slopes["u"]}


def rest(p: Parameters, u: ArrayLike) -> FloatArray:
    """i_cn in a steady state, A."""
    return channel.rest(mirrored(p), -np.asarray(u, dtype=np.float64))


def rate(p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
    """di_cn/dt, A/s."""
    return channel.rate(mirrored(p), _mirrored_state(state))


def rate_slopes(p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, float]:
    """Derivatives of di_cn/dt by i_cn and f_n."""
    slopes = channel.rate_slopes(mirrored(p), _mirrored_state(state))
    return {"i_cn": slopes["i_c"], "f_n": slopes["f"]}


class _Activation:
    """The activation f_n of the second polarity."""

    PART = PART
    STATE = "f_n"

    def rest(self, p: Parameters, u: ArrayLike) -> FloatArray:
        """f_n in a steady state."""
        return activation.activation(mirrored(p), -np.asarray(u, dtype=np.float64))

    def rate(self, p: Parameters, state: Mapping[str, FloatArray]) -> FloatArray:
        """df_n/dt, 1/s."""
        return activation.rate(mirrored(p), _mirrored_state(state))

    def rate_slopes(self, p: Parameters, state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Derivatives of df_n/dt by u and f_n."""
        slopes = activation.rate_slopes(mirrored(p), _mirrored_state(state))
        return {"u": -slopes["u"], "f_n": slopes["f"]}


ACTIVATION = _Activation()


def in_time(p: Parameters, terms: Terms) -> None:
    """Add the activation and the lag of the channel seen from -u: -i_cn (1 - kappa - kappa u/V_Tn)."""
    theirs = Terms(terms.band)
    channel.in_time(mirrored(p), theirs)
    (_, numbers), (_, (tau, gain, alpha, beta)) = theirs.activations[0], theirs.lags[0]
    k = terms.add_activation(ACTIVATION.STATE, -1.0, *(_renamed(number, 1.0) for number in numbers))
    terms.add_lag(
        STATE, k, _renamed(tau, 1.0), _renamed(gain, 1.0), _renamed(alpha, -1.0), _renamed(beta, 1.0)
    )


def _renamed(number: Number, sign: float) -> Number:
    """A number of the mirrored device, by the parameters of this one, times a sign."""
    by = {_EXCHANGE.get(name, name): sign * value for name, value in number.by.items()}
    return Number(sign * number.value, by)
