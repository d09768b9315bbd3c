"""Work shared among threads: all of it done, once, whoever does it."""

import io
import sys
import threading

import pytest
from tqdm import tqdm

from memfit.progress import ended_by, heard_by, shared, silent, stopped, time_limit, told


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_item_comes_back_with_its_own_result(workers):
    assert sorted(shared(lambda item: item**2, range(40), workers)) == [(k, k**2) for k in range(40)]


def test_one_worker_does_the_work_in_order_and_in_this_thread():
    threads = [thread for _, thread in shared(lambda _: threading.current_thread(), range(3), 1)]
    assert threads == [threading.current_thread()] * 3


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for k in range(1000):
            taken.append(k)
            yield k

    results = shared(lambda item: item, items(), 2)
    next(results)
    results.close()
    assert len(taken) < 20


def test_an_error_of_the_work_comes_out():
    def work(item):
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        list(shared(work, range(10), 2))


def test_silence_says_nothing(capsys):
    silent("fits", 1, 2)
    assert capsys.readouterr().out == ""


def test_work_is_heard_while_somebody_listens(capsys):
    heard = []
    told("nobody", 1, 2)
    with heard_by(lambda *words: heard.append(words)):
        told("stage", 1, 2)
        with heard_by(False):
            told("inside", 1, 2)
        told("nothing to do", 0, 0)
    told("nobody", 2, 2)
    assert heard == [("stage", 1, 2)]
    with heard_by(True):
        for done in (1, 2):
            told("fits", done, 2)
    assert "fits" in capsys.readouterr().err


def test_a_bar_of_tqdm_for_each_stage(monkeypatch):
    """Closed when the next begins, and as long as the work turns out to be."""
    shown = []

    class Bar(tqdm):
        def __init__(self, *args, **words):
            super().__init__(*args, **words, file=io.StringIO())
            shown.append(self)

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    with heard_by(True):
        for what, done, total in (("first", 1, 4), ("first", 4, 4), ("second", 1, 2), ("second", 3, 3)):
            told(what, done, total)
    assert [(bar.desc, bar.n, bar.total) for bar in shown] == [("first", 4, 4), ("second", 3, 3)]
    assert shown[0].disable, "closed"


def test_without_tqdm_lines_are_said(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with heard_by(True):
        told("first values", 2, 6)
    assert capsys.readouterr().err == "first values: 2 of 6\n"


def test_work_is_to_end_while_there_is_a_reason():
    now = [0.0]
    with ended_by(time_limit(2.0, lambda: now[0])):
        assert stopped() == ""
        now[0] = 3.0
        assert stopped() == "time limit of 2 s"
    assert stopped() == ""
