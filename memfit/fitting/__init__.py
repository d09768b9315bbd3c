"""The joint fit: plan, starting values, prediction, residuals, noise, minimum, result, uncertainty.

What other rooms use of a plan and of a result; the machinery of a fit is imported by its own name, so that
reading and drawing a result wait for none of it.
"""

from memfit.fitting.plan import CORE, TERM_NAMES, FitPlan, Term, free_parameters, plan_for, unit_of_length
from memfit.fitting.results.findings import (
    Alternative,
    BoundaryDistance,
    CircuitStability,
    Conflict,
    Convergence,
    Direction,
    Excluded,
    HopfEstimate,
    Identifiability,
    MinimumFound,
    ModelChoice,
    NearestBoundary,
    Place,
    Profile,
    SampleEstimate,
    SampleSet,
)
from memfit.fitting.results.result import (
    EDITED,
    SCHEMA,
    Estimate,
    FitResult,
    FittedRecord,
    SpectrumAlone,
    Status,
    digest_of,
    parse_result,
)
from memfit.fitting.serialise import field_from_plain, to_plain

__all__ = [
    "CORE",
    "EDITED",
    "SCHEMA",
    "TERM_NAMES",
    "Alternative",
    "BoundaryDistance",
    "CircuitStability",
    "Conflict",
    "Convergence",
    "Direction",
    "Estimate",
    "Excluded",
    "FitPlan",
    "FitResult",
    "FittedRecord",
    "HopfEstimate",
    "Identifiability",
    "MinimumFound",
    "ModelChoice",
    "NearestBoundary",
    "Place",
    "Profile",
    "SampleEstimate",
    "SampleSet",
    "SpectrumAlone",
    "Status",
    "Term",
    "digest_of",
    "field_from_plain",
    "free_parameters",
    "parse_result",
    "plan_for",
    "to_plain",
    "unit_of_length",
]
