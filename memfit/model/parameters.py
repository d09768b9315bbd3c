"""The table of the model's parameters, and one device as a frozen record of them, in SI units.

`Parameters` is the table: each field is a row with unit, symbol, meaning, domain, scale, bounds, usual
range, null value, part of the device and exponent of the area. `PARAMETERS` has the rows by name; their order
is that of every vector and of every derivative's last axis. Nothing else lists parameters: a new one is a row
here and the formulas of its part in `memfit.model.parts`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import ParameterError

LEFT_OUT: Mapping[str, str] = MappingProxyType({"2d": "tau_k", "2d-mirror": "tau_d"})
"""Which time a 2D model does without: its variable follows at once."""

Domain = Literal["positive", "non_negative", "any"]
Scale = Literal["log", "linear", "in V_m"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A row of the table: all that is known of a parameter besides its value."""

    name: str
    unit: str
    """SI unit, "" for a number."""
    symbol: tuple[str, str]
    """Letter and subscript, as printed."""
    meaning: str
    domain: Domain
    """Which values make sense: greater than 0, 0 and greater, or all."""
    scale: Scale
    """How it is fitted: as its logarithm, as it is, or as it is with lengths in units of V_m."""
    bounds: tuple[float, float]
    """SI; far outside anything measured: to end a runaway of a fit, not to guide it."""
    usual: tuple[float, float]
    """SI; what halide perovskites are known to have."""
    null: float | None
    """Value at which its part vanishes; None where a device has to have one."""
    part: str
    """Part of the device, of the circuit or of the wiring that it belongs to."""
    area_exponent: int | None
    """Power of the area by which a uniform junction scales; None where it does not."""
    in_time: bool = True
    """Whether the response in time depends on it."""
    optional: bool = False
    """Whether a fit leaves it at its null value unless the data or the plan ask for it."""

    @property
    def logarithmic(self) -> bool:
        """Whether it is fitted as its logarithm."""
        return self.scale == "log"

    @property
    def typical(self) -> float:
        """Middle of the usual range (SI), of the logarithm where it is fitted so."""
        low, high = self.usual
        return math.sqrt(low * high) if self.logarithmic else 0.5 * (low + high)

    def complaint(self, value: float) -> str:
        """What is wrong with a value (SI), in words; "" where it is finite and within the domain.

        Parameters
        ----------
        value : float
            In SI units.
        """
        if not math.isfinite(value):
            return f"{self.name} must be finite, found {value:g}"
        if value > 0.0 or self.domain == "any" or (value == 0.0 and self.domain == "non_negative"):
            return ""
        if self.domain == "positive":
            return f"{self.name} must be greater than 0 {self.unit}, found {value:g}"
        return f"{self.name} must not be negative, found {value:g} {self.unit}"


