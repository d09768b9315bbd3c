"""A device through its window of oscillation, or past its most critical bias: as the paper's Figs. 4 and 5.

Spectra, coefficients of the characteristic polynomial, eigenvalues and courses in time, in one circuit.

What a device does in one circuit, as curves and maps: what the figures of its stability are drawn from.

The analysis is `memfit.analysis`; here is only the choice of ranges, axes and biases.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memfit.analysis.cycles import (
    BifurcationDiagram,
    LimitCycle,
    bifurcation_diagram,
    cycles_at,
    from_rest,
    growth_time,
    start_up_time,
)
from memfit.analysis.stability import (
    CHANGEABLE,
    Circuit,
    OperatingPoints,
    RegionMap,
    Uncertainty,
    changes_to_hopf,
    map_over_bias_and_load,
    map_over_parameters,
    operating_points_at,
    uncertainty_of,
)
from memfit.arrays import ComplexArray, FloatArray
from memfit.confidence import chi2_quantile
from memfit.fitting.result import FitResult
from memfit.model.hopf_boundary import Loop, least_log_gain_margin, least_margin_bias
from memfit.model.parameters import Parameters
from memfit.model.smallsignal import impedance
from memfit.reporting.fit.curves import StabilityCurves, stability_curves

_POINTS = 301
_BESIDE_WINDOW = 0.5  # of its width, shown on either side
_WIDTHS = 8.0  # V_m on either side of V_T
_LOADS = 3.0  # decades on either side of R_b
_GRID = (161, 121)
_PARAMETER_GRID = 61
_NARROWEST, _WIDEST = np.log(1.3), np.log(300.0)  # half of an axis of the map over parameters
_SIGMAS = 4.0  # standard errors that an axis must hold
_ABSENT = 2.0  # decades on either side, of an axis for what the circuit has not
_STEP = 1e-4  # of a logarithm
_MULTIPLIER_ERROR = 1e-4  # of a Floquet multiplier where the orbit shrinks to a point
"""95 % quantile of chi-square with two degrees of freedom: an ellipse in a plane."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GainMap:
    """The smallest gain margin over two parameters, with what a fit knows of them."""

    map: RegionMap
    device: tuple[float, float]
    """Values of the device, SI."""
    ellipse: tuple[FloatArray, FloatArray] | None
    """Outline that holds both parameters with 95 %; None without a covariance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dynamics:
    """What one device does in one circuit, which leaves its junction free and has three lags."""

    parameters: Parameters
    circuit: Circuit
    critical: OperatingPoints
    """The one bias at which the gain margin is smallest."""
    diagram: BifurcationDiagram
    steady: OperatingPoints
    """Steady states through the window of oscillation, or around V_T where there is none."""
    start_up: float | None
    """Time in which a small deviation grows a thousandfold at the critical bias, s; None where it decays."""
    cycle: LimitCycle | None
    """The stable limit cycle at the critical bias."""
    from_rest: float | None
    """Time from rest to the swing of that cycle after the source is switched on, s; None where none is."""


def dynamics_of(p: Parameters, circuit: Circuit) -> Dynamics | None:
    """Steady states and limit cycles; None where the voltage is pinned or the model has two lags.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    if circuit.pins_voltage(p) or not Loop.of(circuit.effective(p)).can_oscillate:
        return None
    at_u = p.V_T + p.V_m * float(least_margin_bias(Loop.of(circuit.effective(p))))
    critical = operating_points_at(p, circuit, at_u)
    source = float(critical.source[0])
    diagram = bifurcation_diagram(p, circuit)
    cycle = stable_cycle(p, diagram, source)
    return Dynamics(
        parameters=p,
        circuit=circuit,
        critical=critical,
        diagram=diagram,
        steady=operating_points_at(p, circuit, np.linspace(*_range(p, diagram), _POINTS)),
        start_up=growth_time(p, circuit, source),
        cycle=cycle,
        from_rest=None if cycle is None else start_up_time(p, circuit, cycle),
    )


def attracts(cycle: LimitCycle) -> bool:
    """Whether an experiment settles on the cycle, within the error of the multiplier near a Hopf point."""
    return abs(cycle.multipliers[0]) < 1.0 + _MULTIPLIER_ERROR


