"""What a value is asked for that is made on a floor above it: its face in a notebook, pictures, predictions.

Imports run down only, and a result knows nothing of reports. But `result.plot()` is what a user types. So the
value knows the name of the place, which is imported when it is asked for, as pandas does with plotting.
"""

from importlib import import_module
from typing import Any

PAGE = "memfit.notebook.page:html_of"
PICTURE = "memfit.notebook.overview:overview"
PREDICTION = "memfit.fitting.results.forecast:predict"


def from_above(place: str, *arguments: Any, **keywords: Any) -> Any:
    """What a function of a higher floor returns.

    Parameters
    ----------
    place : str
        One of the names of this module.
    *arguments, **keywords
        Of the function.
    """
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)(*arguments, **keywords)


class Shown:
    """A value that a notebook shows by the tables of the reports."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return str(from_above(PAGE, self))
