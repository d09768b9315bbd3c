"""How near a device is to self-sustained oscillation, in a stated circuit."""

from memfit.analysis.stability.assess import DEFAULT_CIRCUITS, analyse_result, assess
from memfit.analysis.stability.circuit import Circuit, OperatingPoints, operating_points, operating_points_at
from memfit.analysis.stability.hopf import (
    CHANGEABLE,
    HopfPoint,
    changes_to_hopf,
    find_hopf_points,
    values_to_hopf,
)
from memfit.analysis.stability.nyquist import MeasuredStability, check_spectrum, disagreement, spectra_alone
from memfit.analysis.stability.regions import (
    AXES,
    RegionMap,
    map_over_bias_and_load,
    map_over_parameters,
)
from memfit.analysis.stability.sampling import stability_at
from memfit.fitting.results.propagation import Uncertainty, uncertainty_of

__all__ = [
    "AXES",
    "CHANGEABLE",
    "DEFAULT_CIRCUITS",
    "Circuit",
    "HopfPoint",
    "MeasuredStability",
    "OperatingPoints",
    "RegionMap",
    "Uncertainty",
    "analyse_result",
    "assess",
    "changes_to_hopf",
    "check_spectrum",
    "disagreement",
    "find_hopf_points",
    "map_over_bias_and_load",
    "map_over_parameters",
    "operating_points",
    "operating_points_at",
    "spectra_alone",
    "stability_at",
    "uncertainty_of",
    "values_to_hopf",
]