def stable_cycle(p: Parameters, diagram: BifurcationDiagram, source: float) -> LimitCycle | None:
    """The largest stable limit cycle at a setting of the source, A or V; None where there is none."""
    found = cycles_at(p, diagram, source) if diagram.cycles else ()
    return max(filter(attracts, found), key=lambda cycle: cycle.u[1] - cycle.u[0], default=None)


def known_uncertainty(result: FitResult) -> Uncertainty | None:
    """The covariance of a fit; None where the result has none."""
    if not result.covariance:
        return None
    return uncertainty_of(result.values(), result.covariance, result.covariance_names, result.logarithmic)


def load_map(p: Parameters, circuit: Circuit) -> RegionMap:
    """Regions over the voltage across the junction and the load of a voltage source."""
    u = np.linspace(p.V_T - _WIDTHS * p.V_m, p.V_T + _WIDTHS * p.V_m, _GRID[0])
    loads = p.R_b * np.logspace(-_LOADS, _LOADS, _GRID[1])
    together = p.replace(C_m=p.C_m + circuit.external_capacitance)  # the capacitance is across the junction
    return map_over_bias_and_load(together, u, loads)


def gain_map(
    p: Parameters,
    circuit: Circuit,
    uncertainty: Uncertainty | None,
    names: tuple[str, str] | None = None,
) -> GainMap:
    """The smallest gain margin over two quantities of a loop of three lags.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    uncertainty : Uncertainty or None
    names : two str, optional
        Axes among `memfit.analysis.stability.circuit.AXES`; by default the two most influential parameters.
    """
    names = names or most_influential(p, circuit, uncertainty)
    present = {**p.as_dict(), "R_load": circuit.load, "C_external": circuit.external_capacitance}
    spread = None if uncertainty is None else _plane(uncertainty, names, present)
    factors = changes_to_hopf(p, circuit)
    axes = []
    for place, name in enumerate(names):
        sigma = 0.0 if spread is None else float(np.sqrt(spread[place, place]))
        if present[name] <= 0.0:  # what is not there yet: shown around what it would stand beside
            middle = p.C_m if name == "C_external" else p.R_b
            axes.append((name, middle * np.logspace(-_ABSENT, _ABSENT, _PARAMETER_GRID)))
            continue
        away = abs(np.log(factors.get(name) or 1.0))
        half = float(np.clip(max(1.5 * away, _SIGMAS * sigma), _NARROWEST, _WIDEST))
        axes.append((name, present[name] * np.exp(np.linspace(-half, half, _PARAMETER_GRID))))
    device = (float(present[names[0]]), float(present[names[1]]))
    return GainMap(
        map=map_over_parameters(p, circuit, *axes),
        device=device,
        ellipse=None if spread is None or 0.0 in device else _ellipse(device, spread),
    )


def most_influential(p: Parameters, circuit: Circuit, uncertainty: Uncertainty | None) -> tuple[str, str]:
    """The parameters that move the gain margin most: by their standard error, or else by a like factor."""
    influence = {}
    for name in CHANGEABLE:
        slope = _log_margin(p, circuit, name, _STEP) - _log_margin(p, circuit, name, -_STEP)
        sigma = 1.0
        if uncertainty is not None:
            known = name in uncertainty.names
            place = uncertainty.names.index(name) if known else 0
            sigma = float(np.sqrt(uncertainty.covariance[place, place])) if known else 0.0
        influence[name] = abs(slope) * sigma
    first, second = sorted(CHANGEABLE, key=lambda name: -influence[name])[:2]
    return first, second


def _log_margin(p: Parameters, circuit: Circuit, name: str, step: float) -> float:
    """Smallest log gain margin after a step in the logarithm of one parameter."""
    moved = p.replace(**{name: getattr(p, name) * np.exp(step)})
    return float(least_log_gain_margin(Loop.of(circuit.effective(moved))))


def _range(p: Parameters, diagram: BifurcationDiagram) -> tuple[float, float]:
    """Junction voltages (V) to show."""
    if not diagram.hopf_points:
        return p.V_T - _WIDTHS * p.V_m, p.V_T + _WIDTHS * p.V_m
    low, high = (point.u for point in diagram.hopf_points)
    beside = _BESIDE_WINDOW * (high - low)
    return low - beside, high + beside


