"""Values and bounds of parameters, held against the table."""

import math

import pytest

from memfit.model import PARAMETERS
from memfit.model.limits import beyond, setting_faults


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_bounds_of_the_table_are_within_themselves(name):
    row = PARAMETERS[name]
    low, high = row.bounds
    assert beyond(row, low) == beyond(row, high) == ""
    assert not setting_faults({}, {name: row.bounds}, {name: high})
    assert setting_faults({name: 3.0 * high}, {}, {})
    for value in (1e300, -1e300, math.nan, math.inf, -math.inf):
        if value != row.null:
            assert name in beyond(row, value, wide=True)
            assert setting_faults({name: value}, {}, {})
            assert setting_faults({}, {}, {name: value})
        assert setting_faults({}, {name: (value, 2.0 * value)}, {})


def test_a_time_of_zero_means_that_its_part_follows_at_once():
    assert beyond(PARAMETERS["tau_k"], 0.0) == ""
    assert setting_faults({"tau_k": 0.0}, {}, {})[0] == (
        "fix, tau_k",
        "tau_k must be greater than 0 s, found 0",
    )


def test_bounds_may_reach_beyond_the_table_and_a_start_then_too():
    assert not setting_faults({}, {"R_b": (1.0, 1e20)}, {"R_b": 1e16})
    assert setting_faults({}, {}, {"R_b": 1e16})
    assert setting_faults({"R_b": 1e16}, {}, {})
    assert "1e+24" in setting_faults({}, {"R_b": (1.0, 1e30)}, {})[0][1]


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ((0.1, 0.1), "lowest < highest"),
        ((0.1, 0.1 + 1e-16), "no width"),
        ((0.1, math.nextafter(0.1, 1.0)), "fix = { V_m = 0.1 }"),
        ((1e290, 1e300), "lies between 0.002 and 3 V"),
        ((0.0, 0.1), "0 < lowest"),
    ],
)
def test_bounds_that_are_none(bounds, said):
    ((place, sentence),) = setting_faults({}, {"V_m": bounds}, {})
    assert place == "bounds, V_m"
    assert said in sentence


def test_all_at_once():
    faults = setting_faults({"R_b": -1.0, "no": 1.0}, {"V_T": (0.8, 0.5)}, {"C_m": 0.0, "V_T": 0.6})
    assert [place for place, _ in faults] == ["fix, R_b", "start, C_m", "start, V_T", "bounds, V_T"]
