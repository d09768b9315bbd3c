"""Parameters as lmfit has them, as settings of the joint fit."""

import math
from typing import Any

from memfit.errors import ParameterError, meant
from memfit.model import NAMES, PARAMETERS


def settings_of(parameters: Any) -> dict[str, dict[str, Any]]:
    """What lmfit Parameters say: held values, bounds, first values and ties, SI, as keywords of `memfit.fit`.

    Bounds that say no more than the table of parameters are left to it.

    Parameters
    ----------
    parameters : lmfit.Parameters
        By names of the model.

    Raises
    ------
    ParameterError
        They are none, or a name is not known.
    """
    try:
        items = list(parameters.items())
        states = [(name, one.value, one.vary, (one.min, one.max), one.expr) for name, one in items]
    except AttributeError as problem:
        raise ParameterError(f"Expected lmfit.Parameters, found {type(parameters).__name__}.") from problem
    settings: dict[str, dict[str, Any]] = {"fix": {}, "bounds": {}, "start": {}, "ties": {}}
    for name, value, varies, (low, high), expression in states:
        if name not in NAMES:
            raise ParameterError(f"Expected parameters of the model, found {name!r}; {meant(name, NAMES)}")
        if expression:
            settings["ties"][name] = expression
            continue
        if not varies:
            settings["fix"][name] = value
            continue
        settings["start"][name] = value
        least, most = PARAMETERS[name].bounds
        narrow = (low if low > 0.0 or not PARAMETERS[name].logarithmic else -math.inf, high)
        if math.isfinite(narrow[0]) or math.isfinite(narrow[1]):
            bounds = (max(narrow[0], least), min(narrow[1], most))
            settings["bounds"] |= {name: bounds} if bounds != (least, most) else {}
    return settings
