"""A row a parameter: symbol, value, slider, whether it is held, ends; and the parts of the family."""

from collections.abc import Mapping
from math import log10
from typing import Any

from dash import dcc, html

from memfit.app.blocks import symbol
from memfit.app.choice import Choice
from memfit.errors import InputError, MemfitError, ParameterError
from memfit.fitting import FitPlan
from memfit.model import EXTENSIONS, PARAMETERS
from memfit.model.limits import DIMENSION_OF
from memfit.units import format_quantity, parse_quantity

_DIGITS = 5
_STEPS = 400
"""Of a slider."""


def _available(part: str) -> bool:
    """Whether a part can be fitted."""
    try:
        FitPlan(parts=(part,))
    except ParameterError:
        return False
    return True


PARTS = tuple(part for part in EXTENSIONS if _available(part))


def labelled(words: str, component: Any) -> Any:
    """A component with a name for those who cannot see where it stands.

    Parameters
    ----------
    words : str
    component : of dash
    """
    return html.Label([html.Span(words, className="unseen"), component])


def meaning_of(part: str) -> str:
    """What a part is made of."""
    return ", ".join(PARAMETERS[name].meaning for name in EXTENSIONS[part])


def parameter_row(choice: Choice, name: str) -> Any:
    """A row: symbol, value, slider, whether it is held, ends."""
    row = PARAMETERS[name]
    low, high = choice.slider(name)
    value = choice.value(name)
    ends = choice.bounds.get(name, (None, None))
    at, bottom, top = (on_slider(name, one) for one in (value, low, high))
    return html.Div(
        [
            html.Div(
                [
                    symbol(name),
                    labelled(
                        f"value of {name}: {row.meaning}",
                        dcc.Input(id={"type": "value", "name": name}, value=value_text(name, value)),
                    ),
                ],
                className="name",
            ),
            html.Div(
                [
                    dcc.Slider(
                        bottom,
                        top,
                        step=(top - bottom) / _STEPS or 1.0,
                        value=at,
                        id={"type": "slider", "name": name},
                        marks=None,
                        updatemode="mouseup",
                        allow_direct_input=False,
                    ),
                    html.Small(row.meaning),
                ],
                className="slide",
            ),
            dcc.Checklist(
                [{"label": "fix", "value": "fix"}],
                ["fix"] if name in choice.fixed else [],
                id={"type": "fix", "name": name},
            ),
            *[
                labelled(
                    f"{word} of {name}",
                    dcc.Input(
                        id={"type": "end", "name": name, "end": word},
                        value="" if end is None or end in row.bounds else value_text(name, end),
                        placeholder=word,
                        debounce=True,
                    ),
                )
                for word, end in zip(("min", "max"), ends, strict=True)
            ],
        ],
        className="parameter",
    )


def value_text(name: str, value: float) -> str:
    """A value as it is edited.

    Parameters
    ----------
    name : str
    value : float
        SI.
    """
    unit = PARAMETERS[name].unit
    return format_quantity(value, unit, digits=_DIGITS) if unit else f"{value:.{_DIGITS}g}"


def on_slider(name: str, value: float) -> float:
    """Where a value is on its slider."""
    return log10(value) if PARAMETERS[name].logarithmic and value > 0 else value


def off_slider(name: str, at: float) -> float:
    """The value (SI) of a place on a slider."""
    return 10.0**at if PARAMETERS[name].logarithmic else at


def with_end(choice: Choice, what: Mapping[str, str], text: str) -> Choice:
    """With another lowest or highest value of a parameter."""
    name = what["name"]
    least, most = choice.bounds.get(name, (None, None))
    row = PARAMETERS[name]
    given = parsed(name, text) if text.strip() else None
    low, high = (given, most) if what["end"] == "min" else (least, given)
    return choice.with_ends(
        name, None if low == row.bounds[0] else low, None if high == row.bounds[1] else high
    )


def parsed(name: str, text: str) -> float:
    """A value that was typed, SI.

    Raises
    ------
    InputError
        It is no quantity of its unit.
    """
    try:
        return parse_quantity(text, DIMENSION_OF[name])
    except MemfitError as problem:
        raise InputError(f"{name}: {problem}") from problem
