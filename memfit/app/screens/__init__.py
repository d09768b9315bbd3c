"""The screens, in the order of the work; each a module with `TITLE`, `layout` and `register`."""

from collections.abc import Mapping
from types import ModuleType

from memfit.app.screens import data, record

SCREENS: Mapping[str, ModuleType] = {"data": data, "record": record}
"""By the word that stands in an address."""
