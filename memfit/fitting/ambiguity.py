"""What one spectrum at one bias cannot tell: which time constant is which.

Y_3D is unchanged when tau_d and f tau_k change places (Eqs. 13 and 14 of Bisquert & Guerrero, J. Phys. Chem.
Lett. 2022, 13, 3789). Several biases break the tie, since f moves one of the two; records in time do too.
"""

from dataclasses import replace

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum, IVSweep
from memfit.fitting.predict import bias_of, drive_of
from memfit.fitting.result import Estimate, FitResult, Status
from memfit.fitting.state import State
from memfit.model.equations import activation_time
from memfit.model.steady import junction_voltage

_SAME_BIAS = 0.05
"""Spread of the biases, in units of V_m, below which they are one."""
_PAIR = ("tau_d", "tau_k")


def with_unordered_pair(result: FitResult, state: State) -> FitResult:
    """The result with tau_d and tau_k told as an unordered pair, where the data cannot order them."""
    if any(name not in result.parameters or result.parameters[name].status == "fixed" for name in _PAIR):
        return result
    u = _only_bias(state)
    if u is None:
        return result
    p = state.unknowns.parameters(state.x)
    first, second = sorted((p.tau_d, float(activation_time(p, u))))
    said = (
        f"All spectra were taken at one bias: they hold two times, {first:.3g} s and {second:.3g} s, "
        "but not which is tau_d and which is f tau_k. A spectrum at another bias tells."
    )
    parameters = {
        name: Estimate(value=None, unit=e.unit, status="undetermined", start=e.start, reason=e.reason)
        if name in _PAIR
        else e
        for name, e in result.parameters.items()
    }
    status = Status(code="not_identifiable", message=_message(parameters))
    return replace(result, parameters=parameters, status=status, warnings=(*result.warnings, said))


def _only_bias(state: State) -> float | None:
    """Junction voltage of the spectra, if they share one and nothing was measured in time."""
    p = state.unknowns.parameters(state.x)
    voltages = []
    for record in state.problem.predictor.records:
        if isinstance(record, ImpedanceSpectrum):
            control, bias = bias_of(record)
            voltages.append(float(junction_voltage(p, control, [bias])[0]))
        elif not isinstance(record, IVSweep) or drive_of(record) is not None:
            return None
    if not voltages or np.ptp(voltages) > _SAME_BIAS * p.V_m:
        return None
    return float(np.mean(voltages))


def _message(parameters: dict[str, Estimate]) -> str:
    """The verdict in a sentence."""
    names = [name for name, e in parameters.items() if e.status == "undetermined"]
    return (
        f"Spectra at one bias do not determine {', '.join(names)}; the others hold as far as their intervals "
        "say. Add a spectrum at another bias, or fix what is known."
    )
