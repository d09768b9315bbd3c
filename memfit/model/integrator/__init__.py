"""The compiled integrator: collocation steps with exact sensitivities."""

from memfit.model.integrator.general_run import integrate_members
from memfit.model.integrator.member import BLOCK, LAGS, fits
from memfit.model.integrator.run import (
    MAX_STEPS_PER_PIECE,
    NOT_FINITE,
    OK,
    SENSITIVITIES,
    STEP_TOO_SMALL,
    TOO_MANY_STEPS,
    integrate_all,
    is_compiled,
    prepare,
)

__all__ = [
    "BLOCK",
    "LAGS",
    "MAX_STEPS_PER_PIECE",
    "NOT_FINITE",
    "OK",
    "SENSITIVITIES",
    "STEP_TOO_SMALL",
    "TOO_MANY_STEPS",
    "fits",
    "integrate_all",
    "integrate_members",
    "is_compiled",
    "prepare",
]
