"""Distributions and maps of figures of merit over devices."""

import numpy as np

from memfit.analysis.figures_of_merit.conditions import Conditions, stated
from memfit.model import Parameters
from memfit.reporting.distributions import conditions_words, distribution_panels

VALUE = np.array([0.61, 0.58, np.nan, 0.65])
PLACES = [{"x": float(k), "y": 0.0} for k in range(4)]


def test_a_distribution_and_a_map_for_each_figure():
    figures = {"V_set": (VALUE, 0.99 * VALUE, 1.01 * VALUE), "on_off": (VALUE, VALUE, VALUE)}
    panels = list(distribution_panels(figures, PLACES, "At 1 V."))
    assert [panel.key for panel in panels] == [
        "distribution_V_set", "wafer_V_set", "distribution_on_off", "wafer_on_off",
    ]  # fmt: skip
    assert "3 devices" in panels[0].caption
    assert panels[0].caption.endswith("At 1 V.")
    np.testing.assert_array_equal(panels[0].data["value"], VALUE)


def test_no_map_without_places_and_nothing_of_two_devices():
    none = [{}] * 4
    assert len(list(distribution_panels({"V_set": (VALUE, VALUE, VALUE)}, none, ""))) == 1
    few = np.array([1.0, 2.0, np.nan, np.nan])
    assert list(distribution_panels({"V_set": (few, few, few)}, PLACES, "")) == []


def test_conditions_in_words():
    p = Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2)
    said = conditions_words(stated(Conditions(amplitude=0.9, read=0.2, rate=0.1), p, ()))
    assert said.startswith("amplitude 0.9 V, read at 0.2 V, scan rate 100 mV/s")