def _plane(
    uncertainty: Uncertainty, names: tuple[str, str], present: Mapping[str, float]
) -> FloatArray | None:
    """(2, 2) covariance of the logarithms of two parameters; None where one was not fitted or is zero."""
    if any(name not in uncertainty.names for name in names):
        return None
    places = [uncertainty.names.index(name) for name in names]
    if any(present[name] <= 0.0 for name in names):
        return None
    scale = np.array([1.0 / present[name] if name in uncertainty.additive else 1.0 for name in names])
    result: FloatArray = uncertainty.covariance[np.ix_(places, places)] * np.outer(scale, scale)
    return result


def _ellipse(device: tuple[float, float], covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Outline of the 95 % region in a plane of two logarithms."""
    variances, axes = np.linalg.eigh(covariance)
    angle = np.linspace(0.0, 2.0 * np.pi, 121)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    steps = np.sqrt(chi2_quantile(2)) * (axes * np.sqrt(np.maximum(variances, 0.0))) @ circle
    return device[0] * np.exp(steps[0]), device[1] * np.exp(steps[1])


_OUTSIDE = 0.35
"""Distance of the outer biases from the Hopf points, in widths of the window."""
_APART = 1.0
"""Distance of neighbouring biases where there is no window, in V_m."""
_DECADES = 2.0
"""Frequencies on either side of that of the critical eigenvalue."""
_PERIODS = 14
_POINTS_WINDOW, _COURSE_POINTS = 600, 1500


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
    frequency = turning * np.logspace(_DECADES, -_DECADES, _POINTS_WINDOW)
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


Columns = Mapping[str, FloatArray]
"""The numbers behind a figure, SI, by column title; columns may differ in length."""


def branch_data(diagram: BifurcationDiagram) -> Columns:
    """The branch of limit cycles."""
    cycles = diagram.cycles
    unit = "A" if diagram.circuit.control == "current" else "V"
    return {
        f"source_{unit}": np.array([cycle.source for cycle in cycles]),
        "steady_u_V": np.array([cycle.steady_u for cycle in cycles]),
        "period_s": np.array([cycle.period for cycle in cycles]),
        "u_min_V": np.array([cycle.u[0] for cycle in cycles]),
        "u_max_V": np.array([cycle.u[1] for cycle in cycles]),
        "V_min_V": np.array([cycle.V[0] for cycle in cycles]),
        "V_max_V": np.array([cycle.V[1] for cycle in cycles]),
        "stable": np.array([float(attracts(cycle)) for cycle in cycles]),
    }


def window_spectra_data(curves: WindowCurves) -> Columns:
    """Spectra through the window."""
    found: dict[str, FloatArray] = {"frequency_Hz": curves.frequency}
    for u, Z in zip(curves.points.u, curves.impedance, strict=True):
        found[f"Z_real_ohm ({u:.6g} V)"] = Z.real
        found[f"Z_imag_ohm ({u:.6g} V)"] = Z.imag
    return found


def root_locus_data(curves: WindowCurves) -> Columns:
    """Eigenvalues along the bias."""
    found: dict[str, FloatArray] = {"u_V": curves.steady.u}
    for number in range(curves.steady.eigenvalues.shape[1]):
        found[f"real_{number + 1}_1/s"] = curves.steady.eigenvalues[:, number].real
        found[f"imag_{number + 1}_1/s"] = curves.steady.eigenvalues[:, number].imag
    return found


def time_courses_data(curves: WindowCurves) -> Columns:
    """Courses after the source is switched on."""
    unit = "A" if curves.circuit.control == "current" else "V"
    found: dict[str, FloatArray] = {"time_s": curves.time}
    for place, course in zip(curves.course_places, curves.courses, strict=True):
        if course is not None:
            found[f"u_V (source {curves.points.source[place]:.6g} {unit})"] = course
    return found


def load_map_data(regions: RegionMap) -> Columns:
    """The boundary of oscillation: for each junction voltage the least load that is unstable, ohm."""
    unstable = regions.region == 2
    least = np.where(unstable.any(axis=0), regions.y[np.argmax(unstable, axis=0)], np.nan)
    return {"u_V": regions.x, "least_unstable_load_ohm": least}


def gain_map_data(found: GainMap) -> Columns:
    """The device and its 95 % ellipse."""
    x, y = found.ellipse or (np.array([found.device[0]]), np.array([found.device[1]]))
    return {found.map.x_name: x, found.map.y_name: y}
