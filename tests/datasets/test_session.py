"""When records were measured."""

from dataclasses import replace

import numpy as np
import pytest

from memfit.datasets import Device, IVSweep, in_session, times_of_session
from memfit.errors import InputError


def device(*starts, **more):
    """Sweeps that say when they began, or nothing."""
    records = tuple(
        IVSweep(
            name=f"s{k}",
            voltage=np.array([0.0, 1.0]),
            current=np.array([0.0, 1.0]),
            metadata={"start": start} if start else {},
        )
        for k, start in enumerate(starts)
    )
    return Device(name="d", records=records, **more)


def test_seconds_since_the_first_where_all_say_when_they_began():
    found = in_session(device("2026-11-28T20:15:30", "2026-11-28T20:15:00", "2026-11-28 21:15:00.5"))
    assert [record.session for record in found.records] == [30.0, 0.0, 3600.5]
    assert found.notes == ()


def test_else_the_order_which_is_said():
    found = in_session(device("", "", ""))
    assert [record.session for record in found.records] == [0.0, 1.0, 2.0]
    assert "counts per record" in found.notes[0]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (device("2026-11-28T20:15:30", ""), "s1 does not say it"),
        (device("", "", ordered=False), r"list the files as \[\[measurement\]\] in device.toml"),
        (device("yesterday"), "s0: expected the start as in .* found 'yesterday'"),
    ],
)
def test_what_is_not_known_is_asked_for(made, words):
    with pytest.raises(InputError, match=words):
        in_session(made)


def test_a_session_changes_nothing_else():
    made = device("", "")
    assert [replace(r, session=0.0).points for r in in_session(made).records] == [2, 2]


def test_times_are_told_as_far_as_they_are_known():
    times, unit = times_of_session(device("2026-11-28T20:15:30", "2026-11-28T20:15:00"))
    assert (times.tolist(), unit) == ([30.0, 0.0], "s")
    times, unit = times_of_session(device("", "", ""))
    assert (times.tolist(), unit) == ([0.0, 1.0, 2.0], "records")
    assert times_of_session(device("2026-11-28T20:15:30", "")) is None
    assert times_of_session(device("", "", ordered=False)) is None
