"""One device brought up to date: when it is fitted again, and what becomes of a failure."""

import errno
import json
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import work

from memfit.batch import device as checkpoint
from memfit.batch.device import (
    DRAFTS,
    Job,
    bring_up_to_date,
    fingerprint,
    read_checkpoint,
    record_failure,
)
from memfit.batch.limits import Limits
from memfit.errors import InputError
from memfit.files import clear_drafts

MAKERS = work.MAKERS


@pytest.fixture
def job(words, tmp_path):
    root = words(a="nothing")
    return Job(key="a", folder=root / "a", out=tmp_path / "out")


def older_layout(path):
    """A checkpoint of a result whose layout is not today's."""
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "result_schema": "memfit/fit-result/0"}))


def again(job, **changes):
    fields = {
        name: getattr(job, name)
        for name in ("key", "folder", "out", "settings", "reports", "merits", "limits")
    }
    return Job(**{**fields, **changes})


def test_what_is_finished_is_not_done_again(job, fits):
    first, second = bring_up_to_date(job, MAKERS), bring_up_to_date(job, MAKERS)
    assert (first.state, second.state) == ("fitted", "unchanged")
    assert first.status == second.status == "ok"
    assert fits() == ["a"]
    assert {path.name for path in job.place.iterdir()} == {"result.json", "checkpoint.json"}
    assert not list((job.out / ".drafts").iterdir())


@pytest.mark.parametrize(
    "change",
    [
        lambda job: (job.folder / "iv.csv").write_text("other\n"),
        lambda job: (job.folder / "eis.csv").write_text("1,2\n"),
        lambda job: (job.folder / "device.toml").write_text('[device]\nname = "b"\n'),
        lambda job: (job.place / "result.json").write_text("half"),
        lambda job: (job.place / "result.json").unlink(),
        lambda job: (job.place / "checkpoint.json").write_text('{"schema": "another/1"}'),
        lambda job: (job.place / "checkpoint.json").write_text("[1, 2"),
        lambda job: older_layout(job.place / "checkpoint.json"),
    ],
)
def test_what_changed_or_was_harmed_is_fitted_again(job, fits, change):
    bring_up_to_date(job, MAKERS)
    change(job)
    assert bring_up_to_date(job, MAKERS).state == "fitted"
    assert bring_up_to_date(job, MAKERS).state == "unchanged"
    assert fits() == ["a", "a"]


def test_files_that_are_no_input_do_not_count(job, fits):
    bring_up_to_date(job, MAKERS)
    (job.folder / "README.md").write_text("A remark.")
    os.utime(job.folder / "iv.csv")
    assert bring_up_to_date(job, MAKERS).state == "unchanged"


def test_other_settings_are_another_fit(job):
    bring_up_to_date(job, MAKERS)
    assert bring_up_to_date(again(job, settings={"seed": 1}), MAKERS).state == "fitted"
    assert bring_up_to_date(again(job, settings={"seed": 1}), MAKERS).state == "unchanged"


def test_a_report_is_added_without_a_fit(job, fits):
    bring_up_to_date(job, MAKERS)
    before = (job.place / "result.json").read_bytes()
    assert bring_up_to_date(again(job, reports=True), MAKERS).state == "unchanged"
    assert (job.place / "report.html").exists()
    assert (job.place / "result.json").read_bytes() == before
    assert fits() == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="what is open cannot be renamed there")
def test_the_end_of_a_batch_takes_nothing_from_who_still_writes(job):
    """Somewhere a process may still fit what another one has finished: its result is no failure."""

    def fit(job, draft):
        clear_drafts(job.out / DRAFTS)
        return work.fit(job, draft)

    outcome = bring_up_to_date(job, replace(MAKERS, fit=fit))
    assert (outcome.state, outcome.message) == ("fitted", "")
    assert (job.place / "result.json").exists()


def test_a_refusal_is_remembered_until_the_data_change(words, tmp_path, fits):
    root = words(a="refuse eis.csv")
    job = Job(key="a", folder=root / "a", out=tmp_path / "out")
    first, second = bring_up_to_date(job, MAKERS), bring_up_to_date(job, MAKERS)
    assert (first.state, first.cause) == (second.state, second.cause) == ("failed", "input")
    assert first.message == second.message == "eis.csv: expected measurements, found none."
    assert fits() == ["a"]
    words(a="nothing")
    assert bring_up_to_date(job, MAKERS).state == "fitted"
    assert (job.place / "result.json").exists()


def test_a_failure_takes_the_place_of_an_older_result(job, words):
    bring_up_to_date(job, MAKERS)
    words(a="refuse it")
    bring_up_to_date(job, MAKERS)
    assert [path.name for path in job.place.iterdir()] == ["checkpoint.json"]


def test_a_bug_is_one_device_s_failure_with_its_traceback(words, tmp_path):
    root = words(a="stumble")
    job = Job(key="a", folder=root / "a", out=tmp_path / "out")
    found = bring_up_to_date(job, MAKERS)
    assert (found.state, found.cause) == ("failed", "error")
    assert "ZeroDivisionError: a bug" in found.message
    known = read_checkpoint(job.place)
    assert known is not None
    assert "in _stumble" in known.detail


