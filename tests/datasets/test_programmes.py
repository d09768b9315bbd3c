"""Programmes of pulses: the drive that was played, and when it was read."""

import numpy as np
import pytest

from memfit.datasets.programmes import AT, PulseProgramme, play
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
