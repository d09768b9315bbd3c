"""Files and folders appear whole or not at all."""

import json
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from memfit import files
from memfit.errors import OutputError
from memfit.files import (
    WRITTEN,
    check_free,
    clear_drafts,
    draft_beside,
    file_names,
    others,
    read_listing,
    whole_file,
    whole_folder,
    write_whole,
)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_appears_when_the_block_ends(tmp_path):
    out = tmp_path / "deep" / "out"
    with whole_folder(out, overwrite=False) as draft:
        (draft / "a.txt").write_text("a")
        assert not out.exists()
    assert names(tmp_path) == ["deep", "deep/out", "deep/out/a.txt"]


def test_an_error_leaves_nothing(tmp_path):
    def fail_half_way() -> None:
        with whole_folder(tmp_path / "out", overwrite=False) as draft:
            (draft / "a.txt").write_text("a")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail_half_way()
    assert names(tmp_path) == []


def test_an_empty_folder_may_be_filled(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with whole_folder(out, overwrite=False) as draft:
        (draft / "a.txt").write_text("a")
    assert names(out) == ["a.txt"]


def test_a_full_folder_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="--overwrite"):
        check_free(tmp_path, overwrite=False)
    with pytest.raises(OutputError, match="not empty"), whole_folder(tmp_path, overwrite=False):
        pass
    assert names(tmp_path) == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="found a file"):
        check_free(tmp_path / "taken", overwrite=True)


def test_overwriting_replaces_same_names_and_keeps_the_others(tmp_path):
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (out / "mine.txt").write_text("mine")
    (out / "sub" / "a.txt").write_text("old")
    with whole_folder(out, overwrite=True) as draft:
        (draft / "sub").mkdir()
        (draft / "sub" / "a.txt").write_text("new")
    assert (out / "mine.txt").read_text() == "mine"
    assert (out / "sub" / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["out", "out/mine.txt", "out/sub", "out/sub/a.txt"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="cannot be written"),
        whole_folder(tmp_path / "file" / "out", overwrite=False),
    ):
        pass


def test_a_file_that_cannot_be_written_is_named_where_it_would_be(tmp_path, monkeypatch):
    """Not by the hidden name that only memfit knows."""
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(OutputError, match=r"^out/absent/a: cannot be written") as told,
        whole_folder(Path("out"), overwrite=False) as draft,
    ):
        write_whole(draft / "absent" / "a", "1")
    assert ".part" not in str(told.value)
    assert names(tmp_path) == []


def test_a_file_appears_whole(tmp_path):
    write_whole(tmp_path / "a.txt", "µ\n")
    assert (tmp_path / "a.txt").read_bytes() == "µ\n".encode()
    assert names(tmp_path) == ["a.txt"]
    with pytest.raises(OutputError, match=r"absent.*cannot be written"):
        write_whole(tmp_path / "absent" / "a.txt", "")


def write(out: Path, about: str | None, **files: str) -> None:
    with whole_folder(out, overwrite=True, about=about) as draft:
        for name, text in files.items():
            path = draft / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [("a", "b", []), ("a", "a", ["figures/x"]), ("", "", [])],
)
def test_files_about_something_else_go(tmp_path, first, second, left):
    write(tmp_path / "out", first, report="1", figures__x="old")
    write(tmp_path / "out", second, report="2")
    assert file_names(tmp_path / "out") == sorted([*left, "report", WRITTEN])
    assert (tmp_path / "out" / "figures").is_dir() == bool(left)
    assert sorted(read_listing(tmp_path / "out").files) == sorted([*left, "report"])


def test_what_was_changed_or_is_not_listed_stays(tmp_path):
    out = tmp_path / "out"
    write(out, "a", report="1", notes="1", figures__x="old")
    (out / "notes").write_text("mine now")
    (out / "figures" / "mine").write_text("mine")
    write(out, "b", report="2")
    assert file_names(out) == ["figures/mine", "notes", "report", WRITTEN]
    assert others(out) == ["figures/mine", "notes"]


