"""Tables of one circuit: their numbers are those of the analysis, in the units of the table of parameters."""

import numpy as np
import pytest

from memfit.analysis.stability import Circuit, assess, stability_at
from memfit.fitting import CircuitStability
from memfit.model import Parameters
from memfit.reporting.content import Panels, Table
from memfit.reporting.stability.page import circuit_blocks

P = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k")
LOG = tuple(name for name in NAMES if name != "V_T")
CURRENT = Circuit(control="current")
COVARIANCE = np.diag(np.square([0.02, 0.02, 0.02, 1e-3, 0.02, 0.02, 0.02]))


@pytest.fixture(scope="module")
def blocks():
    block = assess(P, CURRENT, COVARIANCE, NAMES, LOG)
    return circuit_blocks("current", block, CURRENT, P, None, with_loads=False)


def table(blocks, key):
    (found,) = [block for block in blocks if isinstance(block, Table) and block.key == f"{key}_current"]
    return found


def test_every_table_of_an_oscillating_device(blocks):
    keys = [block.key for block in blocks if isinstance(block, Table)]
    assert keys == [f"{key}_current" for key in ("margins", "hopf", "recipe", "nearest", "cycle")]
    assert isinstance(blocks[-1], Panels)
    for block in blocks[:-1]:
        assert all(len(row) == len(block.columns) for row in block.rows)


def test_hopf_points_have_intervals(blocks):
    first, second = table(blocks, "hopf").rows
    assert (first[0], second[0]) == ("1", "2")
    assert "(" in first[1]
    assert " to " in first[2]
    assert first[-1] == "supercritical"


def test_the_recipe_says_what_would_stop_it(blocks):
    found = table(blocks, "recipe")
    rows = {row[0]: row for row in found.rows}
    assert "stop it" in found.caption
    assert {"R_shunt", "C_external"} <= set(rows)
    assert rows["i_c0"][2] == "900 µA"
    assert rows["tau_d"][2].endswith(" ms")
    assert rows["R_shunt"][2] == "none"


def test_margins_below_one_have_their_probability(blocks):
    rows = {row[0]: row[1:] for row in table(blocks, "margins").rows}
    assert rows["Probability that it oscillates"][0] == "above 0.999"
    assert rows["Phase margin"][0].endswith("°")
    assert " to " in rows["Gain margin"][1]
    assert "Window of oscillation in u" in rows


def test_a_bias_that_was_asked_for():
    at = stability_at(P, CURRENT, 0.5, "voltage").to_dict()
    block = CircuitStability(verdict="undetermined", at=at)
    (found,) = circuit_blocks("current", block, CURRENT, None, None, with_loads=False)
    rows = {row[0]: row[1] for row in found.rows}
    assert rows["Terminal voltage V"] == "0.5000 V"
    assert rows["Phase margin"] == "the loop gain is below 1"
    assert rows["Probability that it is unstable"] == "–"


def test_nothing_stands_where_nothing_can_oscillate():
    flat = P.replace(tau_k=0.0)
    assert circuit_blocks("current", assess(flat, CURRENT), CURRENT, flat, None, with_loads=True) == ()
