"""The table of the model's parameters, and one device as a frozen record of them, in SI units.

`Parameters` is the table: each field is a row with unit, symbol, meaning, domain, scale, bounds, usual
range, null value, part of the device and exponent of the area. `PARAMETERS` has the rows by name; their order
is that of every vector and of every derivative's last axis. Nothing else lists parameters: a new one is a row
here and the formulas of its part in `memfit.model.parts`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import ParameterError
from memfit.model.rows import Parameter

LEFT_OUT: Mapping[str, str] = MappingProxyType({"2d": "tau_k", "2d-mirror": "tau_d"})
"""Which time a 2D model does without: its variable follows at once."""


def _row(*, null: float | None = None, area_exponent: int | None = None, **row: Any) -> Any:
    """A field of `Parameters` with its row; `null` is the value it has where none is given."""
    metadata = {"null": null, "area_exponent": area_exponent, **row}
    return field(metadata=metadata) if null is None else field(default=null, metadata=metadata)


def _extension(**row: Any) -> Any:
    """A field of a part that the plainest device does without."""
    return _row(optional=True, extension=True, **row)


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
        part="resistance",
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
        part="membrane",
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
    R_1: float = _extension(
        null=math.inf,
        unit="ohm",
        symbol=("R", "1"),
        meaning="resistance of the ionic branch",
        domain="positive",
        scale="log",
        bounds=(1e-3, 1e14),
        usual=(1e2, 1e8),
        part="branch",
        area_exponent=-1,
    )
    C_1: float = _extension(
        null=0.0,
        unit="F",
        symbol=("C", "1"),
        meaning="capacitance of the ionic branch",
        domain="non_negative",
        scale="log",
        bounds=(1e-16, 1e4),
        usual=(1e-8, 1e-1),
        part="branch",
        area_exponent=1,
    )
    n: float = _extension(
        null=1.0,
        unit="",
        symbol=("n", ""),
        meaning="exponent of the dispersion of C_m",
        domain="fraction",
        scale="linear",
        bounds=(0.4, 1.0),
        usual=(0.85, 1.0),
        part="dispersion",
    )
    C_0: float = _extension(
        null=0.0,
        unit="F",
        symbol=("C", "0"),
        meaning="capacitance that grows with voltage, at 0 V",
        domain="non_negative",
        scale="log",
        bounds=(1e-20, 1e2),
        usual=(1e-11, 1e-3),
        part="capacitance",
        area_exponent=1,
    )
    V_c: float = _extension(
        null=math.inf,
        unit="V",
        symbol=("V", "c"),
        meaning="voltage by which that capacitance grows e times",
        domain="positive",
        scale="log",
        bounds=(5e-3, 1e2),
        usual=(0.02, 1.0),
        part="capacitance",
    )
    I_l: float = _extension(
        null=0.0,
        unit="A",
        symbol=("I", "l"),
        meaning="scale of the leak that grows with voltage",
        domain="non_negative",
        scale="log",
        bounds=(1e-20, 1e4),
        usual=(1e-9, 1e-3),
        part="leak",
        area_exponent=1,
    )
    V_l: float = _extension(
        null=math.inf,
        unit="V",
        symbol=("V", "l"),
        meaning="voltage by which that leak grows",
        domain="positive",
        scale="log",
        bounds=(1e-2, 1e2),
        usual=(0.05, 1.0),
        part="leak",
    )
    I_ph: float = _extension(
        null=0.0,
        unit="A",
        symbol=("I", "ph"),
        meaning="photocurrent",
        domain="any",
        scale="linear",
        bounds=(-1e4, 1e4),
        usual=(0.0, 1e-2),
        part="photocurrent",
        area_exponent=1,
    )
    i_c0n: float = _extension(
        null=0.0,
        unit="A",
        symbol=("i", "c0n"),
        meaning="saturation current of the channel of the other polarity",
        domain="non_negative",
        scale="log",
        bounds=(1e-16, 1e4),
        usual=(1e-9, 1e-1),
        part="second_polarity",
        area_exponent=1,
    )
    V_Tn: float = _extension(
        null=math.inf,
        unit="V",
        symbol=("V", "Tn"),
        meaning="threshold voltage of the other polarity",
        domain="any",
        scale="in V_m",
        bounds=(-5.0, 10.0),
        usual=(0.0, 3.0),
        part="second_polarity",
    )
    V_mn: float = _extension(
        null=math.inf,
        unit="V",
        symbol=("V", "mn"),
        meaning="width of the activation of the other polarity",
        domain="positive",
        scale="log",
        bounds=(2e-3, 3.0),
        usual=(0.015, 0.4),
        part="second_polarity",
    )
    kappa: float = _extension(
        null=0.0,
        unit="",
        symbol=("κ", ""),
        meaning="kind of the channel: 0 a current source, 1 a conductance",
        domain="fraction",
        scale="linear",
        bounds=(0.0, 1.0),
        usual=(0.0, 1.0),
        part="conductance",
    )
    p_k: float = _extension(
        null=1.0,
        unit="",
        symbol=("p", "k"),
        meaning="power of f in the activation time",
        domain="non_negative",
        scale="linear",
        bounds=(0.0, 3.0),
        usual=(0.0, 1.0),
        part="activation_time",
    )
    q_k: float = _extension(
        null=0.0,
        unit="",
        symbol=("q", "k"),
        meaning="power of 1 - f in the activation time",
        domain="non_negative",
        scale="linear",
        bounds=(0.0, 3.0),
        usual=(0.0, 1.0),
        part="activation_time",
    )
    d_i: float = _extension(
        null=0.0,
        unit="1/s",
        symbol=("d", "i"),
        meaning="drift of the logarithm of i_c0 from record to record",
        domain="any",
        scale="linear",
        bounds=(-1e3, 1e3),
        usual=(-1e-4, 1e-4),
        part="drift",
    )

    def __post_init__(self) -> None:
        """Check the domains, once."""
        for name in PARAMETERS:
            object.__setattr__(self, name, float(getattr(self, name)))
        wrong = [row.complaint(getattr(self, row.name)) for row in PARAMETERS.values()]
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
        _check_completeness(values)
        result = cls(**{name: float(value) for name, value in values.items()})
        for threshold in ("V_T", "V_Tn") if result.kappa > 0.0 else ():
            if not (value := getattr(result, threshold)) > 0.0:
                raise ParameterError(
                    f"A channel with kappa > 0 conducts as u/{threshold}: expected {threshold} greater "
                    f"than 0 V, found {value:g}; choose a threshold above 0 V or leave kappa out."
                )
        return result

    @property
    def model(self) -> str:
        """Name: "2d" where the activation follows at once, "2d-mirror" where the channel does, else "3d"."""
        return next((model for model, time in LEFT_OUT.items() if getattr(self, time) == 0.0), "3d")

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that it has besides those of the plainest device, as in `EXTENSIONS`."""
        return tuple(
            part
            for part, names in EXTENSIONS.items()
            if any(getattr(self, name) != PARAMETERS[name].null for name in names)
        )

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
        """Names and SI values; parts that it does not have are left out."""
        parts = self.parts
        return {
            name: float(getattr(self, name))
            for name, row in PARAMETERS.items()
            if not row.extension or row.part in parts
        }

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


