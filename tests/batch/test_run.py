"""A whole batch of stand-ins: killed and started again, locked, in the wrong place."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import work
from small_device import is_servant

from memfit.batch.limits import Limits
from memfit.batch.run import Order, _only_one, find_devices, run_batch
from memfit.errors import DependencyError, InputError, OutputError

TESTS = Path(__file__).parents[1]
ORDER = Order(workers=1, reports=False, limits=Limits(time=60.0))


def start(root, out):
    """A batch in a process of its own."""
    path = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, str(TESTS / "support" / "start.py"), str(root), str(out)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(out):
    return {path.parent.name for path in out.rglob("checkpoint.json") if ".drafts" not in path.parts}


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_and_started_again_it_redoes_nothing(words, tmp_path, fits):
    """Once a process that fits, once the whole run."""
    names = [f"d{number:02d}" for number in range(24)]
    root, out = words(**dict.fromkeys(names, "sleep 0.1")), tmp_path / "out"
    run = start(root, out)
    wait_until(lambda: len(finished(out)) >= 3)
    servants = [child for child in psutil.Process(run.pid).children() if is_servant(child)]
    servants[0].kill()
    wait_until(lambda: len(finished(out)) >= 8)
    run.kill()
    run.communicate()
    wait_until(lambda: not any(child.is_running() for child in servants))
    before = finished(out)
    count = fits()
    assert 8 <= len(before) < 24
    again = start(root, out)
    said, complaints = again.communicate(timeout=60)
    assert complaints == ""
    fitted, unchanged = map(int, said.split())
    assert (fitted + unchanged, unchanged) == (24, len(finished(out)) - fitted)
    assert unchanged >= len(before)
    assert not set(fits()[len(count) :]) & before
    results = {path.parent.name: path.read_text() for path in (out / "devices").rglob("result.json")}
    assert results == dict.fromkeys(names, '{"word": "sleep"}\n')
    assert not (out / ".drafts").exists()


def test_an_interruption_leaves_a_state_to_go_on_from(words, tmp_path):
    root, out = words(**{f"d{number:02d}": "sleep 0.2" for number in range(30)}), tmp_path / "out"
    run = start(root, out)
    wait_until(lambda: len(finished(out)) >= 2)
    servants = [child for child in psutil.Process(run.pid).children() if is_servant(child)]
    run.send_signal(signal.SIGINT)
    _, complaints = run.communicate(timeout=30)
    assert "KeyboardInterrupt" in complaints
    assert "distributed" not in complaints.splitlines()[-1]
    psutil.wait_procs(servants, timeout=10)
    assert not any(child.is_running() for child in servants)
    assert 2 <= len(finished(out)) < 30


def test_one_batch_at_a_time(words, tmp_path):
    root, out = words(a="nothing"), tmp_path / "out"
    with _only_one(out), pytest.raises(OutputError, match="another batch writes here"):
        run_batch(root, out, work.MAKERS, ORDER)
    with _only_one(out):
        assert not finished(out)


def test_of_two_batches_at_once_one_is_told_to_wait(words, tmp_path):
    root, out = words(**{f"d{number}": "sleep 0.2" for number in range(6)}), tmp_path / "out"
    runs = [start(root, out), start(root, out)]
    ended = [run.communicate(timeout=120) for run in runs]
    told = [complaints.splitlines()[-1] for _, complaints in ended if complaints]
    assert len(told) == 1
    assert "another batch writes here" in told[0]
    assert sorted(run.returncode for run in runs) == [0, 1]
    assert len(finished(out)) == 6


JUMPS = """
import sys, time
right, jumps, jump = time.time, iter([86400.0, -2e8, 5e9]), 0.0
time.time = lambda: right() + jump
from pathlib import Path
import work
from memfit.batch.device import Limits
from memfit.batch.run import Order, run_batch

def after_each(progress):
    global jump
    jump = next(jumps)
    assert progress.seconds_left is None or progress.seconds_left >= 0.0

