"""The physics: Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789. Arrays in, arrays out.

What other rooms use of the steady state, the impedance and the stability; `memfit.model.transient`, which
brings the compiled integrator, is imported by its own name.
"""

from memfit.model.derived import DERIVED, Derived
from memfit.model.equations import (
    activation,
    activation_time,
    dc_resistance,
    inverse_resistance_a,
    steady_current,
    vector_field,
)
from memfit.model.hopf_boundary import (
    LOOP_NAMES,
    LOOP_POWERS,
    Loop,
    hopf_biases,
    hopf_frequency,
    least_log_gain_margin,
    least_log_gain_margin_derivatives,
    least_margin_bias,
    log_gain_margin,
    log_gain_margin_slope,
    loop_derivatives,
    margin_derivatives,
)
from memfit.model.limits import PART_NAMES
from memfit.model.linear import coefficients, effective_parameters, eigenvalues, loop_gain
from memfit.model.parameters import (
    COLUMN,
    EXTENSIONS,
    IN_TIME,
    LEFT_OUT,
    NAMES,
    NEEDED,
    PARAMETERS,
    UNITS,
    Parameters,
    names_where,
)
from memfit.model.rows import Parameter
from memfit.model.smallsignal import BiasGrid, admittance, impedance, impedance_with_derivatives
from memfit.model.steady import junction_voltage, steady_response

__all__ = [
    "COLUMN",
    "DERIVED",
    "EXTENSIONS",
    "IN_TIME",
    "LEFT_OUT",
    "LOOP_NAMES",
    "LOOP_POWERS",
    "NAMES",
    "NEEDED",
    "PARAMETERS",
    "PART_NAMES",
    "UNITS",
    "BiasGrid",
    "Derived",
    "Loop",
    "Parameter",
    "Parameters",
    "activation",
    "activation_time",
    "admittance",
    "coefficients",
    "dc_resistance",
    "effective_parameters",
    "eigenvalues",
    "hopf_biases",
    "hopf_frequency",
    "impedance",
    "impedance_with_derivatives",
    "inverse_resistance_a",
    "junction_voltage",
    "least_log_gain_margin",
    "least_log_gain_margin_derivatives",
    "least_margin_bias",
    "log_gain_margin",
    "log_gain_margin_slope",
    "loop_derivatives",
    "loop_gain",
    "margin_derivatives",
    "names_where",
    "steady_current",
    "steady_response",
    "vector_field",
]
