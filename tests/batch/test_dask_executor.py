"""Jobs on dask: in this process, and on a scheduler elsewhere."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
import work
from distributed import Client
from small_device import is_servant

from memfit.batch import dask_executor as cluster
from memfit.batch.dask_executor import run_jobs
from memfit.batch.device import DRAFTS, Job, read_checkpoint
from memfit.batch.limits import Limits
from memfit.errors import InputError, OutputError
from memfit.files import clear_drafts

_PATIENCE = 180.0
"""Seconds for a run on workers elsewhere."""


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


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp://no.such.host.invalid:8786", "127.0.0.1:9"])
def test_a_scheduler_that_is_not_there(words, tmp_path, monkeypatch, address):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match="expected a dask scheduler, found none") as told:
        settle(words(a="nothing"), tmp_path, scheduler=address)
    assert address in str(told.value)


@pytest.mark.parametrize(
    "address",
    [
        *("", "nonsense", "foo://127.0.0.1:9", "tcp://", "tcp://host", "tcp://host:99999", "tcp://host:x"),
        *("\0", "tcp://host:0", "8786", ":8786", "inproc://1/2/3", "tcp://a b:1", "x" * 5000, "a\n:1"),
        "t\udcffcp://h:1",
    ],
)
def test_an_address_of_no_scheduler(words, tmp_path, address):
    with pytest.raises(InputError, match=r"--scheduler: .* such as tcp://10.0.0.1:8786; found") as told:
        settle(words(a="nothing"), tmp_path, scheduler=address)
    assert len(str(told.value)) < 250


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 64])
def test_something_else_listens_there(words, tmp_path, monkeypatch, greeting):
    """Another program answers with its own words, or not at all."""
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            with contextlib.suppress(OSError):
                while True:
                    visitor = server.accept()[0]
                    visitor.sendall(greeting)
                    visitors.append(visitor)

        visitors = []
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match="expected a dask scheduler, found none"):
            settle(words(a="nothing"), tmp_path, scheduler=address)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for visitor in visitors:
        visitor.close()


@pytest.fixture
def elsewhere(tmp_path):
    """`dask scheduler` and two `dask worker`, as processes of their own; one has a nanny."""
    file = tmp_path / "scheduler.json"
    common = [sys.executable, "-m", "dask"]
    told = {"env": {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, "stderr": subprocess.DEVNULL}
    options = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    where = ["--local-directory", str(tmp_path / "scratch"), "--nthreads", "1"]
    with contextlib.ExitStack() as stack:

        def start(*words):
            process = subprocess.Popen([*common, *words, *options], cwd=tmp_path, **told)
            stack.callback(process.wait)
            stack.callback(process.kill)
            stack.callback(end_children, process.pid)
            return process

        scheduler = start("scheduler", "--port", "0")
        watch = threading.Timer(
            _PATIENCE, scheduler.kill
        )  # a run waits for workers for ever, a test does not
        watch.start()
        stack.callback(watch.cancel)
        workers = [start("worker", *where), start("worker", "--no-nanny", *where)]
        wait_until(lambda: file.exists() and file.read_text())
        address = json.loads(file.read_text())["address"]
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)  # a nanny gives up if its worker dies before it has begun
        yield address, workers


def end_children(pid):
    """What a killed process would leave behind."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            child.kill()


def wait_until(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def servants_below(pid):
    """What fits for a worker."""
    return [one for one in psutil.Process(pid).children(recursive=True) if is_servant(one)]


def workers_below(nanny):
    """The worker itself, which its nanny starts again."""
    return [one for one in psutil.Process(nanny.pid).children() if "spawn_main" in " ".join(one.cmdline())]


def test_a_scheduler_elsewhere_with_a_worker_killed_and_one_sent_away(words, tmp_path, elsewhere):
    """The worker that is killed is started again by its nanny; the other one is told to end."""
    root = words(**{f"d{number}": "sleep 0.2" for number in range(12)})
    address, (with_nanny, alone) = elsewhere
    wait_until(lambda: workers_below(with_nanny))
    outcomes = []
    for outcome in run_jobs(
        iter(jobs_of(root, tmp_path)), work.MAKERS, Limits(), workers=1, scheduler=address
    ):
        outcomes.append(outcome)
        if len(outcomes) == 2:
            workers_below(with_nanny)[0].kill()
        if len(outcomes) == 6:
            alone.terminate()
    for one in (with_nanny, alone):
        if one.poll() is None:
            wait_until(
                lambda one=one: not any(map(is_servant, psutil.Process(one.pid).children(recursive=True)))
            )
    assert sorted(outcome.key for outcome in outcomes) == sorted(folder.name for folder in root.iterdir())
    assert {outcome.state for outcome in outcomes} <= {"fitted", "unchanged"}
    assert len(list((tmp_path / "out" / "devices").rglob("result.json"))) == 12
    clear_drafts(tmp_path / "out" / DRAFTS, patience=60.0)  # what those left that were told to end
    assert not (tmp_path / "out" / DRAFTS).exists()
