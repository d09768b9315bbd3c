"""The stability report: a section a circuit with verdict, numbers and figures, then the data alone.

Made from the `CircuitStability` of each circuit and from the model's own curves. The terminal and the page
of `memfit stability` are both written from it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from memfit.analysis.stability import CHANGEABLE, Circuit, Uncertainty
from memfit.arrays import FloatArray
from memfit.datasets import PulseTransient
from memfit.fitting import CircuitStability
from memfit.model import Parameters
from memfit.reporting.content import (
    FIGURE_WORDS,
    HEADINGS,
    SENTENCES,
    TABLE_CAPTIONS,
    Block,
    Bullets,
    Panel,
    Panels,
    Paragraph,
    Report,
    Section,
    Table,
    capitalised,
    meaning,
    table_of,
)
from memfit.reporting.figures.stability import (
    AXIS_UNITS,
    Dynamics,
    attracts,
    bifurcation_figure,
    coefficients_figure,
    frequency_figure,
    gain_map_figure,
    load_map_figure,
    root_locus_figure,
    time_courses_figure,
    window_spectra_figure,
)
from memfit.reporting.fit.curves import coefficients_data
from memfit.reporting.fit.summary import error_of
from memfit.reporting.numbers import MISSING, interval, quantity, quantity_digits, span
from memfit.reporting.stability.curves import (
    branch_data,
    dynamics_of,
    gain_map,
    gain_map_data,
    load_map,
    load_map_data,
    root_locus_data,
    time_courses_data,
    window_curves,
    window_spectra_data,
)
from memfit.reporting.stability.evidence import Spectra, evidence_blocks

_HEIGHT = 62.0
_FAR = float(np.log(100.0))  # gain margins beyond are all alike
_WIDE = 20.0  # ratio of the ends of an interval from which each has its own digits
_CERTAIN = 10.0  # standard errors
_LENGTHS = {"decades": "decades", "standard_errors": "standard errors"}
Draw = Callable[[Figure], None]
"""Draws into an empty figure."""


def circuit_blocks(
    name: str,
    block: CircuitStability,
    circuit: Circuit,
    p: Parameters | None,
    known: Uncertainty | None,
    *,
    with_loads: bool,
    axes: tuple[str, str] | None = None,
) -> tuple[Block, ...]:
    """Everything behind the verdict on one circuit; nothing where that is left open or nothing can oscillate.

    Parameters
    ----------
    name : str
        Of the circuit, put into the keys of tables and figures.
    block : CircuitStability
    circuit : Circuit
    p : Parameters or None
        None where the data do not determine them all.
    known : Uncertainty or None
        The covariance of the fit, for the ellipse.
    with_loads : bool
        Whether the map over bias and load, which is the same for every circuit, stands here.
    axes : two str, optional
        Of the map over parameters; by default the two that matter most.
    """
    dynamics = (
        None if block.verdict == "undetermined" or block.measured or p is None else dynamics_of(p, circuit)
    )
    at = _at_table(name, block.at) if block.at else None
    if dynamics is None:
        return () if at is None else (at,)
    tables = (
        _margins_table(name, block, dynamics),
        at,
        _hopf_points_table(name, block),
        _recipe_table(name, block, dynamics),
        _nearest_table(name, block),
        _cycle_table(name, dynamics),
    )
    panels = (
        *branch_panels(dynamics, f"{name}_"),
        *_window_panels(dynamics, f"{name}_"),
        *map_panels(dynamics.parameters, circuit, known, f"{name}_", with_loads=with_loads, axes=axes),
    )
    return (*(table for table in tables if table is not None), Panels(panels))


def _items(key: str, name: str, values: Mapping[str, str], intervals: Mapping[str, str]) -> Table:
    """A table of single values, some of them with an interval."""
    rows = [(item, value, intervals.get(item, MISSING)) for item, value in values.items()]
    return table_of(key, ("item", "estimate", "interval"), rows, name=f"{key}_{name}")


def _ci(bounds: Sequence[float] | None, unit: str = "1") -> str:
    """A 95 % interval, each end with its own digits where it is wide; a dash where there is none."""
    if bounds is None:
        return MISSING
    low, high = bounds
    if low > 0.0 and high > _WIDE * low:
        return f"{quantity_digits(low, unit)} to {quantity_digits(high, unit)}"
    return interval((low, high), unit)


def _turning(frequency: float) -> str:
    """Frequency of a complex pair of eigenvalues."""
    return quantity_digits(frequency, "Hz") if frequency > 0.0 else "none: all are real"


def _phase(margin: float | None) -> str:
    """A phase margin, degrees."""
    return "the loop gain is below 1" if margin is None or margin >= 360.0 else f"{quantity_digits(margin)}°"


def _chance(probability: float | None) -> str:
    """A probability as the verdict says it."""
    if probability is None:
        return MISSING
    if probability < 1e-3:
        return "below 0.001"
    return "above 0.999" if probability > 0.999 else quantity_digits(probability)


def _margins_table(name: str, block: CircuitStability, dynamics: Dynamics) -> Table:
    """Margins of the loop at the most critical bias, width of the window, probability."""
    critical = dynamics.critical
    values = {
        "Most critical bias u": quantity(block.at_u, "V"),
        "Source there": quantity(float(critical.source[0]), dynamics.source_unit),
        "Gain margin": quantity(block.gain_margin_min),
        "Phase margin": _phase(float(critical.phase_margin[0])),
        "Damping ratio": quantity_digits(float(critical.damping_ratio[0])),
        "Frequency of the eigenvalue": _turning(float(critical.frequency_Hz[0])),
    }
    intervals = {"Gain margin": _ci(block.gain_margin_ci95)}
    if block.window_u is not None:
        values["Window of oscillation in u"] = quantity(block.window_u, "V")
        intervals["Window of oscillation in u"] = _ci(block.window_u_ci95, "V")
    values["Probability that it oscillates"] = _chance(block.probability_oscillates)
    return _items("margins", name, values, intervals)


def _at_table(name: str, at: Mapping[str, Any]) -> Table:
    """The steady state at the bias that was asked for."""
    rate = abs(at["eigenvalues"][0][0])
    values = {
        "Terminal voltage V": quantity_digits(at["V"], "V", 4),
        "Current": quantity_digits(at["I"], "A", 4),
        "Voltage u across the junction": quantity_digits(at["u"], "V", 4),
        "Steady state": at["kind"],
        "Gain margin": quantity(at["gain_margin"]),
        "Phase margin": _phase(at["phase_margin_degrees"]),
        "Damping ratio": quantity_digits(at["damping_ratio"]),
        "Frequency of the eigenvalue": _turning(at["frequency_Hz"]),
        "A deviation changes e-fold in": quantity_digits(1.0 / rate if rate else None, "s"),
        "Probability that it is unstable": _chance(at["probability_unstable"]),
    }
    return _items("at", name, values, {"Gain margin": _ci(at["gain_margin_ci95"])})


def _hopf_points_table(name: str, block: CircuitStability) -> Table | None:
    """The Hopf points with their intervals; None where there are none."""
    rows = [
        (
            str(number),
            quantity(point.u, "V", error_of(point.u_ci95)),
            _ci(point.u_ci95, "V"),
            quantity_digits(point.V, "V", 4),
            quantity_digits(point.I, "A", 4),
            quantity(point.frequency_Hz, "Hz", error_of(point.frequency_ci95_Hz)),
            _ci(point.frequency_ci95_Hz, "Hz"),
            point.criticality or MISSING,
        )
        for number, point in enumerate(block.hopf_points, start=1)
    ]
    keys = ("hopf", "u", "interval", "V", "I", "frequency", "interval", "criticality")
    return table_of("hopf", keys, rows, name=f"hopf_{name}") if rows else None


def _recipe_table(name: str, block: CircuitStability, dynamics: Dynamics) -> Table:
    """What brings the device to the boundary, one quantity at a time."""
    p, circuit = dynamics.parameters, dynamics.circuit
    changeable = [*CHANGEABLE, *(key for key in p.as_dict() if key in block.changes_to_hopf and p.parts)]
    present: dict[str, float] = {key: getattr(p, key) for key in dict.fromkeys(changeable)}
    present |= dict(zip(circuit.added, (circuit.load, circuit.external_capacitance), strict=True))
    rows = []
    for key, now in present.items():
        unit, factor, value = AXIS_UNITS[key], block.changes_to_hopf.get(key), block.values_to_hopf.get(key)
        value = now * factor if value is None and factor is not None else value
        wanted = SENTENCES["no_value"] if value is None else quantity_digits(value, unit)
        times = MISSING if factor is None else f"× {quantity_digits(factor)}"
        rows.append((key, meaning(key), quantity_digits(now, unit) if now else "none", times, wanted))
    oscillates = (block.gain_margin_min or 2.0) < 1.0
    caption = TABLE_CAPTIONS["recipe_quiet" if oscillates else "recipe_spike"]
    columns = ("symbol", "meaning", "now", "factor", "boundary")
    return table_of("recipe", columns, rows, name=f"recipe_{name}", caption=caption)


def _distance(measure: str, size: float) -> str:
    """A distance in words; so many standard errors that their number says no more are more than ten."""
    if measure == "standard_errors" and size > _CERTAIN:
        return f"more than {_CERTAIN:g} {_LENGTHS[measure]}"
    return f"{quantity_digits(size)} {_LENGTHS[measure]}"


def _nearest_table(name: str, block: CircuitStability) -> Table | None:
    """The nearest point of the boundary when all parameters change together; None where there is none."""
    nearest = block.nearest_boundary
    ways = {"decades": nearest.decades, "standard_errors": nearest.standard_errors}
    known = {key: way for key, way in ways.items() if way is not None}
    distances = [_distance(key, way.distance) for key, way in known.items()]
    rows = [("distance", *distances)]
    rows += [
        (parameter, *(f"× {quantity_digits(way.factors[parameter])}" for way in known.values()))
        for parameter in CHANGEABLE
    ]
    return table_of("nearest", ("symbol", *known), rows, name=f"nearest_{name}") if known else None


def _cycle_table(name: str, dynamics: Dynamics) -> Table | None:
    """The limit cycle at the most critical bias, and what the branch spans; None where nothing oscillates."""
    cycle, diagram, unit = dynamics.cycle, dynamics.diagram, dynamics.source_unit
    if not diagram.cycles:
        return None
    rows: dict[str, str] = {}
    if cycle is not None:
        rows |= {
            "Source": quantity_digits(cycle.source, unit, 4),
            "Period": quantity_digits(cycle.period, "s", 4),
            "Frequency": quantity_digits(cycle.frequency_Hz, "Hz", 4),
            "u": span(*cycle.u, "V", 4),
            "V": span(*cycle.V, "V", 4),
            "Channel current": span(*cycle.i_c, "A", 4),
            "Largest Floquet multiplier": quantity_digits(abs(cycle.multipliers[0])),
            "Energy per period": quantity_digits(cycle.energy, "J"),
        }
    if dynamics.from_rest is not None:
        rows["Start-up from rest"] = quantity_digits(dynamics.from_rest, "s")
    if dynamics.start_up is not None:
        rows["Growth a thousandfold from the steady state"] = quantity_digits(dynamics.start_up, "s")
    stable = [one for one in diagram.cycles if attracts(one)]
    if stable:
        sources, frequencies = [one.source for one in stable], [one.frequency_Hz for one in stable]
        rows |= {
            "Stable from source": span(min(sources), max(sources), unit, 4),
            "Frequencies through the window": span(min(frequencies), max(frequencies), "Hz"),
            "Largest swing of u": quantity_digits(max(one.u[1] - one.u[0] for one in stable), "V"),
            "Largest swing of V": quantity_digits(max(one.V[1] - one.V[0] for one in stable), "V"),
        }
    if diagram.folds or len(stable) < len(diagram.cycles):
        rows["Hysteresis"] = "part of the branch is unstable: rest and oscillation exist side by side"
    if not diagram.complete:
        rows["Reservation"] = diagram.message
    return table_of("cycle", ("item", "content"), rows.items(), name=f"cycle_{name}")


def _panel(name: str, prefix: str, draw: Draw, data: Mapping[str, FloatArray], circuit: Circuit) -> Panel:
    """A figure with the words its name stands for."""
    words = FIGURE_WORDS[name]
    caption, alt = (text.format(circuit=circuit.name) for text in (words.caption, words.alt))
    return Panel(key=f"{prefix}{name}", draw=draw, caption=caption, alt=alt, height=_HEIGHT, data=data)


def branch_panels(dynamics: Dynamics, prefix: str = "") -> tuple[Panel, ...]:
    """Bifurcation diagram and frequency, where the device oscillates."""
    if not dynamics.diagram.cycles:
        return ()
    data = branch_data(dynamics)
    draws = {"bifurcation": bifurcation_figure, "cycle_frequency": frequency_figure}
    return tuple(
        _panel(name, prefix, partial(draw, found=dynamics), data, dynamics.circuit)
        for name, draw in draws.items()
    )


def _window_panels(dynamics: Dynamics, prefix: str = "") -> tuple[Panel, ...]:
    """Spectra, coefficients, eigenvalues, courses in time; nothing where the boundary is far off."""
    if float(np.log(dynamics.critical.gain_margin[0])) > _FAR:
        return ()
    curves, circuit = window_curves(dynamics), dynamics.circuit
    drawn: dict[str, tuple[Draw, Mapping[str, FloatArray]]] = {
        "window_spectra": (partial(window_spectra_figure, curves=curves), window_spectra_data(curves))
    }
    if curves.polynomial is not None:
        polynomial = partial(coefficients_figure, curves=curves.polynomial)
        drawn["circuit_coefficients"] = polynomial, coefficients_data(curves.polynomial)
    drawn["root_locus"] = partial(root_locus_figure, curves=curves), root_locus_data(curves)
    drawn["time_courses"] = partial(time_courses_figure, curves=curves), time_courses_data(curves)
    return tuple(_panel(name, prefix, draw, data, circuit) for name, (draw, data) in drawn.items())


def map_panels(
    p: Parameters,
    circuit: Circuit,
    known: Uncertainty | None,
    prefix: str = "",
    *,
    with_loads: bool = True,
    axes: tuple[str, str] | None = None,
) -> tuple[Panel, ...]:
    """Regions over bias and load where asked; gain margin over two parameters, unless far off throughout.

    Parameters
    ----------
    p : Parameters
    circuit : Circuit
    known : Uncertainty or None
        Of the fit: chooses the axes and their ranges, and draws the ellipse.
    prefix : str
        Of the names of the figures.
    with_loads : bool
        Whether to draw the map over bias and load.
    axes : pair of str, optional
        Names of the two parameters of the map of gain margins.
    """
    panels = []
    if with_loads:
        regions = load_map(p, circuit)
        draw: Draw = partial(load_map_figure, regions=regions)
        panels.append(_panel("load_map", prefix, draw, load_map_data(regions), circuit))
    if p.parts:  # whose margin is no function of a loop of three lags
        return tuple(panels)
    gains = gain_map(p, circuit, known, axes)
    if axes is not None or float(gains.map.log_gain_margin.min()) < _FAR:
        draw = partial(gain_map_figure, found=gains)
        panels.append(_panel("gain_map", prefix, draw, gain_map_data(gains), circuit))
    return tuple(panels)


def stability_report(
    title: str,
    blocks: Mapping[str, CircuitStability],
    circuits: Mapping[str, Circuit],
    p: Parameters | None,
    known: Uncertainty | None = None,
    *,
    spectra: Spectra = (),
    transients: Sequence[PulseTransient] = (),
    axes: tuple[str, str] | None = None,
    footer: str = "",
) -> Report:
    """The parts of the stability report.

    Parameters
    ----------
    title : str
        Name of the device.
    blocks : mapping of str to CircuitStability
        One entry a circuit.
    circuits : mapping of str to Circuit
        Those of the blocks.
    p : Parameters or None
        None where the data do not determine them all.
    known : Uncertainty, optional
        The covariance of the fit.
    spectra : sequence of (ImpedanceSpectrum, mask)
        Measured spectra with the points used, None for all.
    transients : sequence of PulseTransient
        Measured pulses.
    axes : two str, optional
        Of the map over parameters; by default the two that matter most.
    footer : str
        Made by what.
    """
    said = []
    for name, block in blocks.items():
        head = f"{capitalised(circuits[name].name)}: " if block.verdict == "undetermined" else ""
        said.append(f"{head}{block.message}")
    verdicts: list[Block] = [Bullets(tuple(dict.fromkeys(said)))]
    silent = [b for b in blocks.values() if b.probability_oscillates is None and not b.probability_reason]
    if any(b.gain_margin_min is not None for b in silent):
        verdicts.append(Paragraph(SENTENCES["no_covariance"]))
    sections = [Section("verdict", HEADINGS["verdict"], tuple(verdicts))]
    for place, (name, circuit) in enumerate(circuits.items()):
        behind = circuit_blocks(name, blocks[name], circuit, p, known, with_loads=place == 0, axes=axes)
        sections.append(Section(name, capitalised(circuit.name), behind))
    if p is not None:
        evidence = evidence_blocks(p, spectra, transients)
        sections.append(Section("evidence", HEADINGS["evidence"], evidence))
    return Report(
        title=title,
        subtitle=HEADINGS["stability"],
        answers=(),
        sections=tuple(section for section in sections if section.blocks),
        footer=footer,
        names=frozenset({title, *(s.name for s, _ in spectra), *(t.name for t in transients)} - {""}),
    )
