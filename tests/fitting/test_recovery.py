"""Devices that the fit has never seen: small editions of benchmarks/recovery.py and benchmarks/family.py."""

from dataclasses import replace

import pytest

recovery = pytest.importorskip("recovery", reason="benchmarks/recovery.py is not beside the tests")

family = pytest.importorskip("family", reason="benchmarks/family.py is not beside the tests")

SMALL = {"frequencies": 16, "samples": 60}
FEWER = {
    "full": {"spectra": 5, "loops": 2, "pulses": 2},
    "reduced": {},
    "spectra": {},
    "pulses": {"pulses": 2, "samples": 120},
    "dirty": {"spectra": 5},
}
ELSEWHERE = 2.0
"""Excess of chi2 that is another minimum, and not a search that stopped a sixth of a standard error short."""
COUNTS = {"full": 10, "reduced": 9, "spectra": 9, "pulses": 3, "dirty": 3}


@pytest.mark.parametrize("name", COUNTS)
def test_global_minimum_without_starting_values(name):
    case = replace(recovery.CASES[name], **{**SMALL, **FEWER[name]}, within=None)
    outcomes = [recovery.run(case, seed) for seed in range(COUNTS[name])]
    failed = [(o.seed, o.excess, o.status) for o in outcomes if not o.excess < ELSEWHERE]
    assert failed == []
    assert sum(o.status == "ok" for o in outcomes) >= 0.8 * len(outcomes)


@pytest.mark.parametrize(
    ("member", "seed"),
    [
        pytest.param("leak", 38, id="first values of a channel that is a leak"),
        pytest.param("photocurrent", 20, id="of one that is light"),
        pytest.param("activation_time", 46, id="an oscillation a period behind"),
        pytest.param("activation_time", 69, id="one that is sampled twice a period"),
    ],
)
def test_members_whose_first_values_mislead(member, seed):
    outcome = family.run(member, seed)
    assert outcome.excess < family.WORSE
    assert outcome.status == "ok"
