"""From a result folder to one flat row of the index, and what the columns are called.

Columns are SI. Each parameter and derived quantity NAME has NAME, NAME_stderr, NAME_low, NAME_high (95 %
interval) and NAME_status; each figure of merit has NAME as predicted, with the same four but for the status,
NAME_measured and NAME_measured_stderr, and at_amplitude, at_read, ... are the conditions of all of them; the
columns of stability are those under current control, with `voltage_` in front those under voltage control
through R_s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.errors import InputError
from memfit.fitting import EDITED, SCHEMA, FitResult
from memfit.model import DERIVED, PARAMETERS, Derived, Parameter
from memfit.units import DIMENSIONS

Kind = Literal["number", "text", "truth"]


@dataclass(frozen=True)
class ColumnInfo:
    """A column of the index."""

    kind: Kind
    dimension: str = ""
    """Key of `units.DIMENSIONS` where a text with a unit may be compared with it."""


_ROWS: dict[str, Parameter | Derived] = {**PARAMETERS, **DERIVED}
_DIMENSION_OF_UNIT = {unit: key for key, (_, unit, _) in DIMENSIONS.items()} | {"": "ratio"}
ESTIMATES = {name: _DIMENSION_OF_UNIT[row.unit] for name, row in _ROWS.items()}
"""Dimension of each parameter and derived quantity, by name."""
MERITS = {name: _DIMENSION_OF_UNIT[row.unit] for name, row in FIGURES_OF_MERIT.items()}
"""Dimension of each figure of merit, by name."""
CONDITIONS = tuple(one.name for one in fields(Conditions))
"""Of the figures of merit; their columns have `at_` in front."""
STABILITY = {
    "verdict": ColumnInfo("text"),
    "probability_oscillates": ColumnInfo("number", "ratio"),
    "gain_margin_min": ColumnInfo("number", "ratio"),
    "gain_margin_low": ColumnInfo("number", "ratio"),
    "gain_margin_high": ColumnInfo("number", "ratio"),
    "at_u": ColumnInfo("number", "voltage"),
    "hopf_u_low": ColumnInfo("number", "voltage"),
    "hopf_u_high": ColumnInfo("number", "voltage"),
    "hopf_frequency_low": ColumnInfo("number", "frequency"),
    "hopf_frequency_high": ColumnInfo("number", "frequency"),
}
CIRCUITS: Mapping[str, str] = MappingProxyType({"current": "", "voltage": "voltage_"})
"""Prefix of the columns of a circuit."""

COLUMNS: Mapping[str, ColumnInfo] = MappingProxyType(
    {
        "folder": ColumnInfo("text"),
        "device": ColumnInfo("text"),
        "state": ColumnInfo("text"),
        "status": ColumnInfo("text"),
        "usable": ColumnInfo("truth"),
        "message": ColumnInfo("text"),
        "cause": ColumnInfo("text"),
        "model": ColumnInfo("text"),
        "area": ColumnInfo("number", "area"),
        "temperature": ColumnInfo("number", "temperature"),
        "chi2_reduced": ColumnInfo("number", "ratio"),
        "points": ColumnInfo("number"),
        "records": ColumnInfo("number"),
        "seconds": ColumnInfo("number", "time"),
        "memfit_version": ColumnInfo("text"),
        "report": ColumnInfo("truth"),
        **{
            f"{name}{tail}": ColumnInfo("text") if tail == "_status" else ColumnInfo("number", dimension)
            for name, dimension in ESTIMATES.items()
            for tail in ("", "_stderr", "_low", "_high", "_status")
        },
        **{
            f"{name}{tail}": ColumnInfo("number", dimension)
            for name, dimension in MERITS.items()
            for tail in ("", "_stderr", "_low", "_high", "_measured", "_measured_stderr")
        },
        **{f"at_{name}": ColumnInfo("number") for name in CONDITIONS},
        **{prefix + name: info for prefix in CIRCUITS.values() for name, info in STABILITY.items()},
    }
)
"""Every column of the index by name."""

Row = dict[str, Any]
"""Values by column; None where there is none. Attributes of the device under "attributes"."""


def flat_row(row: Row) -> Row:
    """A row whose attributes are columns as well; those whose name is taken as `attributes.NAME`.

    Parameters
    ----------
    row : mapping
        A row of the index, with every name of `COLUMNS` and `attributes`.
    """
    flat = {name: row[name] for name in COLUMNS}
    for name, value in row["attributes"].items():
        flat[f"attributes.{name}" if name in COLUMNS else name] = value
    return flat


def row_of_result(data: Any, name: str) -> Row:
    """Everything that can be asked of a result.

    Parameters
    ----------
    data : plain data of a result.json
    name : str
        What the index calls the device where the result gives no name.

    Raises
    ------
    InputError
        It is no fit result of this layout.
    """
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise InputError(f'expected "schema": "{SCHEMA}", found {found!r}. Fit the device again.')
    result = FitResult.from_dict(data)
    attributes = result.device.get("attributes")
    stated = attributes if isinstance(attributes, Mapping) else {}
    edited = [EDITED] * (EDITED in result.warnings)
    row: Row = {
        "device": str(result.device.get("name") or name),
        "state": "fitted",
        "status": result.status.code,
        "usable": result.status.usable,
        "message": " ".join([*result.measured, result.status.message, *edited]),
        "model": result.model,
        "area": result.device.get("area_m2"),
        "temperature": result.device.get("temperature_K"),
        "chi2_reduced": result.goodness.chi2_reduced_model_free or result.goodness.chi2_reduced,
        "points": sum(item.used for item in result.inputs),
        "records": len(result.inputs),
        "seconds": result.environment.get("seconds"),
        "memfit_version": result.memfit_version,
        "attributes": {
            str(key): value for key, value in stated.items() if isinstance(value, (str, float, int))
        },
    }
    for key, estimate in {**result.parameters, **result.derived}.items():
        if key in ESTIMATES:
            low, high = estimate.ci95 or (None, None)
            row |= {key: estimate.value, f"{key}_stderr": estimate.stderr, f"{key}_low": low}
            row |= {f"{key}_high": high, f"{key}_status": estimate.status}
    for circuit, prefix in CIRCUITS.items():
        block = result.stability.get(circuit)
        if not isinstance(block, Mapping):
            continue
        points = list(block.get("hopf_points") or ())
        first, last = (points[0], points[-1]) if points else ({}, {})
        frequencies = sorted(point["frequency_Hz"] for point in points) or [None]
        low, high = block.get("gain_margin_ci95") or (None, None)
        known = {name: block.get(name) for name in STABILITY} | {
            "gain_margin_low": low,
            "gain_margin_high": high,
            "hopf_u_low": first.get("u"),
            "hopf_u_high": last.get("u"),
            "hopf_frequency_low": frequencies[0],
            "hopf_frequency_high": frequencies[-1],
        }
        row |= {prefix + name: value for name, value in known.items()}
    return row


def row_of_merits(data: Mapping[str, Any]) -> Row:
    """The columns of the figures of merit.

    Parameters
    ----------
    data : mapping
        Of figures_of_merit.json; what it does not hold has no column.
    """
    row: Row = {}
    for entry in data.get("figures") or ():
        name = entry["figure"]
        if name not in MERITS:
            continue
        predicted, measured = entry.get("predicted") or {}, entry.get("measured") or {}
        low, high = predicted.get("ci95") or (None, None)
        row |= {name: predicted.get("value"), f"{name}_stderr": predicted.get("stderr"), f"{name}_low": low}
        row |= {f"{name}_high": high, f"{name}_measured": measured.get("value")}
        row[f"{name}_measured_stderr"] = measured.get("stderr")
    conditions = data.get("conditions") or {}
    return row | {f"at_{name}": conditions.get(name) for name in CONDITIONS}
