"""Quantities that follow from the parameters, as one table: results, comparison, query and reports read it.

Each is a product of powers of parameters, factor * prod(p ** exponent), so that its logarithm is linear in
theirs: intervals propagate exactly, and its power of the area follows. A new one is a row here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from memfit.model.parameters import PARAMETERS, Parameters


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A row of the table."""

    name: str
    unit: str
    """SI unit, "" for a number."""
    symbol: tuple[str, str]
    """Letter and subscript, as printed."""
    meaning: str
    exponents: Mapping[str, int]
    """Powers of the parameters."""
    factor: float = 1.0

    def value(self, p: Parameters) -> float:
        """The quantity (SI) of a device."""
        result = self.factor
        for name, exponent in self.exponents.items():
            result *= getattr(p, name) ** exponent
        return result

    @property
    def area_exponent(self) -> int:
        """Power of the area by which that of a uniform junction scales."""
        return sum(power * (PARAMETERS[name].area_exponent or 0) for name, power in self.exponents.items())


_ROWS = (
    Derived(
        name="tau_m",
        unit="s",
        symbol=("τ", "m"),
        meaning="charging time, R_b C_m",
        exponents={"R_b": 1, "C_m": 1},
    ),
    Derived(
        name="A_max",
        unit="",
        symbol=("A", "max"),
        meaning="largest R_b/R_a: loop gain of the memory",
        exponents={"R_b": 1, "i_c0": 1, "V_m": -1},
        factor=0.25,
    ),
)

DERIVED: Mapping[str, Derived] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows of the table, by name."""
