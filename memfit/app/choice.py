"""Where the sliders stand: values, what is held, ends, parts of the family; and what it says in [fit]."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memfit.errors import ParameterError
from memfit.fit_options import MODELS, FitSettings, Model
from memfit.fitting import free_parameters
from memfit.fitting.starts.part_starts import with_parts
from memfit.model import EXTENSIONS, LEFT_OUT, PARAMETERS, Parameters

USUAL: Model = "auto"
"""What a fit takes where nobody says which model: the data choose."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a fit is asked for, and the values that the curves are drawn with."""

    values: Mapping[str, float] = field(default_factory=dict)
    """SI, by parameter; what is missing stands in the middle of its usual range."""
    fixed: frozenset[str] = frozenset()
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """SI, where they are narrower than those of the table of parameters."""
    parts: tuple[str, ...] = ()
    model: Model = USUAL
    from_here: bool = False
    """Whether a fit begins at these values instead of a guess from the data."""

    @classmethod
    def of(cls, settings: FitSettings) -> "Choice":
        """What the [fit] of a device.toml says.

        Parameters
        ----------
        settings : FitSettings
        """
        model: Any = settings.model if settings.model in MODELS else USUAL
        return cls(
            values={**settings.start, **settings.fix},
            fixed=frozenset(settings.fix),
            bounds=settings.bounds,
            parts=tuple(settings.options.get("parts", ())),
            model=model,
            from_here=bool(settings.start),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters of this member of the family, in the order of their table."""
        wanted = {*free_parameters(self.model, [n for part in self.parts for n in EXTENSIONS[part]])}
        wanted |= self.fixed | set(self.bounds)
        wanted |= {n for n, value in self.values.items() if not PARAMETERS[n].extension and value}
        return tuple(name for name in PARAMETERS if name in wanted)

    def value(self, name: str) -> float:
        """The value of a parameter, SI.

        Parameters
        ----------
        name : str
        """
        if name in self.values:
            return self.values[name]
        typical = {one: PARAMETERS[one].typical for one in free_parameters("3d")}
        known = with_parts({**typical, **self.values}, (name,))
        return known.get(name, PARAMETERS[name].typical)

    def parameters(self) -> Parameters:
        """What the curves are drawn with.

        Raises
        ------
        ParameterError
            The values do not go together.
        """
        without = LEFT_OUT.get(self.model)
        values = {name: self.value(name) for name in self.names if name != without}
        return Parameters.from_mapping(values if without is None else {**values, without: 0.0})

    def moved(self, name: str, value: float) -> "Choice":
        """With another value of one parameter.

        Raises
        ------
        ParameterError
            A device cannot have it.
        """
        complaint = PARAMETERS[name].complaint(value)
        if complaint:
            raise ParameterError(f"{complaint}.")
        return replace(self, values={**self.values, name: value})

    def with_ends(self, name: str, low: float | None, high: float | None) -> "Choice":
        """With other ends of one parameter; None: that of the table.

        Raises
        ------
        ParameterError
            They are the wrong way round.
        """
        bounds = {key: pair for key, pair in self.bounds.items() if key != name}
        if low is not None or high is not None:
            least, most = PARAMETERS[name].bounds
            pair = (least if low is None else low, most if high is None else high)
            if not pair[0] < pair[1]:
                raise ParameterError(f"{name}: expected a lowest value below the highest.")
            bounds[name] = pair
        return replace(self, bounds=bounds)

    def to_toml(self) -> dict[str, Any]:
        """The keys of [fit]; None where a key has nothing to say."""

        def text(name: str, value: float) -> str | float:
            unit = PARAMETERS[name].unit
            return f"{value!r} {unit}" if unit else value

        free = [name for name in self.names if name not in self.fixed]
        bounds = {n: [text(n, end) for end in self.bounds[n]] for n in free if n in self.bounds}
        return {
            "model": None if self.model == USUAL else self.model,
            "parts": list(self.parts),
            "fix": {name: text(name, self.value(name)) for name in self.names if name in self.fixed},
            "bounds": bounds,
            "start": {n: text(n, self._within(n)) for n in free} if self.from_here else None,
        }

    def _within(self, name: str) -> float:
        """The value, moved inside its ends."""
        low, high = self.bounds.get(name, PARAMETERS[name].bounds)
        return min(max(self.value(name), low), high)

    def slider(self, name: str) -> tuple[float, float]:
        """The ends of its slider, SI: its own bounds, else the usual range and a decade beyond the value.

        Parameters
        ----------
        name : str
        """
        row, value = PARAMETERS[name], self.value(name)
        if name in self.bounds:
            low, high = self.bounds[name]
            return min(low, value), max(high, value)
        low, high = row.usual
        if row.logarithmic:
            return max(min(low, value / 10), row.bounds[0]), min(max(high, value * 10), row.bounds[1])
        margin = abs(value)
        return max(min(low, value - margin), row.bounds[0]), min(max(high, value + margin), row.bounds[1])

    def to_plain(self) -> dict[str, Any]:
        """For the autosave."""
        return {
            "values": dict(self.values),
            "fixed": sorted(self.fixed),
            "bounds": {name: list(pair) for name, pair in self.bounds.items()},
            "parts": list(self.parts),
            "model": self.model,
            "from_here": self.from_here,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Choice":
        """The inverse of `to_plain`; what is unknown is left out.

        Parameters
        ----------
        plain : mapping
            As it was saved, perhaps by an older program.
        """
        known = set(PARAMETERS)
        model: Any = plain.get("model")
        return cls(
            values={n: float(v) for n, v in dict(plain.get("values", {})).items() if n in known},
            fixed=frozenset(plain.get("fixed", ())) & known,
            bounds={
                n: (float(a), float(b)) for n, (a, b) in dict(plain.get("bounds", {})).items() if n in known
            },
            parts=tuple(part for part in plain.get("parts", ()) if part in EXTENSIONS),
            model=model if model in MODELS else USUAL,
            from_here=bool(plain.get("from_here")),
        )
