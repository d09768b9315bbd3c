"""Files and folders appear whole or not at all."""

from pathlib import Path

import pytest

from memfit.errors import OutputError
from memfit.files import check_free, whole_folder, write_whole


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


def test_a_file_appears_whole(tmp_path):
    write_whole(tmp_path / "a.txt", "µ\n")
    assert (tmp_path / "a.txt").read_bytes() == "µ\n".encode()
    assert names(tmp_path) == ["a.txt"]
    with pytest.raises(OutputError, match=r"absent.*cannot be written"):
        write_whole(tmp_path / "absent" / "a.txt", "")
