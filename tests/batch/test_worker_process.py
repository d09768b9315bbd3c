"""The process that can be killed."""

import os
import pickle
import signal
import threading
import time

import psutil
import pytest
import work

from memfit.batch.limits import Limits
from memfit.batch.worker_process import Fitter, Trouble


def call(function, *arguments):
    return pickle.dumps((function, arguments))


@pytest.fixture(scope="module")
def shared():
    fitter = Fitter(work.prepare, Limits(time=20.0, memory=None))
    yield fitter
    fitter.retire()


def test_answers_and_stays(shared):
    assert shared.run(call(max, 3, 5)) == 5
    pid = shared.pid
    assert shared.run(call(divmod, 7, 2)) == (3, 1)
    assert shared.pid == pid


def test_what_libraries_print_harms_nothing(shared):
    assert shared.run(call(work._talk, "noise")) is None
    assert shared.run(call(max, 1, 2)) == 2


def test_what_cannot_be_called_is_said(shared):
    found = shared.run(pickle.dumps(("no function", ())))
    assert isinstance(found, Trouble)
    assert found.message.startswith("TypeError: ")
    assert found.message.endswith("callable.")


def test_one_thread_for_linear_algebra(shared):
    assert shared.run(call(os.getenv, "OPENBLAS_NUM_THREADS")) == "1"


@pytest.mark.parametrize(
    ("deed", "said"), [(work._exit, "ended with code 7"), (work._crash, "Segmentation fault")]
)
def test_a_process_that_dies_is_replaced(shared, deed, said):
    found = shared.run(call(deed, ""))
    assert isinstance(found, Trouble)
    assert found.cause == "died"
    assert said in found.message
    assert shared.run(call(max, 1, 2)) == 2


def test_an_outsider_kills_it(shared):
    shared.run(call(max, 1, 2))
    threading.Timer(0.3, os.kill, (shared.pid, signal.SIGKILL)).start()
    found = shared.run(call(work._hang, ""))
    assert isinstance(found, Trouble)
    assert "SIGKILL" in found.message


def test_limits_of_time_and_memory():
    fitter = Fitter(work.prepare, Limits(time=0.5, memory=4e8))
    try:
        slow = fitter.run(call(work._hang, ""))
        assert isinstance(slow, Trouble)
        assert slow == Trouble("time", "It was not done within the time limit of 0.5 s.")
        assert fitter.pid is None
    finally:
        fitter.retire()
    fitter = Fitter(work.prepare, Limits(time=None, memory=4e8))
    try:
        large = fitter.run(call(work._eat, "500000000"))
        assert isinstance(large, Trouble)
        assert large.cause == "memory"
        assert large.message.endswith("the limit is 400 MB.")
    finally:
        fitter.retire()


def test_one_that_has_grown_is_replaced():
    fitter = Fitter(work.prepare, Limits(time=None, memory=1e6))
    try:
        assert fitter.run(call(max, 1, 2)) == 2
        assert fitter.pid is None
    finally:
        fitter.retire()


def test_it_ends_when_its_master_is_gone(shared):
    """Nobody told it to: its input ended, in the middle of its work."""
    shared.run(call(max, 1, 2))
    process = shared._process
    assert process is not None
    waiting = threading.Thread(target=shared.run, args=(call(work._hang, ""),))
    waiting.start()
    time.sleep(0.3)
    assert psutil.Process(process.pid).is_running()
    process.stdin.close()
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_process_that_cannot_prepare_itself():
    fitter = Fitter(work._exit.__get__(""), Limits())
    found = fitter.run(call(max, 1, 2))
    assert isinstance(found, Trouble)
    assert found.cause == "start"
    assert "could not be started" in found.message
    assert fitter.pid is None
