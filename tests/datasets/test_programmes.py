"""Programmes of pulses: the drive that was played, and when it was read."""

import numpy as np
import pytest

from memfit.datasets import SynapticCurve
from memfit.datasets.programmes import AT, PulseProgramme, at_reads, play, play_pairs
from memfit.errors import InputError

TRAIN = {"pulse": (1.0,), "width": (0.01,), "read": 0.1, "read_width": 0.02, "period": 1.0, "delay": 0.5}


def levels(drive, time):
    return drive.at(np.asarray(time)).tolist()


def test_a_train_is_pulses_and_reads():
    played = play(PulseProgramme(**TRAIN, count=(3,)), 3)
    assert played.time == pytest.approx([0.51 + AT * 0.02 + k for k in range(3)])
    assert levels(played.drive, played.time) == [0.1, 0.1, 0.1]
    assert levels(played.drive, [-0.0005, 0.005, 0.3, 0.52, 0.9, 1.005, 2.005, 2.9]) == [
        0,
        1,
        0,
        0.1,
        0,
        1,
        1,
        0,
    ]
    assert played.said == ()
    assert played.drive.initial == "rest"


def test_a_read_before_the_first_pulse():
    played = play(PulseProgramme(**TRAIN, count=(3,)), 4)
    assert played.time == pytest.approx([0.526 + k for k in range(4)])
    assert levels(played.drive, [0.005, 1.005, 2.005, 3.005]) == [0, 1, 1, 1]


def test_pairs_and_blocks():
    pair = PulseProgramme(**{**TRAIN, "pulse": (1.0, -0.5)}, count=(2,))
    assert levels(play(pair, 4).drive, [0.005, 1.005, 2.005, 3.005]) == [1, -0.5, 1, -0.5]
    blocks = PulseProgramme(**{**TRAIN, "pulse": (1.0, -0.5)}, count=(3, 1))
    assert levels(play(blocks, 4).drive, [0.005, 1.005, 2.005, 3.005]) == [1, 1, 1, -0.5]
    free = PulseProgramme(**{**TRAIN, "pulse": (1.0, -0.5), "width": (0.01, 0.1)})
    assert levels(play(free, 3).drive, [0.005, 1.05, 2.005]) == [1, -0.5, 1]


def test_what_is_not_said_is_assumed_aloud():
    played = play(PulseProgramme(pulse=(1.0,), width=(0.01,), read=0.1, period=1.0), 5)
    assert len(played.said) == 2
    assert played.time == pytest.approx([1.0 - 0.2 * 0.01 + k for k in range(5)])


def test_times_of_the_reads():
    programme = PulseProgramme(pulse=(1.0,), width=(0.01,), read=0.1, read_width=0.02, delay=0.5)
    time = np.array([2.0, 3.0, 5.0])
    played = play(programme, 3, time)
    assert played.time == pytest.approx(time)
    ends = time - AT * 0.02 - 0.5
    assert levels(played.drive, ends - 0.005) == [1, 1, 1]
    assert levels(played.drive, ends + 0.005) == [0, 0, 0]


def test_retention():
    time = np.geomspace(0.01, 100.0, 9)
    single = {"pulse": (1.0,), "width": (0.2,), "read": 0.1, "count": (1,)}
    held = play(PulseProgramme(**single), 9, time)
    assert levels(held.drive, [-0.1, 0.0, 1.0, 99.0]) == [1, 0.1, 0.1, 0.1]
    parted = play(PulseProgramme(**single, read_width=1e-3), 9, time)
    assert levels(parted.drive, [-0.1, 0.001, *time, 50.0]) == [1, 0, *[0.1] * 9, 0]
    alone = play(PulseProgramme(read=0.1), 9, time)
    assert alone.drive.initial == "free"
    assert np.all(np.diff(alone.drive.time) >= 0)


