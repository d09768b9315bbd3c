"""Machine code on disk: of this user alone, and sound, or made again. Nothing is compiled here."""

import os
import subprocess
import types

import pytest

from memfit.model.integrator import cache

INDEX, CODE = "run.entry-1.py311.nbi", "run.entry-1.py311.1.nbc"


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """What numba makes of a function, whose code "another process" writes in no time."""

    def compile_it(*_, **__):
        (tmp_path / INDEX).write_bytes(b"index")
        (tmp_path / CODE).write_bytes(b"code")
        compiled.append(1)

    compiled = []
    monkeypatch.setattr(subprocess, "run", compile_it)
    monkeypatch.setattr(cache, "_prepared", set())
    stats, disk = types.SimpleNamespace(cache_path=str(tmp_path)), types.SimpleNamespace(save_overload=None)
    return types.SimpleNamespace(
        __module__="a.run", __name__="entry", stats=stats, compiled=compiled, _cache=disk
    )


def start(entry):
    """What each process does once."""
    cache._prepared.clear()
    cache.prepare(entry, ())


@pytest.fixture(autouse=True)
def sources(monkeypatch):
    """No source is newer than the code."""
    monkeypatch.setattr(cache, "max", lambda _: 0.0, raising=False)


def test_it_is_compiled_once(entry, tmp_path):
    assert not cache.is_compiled(entry, ())
    for _ in range(3):
        start(entry)
    assert cache.is_compiled(entry, ())
    assert len(entry.compiled) == 1


@pytest.mark.parametrize("content", [b"", b"cod", b"codf", b"\x80\x04cos\nsystem\n"])
@pytest.mark.parametrize("name", [INDEX, CODE, "run.entry-1.py311.2.nbc"])
def test_what_is_empty_cut_or_foreign_is_made_again_with_a_word(entry, tmp_path, caplog, name, content):
    start(entry)
    (tmp_path / name).write_bytes(content)
    assert not cache.is_compiled(entry, ())
    start(entry)
    assert len(entry.compiled) == 2
    assert "made again" in caplog.text
    assert cache.is_compiled(entry, ())
    assert (tmp_path / CODE).read_bytes() == b"code"


def test_what_could_be_written_in_part_only_is_dropped(entry, tmp_path, monkeypatch):
    """A disk that is full takes the small index and not the code; each process then compiles for itself."""

    def fail(*_, **__):
        (tmp_path / INDEX).write_bytes(b"index")
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(subprocess, "run", fail)
    start(entry)
    assert not list(tmp_path.glob("*.nb?"))
    assert not cache.is_compiled(entry, ())
    entry._cache.save_overload("signature", "code")  # nothing is written by this process, so nothing fails


def test_digests_that_cannot_be_written_stop_nothing(entry, tmp_path):
    (tmp_path / "digests.json").mkdir()
    start(entry)
    assert not cache.is_compiled(entry, ())


@pytest.mark.parametrize("what", ["get_host_cpu_name", "optimised"])
def test_machines_of_two_kinds_share_no_folder(tmp_path, monkeypatch, what):
    """Else each of two that share a home takes the other's code for damaged."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    here = cache.compile_entry(lambda: 1).stats.cache_path
    assert here == cache.compile_entry(lambda: 2).stats.cache_path
    if what == "optimised":
        monkeypatch.setattr(cache.sys, "flags", types.SimpleNamespace(optimize=2))
    else:
        monkeypatch.setattr(cache.llvm, what, lambda: "another")
    assert cache.compile_entry(lambda: 3).stats.cache_path != here


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":' * 3000])
def test_damaged_digests_are_none(entry, tmp_path, text):
    start(entry)
    (tmp_path / "digests.json").write_text(text)
    start(entry)
    assert len(entry.compiled) == 2
    assert cache.is_compiled(entry, ())


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of another kind")
def test_a_folder_that_others_can_write_is_not_used(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    assert cache.private_folder() == tmp_path / "mine"
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700
    (tmp_path / "mine").chmod(0o777)
    assert cache.private_folder() is None
    assert "chmod 700" in caplog.text
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    (tmp_path / "mine").chmod(0o700)
    assert cache.private_folder() is None