def _row(*, null: float | None = None, area_exponent: int | None = None, **row: Any) -> Any:
    """A field of `Parameters` with its row; `null` is the value it has where none is given."""
    metadata = {"null": null, "area_exponent": area_exponent, **row}
    return field(metadata=metadata) if null is None else field(default=null, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """One device (Bisquert & Guerrero 2022, Eqs. 1-15).

    A time constant of zero means that its variable follows at once: `tau_k = 0` is the 2D model
    (f = f_ss(u)), `tau_d = 0` its mirror image (i_c = i_c0 f).

    Raises
    ------
    ParameterError
        A value is not finite or out of range; the message names all of them.
    """

    R_b: float = _row(
        unit="ohm",
        symbol=("R", "b"),
        meaning="leakage resistance",
        domain="positive",
        scale="log",
        bounds=(1e-3, 1e14),
        usual=(1e2, 1e8),
        part="leak",
        area_exponent=-1,
    )
    C_m: float = _row(
        unit="F",
        symbol=("C", "m"),
        meaning="membrane capacitance",
        domain="positive",
        scale="log",
        bounds=(1e-16, 1e2),
        usual=(1e-9, 1e-2),
        part="capacitance",
        area_exponent=1,
    )
    i_c0: float = _row(
        unit="A",
        symbol=("i", "c0"),
        meaning="saturation current of the memory channel",
        domain="positive",
        scale="log",
        bounds=(1e-16, 1e4),
        usual=(1e-9, 1e-1),
        part="channel",
        area_exponent=1,
    )
    V_T: float = _row(
        unit="V",
        symbol=("V", "T"),
        meaning="threshold voltage of the activation",
        domain="any",
        scale="in V_m",
        bounds=(-5.0, 10.0),
        usual=(0.0, 3.0),
        part="activation",
    )
    V_m: float = _row(
        unit="V",
        symbol=("V", "m"),
        meaning="width of the activation in voltage",
        domain="positive",
        scale="log",
        bounds=(2e-3, 3.0),
        usual=(0.015, 0.4),
        part="activation",
    )
    tau_d: float = _row(
        unit="s",
        symbol=("τ", "d"),
        meaning="relaxation time of the channel current",
        domain="non_negative",
        scale="log",
        bounds=(1e-10, 1e7),
        usual=(1e-6, 1e3),
        part="channel",
    )
    tau_k: float = _row(
        null=0.0,
        unit="s",
        symbol=("τ", "k"),
        meaning="kinetic time of the activation",
        domain="non_negative",
        scale="log",
        bounds=(1e-10, 1e7),
        usual=(1e-6, 1e3),
        part="activation",
    )
    R_s: float = _row(
        null=0.0,
        unit="ohm",
        symbol=("R", "s"),
        meaning="series resistance",
        domain="non_negative",
        scale="linear",
        bounds=(0.0, 1e7),
        usual=(0.0, 1e3),
        part="series",
    )
    L_s: float = _row(
        null=0.0,
        unit="H",
        symbol=("L", "s"),
        meaning="inductance of the wiring",
        domain="non_negative",
        scale="linear",
        bounds=(0.0, 1e-2),
        usual=(0.0, 1e-5),
        part="wiring",
        in_time=False,
        optional=True,
    )

    def __post_init__(self) -> None:
        """Check the domains, once."""
        wrong = []
        for row in PARAMETERS.values():
            value = float(getattr(self, row.name))
            object.__setattr__(self, row.name, value)
            wrong.append(row.complaint(value))
        if any(wrong):
            raise ParameterError("; ".join(filter(None, wrong)) + ".")

    @classmethod
    def from_mapping(cls, values: Mapping[str, float]) -> "Parameters":
        """Parameters from names and SI values; a name that is unknown, or needed and missing, is an error.

        Raises
        ------
        ParameterError
            A name is missing or unknown.
        """
        unknown = sorted(set(values) - set(PARAMETERS))
        missing = [name for name in NEEDED if name not in values]
        faults = [("unknown", unknown), ("missing", missing)]
        if unknown or missing:
            raise ParameterError(
                f"Expected the parameters {', '.join(PARAMETERS)}; "
                + "; ".join(f"{fault}: {', '.join(found)}" for fault, found in faults if found)
                + "."
            )
        return cls(**{name: float(value) for name, value in values.items()})

    @property
    def model(self) -> str:
        """Name: "2d" where the activation follows at once, "2d-mirror" where the channel does, else "3d"."""
        return next((model for model, time in LEFT_OUT.items() if getattr(self, time) == 0.0), "3d")

    @property
    def tau_m(self) -> float:
        """Charging time R_b C_m, s."""
        return self.R_b * self.C_m

    def as_array(self, names: Sequence[str] | None = None) -> FloatArray:
        """(n,) values (SI) of these parameters, by default of all in the order of `PARAMETERS`.

        Parameters
        ----------
        names : sequence of str
            Of parameters, in the order wanted.
        """
        return np.array([getattr(self, name) for name in names or PARAMETERS])

    def as_dict(self) -> dict[str, float]:
        """Names and SI values."""
        return {name: float(getattr(self, name)) for name in PARAMETERS}

    def replace(self, **changes: float) -> "Parameters":
        """A copy with some values changed."""
        return replace(self, **changes)


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {f.name: Parameter(name=f.name, **f.metadata) for f in fields(Parameters)}
)
"""The rows of the table, by name; in the order of every vector and of every derivative's last axis."""


def names_where(condition: Callable[[Parameter], bool]) -> tuple[str, ...]:
    """Names of the parameters for which a condition holds, in the order of the table.

    Parameters
    ----------
    condition : callable
        Of a row: `lambda row: row.logarithmic`.
    """
    return tuple(name for name, row in PARAMETERS.items() if condition(row))


NEEDED = names_where(lambda row: row.null is None)
"""What every device has to have."""
NAMES = tuple(PARAMETERS)
COLUMN: Mapping[str, int] = MappingProxyType({name: k for k, name in enumerate(NAMES)})
"""Place of each parameter in vectors and on the last axis of derivatives."""
IN_TIME = names_where(lambda row: row.in_time)
"""What the response in time depends on."""
UNITS: Mapping[str, str] = {name: row.unit for name, row in PARAMETERS.items()}
