"""Numbers without a unit that nobody means in SI: an area of 0.04 m^2, a temperature of 25 K.

A number alone is SI. Where that would be far from what a laboratory has, its unit is asked for; written with
its unit any value is taken.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from memfit.model import PARAMETERS
from memfit.units import DIMENSIONS


class Range(NamedTuple):
    """Moduli that a number without a unit may have, SI, and the unit that is meant beyond them."""

    low: float
    high: float
    meant: str


RANGES: Mapping[str, Range] = {
    "area": Range(0.0, 9e-4, "cm^2"),
    "temperature": Range(60.0, 2000.0, "degC"),
    "amplitude": Range(0.0, 2.0, "mV"),
    "voltage": Range(0.0, 30.0, "mV"),
    "current": Range(0.0, 1.5, "uA"),
    "voltage_rate": Range(0.0, 20.0, "mV/s"),
    "current_rate": Range(0.0, 1.0, "uA/s"),
}
"""By key, else by dimension; 0 is always believed."""
_OPEN_CIRCUIT = re.compile(r"\bvs\b\W*(?:[ev]_?oc|oc[vp]|open)", re.IGNORECASE)
_BARE = re.compile(r"\s*[-+]?[\d.,]+(?:[eE][-+]?\d+)?\s*")


def doubt(value: str | float, dimension: str, key: str = "") -> str:
    """What to ask about a number without a unit; empty where there is no doubt.

    Parameters
    ----------
    value : str or float
        As written.
    dimension : str
        A key of `memfit.units.DIMENSIONS`.
    key : str
        What it is of, such as "amplitude" or the name of a model parameter.
    """
    if isinstance(value, str) and dimension == "voltage" and _OPEN_CIRCUIT.search(value):
        return (
            f"expected the voltage between the terminals, found {value!r}, which counts from the open "
            "circuit: add the voltage of the open circuit, and write the sum."
        )
    if isinstance(value, str) and not _BARE.fullmatch(value):
        return ""
    try:
        size = abs(float(value.replace(",", ".") if isinstance(value, str) else value))
    except ValueError:
        return ""
    si = DIMENSIONS[dimension].unit
    if key in PARAMETERS:
        low, high = PARAMETERS[key].bounds
        if size == 0.0 or low <= size <= high:
            return ""
        if si == "1":  # there is no unit to be missing: the plan says what is wrong
            return ""
        return (
            f"expected a unit, found {value!r}, which would be {value} {si}, beyond any device ({low:g} to "
            f"{high:g} {si}); write it with its unit."
        )
    known = RANGES.get(key if key == "amplitude" and dimension == "voltage" else dimension)
    if known is None or size == 0.0 or known.low <= size <= known.high:
        return ""
    shown = f"{size * 1e4:g} cm^2" if dimension == "area" else f"{value} {si}"
    return (
        f'expected a unit, found {value!r}, which would be {shown}; did you mean "{value} {known.meant}"? '
        "Write it with its unit."
    )
