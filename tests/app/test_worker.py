"""Work in a process beside the page: it ends, it can be stopped, its answer is that of the command line."""

import threading
import time

import pytest

from memfit.app import work
from memfit.app.worker import Worker
from memfit.errors import InputError


@pytest.fixture
def worker():
    made = Worker()
    yield made
    made.close()


def wait(job, seconds=120.0):
    end = time.monotonic() + seconds
    while job.running and time.monotonic() < end:
        time.sleep(0.02)
    assert not job.running


def test_a_guess_comes_back(worker, folder):
    done = threading.Event()
    job = worker.start("Guess", work.guess, (str(folder), {"R_s": 28.0}), lambda _job: done.set())
    with pytest.raises(InputError, match="Guess is still running"):
        worker.start("Fit", work.guess, (str(folder), {}), lambda _job: None)
    wait(job)
    assert done.is_set()
    assert 2e4 < job.answer["values"]["R_b"] < 1e6
    assert job.told()[0] == "Looking for first values."


def test_a_fault_is_a_sentence(worker, tmp_path):
    job = worker.start(
        "Fit", work.fit, (str(tmp_path / "none"), str(tmp_path / "fit.json")), lambda _job: None
    )
    wait(job)
    assert "none" in job.answer["fault"]
    assert not (tmp_path / "fit.json").exists()


def test_stopping_takes_less_than_a_second_and_another_can_begin(worker, folder):
    asked = []
    job = worker.start("Wait", time.sleep, (1000.0,), asked.append)
    worker_started = time.monotonic()
    while worker._helper.fitter.pid is None and time.monotonic() < worker_started + 60:
        time.sleep(0.05)
    begun = time.monotonic()
    worker.stop()
    assert time.monotonic() - begun < 1.0
    assert job.stopped
    assert not job.running
    again = worker.start("Guess", work.guess, (str(folder), {}), asked.append)
    wait(again)
    assert asked == [again]
