"""A device through its window of oscillation, or past its most critical bias: as the paper's Figs. 4 and 5.

Spectra, coefficients of the characteristic polynomial, eigenvalues and courses in time, in one circuit.
"""

from dataclasses import dataclass

import numpy as np

from memfit.analysis.circuit import Circuit
from memfit.analysis.operating import OperatingPoints, operating_points_at
from memfit.analysis.oscillation import from_rest
from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import impedance
from memfit.reporting.curves import StabilityCurves, stability_curves
from memfit.reporting.dynamics import Dynamics

_OUTSIDE = 0.35
"""Distance of the outer biases from the Hopf points, in widths of the window."""
_APART = 1.0
"""Distance of neighbouring biases where there is no window, in V_m."""
_DECADES = 2.0
"""Frequencies on either side of that of the critical eigenvalue."""
_PERIODS = 14
_POINTS, _COURSE_POINTS = 600, 1500


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowCurves:
    """A device in a circuit at a few biases and along all of them."""

    circuit: Circuit
    points: OperatingPoints
    """Steady states of the few biases, the lowest first."""
    frequency: FloatArray
    """(m,) Hz."""
    impedance: ComplexArray
    """(k, m) ohm: under current control that of the device, else of the junction with its circuit."""
    polynomial: StabilityCurves
    """Coefficients in this circuit; its Hopf voltages are under the name "current"."""
    steady: OperatingPoints
    """Steady states along the bias."""
    time: FloatArray
    """(t,) s after the source is switched on from zero."""
    courses: tuple[FloatArray | None, ...]
    """u (V) for the first, the middle and the last bias; None where the integrator fails."""

    @property
    def course_places(self) -> tuple[int, int, int]:
        """Which of the few biases the courses are for."""
        count = self.points.u.size
        return 0, count // 2, count - 1


def window_curves(found: Dynamics) -> WindowCurves:
    """The curves of a device that has three lags in a circuit that leaves its junction free.

    Parameters
    ----------
    found : Dynamics
    """
    p, circuit = found.parameters, found.circuit
    points = operating_points_at(p, circuit, _biases(found))
    turning = float(found.critical.frequency_Hz[0]) or _slowest(p)
    frequency = turning * np.logspace(_DECADES, -_DECADES, _POINTS)
    seen = _seen(p, circuit)
    time = np.linspace(0.0, _PERIODS / turning, _COURSE_POINTS)
    count = points.u.size
    courses = tuple(
        from_rest(p, circuit, float(points.source[i]), float(time[-1]), time.size)[1]
        for i in (0, count // 2, count - 1)
    )
    bounds = float(found.steady.u[0]), float(found.steady.u[-1])
    polynomial = stability_curves(circuit.effective(p).replace(R_s=0.0), bounds)
    if polynomial is None:  # excluded: found is of three lags
        raise ValueError("a device of two lags has no window")
    return WindowCurves(
        circuit=circuit,
        points=points,
        frequency=frequency,
        impedance=np.array([impedance(seen, frequency, float(u)) for u in points.u]),
        polynomial=polynomial,
        steady=found.steady,
        time=time,
        courses=courses,
    )


def _biases(found: Dynamics) -> FloatArray:
    """Junction voltages (V) worth showing: the Hopf points, the middle and one beyond each end."""
    middle = float(found.critical.u[0])
    if not found.diagram.hopf_points:
        return middle + _APART * found.parameters.V_m * np.arange(-2.0, 3.0)
    low, high = (point.u for point in found.diagram.hopf_points)
    beside = _OUTSIDE * (high - low)
    return np.array([low - beside, low, middle, high, high + beside])


def _seen(p: Parameters, circuit: Circuit) -> Parameters:
    """What a spectrum in the circuit would be taken of."""
    if circuit.control == "current":
        return p.replace(C_m=p.C_m + circuit.external_capacitance)
    return circuit.effective(p).replace(R_s=0.0, L_s=0.0)


def _slowest(p: Parameters) -> float:
    """A frequency for a device that does not turn, Hz."""
    return 1.0 / (2.0 * np.pi * float(np.cbrt(p.tau_m * p.tau_d * p.tau_k)))
