"""A lock is had by one at a time, and goes with the process that has it."""

import subprocess
import sys

import pytest

from memfit.locks import held, locked


def test_one_has_it(tmp_path):
    with (tmp_path / "lock").open("w") as first, (tmp_path / "lock").open("w") as second:
        assert locked(first)
        assert not locked(second)
    with (tmp_path / "lock").open("w") as third:
        assert locked(third, wait=True)


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be renamed there")
def test_folders_and_files_are_held(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        with held(path) as first, held(path) as second:
            assert (first, second) == (True, False)
    with held(tmp_path / "absent") as ours:
        assert ours is False


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be renamed there")
def test_it_goes_with_a_killed_process(tmp_path):
    program = (
        "import sys, time; from memfit.locks import locked; lock = open(sys.argv[1], 'w'); "
        "print(locked(lock), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        with held(tmp_path / "lock") as theirs:
            process.kill()
            process.wait()
    assert theirs is False
    with held(tmp_path / "lock") as ours:
        assert ours is True
