"""What a device does in one circuit, as curves and maps: what the figures of its stability are drawn from.

The analysis is `memfit.analysis`; here is only the choice of ranges, axes and biases. Through the window of
oscillation, or past the most critical bias, spectra, coefficients of the characteristic polynomial,
eigenvalues and courses in time are those of Figs. 4 and 5 of Bisquert & Guerrero (J. Phys. Chem. Lett. 2022,
13, 3789).
"""

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
    RegionMap,
    Uncertainty,
    changes_to_hopf,
    map_over_bias_and_load,
    map_over_parameters,
    operating_points_at,
    uncertainty_of,
)
from memfit.arrays import ComplexArray, FloatArray
from memfit.confidence import confidence_region
from memfit.fitting import FitResult
from memfit.model import Parameters, least_log_gain_margin
from memfit.model.smallsignal import admittance
from memfit.reporting.content import Columns
from memfit.reporting.figures.stability import AXIS_UNITS, Dynamics, GainMap, WindowCurves, attracts
from memfit.reporting.fit.curves import stability_curves


@dataclass(frozen=True)
class Settings:
    """What the curves and maps show."""

    beside_window: float = 0.5
    """Of its width, on either side of the window."""
    widths: float = 8.0
    """V_m on either side of V_T where there is no window."""
    points: int = 301
    outside: float = 0.35
    """Distance of the outer spectra from the Hopf points, in widths of the window."""
    apart: float = 1.0
    """Distance of neighbouring spectra where there is no window, in V_m."""
    decades: float = 2.0
    """Of frequency on either side of that of the critical eigenvalue."""
    frequencies: int = 600
    periods: float = 14.0
    """Of the critical eigenvalue, that a course in time lasts."""
    course_points: int = 1500
    loads: float = 3.0
    """Decades on either side of R_b, of the map over bias and load."""
    load_grid: tuple[int, int] = (161, 121)
    member_grid: tuple[int, int] = (65, 37)
    """Of a device with further parts, each point of which has its eigenvalues."""
    grid: int = 61
    """Points along an axis of the map over two parameters."""
    narrowest: float = 1.3
    """Least factor on either side of the device, of an axis of that map."""
    widest: float = 300.0
    sigmas: float = 4.0
    """Standard errors that an axis must hold."""
    absent: float = 2.0
    """Decades on either side, of an axis for what the circuit has not."""
    log_step: float = 1e-4
    """Step of a logarithm in differences."""


SETTINGS = Settings()


def dynamics_of(p: Parameters, circuit: Circuit) -> Dynamics | None:
    """Steady states and limit cycles; None where the voltage is pinned or the model has two lags.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    """
    if not circuit.can_oscillate(p):
        return None
    critical = operating_points_at(p, circuit, circuit.most_critical(p))
    source = float(critical.source[0])
    diagram = bifurcation_diagram(p, circuit)
    cycle = stable_cycle(p, diagram, source)
    low, high = p.V_T - SETTINGS.widths * p.V_m, p.V_T + SETTINGS.widths * p.V_m
    if diagram.hopf_points:
        low, high = diagram.hopf_points[0].u, diagram.hopf_points[-1].u
        beside = SETTINGS.beside_window * (high - low)
        low, high = low - beside, high + beside
    return Dynamics(
        parameters=p,
        circuit=circuit,
        critical=critical,
        diagram=diagram,
        steady=operating_points_at(p, circuit, np.linspace(low, high, SETTINGS.points)),
        start_up=growth_time(p, circuit, source),
        cycle=cycle,
        from_rest=None if cycle is None else start_up_time(p, circuit, cycle),
    )


def stable_cycle(p: Parameters, diagram: BifurcationDiagram, source: float) -> LimitCycle | None:
    """The largest stable limit cycle at a setting of the source; None where there is none.

    Parameters
    ----------
    p : Parameters
    diagram : BifurcationDiagram
        Of the device in the circuit.
    source : float
        A or V.
    """
    cycles = cycles_at(p, diagram, source) if diagram.cycles else ()
    return max(filter(attracts, cycles), key=lambda cycle: cycle.u[1] - cycle.u[0], default=None)


def known_uncertainty(result: FitResult) -> Uncertainty | None:
    """The covariance of a fit; None where the result has none."""
    if not result.covariance:
        return None
    return uncertainty_of(result.values(), result.covariance, result.covariance_names, result.logarithmic)


