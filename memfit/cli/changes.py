"""What the command line changes in the plan of a fit: --model, --fix, --seed, --robust."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from memfit.cli.quantities import option_quantity
from memfit.errors import ParameterError, meant
from memfit.loaders.manifest import DIMENSION_OF
from memfit.model.parameters import NAMES


def plan_changes(given: Namespace) -> dict[str, Any]:
    """Fields of `FitPlan`, only those that were given.

    Raises
    ------
    ParameterError
        A name of --fix is unknown.
    UnitError
        A value of --fix cannot be read.
    """
    changes: dict[str, Any] = {}
    if given.model is not None:
        changes["model"] = given.model
    if given.fix:
        changes["fix"] = _fixed(given.fix)
    if given.seed is not None:
        changes["seed"] = given.seed
    if given.robust:
        changes["robust"] = True
    return changes


def _fixed(pairs: Sequence[tuple[str, str]]) -> Mapping[str, float]:
    """Values of parameters in SI units, from names and texts."""
    values = {}
    for name, text in pairs:
        if name not in DIMENSION_OF:
            raise ParameterError(f"--fix: unknown parameter {name!r}; {meant(name, NAMES)}")
        values[name] = option_quantity(f"--fix {name}", text, DIMENSION_OF[name])
    return values
