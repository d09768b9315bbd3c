"""Maps of the Spike screen: what a device does over bias and load, its gain margin over two parameters."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from memfit.app.pictures import INK, Figure, axis, figure, plain
from memfit.app.words import WORDS
from memfit.arrays import FloatArray
from memfit.errors import MemfitError
from memfit.model import Parameters
from memfit.reporting.content import SYMBOLS
from memfit.reporting.numbers import scale_for

if TYPE_CHECKING:
    from memfit.reporting.figures.stability import Dynamics

_WIDE = 6.0
"""Ratio of the ends of an axis of a map from which it is logarithmic."""
_NEITHER, _RINGS, _OSCILLATES = "#ffffff", "#d5e6f3", "#f6d6b8"
_REGIONS = [
    [0.0, _NEITHER],
    [0.33, _NEITHER],
    [0.34, _RINGS],
    [0.66, _RINGS],
    [0.67, _OSCILLATES],
    [1.0, _OSCILLATES],
]
"""Neither, rings, oscillates: as in the report."""


def nothing() -> Figure:
    """A figure that says why there is none."""
    made = figure([], axis(""), axis(""))
    made["layout"]["annotations"] = [
        {
            "text": WORDS["spike_nothing"],
            "showarrow": False,
            "xref": "paper",
            "yref": "paper",
            "x": 0.5,
            "y": 0.5,
        }
    ]
    made["layout"]["xaxis"]["visible"] = made["layout"]["yaxis"]["visible"] = False
    return made


def curve(x: FloatArray, y: FloatArray, colour: str, name: str, dash: str = "solid") -> dict[str, Any]:
    """A line with its name under the pointer.

    Parameters
    ----------
    x, y : (n,) arrays
    colour, name, dash : str
    """
    return {
        "type": "scatter",
        "mode": "lines",
        "x": plain(x),
        "y": plain(y),
        "name": name,
        "line": {"color": colour, "width": 1.8, "dash": dash},
        "hovertemplate": f"{name}<br>%{{x:.4g}}, %{{y:.4g}}<extra></extra>",
    }


@lru_cache(maxsize=8)
def _regions(p: Parameters, circuit: Any) -> Any:
    """The regions of a device, which only a capacitance changes."""
    from memfit.reporting.stability import curves

    return curves.load_map(p, circuit)


def load_map(p: Parameters, circuit: Any, dynamics: "Dynamics | None") -> Figure:
    """What the device does over bias and load of a voltage source, with the circuit on it."""
    from memfit.analysis.stability import Circuit

    regions = _regions(p, Circuit(control="voltage", external_capacitance=circuit.external_capacitance))
    traces: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "x": plain(regions.x),
            "y": plain(regions.y),
            "z": regions.region.tolist(),
            "zmin": 0,
            "zmax": 2,
            "colorscale": _REGIONS,
            "showscale": False,
            "hovertemplate": "u %{x:.3g} V, load %{y:.3g} Ω<extra></extra>",
        }
    ]
    if dynamics is not None and circuit.control == "voltage":
        load = min(max(circuit.load, float(regions.y[0])), float(regions.y[-1]))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": plain(dynamics.critical.u[:1]),
                "y": [load],
                "name": "this circuit",
                "marker": {"size": 11, "color": "white", "line": {"color": INK, "width": 2}},
            }
        )
    made = figure(traces, axis("u (V)"), axis("Load (Ω)", log=True))
    made["layout"]["annotations"] = [
        {
            "text": "orange: oscillates, blue: rings",
            "xref": "paper",
            "yref": "paper",
            "x": 0.02,
            "y": 0.98,
            "showarrow": False,
        }
    ]
    return made


def _written(name: str) -> str:
    """The symbol of a quantity on an axis."""
    symbol = SYMBOLS[name]
    return f"{symbol.base}<sub>{symbol.index}</sub>" if symbol.index else symbol.base


def margin_map(result: Any, p: Parameters, circuit: Any) -> Figure:
    """Smallest gain margin over the two parameters that move it most, with the device and what a fit knows.

    Parameters
    ----------
    result : FitResult or None
        Of which these are the parameters.
    p : Parameters
    circuit : Circuit
    """
    from memfit.analysis.stability import uncertainty_of
    from memfit.reporting.figures.stability import AXIS_UNITS, LOG_MARGINS, MARGIN_COLOURS, MARGIN_WORDS
    from memfit.reporting.stability.curves import gain_map

    known = None
    if result is not None and result.covariance:
        known = uncertainty_of(p, result.covariance, result.covariance_names, result.logarithmic)
    if p.parts or circuit.pins_voltage(p):
        return nothing()
    try:
        found = gain_map(p, circuit, known)
    except MemfitError:
        return nothing()
    (fx, ux), (fy, uy) = (
        scale_for(float(values[-1]), AXIS_UNITS[name])
        for name, values in ((found.map.x_name, found.map.x), (found.map.y_name, found.map.y))
    )
    band, last = np.digitize(found.map.log_gain_margin, LOG_MARGINS), len(MARGIN_COLOURS) - 1
    edges = np.linspace(0.0, 1.0, last + 2)
    colours = [
        [float(end), c] for c, *ends in zip(MARGIN_COLOURS, edges, edges[1:], strict=False) for end in ends
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "x": plain(fx * found.map.x),
            "y": plain(fy * found.map.y),
            "z": band.tolist(),
            "text": [[MARGIN_WORDS[k] for k in row] for row in band.tolist()],
            "zmin": -0.5,
            "zmax": last + 0.5,
            "colorscale": colours,
            "showscale": False,
            "hovertemplate": f"%{{x:.3g}} {ux}, %{{y:.3g}} {uy}: gain margin %{{text}}<extra></extra>",
        }
    ]
    if found.ellipse is not None:
        traces.append(curve(fx * found.ellipse[0], fy * found.ellipse[1], INK, "95 % of the fit"))
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [fx * found.device[0]],
            "y": [fy * found.device[1]],
            "name": "this device",
            "marker": {"size": 11, "color": "white", "line": {"color": INK, "width": 2}},
        }
    )
    axes = [
        axis(f"{_written(name)} ({unit})", log=bool(values[-1] > _WIDE * values[0]))
        for name, values, unit in ((found.map.x_name, found.map.x, ux), (found.map.y_name, found.map.y, uy))
    ]
    made = figure(traces, *axes)
    made["layout"]["annotations"] = [
        {
            "text": WORDS["spike_margins"],
            "xref": "paper",
            "yref": "paper",
            "x": 0.02,
            "y": 0.98,
            "showarrow": False,
        }
    ]
    return made
