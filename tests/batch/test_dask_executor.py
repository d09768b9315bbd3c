"""Jobs on dask: in this process, and on a scheduler elsewhere."""

import os
import signal

import psutil
import pytest
import work
from distributed import LocalCluster
from small_device import is_servant

from memfit.batch import dask_executor as cluster
from memfit.batch.dask_executor import run_jobs
from memfit.batch.device import Job, Limits, read_checkpoint
from memfit.errors import InputError, OutputError


def jobs_of(root, tmp_path, limits=None):
    return [
        Job(key=folder.name, folder=folder, out=tmp_path / "out", limits=limits or Limits())
        for folder in sorted(root.iterdir())
    ]


def settle(root, tmp_path, limits=None, **where):
    jobs = jobs_of(root, tmp_path, limits)
    found = run_jobs(iter(jobs), work.MAKERS, limits or Limits(), **{"workers": 2, **where})
    return {outcome.key: outcome for outcome in found}


def test_bad_devices_cost_only_themselves(words, tmp_path, fits, monkeypatch):
    """One hangs, one eats memory, two die, one is refused, one meets a bug; the others do not notice."""
    monkeypatch.setattr(cluster, "_ATTEMPTS", 1)
    good = {f"good_{number:02d}": f"nothing {number}" for number in range(12)}
    bad = {"b_hang": "hang", "c_eat": "eat 450000000", "d_exit": "exit", "e_crash": "crash"}
    root = words(**good, **bad, f_refuse="refuse it", g_stumble="stumble")
    found = settle(root, tmp_path, Limits(time=6.0, memory=4e8))
    assert len(found) == 18
    assert {found[key].state for key in good} == {"fitted"}
    causes = {key: outcome.cause for key, outcome in found.items() if outcome.state == "failed"}
    assert causes == {
        "b_hang": "time",
        "c_eat": "memory",
        "d_exit": "died",
        "e_crash": "died",
        "f_refuse": "input",
        "g_stumble": "error",
    }
    assert found["d_exit"].message == "Its process ended with code 7."
    for key, cause in causes.items():
        known = read_checkpoint(tmp_path / "out" / "devices" / key)
        assert known is not None
        assert (known.cause, known.message) == (cause, found[key].message)
    assert [fits().count(key) for key in (*good, "b_hang", "c_eat", "d_exit")] == [1] * 14 + [2]


def test_a_full_disk_ends_the_run_and_harms_nothing(words, tmp_path):
    root = words(a="nothing", b="full", **{f"c{number}": "sleep 0.05" for number in range(40)})
    with pytest.raises(OutputError, match="Nothing that is finished is lost"):
        settle(root, tmp_path, workers=1)
    out = tmp_path / "out"
    assert (out / "devices" / "a" / "result.json").exists()
    assert len(list((out / "devices").iterdir())) < 40
    words(b="nothing")
    states = [outcome.state for outcome in settle(root, tmp_path).values()]
    assert states.count("fitted") + states.count("unchanged") == 42
    assert "unchanged" in states


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "foo://127.0.0.1:9", "tcp://no.such.host.invalid:8786"]
)
def test_a_scheduler_that_is_not_there(words, tmp_path, monkeypatch, address):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match="expected a dask scheduler, found none") as told:
        settle(words(a="nothing"), tmp_path, scheduler=address)
    assert address in str(told.value)


def test_a_scheduler_elsewhere_with_a_worker_killed_and_one_sent_away(words, tmp_path):
    root = words(**{f"d{number}": "sleep 0.2" for number in range(12)})
    outcomes = []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as elsewhere:
        jobs, address = iter(jobs_of(root, tmp_path)), elsewhere.scheduler_address
        for outcome in run_jobs(jobs, work.MAKERS, Limits(), workers=1, scheduler=address):
            outcomes.append(outcome)
            if len(outcomes) == 2:
                worker = next(iter(elsewhere.workers.values()))
                os.kill(worker.process.pid, signal.SIGKILL)
            if len(outcomes) == 6:
                elsewhere.scale(1)
        pids = [worker.process.pid for worker in elsewhere.workers.values() if worker.process]
        assert not [child for pid in pids for child in psutil.Process(pid).children() if is_servant(child)]
    assert sorted(outcome.key for outcome in outcomes) == sorted(folder.name for folder in root.iterdir())
    assert {outcome.state for outcome in outcomes} <= {"fitted", "unchanged"}
    assert len(list((tmp_path / "out").rglob("result.json"))) == 12