@pytest.mark.parametrize(
    ("change", "rows", "words"),
    [
        ({"read": 0.0}, 3, "a read other than 0"),
        ({"width": ()}, 3, "width"),
        ({"width": (0.01, 0.02)}, 3, "one width"),
        ({"count": (1, 2)}, 3, "one count"),
        ({"period": 0.5}, 3, "longer than the period"),
        ({"delay": -1.0}, 3, "no delay below"),
        ({"count": (7,)}, 3, "makes 7 pulses, and 3 reads"),
        ({"period": None}, 3, "the `period`"),
    ],
)
def test_what_does_not_go_together(change, rows, words):
    with pytest.raises(InputError, match=words):
        play(PulseProgramme(**{**TRAIN, **change}), rows)


@pytest.mark.parametrize("time", [[0.0, 0.0, 1.0], [0.0, 0.1, 0.2], [2.0, 1.0, 3.0]])
def test_times_that_do_not_fit(time):
    with pytest.raises(InputError, match=r"rise|fit between"):
        play(PulseProgramme(**TRAIN), 3, np.array(time))


def test_pairs_of_pulses_begin_at_rest():
    played = play_pairs(PulseProgramme(pulse=(1.0,), width=(0.1,)), np.array([0.5, 0.2]))
    assert levels(played.drive, [0.05, 0.3, 0.65, 0.75]) == [1, 0, 1, 0]
    begin = 0.7 + 10 * (0.5 + 0.2)
    assert levels(played.drive, begin + np.array([-0.01, 0.05, 0.25, 0.35])) == [0, 1, 0, 1]
    assert played.first == pytest.approx([0.095, begin + 0.095])
    assert played.time == pytest.approx([0.695, begin + 0.395])
    assert played.against.tolist() == [0.5, 0.2]
    assert (played.kind, played.drive.initial) == ("paired_pulse", "rest")


def test_pairs_are_read_where_a_read_is_stated():
    pair = PulseProgramme(
        pulse=(1.0, -1.0), width=(0.1,), read=0.2, delay=0.02, read_width=0.01, period=3.0, base=0.05
    )
    played = play_pairs(pair, np.array([0.5, 0.2]))
    assert played.said == ()
    assert played.first == pytest.approx([0.128, 3.128])
    assert levels(played.drive, [*played.first, *played.time, 0.05, 0.65, 2.0]) == [0.2] * 4 + [1, -1, 0.05]


@pytest.mark.parametrize(
    ("change", "intervals", "words"),
    [
        ({}, [0.0, 0.1], "intervals above 0"),
        ({"pulse": (1.0, 2.0, 3.0)}, [0.1], "one or two"),
        ({"count": (7,)}, [0.1], "no `count`"),
        ({"period": 0.1}, [0.1], "longer than the period"),
        ({"read": 0.1, "delay": 0.2}, [0.1], "shortest interval"),
    ],
)
def test_pairs_that_cannot_be(change, intervals, words):
    with pytest.raises(InputError, match=words):
        play_pairs(PulseProgramme(**{"pulse": (1.0,), "width": (0.1,), **change}), np.array(intervals))


def test_what_is_told_of_reads():
    played = play(PulseProgramme(**TRAIN, count=(3,)), 3)
    shared = {"name": "r", "time": played.time, "drive": played.drive, "against": played.against}
    current = np.array([1e-6, 2e-6, 4e-6])
    curve = SynapticCurve(**shared, voltage=None, current=current)
    assert at_reads(curve, current) == pytest.approx(current / 0.1)
    retained = SynapticCurve(**shared, kind="retention", voltage=None, current=current)
    assert at_reads(retained, current) == pytest.approx(0.1 / current)
    for wrong, words in (
        ({"kind": "iv"}, "expected one of the kinds"),
        ({"kind": "paired_pulse"}, "ratios"),
        ({"against": np.ones(2)}, "3 finite values"),
        ({"current": None}, "must be recorded"),
        ({"first": played.time, "ratio": current, "kind": "paired_pulse"}, "one after the other"),
    ):
        with pytest.raises(InputError, match=words):
            SynapticCurve(**{**shared, "voltage": None, "current": current, **wrong})
