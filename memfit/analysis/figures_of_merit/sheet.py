"""All figures of merit of a fitted device, measured and predicted side by side, as records.

What a record holds is predicted under the drive of that record; what nobody measured, at the conditions
asked for. A figure that cannot be given is None with the reason.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from memfit.analysis.figures_of_merit.conditions import Stated
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, FigureOfMerit
from memfit.arrays import FloatArray
from memfit.fitting.results.propagation import Knowledge, Method

if TYPE_CHECKING:
    import pandas as pd

    from memfit.analysis.figures_of_merit.model import FiguresOfModel


@dataclass(frozen=True, kw_only=True)
class Value:
    """A figure with its interval, SI."""

    value: float
    stderr: float | None = None
    """None where it is not known."""
    ci95: tuple[float, float] | None = None
    """At `memfit.confidence.LEVEL`."""
    method: Method | Literal["noise of the record", "scatter of the cycles", "between two loops"] = "none"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One figure at its conditions."""

    name: str
    conditions: Mapping[str, float]
    """SI, by the names of `Conditions`; empty where there are none."""
    record: str = ""
    """Name of the record it is read from; "" for a protocol that was not measured."""
    measured: Value | None = None
    measured_reason: str = ""
    """Why it is not; "" where it is."""
    predicted: Value | None = None
    predicted_reason: str = ""

    @property
    def row(self) -> FigureOfMerit:
        """What the figure is."""
        return FIGURES_OF_MERIT[self.name]

    @property
    def difference(self) -> float | None:
        """Measured less predicted, in standard errors of both together; None where one is missing."""
        if self.measured is None or self.predicted is None:
            return None
        errors = [self.measured.stderr, self.predicted.stderr]
        if None in errors:
            return None
        size = float(np.hypot.reduce(np.array(errors, dtype=np.float64)))
        return (self.measured.value - self.predicted.value) / size if size > 0.0 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class FigureCurve:
    """A predicted figure against what it depends on, with its band and what was measured of it."""

    key: str
    """"area", "ppf", "train", "retention" or "frequency"."""
    x: FloatArray
    x_unit: str
    value: FloatArray
    low: FloatArray
    high: FloatArray
    """(n,) NaN where nothing is known."""
    measured: tuple[tuple[float, Value], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class FiguresOfMerit:
    """The figures of merit of one device."""

    device: str
    entries: tuple[Entry, ...]
    curves: tuple[FigureCurve, ...]
    conditions: Stated
    notes: tuple[str, ...]
    """On what all of it is conditional, and warnings of the conditions, a sentence each."""
    model: "FiguresOfModel"
    known: Knowledge

    def __getitem__(self, name: str) -> Entry:
        """The first entry of a figure, at the conditions that were asked for where they were.

        Raises
        ------
        KeyError
            There is no such figure.
        """
        own = [entry for entry in self.entries if entry.name == name]
        if not own:
            raise KeyError(
                f"{name!r} is no figure of merit of this device; there are {', '.join(FIGURES_OF_MERIT)}"
            )
        return min(own, key=lambda entry: bool(entry.record))

    @property
    def main(self) -> tuple[Entry, ...]:
        """One entry a figure: that of a record at the conditions asked for, else that of the protocol."""
        found: dict[str, Entry] = {}
        for entry in sorted(self.entries, key=lambda entry: bool(entry.record)):
            known = found.get(entry.name)
            if known is None or (entry.record and not known.record and _alike(entry, known)):
                found[entry.name] = entry
        best = max(
            (e for e in self.entries if e.name == "turnover_frequency" and e.predicted),
            key=lambda e: e.predicted.value if e.predicted else 0.0,
            default=None,
        )
        if best is not None:
            found["turnover_frequency"] = best
        return tuple(found[name] for name in FIGURES_OF_MERIT if name in found)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; None for what is not known."""
        entries = [
            {
                "figure": e.name,
                "unit": e.row.unit,
                "conditions": dict(e.conditions),
                "record": e.record,
                "measured": None if e.measured is None else asdict(e.measured),
                "measured_reason": e.measured_reason,
                "predicted": None if e.predicted is None else asdict(e.predicted),
                "predicted_reason": e.predicted_reason,
            }
            for e in self.entries
        ]
        curves = {
            c.key: {
                "x": _plain(c.x),
                "x_unit": c.x_unit,
                "value": _plain(c.value),
                "ci95": [_plain(c.low), _plain(c.high)],
            }
            for c in self.curves
        }
        return {
            "schema": "memfit/figures-of-merit/1",
            "device": self.device,
            "conditions": {k: v for k, v in asdict(self.conditions).items() if k != "warnings"},
            "notes": list(self.notes),
            "figures": entries,
            "curves": curves,
        }

    def to_frame(self) -> "pd.DataFrame":
        """One row a figure: unit, conditions, record, measured and predicted with intervals, reasons."""
        import pandas as pd  # noqa: PLC0415 - half a second that only a table needs

        rows = []
        for e in self.entries:
            row: dict[str, Any] = {"figure": e.name, "unit": e.row.unit, "record": e.record}
            row["conditions"] = ", ".join(f"{name}={value:.6g}" for name, value in e.conditions.items())
            for which in ("measured", "predicted"):
                one: Value | None = getattr(e, which)
                low, high = (one.ci95 or (None, None)) if one else (None, None)
                row |= {
                    which: one.value if one else None,
                    f"{which}_ci95_low": low,
                    f"{which}_ci95_high": high,
                }
                row[f"{which}_reason"] = getattr(e, f"{which}_reason")
            rows.append(row)
        return pd.DataFrame(rows)


_SAME = 0.02
"""Relative difference of conditions up to which a record is at those asked for."""


def _alike(one: Entry, other: Entry) -> bool:
    """Whether two entries are at one set of conditions."""
    return one.conditions.keys() == other.conditions.keys() and all(
        abs(value - other.conditions[name]) <= _SAME * abs(value) for name, value in one.conditions.items()
    )


def _plain(values: FloatArray) -> list[float | None]:
    """Numbers for JSON."""
    return [float(v) if np.isfinite(v) else None for v in values]