def _check_completeness(values: Mapping[str, float]) -> None:
    """Refuse parts of which some but not all of the parameters are given.

    A part whose null value is infinite (its shape is unknown without it) needs all of them, and finite.
    """
    for part, names in EXTENSIONS.items():
        nulls = {name: PARAMETERS[name].null for name in names}
        missing = [name for name in names if values.get(name, math.inf) == math.inf]
        given = any(values.get(name, null) != null for name, null in nulls.items())
        if math.inf in nulls.values() and given and missing:
            raise ParameterError(
                f"The part {part} needs {' and '.join(names)}; missing: {', '.join(missing)}. "
                "Give them all, or none of them."
            )


def _extensions() -> dict[str, tuple[str, ...]]:
    """Parts that the plainest device does without, and their parameters."""
    result: dict[str, tuple[str, ...]] = {}
    for name, row in PARAMETERS.items():
        if row.extension:
            result[row.part] = (*result.get(row.part, ()), name)
    return result


EXTENSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(_extensions())
"""Parts that the plainest device does without, and their parameters."""
NEEDED = names_where(lambda row: row.null is None)
"""What every device has to have."""
NAMES = tuple(PARAMETERS)
COLUMN: Mapping[str, int] = MappingProxyType({name: k for k, name in enumerate(NAMES)})
"""Place of each parameter in vectors and on the last axis of derivatives."""
IN_TIME = names_where(lambda row: row.in_time and not row.extension)
"""What the response in time of the plainest device depends on."""
UNITS: Mapping[str, str] = {name: row.unit for name, row in PARAMETERS.items()}