def test_without_a_subject_files_join_the_list_or_make_none(tmp_path):
    write(tmp_path / "plain", None, data="1")
    assert file_names(tmp_path / "plain") == ["data"]
    write(tmp_path / "out", "a", report="1")
    write(tmp_path / "out", None, page="1")
    listing = read_listing(tmp_path / "out")
    assert (listing.about, sorted(listing.files)) == ("a", ["page", "report"])


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', '{"files": {"../mine": "0"}}', '{"files": {"/x": 1}}']
)
def test_a_list_that_was_tampered_with_removes_nothing(tmp_path, text):
    (tmp_path / "mine").write_text("mine")
    write(tmp_path / "out", "a", report="1")
    (tmp_path / "out" / WRITTEN).write_text(text)
    write(tmp_path / "out", "b", other="2")
    assert (tmp_path / "mine").exists()
    assert file_names(tmp_path / "out") == ["other", "report", WRITTEN]


def test_a_link_is_no_file_of_ours(tmp_path):
    (tmp_path / "mine").write_text("1")
    write(tmp_path / "out", "a", report="1", page="1")
    (tmp_path / "out" / "page").unlink()
    (tmp_path / "out" / "page").symlink_to(tmp_path / "mine")
    write(tmp_path / "out", "b", report="2")
    assert (tmp_path / "out" / "page").is_symlink()
    assert (tmp_path / "mine").exists()


def test_the_list_is_the_same_for_the_same_files(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, "a", report="1", figures__x="old")
    texts = [(tmp_path / name / WRITTEN).read_text() for name in ("one", "two")]
    assert texts[0] == texts[1]
    assert set(json.loads(texts[0])) == {"about", "files"}


def test_what_killed_runs_left_goes_and_what_runs_stays(tmp_path):
    for name in (".out.abc.part", ".out.def.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("written")
    (tmp_path / ".other.abc.part").mkdir()
    (tmp_path / ".out.txt.abc.part").mkdir()
    with whole_folder(tmp_path / "out", overwrite=False) as draft:
        (draft / "a").write_text("1")
        with whole_folder(tmp_path / "out", overwrite=True) as second:
            (second / "b").write_text("2")
        assert (draft / "a").exists()
    assert names(tmp_path) == [".other.abc.part", ".out.txt.abc.part", "out", "out/a", "out/b"]


def test_the_folder_is_swapped_as_a_whole(tmp_path):
    """Who had opened the old folder still sees all of it, and nothing of the new one."""
    out = tmp_path / "out"
    write(out, "a", report="old", table="old")
    (out / "mine").mkdir()
    (out / "mine" / "notes").write_text("mine")
    (out / "link").symlink_to("mine/notes")
    before = out.stat().st_ino
    write(out, "b", report="new")
    assert out.stat().st_ino != before
    assert (out / "link").read_text() == "mine"
    assert file_names(out) == ["link", "mine/notes", "report", WRITTEN]
    assert names(tmp_path) == sorted(["out", *(f"out/{name}" for name in names(out))])


def test_a_file_that_comes_in_between_is_kept(tmp_path, monkeypatch):
    out, swap = tmp_path / "out", files._swap
    write(out, "a", report="old")

    def late(draft, place):
        (out / "late").write_text("mine")
        swap(draft, place)

    monkeypatch.setattr(files, "_swap", late)
    write(out, "b", report="new")
    assert (out / "late").read_text() == "mine"


def test_without_an_exchange_in_one_step_it_is_two(tmp_path, monkeypatch):
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *_, **__: None)
    write(tmp_path / "out", "a", report="old", table="old")
    write(tmp_path / "out", "b", report="new")
    assert names(tmp_path) == ["out", "out/report", f"out/{WRITTEN}"]
    assert (tmp_path / "out" / "report").read_text() == "new"


