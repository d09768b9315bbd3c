"""Records of what a fit knows: JSON there and back, and the view by keys that JSON has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import InputError
from memfit.fitting.results.findings import (
    CircuitStability,
    HopfEstimate,
    NearestBoundary,
    Profile,
    SampleSet,
)
from memfit.fitting.serialise import from_plain, to_plain

NUMBER = st.floats(-1e12, 1e12)
INTERVAL = st.none() | st.tuples(NUMBER, NUMBER)
POINT = st.builds(
    HopfEstimate,
    u=NUMBER,
    V=NUMBER,
    I=NUMBER,
    omega=NUMBER,
    frequency_Hz=NUMBER,
    criticality=st.sampled_from(["supercritical", "subcritical"]),
    u_ci95=INTERVAL,
    frequency_ci95_Hz=INTERVAL,
    u_by=st.sampled_from(["", "profile"]),
)
STABILITY = st.builds(
    CircuitStability,
    verdict=st.sampled_from(["oscillates", "near", "stable", "undetermined"]),
    message=st.text(max_size=10),
    probability_oscillates=st.none() | st.floats(0.0, 1.0),
    hopf_points=st.lists(POINT, max_size=2).map(tuple),
    gain_margin_min=st.none() | NUMBER,
    gain_margin_ci95=INTERVAL,
    changes_to_hopf=st.dictionaries(st.sampled_from(["R_b", "C_m"]), st.none() | NUMBER),
    uncertainty_from=st.sampled_from(["", None, "covariance", "posterior"]),
)


@given(STABILITY)
def test_json_there_and_back_is_identity(known):
    text = json.dumps(to_plain(known), allow_nan=False)
    assert from_plain(CircuitStability, json.loads(text)) == known


@given(STABILITY)
def test_keys_and_values_are_those_of_json(known):
    plain = to_plain(known)
    assert dict(known) == plain
    assert (len(known), list(known)) == (len(plain), list(plain))
    assert known.get("verdict") == known.verdict
    assert known.get("no such key") is None


def test_what_was_not_said_is_left_out_and_what_is_none_is_not():
    plain = to_plain(CircuitStability(verdict="stable"))
    assert not {"uncertainty_from", "gain_margin_by", "at"} & set(plain)
    assert plain["nearest_boundary"] == {"decades": None, "standard_errors": None}
    said = to_plain(CircuitStability(verdict="stable", uncertainty_from=None, at=None))
    assert (said["uncertainty_from"], said["at"]) == (None, None)


def test_a_block_of_an_older_program_takes_defaults():
    known = from_plain(CircuitStability, {"verdict": "near", "gain_margin_ci95": [0.9, 1.2]})
    assert known.gain_margin_ci95 == (0.9, 1.2)
    assert known.nearest_boundary == NearestBoundary()
    assert known.hopf_points == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "fine"}, "current.verdict: expected one of 'oscillates', 'near'"),
        ({"gain_margin_min": "low"}, 'current.gain_margin_min: expected a number, found "low"'),
        ({"gain_margin_ci95": [1.0]}, "current.gain_margin_ci95: expected a list of 2, found"),
        ({"hopf_points": [{"u": 1.0}]}, "current.hopf_points[0].V is missing"),
    ],
)
def test_a_damaged_block_is_named_with_its_place(change, said):
    with pytest.raises(InputError) as caught:
        from_plain(CircuitStability, {"verdict": "near", **change}, "current")
    assert str(caught.value).startswith(said)


def test_a_sample_gives_its_columns():
    sample = SampleSet(
        kind="residual",
        status="ok",
        message="",
        seed=1,
        requested=2,
        failed=0,
        names=("R_b", "C_m"),
        samples=((1.0, 2.0), (3.0, 4.0)),
        estimates={},
    )
    assert sample.column("C_m").tolist() == [2.0, 4.0]
    assert not sample.column("C_m").flags.writeable
    assert from_plain(SampleSet, json.loads(json.dumps(to_plain(sample)))) == sample


def test_an_interval_of_a_profile_may_be_open():
    profile = Profile(
        unit="ohm",
        best=1.0,
        ci95=(0.5, None),
        linear_ci95=None,
        kind="bounded_below",
        threshold=3.84,
        logarithmic=True,
        value=(0.5, 1.0),
        rise=(3.84, 0.0),
        slope=(-7.0, 0.0),
        linear_error=None,
        complete=True,
        agrees=False,
        message="",
    )
    plain = json.loads(json.dumps(to_plain(profile)))
    assert plain["ci95"] == [0.5, None]
    assert from_plain(Profile, plain) == profile