order = Order(workers=1, reports=False, limits=Limits(time=60.0))
summary = run_batch(Path(sys.argv[1]), Path(sys.argv[2]), work.MAKERS, order, progress=after_each)
assert 0.0 < summary.seconds < 600.0
print(summary.fitted, summary.unchanged)
"""


def test_a_clock_that_jumps_changes_nothing(words, tmp_path):
    """Neither limits nor rates nor what is finished go by the time of day."""
    root, out = words(a="nothing", b="sleep 0.3", c="nothing"), tmp_path / "out"
    path = os.pathsep.join([str(TESTS / "support"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", JUMPS, str(root), str(out)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "3 0\n"), done.stderr
    os.utime(root / "a" / "iv.csv", (4e9, 4e9))  # a file from the future is the same file
    os.utime(out / "devices" / "b" / "checkpoint.json", (0.0, 0.0))
    said, _ = start(root, out).communicate(timeout=60)
    assert said == "0 3\n"


def test_nothing_of_dask_is_left(words, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "temporary").mkdir()
    run_batch(words(a="nothing"), tmp_path / "out", work.MAKERS, ORDER)
    assert not list((tmp_path / "temporary").iterdir())
    assert not (tmp_path / "out" / ".drafts").exists()


def test_a_place_that_is_taken(words, tmp_path):
    root = words(a="nothing")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="no output of a batch"):
        run_batch(root, tmp_path / "mine", work.MAKERS, ORDER)
    with pytest.raises(OutputError, match="found a file"):
        run_batch(root, tmp_path / "mine" / "thesis.txt", work.MAKERS, ORDER)
    with pytest.raises(InputError, match="found no such folder"):
        run_batch(tmp_path / "absent", tmp_path / "out", work.MAKERS, ORDER)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    assert not (tmp_path / "out").exists()


def test_what_it_is_stands_in_the_folder(words, tmp_path):
    root, out, told = words(a="nothing", b="refuse it"), tmp_path / "out", []
    order = Order(workers=1, reports=True, settings={"seed": 3})
    summary = run_batch(root, out, work.MAKERS, order, progress=told.append)
    about = json.loads((out / "batch.json").read_text())
    assert (about["schema"], about["settings"]) == ("memfit/batch/1", {"seed": 3})
    assert [progress.done for progress in told] == [1, 2]
    assert told[-1].seconds_left == 0.0
    assert {progress.last.key for progress in told} == {"a", "b"}
    assert summary.to_dict()["failures"][-1]["message"] == "it: expected measurements, found none."


def test_without_dask_a_sentence_says_what_to_install(words, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("memfit.batch.dask_executor")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DependencyError, match=r'pip install "memfit\[cluster\]"'):
        run_batch(words(a="nothing"), tmp_path / "out", work.MAKERS, ORDER)
    assert not (tmp_path / "out").exists()


TABLE = "Voltage (V), Current (A)\n0, 0\n0.1, 1e-6\n0.2, 2e-6\n"


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(TABLE)


def test_at_any_depth_and_in_order(tmp_path):
    put(tmp_path, "w2/b/iv.csv", "w2/a/iv.csv", "w1/deep/er/iv.csv", "lone/iv.csv")
    assert list(find_devices(tmp_path, tmp_path / "out")[0]) == ["lone", "w1/deep/er", "w2/a", "w2/b"]


def test_a_device_toml_makes_a_device(tmp_path):
    """Whatever lies below it belongs to it."""
    put(tmp_path, "a/raw/iv.csv", "a/device.toml", "b/device.toml")
    assert list(find_devices(tmp_path, tmp_path / "out")[0]) == ["a", "b"]


def test_what_is_no_device(tmp_path):
    put(
        tmp_path,
        "a/iv.csv",
        ".hidden/iv.csv",
        "out/devices/a/iv.csv",
        "old/result.json",
        "old/parameters.csv",
    )
    put(tmp_path, "old/result.json", "old/parameters.csv", "notes/readme.md", "wafer_map.csv")
    folders, notes = find_devices(tmp_path, tmp_path / "out")
    assert list(folders) == ["a"]
    assert len(notes) == 1
    assert "files beside the folders of devices" in notes[0]


def test_root_itself(tmp_path):
    put(tmp_path, "chip/iv.csv")
    assert list(find_devices(tmp_path / "chip", tmp_path / "out")[0]) == ["chip"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    put(tmp_path, "root/a/iv.csv", "elsewhere/iv.csv")
    (tmp_path / "root" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    assert list(find_devices(tmp_path / "root", tmp_path / "out")[0]) == ["a", "b"]


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="found no such folder"):
        find_devices(tmp_path / "absent", tmp_path)
    with pytest.raises(InputError, match="one for each device; found none"):
        find_devices(tmp_path, tmp_path / "out")


def test_parts_belong_to_the_device_above(tmp_path):
    for name in (
        "7B/EIS/a",
        "7B/IV/b",
        "7C/Pulse/a",
        "7C/x",
        "own/IV/device.toml",
        "own/EIS/b",
        "s/A/a",
        "s/B/a",
    ):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(path.suffix or ".csv").write_text("1,2\n")
    folders, notes = find_devices(tmp_path / "root", tmp_path / "out")
    assert list(folders) == ["7B", "7C", "own/IV", "s/A", "s/B"]
    assert len(notes) == 1
    assert "own: files and EIS beside the folders of devices were not read" in notes[0]
    assert list(find_devices(tmp_path / "root" / "7B", tmp_path / "out")[0]) == ["7B"]


def test_devices_parted_by_technique_are_asked_about(tmp_path):
    for name in ("EIS/A", "EIS/B", "IV/A", "IV/C"):
        (tmp_path / "root" / name).mkdir(parents=True)
        (tmp_path / "root" / name / "x.csv").write_text("1,2\n")
    folders, notes = find_devices(tmp_path / "root", tmp_path / "out")
    assert list(folders) == ["EIS/A", "EIS/B", "IV/A", "IV/C"]
    assert notes == ["EIS/A and IV/A may be one device: put them into one folder A."]
