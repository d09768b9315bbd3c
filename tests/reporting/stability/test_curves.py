"""Curves and maps of a device in a circuit: against the exact boundary, and that figures draw any of them."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memfit.analysis.stability import Circuit, uncertainty_of, values_to_hopf
from memfit.confidence import chi2_quantile
from memfit.model import Parameters
from memfit.reporting.figures.stability import attracts
from memfit.reporting.stability.curves import (
    dynamics_of,
    gain_map,
    load_map,
    load_map_data,
    most_influential,
)
from memfit.reporting.stability.page import branch_panels, map_panels

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
STABLE = P.replace(i_c0=1e-5)
CURRENT = Circuit(control="current")
LOADED = Circuit(control="voltage", load=1e6, external_capacitance=1e-8)
NAMES = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")


def known(sigmas):
    return uncertainty_of(P, np.diag(np.square(sigmas)), NAMES, NAMES)


@pytest.mark.parametrize("circuit", [CURRENT, LOADED])
def test_the_window_is_shown_with_the_cycle_inside(circuit):
    found = dynamics_of(P, circuit)
    low, high = found.diagram.hopf_points
    assert found.steady.u[0] < low.u < float(found.critical.u[0]) < high.u < found.steady.u[-1]
    assert found.cycle.u[0] < float(found.critical.u[0]) < found.cycle.u[1]
    assert found.cycle.source == pytest.approx(float(found.critical.source[0]), rel=1e-9)
    assert found.start_up > 0.0
    assert all(attracts(cycle) for cycle in found.diagram.cycles)  # both Hopf points are supercritical


def test_nothing_to_show_where_nothing_can_oscillate():
    assert dynamics_of(P.replace(tau_k=0.0), CURRENT) is None
    assert dynamics_of(P.replace(R_s=0.0), Circuit(control="voltage")) is None
    found = dynamics_of(STABLE, CURRENT)
    assert (found.cycle, found.start_up, branch_panels(found)) == (None, None, ())


def test_the_map_of_loads_begins_to_oscillate_at_the_exact_load():
    exact = values_to_hopf(P, Circuit(control="voltage"))["R_load"]
    least = np.nanmin(load_map_data(load_map(P, CURRENT))["least_unstable_load_ohm"])
    assert exact < least < 1.15 * exact  # one row of the map, and one column beside the tip


def test_the_map_of_loads_counts_a_capacitance_across_the_device():
    circuit = Circuit(external_capacitance=1e-6)
    exact = values_to_hopf(P, Circuit(control="voltage", external_capacitance=1e-6))["R_load"]
    least = np.nanmin(load_map_data(load_map(P, circuit))["least_unstable_load_ohm"])
    assert exact < least < 1.15 * exact


def test_the_ellipse_holds_95_percent_of_the_devices(rng):
    uncertainty = known([0.1, 0.01, 0.2, 0.01, 0.01, 0.01])
    found = gain_map(P, CURRENT, uncertainty)
    assert {found.map.x_name, found.map.y_name} == {"R_b", "i_c0"}
    drawn = {"R_b": 0.1, "i_c0": 0.2}
    radii = [
        np.log(outline / device) / drawn[name]
        for outline, device, name in zip(
            found.ellipse, found.device, (found.map.x_name, found.map.y_name), strict=True
        )
    ]
    assert np.hypot(*radii) == pytest.approx(np.sqrt(chi2_quantile(2)))
    assert np.mean(np.sum(rng.standard_normal((40000, 2)) ** 2, axis=1) < chi2_quantile(2)) == pytest.approx(
        0.95, abs=0.005
    )
    assert found.map.x[0] < found.ellipse[0].min() < found.ellipse[0].max() < found.map.x[-1]
    assert found.map.y[0] < found.ellipse[1].min() < found.ellipse[1].max() < found.map.y[-1]


def test_influence_is_weighed_by_what_is_known():
    assert most_influential(P, CURRENT, known([1e-6, 0.3, 1e-6, 1e-6, 0.2, 1e-6])) == ("C_m", "tau_d")
    assert set(most_influential(P, CURRENT, None)) <= {"R_b", "i_c0", "V_m"}
    partly = uncertainty_of(P, np.diag([0.01, 0.04]), ("tau_d", "V_T"), ("tau_d",))
    assert most_influential(P, CURRENT, partly)[0] == "tau_d"
    assert gain_map(P, CURRENT, partly).ellipse is None  # the other axis was not fitted


@pytest.mark.parametrize("p", [P, STABLE, P.replace(i_c0=P.i_c0 * 1e3)])
@pytest.mark.parametrize("circuit", [CURRENT, LOADED])
@pytest.mark.parametrize("uncertainty", [None, known([0.1] * 6)])
def test_every_figure_can_be_drawn(p, circuit, uncertainty):
    found = dynamics_of(p, circuit)
    panels = (*branch_panels(found), *map_panels(p, circuit, uncertainty))
    assert "load_map" in [panel.key for panel in panels]
    for panel in panels:
        figure = Figure(figsize=(3.3, 2.4))
        canvas = FigureCanvasAgg(figure)
        panel.draw(figure)
        canvas.draw()
        assert figure.axes[0].get_xlabel()
        assert circuit.name in panel.caption or panel.key == "load_map"