def test_a_folder_between_two_steps_comes_back(tmp_path):
    (tmp_path / ".out.x-old.part").mkdir()
    (tmp_path / ".out.x-old.part" / "mine").write_text("mine")
    write(tmp_path / "out", "a", report="new")
    assert names(tmp_path) == ["out", "out/mine", "out/report", f"out/{WRITTEN}"]


def test_the_working_folder_stays_the_working_folder(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write(out, "a", report="old")
    monkeypatch.chdir(out)
    before = out.stat().st_ino
    write(Path(), "b", report="new")
    assert out.stat().st_ino == before
    assert Path("report").read_text() == "new"


def test_a_name_as_long_as_may_be(tmp_path):
    with whole_folder(tmp_path / ("o" * 250), overwrite=False) as draft:
        write_whole(draft / ("n" * 250), "1")
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize("name", ["\u6f22" * 80, "\U0001f4a5" * 62, os.fsdecode(b"b\xff"), "[a]*?"])
def test_a_name_of_any_letters(tmp_path, name):
    (tmp_path / name).mkdir()
    write(tmp_path / name, "a", report="new")
    write_whole(tmp_path / name / name, "1")
    assert len(names(tmp_path)) == 4


def test_drafts_of_a_file_go_once_nobody_writes_them(tmp_path):
    for name in (".a.123.part", ".a.b.123.part"):
        (tmp_path / name).write_text("half")
    with whole_file(tmp_path / "a") as draft:
        draft.write_text("first")
        write_whole(tmp_path / "a", "second")
        assert draft.exists()
    assert names(tmp_path) == [".a.b.123.part", "a"]
    assert (tmp_path / "a").read_text() == "first"


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be renamed there")
def test_drafts_that_nobody_holds_are_cleared(tmp_path):
    folder = tmp_path / "drafts"
    clear_drafts(folder)
    folder.mkdir()
    (folder / ".a.1.part").mkdir()
    (folder / ".a.1.part" / "half").touch()
    with draft_beside(folder / "b", Path.mkdir) as draft:
        clear_drafts(folder)
        assert list(folder.iterdir()) == [draft]
    (folder / "scratch").mkdir()
    clear_drafts(folder)
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="what is open cannot be renamed there")
def test_clearing_waits_for_what_is_about_to_end(tmp_path, monkeypatch):
    folder, seen = tmp_path / "drafts", threading.Event()
    folder.mkdir()
    monkeypatch.setattr(files.time, "sleep", lambda _: seen.set())

    def hold() -> None:
        with draft_beside(folder / "b", Path.mkdir):
            begun.set()
            seen.wait(60)

    begun, holder = threading.Event(), threading.Thread(target=hold)
    holder.start()
    begun.wait(60)
    clear_drafts(folder, patience=60.0)
    holder.join()
    assert seen.is_set()
    assert not folder.exists()


def test_a_draft_that_was_taken_for_one_that_was_left_is_made_again(tmp_path, monkeypatch):
    held, taken = files.held, []

    @contextmanager
    def late(path):
        if not taken:
            taken.append(path)
            path.unlink()
        with held(path) as ours:
            yield ours

    monkeypatch.setattr(files, "held", late)
    write_whole(tmp_path / "a", "1")
    assert (names(tmp_path), len(taken)) == (["a"], 1)


def test_the_root_is_no_place(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    write(Path(".."), "a", report="new")
    assert names(tmp_path) == ["inner", "report", WRITTEN]
    with pytest.raises(OutputError, match="root of all"), whole_folder(Path("/"), overwrite=True):
        pass


@pytest.mark.parametrize("turn", [1, 2])
def test_an_interruption_of_the_cleaning_leaves_nothing(tmp_path, monkeypatch, turn):
    remove, calls = files._remove, []

    def interrupted(path):
        calls.append(path)
        if len(calls) == turn:
            raise KeyboardInterrupt
        remove(path)

    monkeypatch.setattr(files, "_remove", interrupted)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "out", overwrite=False) as draft:
        (draft / "a").write_text("1")
    assert names(tmp_path) == (["out", "out/a"] if turn == 2 else [])
