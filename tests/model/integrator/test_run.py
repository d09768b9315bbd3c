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
    for name in (
        "__init__.py",
        "arrays.py",
        "errors.py",
        "files.py",
        "isolation.py",
        "locks.py",
        "noise_estimate.py",
        "protocols.py",
        "units.py",
        "units.toml",
    ):
        shutil.copy(PACKAGE / name, package / name)
    return package


def test_importing_compiles_nothing_and_the_cache_is_the_users_own(copied, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    file, cache, signatures = run(RESPOND, home, copied.parent)
    assert Path(file).parent == copied / "model" / "integrator"
    assert home in Path(cache).parents
    assert stat.S_IMODE((home / ".cache" / "memfit").stat().st_mode) == 0o700
    assert signatures == "0"
    assert not list(tmp_path.rglob("*.nbi"))


def test_without_any_place_it_still_works(copied, tmp_path):
    home = tmp_path / "home"
    home.write_text("no folder")
    _, cache, signatures = run(RESPOND, home, copied.parent)
    assert cache == "None"
    assert signatures == "0"
