"""Other processes import nothing from the working folder."""

import subprocess
import sys

import pytest

from memfit.isolation import isolated, leave_working_folder, search_path

TRAPS = ("json", "csv", "random", "numpy", "sitecustomize", "usercustomize", "memfit", "pickle", "string")


SAY = "print(sys.flags.optimize)"


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    """A working folder with modules that must not be run."""
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'EXECUTED')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    return tmp_path


@pytest.mark.parametrize("first", ["", ".", "here"])
def test_nothing_of_the_working_folder_is_imported(trapped, monkeypatch, first):
    monkeypatch.setattr(sys, "path", [str(trapped) if first == "here" else first, *sys.path])
    program = isolated(
        "import json, csv, random, pickle, string, numpy, memfit.errors; print(memfit.__file__)"
    )
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (trapped / "EXECUTED").exists()
    assert str(trapped) not in done.stdout


@pytest.mark.parametrize("writes", [True, False])
def test_it_compiles_where_this_process_does(tmp_path, monkeypatch, writes):
    monkeypatch.setattr(sys, "dont_write_bytecode", not writes)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "some_module.py").touch()
    subprocess.run(isolated("import some_module"), check=True)
    assert bool(list((tmp_path / "compiled").rglob("some_module.*.pyc"))) is writes
    assert not (tmp_path / "__pycache__").exists()


def test_it_is_optimised_as_this_process_is():
    program = f"import subprocess\nfrom memfit.isolation import isolated\nsubprocess.run(isolated({SAY!r}))"
    for options in ([], ["-O"], ["-OO"]):
        done = subprocess.run([sys.executable, *options, "-c", program], capture_output=True, check=False)
        assert int(done.stdout) == len("".join(options)[1:])


def test_the_working_folder_is_left(trapped, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(trapped), "", *sys.path])
    leave_working_folder()
    assert sys.path == search_path()
    assert not {"", str(trapped)} & set(sys.path)


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "" not in search_path()