def test_a_limit_that_was_passed_holds_until_it_is_wider(job):
    tight = again(job, limits=Limits(time=1.0, memory=1e8))
    for cause in ("time", "memory"):
        record_failure(tight, cause, "Too much.", begun=0.0)
        assert bring_up_to_date(tight, MAKERS).cause == cause
        wide = again(job, limits=Limits(time=2.0, memory=2e8))
        assert bring_up_to_date(wide, MAKERS).state == "fitted"
    record_failure(tight, "died", "Its process died.", begun=0.0)
    assert bring_up_to_date(tight, MAKERS).state == "fitted"


@pytest.mark.parametrize("deed", ["full", "forbidden OUT"])
def test_a_full_disk_is_no_failure_of_the_device(words, tmp_path, deed):
    root = words(a=deed)
    job = Job(key="a", folder=root / "a", out=tmp_path / "out")
    found = bring_up_to_date(job, MAKERS)
    assert (found.state, found.cause) == ("stopped", "disk")
    assert not job.place.exists()
    assert not list((job.out / ".drafts").iterdir())


def test_a_disk_that_fills_while_the_result_is_put_in_place(job, monkeypatch):
    bring_up_to_date(job, MAKERS)
    before = (job.place / "result.json").read_bytes()
    (job.folder / "iv.csv").write_text("other\n")

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", full)
        found = bring_up_to_date(job, MAKERS)
    assert (found.state, found.cause) == ("stopped", "disk")
    assert "No space left" in found.message
    assert (job.place / "result.json").read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        found = bring_up_to_date(job, MAKERS)
    assert found.cause == "disk"
    assert found.message.startswith(f"{job.place}/checkpoint.json: cannot be written (No space left")
    assert bring_up_to_date(job, MAKERS).state == "fitted"


def test_two_who_publish_the_same_device_at_once(job, monkeypatch):
    """The other one was faster between our look and our step."""
    bring_up_to_date(job, MAKERS)
    put_away = checkpoint._put_away
    rivals = iter([True, False])

    def overtaken(place: Path, drafts: Path) -> None:
        put_away(place, drafts)
        if next(rivals):
            place.mkdir()
            (place / "result.json").write_text("theirs")

    monkeypatch.setattr(checkpoint, "_put_away", overtaken)
    (job.folder / "iv.csv").write_text("other\n")
    assert bring_up_to_date(job, MAKERS).state == "fitted"
    assert json.loads((job.place / "result.json").read_text()) == {"word": "other"}


def test_digests_name_every_input(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "iv.csv").write_text("x")
    (tmp_path / "device.toml").write_text('[[measurement]]\nfile = "sub/iv.csv"\n')
    (tmp_path / "other.csv").write_text("not listed")
    assert set(fingerprint(tmp_path)) == {"device.toml", "sub/iv.csv"}
    (tmp_path / "device.toml").write_text("not toml [")
    assert set(fingerprint(tmp_path)) == {"device.toml", "other.csv"}


def test_a_device_that_is_gone_or_changes_meanwhile_fails_alone(words, tmp_path):
    """Whoever deletes or writes files during the fit costs this device only; nothing of it is a result."""

    def gone(job, draft):
        shutil.rmtree(job.folder)
        raise InputError("its files are gone.")

    def written(job, draft):
        (job.folder / "iv.csv").write_text("other\n")
        (draft / "result.json").write_text("{}\n")
        return "ok"

    def replaced(job, draft):
        job.folder.rename(job.folder.with_name("old"))
        job.folder.mkdir()
        (job.folder / "iv.csv").write_text("another device\n")
        (draft / "result.json").write_text("{}\n")
        return "ok"

    def joined(job, draft):
        (job.folder / "more.csv").write_text("Voltage (V), Current (A)\n0, 0\n1, 1\n2, 2\n")
        (draft / "result.json").write_text("{}\n")
        return "ok"

    root = words(a="nothing", b="nothing", c="nothing", d="nothing")
    for key, fit in (("a", gone), ("b", written), ("c", replaced), ("d", joined)):
        job = Job(key=key, folder=root / key, out=tmp_path / "out")
        outcome = bring_up_to_date(
            job, checkpoint.Makers(fit=fit, report=fit, merits=fit, prepare=lambda: None)
        )
        assert (outcome.state, outcome.cause) == ("failed", "input")
        assert not (job.place / "result.json").exists()
        assert read_checkpoint(job.place) is not None
    assert "changed while it was fitted" in outcome.message


def test_other_figures_of_merit_are_added_without_fitting_again(job, fits):
    first = again(job, merits={"names": ["V_set"], "conditions": {}})
    bring_up_to_date(first, MAKERS)
    (job.place / "report.html").write_text("there")
    other = again(job, merits={"names": ["on_off"], "conditions": {}})
    assert bring_up_to_date(other, MAKERS).state == "unchanged"
    assert fits() == ["a"]
    assert json.loads((job.place / "figures_of_merit.json").read_text())["asked"] == other.merits
    assert (job.place / "report.html").read_text() == "there"
    before = (job.place / "figures_of_merit.json").stat().st_mtime_ns
    assert bring_up_to_date(other, MAKERS).state == "unchanged"
    assert (job.place / "figures_of_merit.json").stat().st_mtime_ns == before
