"""Settings of a fit besides its parameters: one field an option, and nowhere else.

A plan inherits the fields, so that result.json keeps them; the [fit] table of device.toml takes them by their
names; those with a text for it are options of the command line. An option is a field here, and where it is
used. Nothing heavy is imported: `memfit --help` reads the texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict, get_args, get_origin

Switch = Literal["on", "off", "auto"]
"""Whether terms of the instruments are fitted: in any case, never, or where the data ask for them."""
Model = Literal["auto", "3d", "2d", "2d-mirror", "simplest"]
"""The member of the family that the data choose; the plainest device with all of its times; without one of
them; or the simplest of these three that the data do not contradict."""
MODELS: tuple[str, ...] = get_args(Model)
Engine = Literal["memfit", "lmfit"]
"""What looks for the minimum: Gauss-Newton steps before scipy's trust region, or that alone, by lmfit."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Everything a fit depends on besides the data, the model and its parameters.

    Metadata of a field: "command" is the text of its option of the command line; "new" says that it came
    after the layout of result.json, so that a plan without it is one with the default.
    """

    seed: int = field(default=0, metadata={"command": "of everything random; default 0"})
    """Of everything random: the spread of additional starts."""
    robust: bool = field(
        default=False, metadata={"command": "a loss that grows linearly for large residuals (soft L1)"}
    )
    """Loss that grows linearly for large residuals (soft L1) instead of squares."""
    screen: bool = True
    """Leave isolated outliers out, each listed with its reason."""
    inductance: Switch = "auto"
    """Wiring inductance L_s in the spectra."""
    gains: Switch = "auto"
    """A gain factor for each kind of instrument but one."""
    offsets: Switch = field(default="auto", metadata={"new": True})
    """A constant added to the response of each sweep: a zero error of the meter, or light."""
    delays: Switch = "auto"
    """A shift of the time axis for each record in time."""
    initial_states: Switch = "auto"
    """The state in which each record in time begins, where it is not the steady one."""
    conflict_test: bool = True
    """Refit with one kind of data left out, and compare."""
    parts: tuple[str, ...] = field(
        default=(), metadata={"new": True, "command": "that the plainest model does without, by name"}
    )
    """Parts that the plainest model does without: branch, dispersion, capacitance, leak, ..."""
    ties: Mapping[str, str] = field(default_factory=dict, metadata={"new": True})
    """Parameters that follow from others, as expressions: {"tau_k": "0.5 * tau_d"}."""
    engine: Engine = field(default="memfit", metadata={"new": True})
    """What looks for the minimum: memfit's steps, or lmfit alone."""


def option_faults(settings: Mapping[str, Any]) -> list[str]:
    """Options whose value is none of those that they take, a sentence each.

    Parameters
    ----------
    settings : mapping
        Of a fit, by name; those that are no field of `FitOptions` are passed over.
    """
    wrong = []
    for option in fields(FitOptions):
        value, words = settings.get(option.name, option.default), get_args(option.type)
        if option.type is bool and not isinstance(value, bool):
            wrong.append(f"{option.name} is True or False; found {value!r}")
        elif get_origin(option.type) is Literal and value not in words:
            known = ", ".join(f'"{word}"' for word in words)
            wrong.append(f"{option.name} is one of {known}; found {value!r}")
    return wrong


Quantity = float | str
"""SI, or a text with its unit: 42.0 or "42 ohm"."""


class FitKeywords(TypedDict, total=False):
    """Keywords of `memfit.fit`: the fields of a plan, for type checkers and completion."""

    model: str | None
    fix: Mapping[str, Quantity]
    bounds: Mapping[str, Sequence[Quantity]]
    start: Any
    own: Sequence[Any]
    seed: int
    robust: bool
    screen: bool
    inductance: Switch
    gains: Switch
    offsets: Switch
    delays: Switch
    initial_states: Switch
    conflict_test: bool
    parts: Sequence[str]
    ties: Mapping[str, str]
    engine: Engine


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """The [fit] table of device.toml, in SI units."""

    model: str | None = None
    """One of `MODELS`."""
    fix: Mapping[str, float] = field(default_factory=dict)
    """Parameters held at a value."""
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value of a parameter."""
    start: Mapping[str, float] = field(default_factory=dict)
    """First values of parameters, where the user knows better than the guess."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of a fit plan by name: robust, screen, inductance, gains, delays, seed, ..."""