def load_map(p: Parameters, circuit: Circuit) -> RegionMap:
    """Regions over the voltage across the junction and the load of a voltage source.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
        Whose external capacitance counts.
    """
    across, up = SETTINGS.member_grid if p.parts else SETTINGS.load_grid
    u = np.linspace(p.V_T - SETTINGS.widths * p.V_m, p.V_T + SETTINGS.widths * p.V_m, across)
    loads = p.R_b * np.logspace(-SETTINGS.loads, SETTINGS.loads, up)
    return map_over_bias_and_load(p, u, loads, circuit.external_capacitance)


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
        Axes among `memfit.analysis.stability.AXES`; by default the two most influential parameters.
    """
    names = names or most_influential(p, circuit, uncertainty)
    present = {**p.as_dict(), "R_load": circuit.load, "C_external": circuit.external_capacitance}
    device = (float(present[names[0]]), float(present[names[1]]))
    covariance = None
    if uncertainty is not None and set(names) <= set(uncertainty.names) and min(device) > 0.0:
        places = [uncertainty.names.index(name) for name in names]
        scale = np.array([1.0 / present[name] if name in uncertainty.additive else 1.0 for name in names])
        covariance = uncertainty.covariance[np.ix_(places, places)] * np.outer(scale, scale)
    factors = changes_to_hopf(p, circuit)
    axes = []
    for place, name in enumerate(names):
        sigma = 0.0 if covariance is None else float(np.sqrt(covariance[place, place]))
        if present[name] <= 0.0:  # what is not there yet: shown around what it would stand beside
            middle = p.C_m if AXIS_UNITS[name] == "F" else p.R_b
            axes.append((name, middle * np.logspace(-SETTINGS.absent, SETTINGS.absent, SETTINGS.grid)))
            continue
        away = abs(np.log(factors.get(name) or 1.0))
        bounds = np.log(SETTINGS.narrowest), np.log(SETTINGS.widest)
        half = float(np.clip(max(1.5 * away, SETTINGS.sigmas * sigma), *bounds))
        axes.append((name, present[name] * np.exp(np.linspace(-half, half, SETTINGS.grid))))
    ellipse = None
    if covariance is not None:
        across, up = confidence_region(np.zeros(2), covariance, 121)
        ellipse = (device[0] * np.exp(across), device[1] * np.exp(up))
    return GainMap(map=map_over_parameters(p, circuit, *axes), device=device, ellipse=ellipse)


def most_influential(p: Parameters, circuit: Circuit, uncertainty: Uncertainty | None) -> tuple[str, str]:
    """The parameters that move the gain margin most: by their standard error, or else by a like factor.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    uncertainty : Uncertainty or None
        Of the fit; parameters that it does not know were fixed.
    """

    def log_margin(name: str, step: float) -> float:
        """Smallest log gain margin after a step in the logarithm of one parameter."""
        moved = p.replace(**{name: getattr(p, name) * np.exp(step)})
        return float(least_log_gain_margin(circuit.loop(moved)))

    influence = {}
    for name in CHANGEABLE:
        slope = log_margin(name, SETTINGS.log_step) - log_margin(name, -SETTINGS.log_step)
        sigma = 1.0
        if uncertainty is not None:
            known = name in uncertainty.names
            place = uncertainty.names.index(name) if known else 0
            sigma = float(np.sqrt(uncertainty.covariance[place, place])) if known else 0.0
        influence[name] = abs(slope) * sigma
    first, second = sorted(CHANGEABLE, key=lambda name: -influence[name])[:2]
    return first, second


def window_curves(dynamics: Dynamics) -> WindowCurves:
    """The curves of a device that has three lags in a circuit that leaves its junction free.

    Spectra are taken at the Hopf points, the middle and one bias beyond each end, or about the most critical
    bias where there is no window.

    Parameters
    ----------
    dynamics : Dynamics
    """
    p, circuit = dynamics.parameters, dynamics.circuit
    middle = float(dynamics.critical.u[0])
    u = middle + SETTINGS.apart * p.V_m * np.arange(-2.0, 3.0)
    if dynamics.diagram.hopf_points:
        low, high = dynamics.diagram.hopf_points[0].u, dynamics.diagram.hopf_points[-1].u
        beside = SETTINGS.outside * (high - low)
        u = np.array([low - beside, low, middle, high, high + beside])
    points = operating_points_at(p, circuit, u)
    slowest = 1.0 / (2.0 * np.pi * float(np.cbrt(p.tau_m * p.tau_d * p.tau_k)))
    turning = float(dynamics.critical.frequency_Hz[0]) or slowest
    frequency = turning * np.logspace(SETTINGS.decades, -SETTINGS.decades, SETTINGS.frequencies)
    time = np.linspace(0.0, SETTINGS.periods / turning, SETTINGS.course_points)
    sources = [float(points.source[place]) for place in (0, u.size // 2, u.size - 1)]
    steady = dynamics.steady
    bounds = float(steady.u[0]), float(steady.u[-1])
    polynomial = None if p.parts else stability_curves(circuit.effective(p).replace(R_s=0.0), bounds)
    return WindowCurves(
        circuit=circuit,
        points=points,
        frequency=frequency,
        impedance=np.array([_seen(p, circuit, frequency, float(value)) for value in points.u]),
        polynomial=polynomial,
        steady=steady,
        time=time,
        courses={one: from_rest(p, circuit, one, float(time[-1]), time.size)[1] for one in sources},
    )


def _seen(p: Parameters, circuit: Circuit, frequency: FloatArray, u: float) -> ComplexArray:
    """Impedance (ohm) of the device with what is in parallel to its junction in the circuit."""
    omega, free = 2.0 * np.pi * frequency, circuit.control == "current"
    across = 1.0 / circuit.resistance(p) + 1j * omega * circuit.external_capacitance
    series = p.R_s + 1j * omega * p.L_s if free else 0.0
    return np.asarray(series + 1.0 / (admittance(p, frequency, u) + across), dtype=np.complex128)


def branch_data(dynamics: Dynamics) -> Columns:
    """The branch of limit cycles."""
    cycles = dynamics.diagram.cycles
    columns = {
        f"source_{dynamics.source_unit}": [cycle.source for cycle in cycles],
        "steady_u_V": [cycle.steady_u for cycle in cycles],
        "period_s": [cycle.period for cycle in cycles],
    }
    for name, ends in (("u", [cycle.u for cycle in cycles]), ("V", [cycle.V for cycle in cycles])):
        columns |= {f"{name}_min_V": [low for low, _ in ends], f"{name}_max_V": [high for _, high in ends]}
    columns["stable"] = [float(attracts(cycle)) for cycle in cycles]
    return {title: np.array(values) for title, values in columns.items()}


def window_spectra_data(curves: WindowCurves) -> Columns:
    """Spectra through the window."""
    columns = {"frequency_Hz": curves.frequency}
    for u, Z in zip(curves.points.u, curves.impedance, strict=True):
        columns |= {f"Z_real_ohm ({u:.6g} V)": Z.real, f"Z_imag_ohm ({u:.6g} V)": Z.imag}
    return columns


def root_locus_data(curves: WindowCurves) -> Columns:
    """Eigenvalues along the bias."""
    columns = {"u_V": curves.steady.u}
    for number, values in enumerate(curves.steady.eigenvalues.T, start=1):
        columns |= {f"real_{number}_1/s": values.real, f"imag_{number}_1/s": values.imag}
    return columns


def time_courses_data(curves: WindowCurves) -> Columns:
    """Courses after the source is switched on."""
    unit = "A" if curves.circuit.control == "current" else "V"
    courses = {f"u_V (source {one:.6g} {unit})": u for one, u in curves.courses.items() if u is not None}
    return {"time_s": curves.time, **courses}


def load_map_data(regions: RegionMap) -> Columns:
    """The boundary of oscillation: for each junction voltage the least load that is unstable, ohm."""
    unstable = regions.region == 2
    least = np.where(unstable.any(axis=0), regions.y[np.argmax(unstable, axis=0)], np.nan)
    return {"u_V": regions.x, "least_unstable_load_ohm": least}


def gain_map_data(gains: GainMap) -> Columns:
    """The device and its 95 % ellipse."""
    x, y = gains.ellipse or (np.array([gains.device[0]]), np.array([gains.device[1]]))
    return {gains.map.x_name: x, gains.map.y_name: y}
