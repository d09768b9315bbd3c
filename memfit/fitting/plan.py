"""What to fit and how: a plan is a value that can be printed, stored and run again.

Parameters are fitted in the logarithm where they must be positive; V_T (which may have either sign) and the
instrument's terms R_s and L_s (which may be zero) are fitted as they are.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from memfit.datasets.device import Device
from memfit.errors import ParameterError
from memfit.fitting.serialise import from_plain, to_plain
from memfit.model.parameters import NAMES, UNITS

Model = Literal["3d", "2d", "2d-mirror", "auto"]
Switch = Literal["auto", "on", "off"]

LEFT_OUT: Mapping[str, str] = MappingProxyType({"2d": "tau_k", "2d-mirror": "tau_d"})
"""Which time a 2D model does without: its variable follows at once."""

DEFAULT_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "R_b": (1e-3, 1e14),
        "C_m": (1e-16, 1e2),
        "i_c0": (1e-16, 1e4),
        "V_T": (-5.0, 10.0),
        "V_m": (2e-3, 3.0),
        "tau_d": (1e-10, 1e7),
        "tau_k": (1e-10, 1e7),
        "R_s": (0.0, 1e7),
        "L_s": (0.0, 1e-2),
    }
)
"""Far outside anything measured (design ranges, three decades added): to end a runaway, not to guide."""

LOGARITHMIC = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")


@dataclass(frozen=True, kw_only=True)
class FitPlan:
    """Everything a fit depends on besides the data.

    Raises
    ------
    ParameterError
        A name is unknown, a value is out of range, or bounds are the wrong way round.
    """

    model: Model = "3d"
    fix: Mapping[str, float] = field(default_factory=dict)
    """Parameters held at a value, SI."""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value, SI, where narrower than `DEFAULT_BOUNDS`."""
    start: Mapping[str, float] = field(default_factory=dict)
    """First values, SI; what is missing is guessed from the data."""
    seed: int = 0
    """Of everything random: the spread of additional starts."""
    robust: bool = False
    """Loss that grows linearly for large residuals (soft L1) instead of squares."""
    screen: bool = True
    """Leave isolated outliers out, each listed with its reason."""
    inductance: Switch = "auto"
    """Wiring inductance L_s in the spectra."""
    gains: Switch = "auto"
    """A gain factor for each kind of instrument but one."""
    delays: Switch = "auto"
    """A shift of the time axis for each record in time."""
    initial_states: Switch = "auto"
    """The state in which each record in time begins, where it is not the steady one."""
    conflict_test: bool = True
    """Refit with one kind of data left out, and compare."""

    def __post_init__(self) -> None:
        """Check names and values, all at once."""
        wrong = []
        if self.model not in get_args(Model):
            wrong.append(f'the model is "3d", "2d", "2d-mirror" or "auto", found {self.model!r}')
        for group in ("fix", "bounds", "start"):
            unknown = sorted(set(getattr(self, group)) - set(NAMES))
            if unknown:
                wrong.append(f"{group}: unknown parameter {', '.join(unknown)}; known are {', '.join(NAMES)}")
        for name, value in {**self.fix, **self.start}.items():
            if name in LOGARITHMIC and not value > 0:
                wrong.append(f"{name} must be greater than 0 {UNITS[name]}, found {value:g}")
        for name, (low, high) in self.bounds.items():
            if not low < high or (name in LOGARITHMIC and not low > 0):
                wrong.append(f"bounds of {name}: expected 0 < lowest < highest, found {low:g} and {high:g}")
        both = sorted(set(self.fix) & set(self.bounds))
        if both:
            wrong.append(f"{', '.join(both)}: either fixed or bounded, not both")
        if wrong:
            raise ParameterError("; ".join(wrong) + ".")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for result.json."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FitPlan":
        """The inverse of `to_dict`; unknown keys are ignored, so that older programs read newer plans.

        Raises
        ------
        InputError
            A value is of another kind than a plan has there.
        ParameterError
            As for a new plan.
        """
        plan: FitPlan = from_plain(cls, data, "plan")
        return plan


def free_parameters(model: str) -> list[str]:
    """Physical parameters of a model that are free from the start.

    R_s always: data that hardly see it hardly know V_T and V_m either, and their intervals must say so.
    """
    return [name for name in NAMES if name not in ("L_s", LEFT_OUT.get(model))]


def model_of(names: Collection[str]) -> str:
    """Name of the model that has these parameters."""
    return next((model for model, time in LEFT_OUT.items() if time not in names), "3d")


def plan_for(device: Device, **overrides: Any) -> FitPlan:
    """The plan that the device's own settings ask for, changed by `overrides`.

    `fix`, `bounds` and `start` are merged with those of the device; everything else replaces.
    """
    settings = device.settings
    fix = {**settings.fix, **overrides.pop("fix", {})}
    bounds = {**settings.bounds, **overrides.pop("bounds", {})}
    bounds = {name: pair for name, pair in bounds.items() if name not in fix}
    start = {**settings.start, **overrides.pop("start", {})}
    model: Any = overrides.pop("model", None) or settings.model or "3d"  # checked by the plan
    return FitPlan(model=model, fix=fix, bounds=bounds, start=start, **{**settings.options, **overrides})
