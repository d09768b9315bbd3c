"""Maps of what a device does in a circuit over any two quantities.

Oscillation is exact (`memfit.model.hopf_boundary`), and ringing the sign of the discriminant of the
characteristic polynomial. Over bias and load that holds for members of the family too, by their gain margins
and eigenvalues.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from memfit.analysis.stability.circuit import FOCUS, Circuit, operating_points_at
from memfit.arrays import BoolArray, FloatArray
from memfit.errors import ParameterError
from memfit.model import LOOP_POWERS, PARAMETERS, Loop, Parameters, least_log_gain_margin, log_gain_margin

REGIONS = ("stable node", "stable focus (rings)", "oscillates")
"""In the order of the numbers in a map."""

AXES = (*LOOP_POWERS, "R_s", "R_load", "C_external")
"""What can be an axis; V_T only moves the bias. R_load is in series with a voltage source, or across the
terminals under a current source."""

_BIASES = np.linspace(-10.0, 10.0, 81)  # of (u - V_T)/V_m, for ringing


@dataclass(frozen=True, kw_only=True)
class RegionMap:
    """What a device does over two quantities."""

    x_name: str
    x: FloatArray
    """(n,) SI."""
    y_name: str
    y: FloatArray
    """(m,) SI."""
    region: np.ndarray
    """(m, n) index into `REGIONS`."""
    log_gain_margin: FloatArray
    """(m, n) natural logarithm of the gain margin, of the bias itself or the smallest over all biases; zero
    on the boundary of oscillation, infinite where nothing can oscillate."""


def map_over_bias_and_load(
    p: Parameters, u: ArrayLike, load: ArrayLike, capacitance: float = 0.0
) -> RegionMap:
    """Regions over the voltage across the junction and the load of a voltage source.

    Parameters
    ----------
    p : Parameters
    u : (n,) array, V
    load : (m,) array, ohm, at least 0
    capacitance : float, F
        Across the device.

    Raises
    ------
    ParameterError
        A load is negative or not finite.
    """
    biases, loads = np.asarray(u, dtype=np.float64), np.asarray(load, dtype=np.float64)
    if p.parts:
        return _of_member(p, biases, loads, capacitance)
    p = p.replace(C_m=p.C_m + capacitance)  # across the junction
    loop, pinned = _loops(p, Circuit(control="voltage"), {"R_load": loads[:, None]})
    x = (biases - p.V_T) / p.V_m
    margin = log_gain_margin(loop, x) if loop.can_oscillate else np.full((loads.size, biases.size), np.inf)
    return _map(("u", biases), ("R_load", loads), margin, _rings(loop, x), pinned)


def _of_member(p: Parameters, u: FloatArray, loads: FloatArray, capacitance: float) -> RegionMap:
    """The map over bias and load of a member."""
    shape = loads.size, u.size
    margin, rings, pinned = np.full(shape, np.inf), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for k, load in enumerate(loads):
        circuit = Circuit(control="voltage", load=float(load), external_capacitance=capacitance)
        pinned[k] = circuit.pins_voltage(p)
        if not pinned[k].any():
            points = operating_points_at(p, circuit, u)
            margin[k], rings[k] = np.log(points.gain_margin), points.kind == FOCUS
    return _map(("u", u), ("R_load", loads), margin, rings, pinned)


def map_over_parameters(
    p: Parameters, circuit: Circuit, x: tuple[str, ArrayLike], y: tuple[str, ArrayLike]
) -> RegionMap:
    """Regions over two quantities: the most lively behaviour over all biases.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    x, y : name and array
        Axes among `AXES`, of n and m values in SI units.

    Raises
    ------
    ParameterError
        An axis is unknown, both are the same, or a value is out of range.
    """
    if x[0] == y[0]:
        raise ParameterError(f"Expected two different axes for a map, found {x[0]} twice.")
    xs, ys = np.asarray(x[1], dtype=np.float64), np.asarray(y[1], dtype=np.float64)
    loop, pinned = _loops(p, circuit, {x[0]: xs[None, :], y[0]: ys[:, None]})
    shape = (ys.size, xs.size)
    margin = least_log_gain_margin(loop) if loop.can_oscillate else np.full(shape, np.inf)
    each = Loop(*(part[..., None] for part in (loop.gain, loop.tau_m, loop.tau_d, loop.tau_k)))
    rings = np.any(_rings(each, _BIASES), axis=-1)
    return _map((x[0], xs), (y[0], ys), np.broadcast_to(margin, shape), np.broadcast_to(rings, shape), pinned)


def _loops(p: Parameters, circuit: Circuit, axes: Mapping[str, FloatArray]) -> tuple[Loop, BoolArray]:
    """Loops over the axes, and where the voltage is pinned (there the loop is that of a large resistance)."""
    for name, axis in axes.items():
        if name not in AXES:
            raise ParameterError(f"Expected an axis among {', '.join(AXES)}; found {name!r}.")
        if axis.size == 0:
            raise ParameterError(f"The axis {name} of a map needs at least one value, found none.")
        row = PARAMETERS.get(name)
        if row and row.logarithmic and row.domain == "non_negative" and not axis.min() > 0.0:
            raise ParameterError(
                f"The axis {name} of a map must be greater than 0 {row.unit}, found {axis.min():g}."
            )
        for value in (float(axis.min()), float(axis.max())):
            if name == "R_load":
                Circuit(control="voltage", load=value)
            elif name == "C_external":
                Circuit(external_capacitance=value)
            else:
                p.replace(**{name: value})
    own = {**p.as_dict(), "R_load": circuit.load, "C_external": circuit.external_capacitance}
    values: dict[str, FloatArray] = {**{name: np.array(value) for name, value in own.items()}, **axes}
    shunted = circuit.control == "voltage" or "R_load" in axes  # across a current source it is the same
    resistance = values["R_s"] + values["R_load"] if shunted else np.array(np.inf)
    pinned = resistance == 0.0
    return Loop.from_values(values, np.where(pinned, np.inf, resistance), values["C_external"]), pinned


def _rings(loop: Loop, x: FloatArray) -> BoolArray:
    """Whether there is a pair of complex eigenvalues, from the discriminant of the polynomial."""
    f = expit(x)
    gain = loop.gain * f * expit(-x)
    with np.errstate(divide="ignore"):
        rates = [1.0 / loop.tau_m, 1.0 / loop.tau_d, 1.0 / (f * loop.tau_k)]
    if not loop.can_oscillate:
        m, other = rates[0], np.minimum(rates[1], rates[2])
        result: BoolArray = (m + other) ** 2 < 4.0 * (1.0 + gain) * m * other
        return result
    m, d, k = rates
    total = m + d + k  # the unit of the eigenvalues: c2 = 1
    b = ((m / total) * d + (m / total) * k + (d / total) * k) / total
    c = (1.0 + gain) * (m / total) * (d / total) * (k / total)
    discriminant: FloatArray = 18.0 * b * c - 4.0 * c + b * b - 4.0 * b**3 - 27.0 * c * c
    return discriminant < 0.0


def _map(
    x: tuple[str, FloatArray],
    y: tuple[str, FloatArray],
    margin: FloatArray,
    rings: BoolArray,
    pinned: BoolArray,
) -> RegionMap:
    """The map from its parts; a pinned voltage is a node."""
    free = ~np.broadcast_to(pinned, margin.shape)
    return RegionMap(
        x_name=x[0],
        x=x[1],
        y_name=y[0],
        y=y[1],
        region=np.select([free & (margin < 0.0), free & rings], [2, 1], 0),
        log_gain_margin=np.where(free, margin, np.inf),
    )
