"""The screens, in the order of the work; each a module with `TITLE`, `layout` and `register`."""

from collections.abc import Mapping
from types import ModuleType

from memfit.app.screens import compare, data, export, fit, record, spike, trust

SCREENS: Mapping[str, ModuleType] = {
    "data": data,
    "record": record,
    "fit": fit,
    "trust": trust,
    "spike": spike,
    "compare": compare,
    "export": export,
}
"""By the word that stands in an address."""
