"""Where machine code is kept, and that importing makes none."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import memfit

PACKAGE = Path(memfit.__file__).parent
RESPOND = """
from memfit.model.integrator import run as kernel
print(kernel.__file__)
print(kernel.integrate_all.stats.cache_path)
print(len(kernel.integrate_all.signatures))
"""


def run(code, home, path):
    """Run a program with its own home and package folder; its lines."""
    environment = {"PYTHONPATH": str(path), "HOME": str(home), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def copied(tmp_path):
    """A copy of what the kernel needs, as a package of its own."""
    package = tmp_path / "site" / "memfit"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE / "model", package / "model", ignore=ignored)
    for name in ("__init__.py", "arrays.py", "errors.py", "noise_estimate.py", "protocols.py", "units.py"):
        shutil.copy(PACKAGE / name, package / name)
    return package


def read_only(folder):
    """Nobody, not even root, may write: a file stands where the folder of the cache would be."""
    (folder / "__pycache__").write_text("in the way")
    folder.chmod(stat.S_IREAD | stat.S_IEXEC)


def test_importing_compiles_nothing_and_the_cache_is_beside_the_file(copied, tmp_path):
    file, cache, signatures = run(RESPOND, tmp_path / "home", copied.parent)
    assert Path(file).parent == copied / "model" / "integrator"
    assert Path(cache) == copied / "model" / "integrator" / "__pycache__"
    assert signatures == "0"
    assert not list(copied.rglob("*.nbi"))


def test_a_package_that_cannot_be_written_uses_the_home(copied, tmp_path):
    read_only(copied / "model" / "integrator")
    home = tmp_path / "home"
    home.mkdir()
    _, cache, _ = run(RESPOND, home, copied.parent)
    assert home in Path(cache).parents


def test_without_any_place_it_still_works(copied, tmp_path):
    read_only(copied / "model" / "integrator")
    home = tmp_path / "home"
    home.write_text("no folder")
    _, cache, signatures = run(RESPOND, home, copied.parent)
    assert cache == "None"
    assert signatures == "0"
