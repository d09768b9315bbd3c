"""The index: made from the results at any time, whole for every reader, with every bad result named."""

import json
import os
import sqlite3
import threading

import pytest

from memfit.batch.columns import COLUMNS, flat_row
from memfit.batch.device import Job, read_checkpoint, record_failure
from memfit.batch.run import summarise
from memfit.batch.store import INDEX, build_index, read_rows, result_folders, row_of, select
from memfit.errors import InputError, OutputError
from memfit.reporting.batch import overview_report


def another(data):
    data["schema"] = "memfit/fit-result/99"


def lost_part(data):
    del data["goodness"]


def named(name):
    def change(data):
        data["device"]["name"] = name

    return change


def test_a_row_says_what_the_result_says(results, result_data):
    out = results(a=None)
    build_index(out)
    (row,) = read_rows(out)
    assert set(row) == {*COLUMNS, "attributes"}
    assert (row["folder"], row["device"], row["state"], row["usable"]) == (
        "devices/a",
        "real",
        "fitted",
        True,
    )
    assert row["tau_d"] == result_data["parameters"]["tau_d"]["value"]
    assert [row["R_b_low"], row["R_b_high"]] == result_data["parameters"]["R_b"]["ci95"]
    current, voltage = result_data["stability"]["current"], result_data["stability"]["voltage"]
    assert row["gain_margin_min"] == current["gain_margin_min"]
    assert row["voltage_gain_margin_min"] == voltage["gain_margin_min"]
    assert row["probability_oscillates"] == current["probability_oscillates"]
    assert row["area"] == pytest.approx(4e-6)
    assert row["attributes"] == {"batch": "7"}
    assert read_rows(out, 'batch == "7" and area > "3 mm^2"') == [row]
    assert select(out, "tau_d > 0 and batch != None")[1] == ("tau_d", "batch")


def test_made_again_it_is_the_same(results):
    out = results(a=None, b=named("other"))
    first = build_index(out)
    rows = read_rows(out)
    again = build_index(out)
    assert (first.read, again.read, again.rows) == (2, 0, 2)
    assert read_rows(out) == rows
    (out / INDEX).write_bytes(b"no index")
    with pytest.raises(InputError, match="memfit index"):
        read_rows(out)
    assert build_index(out).read == 2
    assert read_rows(out) == rows


def test_what_changed_is_read_again(results):
    out = results(a=None, b=None)
    build_index(out)
    results(b=named("renamed"))
    assert build_index(out).read == 1
    assert [row["device"] for row in read_rows(out)] == ["real", "renamed"]


def test_bad_results_are_named_and_cost_nothing_else(results, tmp_path):
    out = results(a=None, b=another, c=lost_part, d=None, e=None)
    (out / "devices" / "d" / "result.json").write_text('{"schema": "memfit/fit-result/1", "device": {"na')
    (out / "devices" / "e" / "result.json").write_bytes(b"\xff\xfe\x00")
    job = Job(key="f", folder=tmp_path, out=out)
    record_failure(job, "time", "It was not done in time.", begun=0.0)
    indexed = build_index(out)
    states = {row["folder"][-1]: row["state"] for row in read_rows(out)}
    assert states == {"a": "fitted", "f": "failed", **dict.fromkeys("bcde", "unreadable")}
    assert len(indexed.unreadable) == 4
    assert "memfit/fit-result/99" in indexed.unreadable[0]
    assert all(f"devices/{name}" in said for name, said in zip("bcde", indexed.unreadable, strict=True))
    summary = summarise(out, list("abcdef"), read_rows(out), {"fitted": 6}, seconds=1.0)
    assert summary.usable == 1
    assert [failure.cause for failure in summary.failures] == ["unreadable"] * 4 + ["time"]


def test_two_devices_of_one_name(results):
    out = results(a=None, b=None, c=named("single"))
    build_index(out)
    rows = read_rows(out)
    summary = summarise(out, ["a", "b"], rows, {}, seconds=1.0)
    assert summary.duplicates == {"real": ("a", "b")}
    assert "2 devices are called 'real': a, b" in summary.notes[0]
    assert "1 more in OUT" in summary.notes[1]


def test_attributes_whose_names_are_taken(results):
    def change(data):
        data["device"]["attributes"] = {"status": "lost", "site": 4.5}

    out = results(a=change)
    build_index(out)
    (row,) = read_rows(out, 'attributes["status"] == "lost" and site == 4.5')
    assert flat_row(row)["attributes.status"] == "lost"
    assert flat_row(row)["status"] == row["status"]


def test_writers_and_readers_at_once(results):
    """Every reader sees a whole index, whoever writes."""
    out = results(**{f"d{number}": named(f"device {number}") for number in range(8)})
    build_index(out)
    problems = []

    def write():
        try:
            for _ in range(6):
                build_index(out)
        except Exception as problem:
            problems.append(problem)

    def read():
        try:
            for _ in range(25):
                assert len(read_rows(out, "R_b > 0")) == 8
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=task) for task in (write, write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert sorted(path.name for path in out.iterdir()) == ["devices", INDEX]


def test_results_below_an_older_result_are_found(results):
    """A device whose folder was split into several later."""
    out = results(**{"a": None, "a/b": None, "a/figures": None})
    assert [folder.relative_to(out).as_posix() for folder in result_folders(out)] == [
        "devices/a",
        "devices/a/b",
    ]


def test_nothing_to_index(tmp_path):
    with pytest.raises(InputError, match="found no such folder"):
        build_index(tmp_path / "absent")
    with pytest.raises(InputError, match="found none"):
        build_index(tmp_path)
    with pytest.raises(InputError, match="memfit index"):
        read_rows(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_index_of_another_layout(results):
    out = results(a=None)
    build_index(out)
    with sqlite3.connect(out / INDEX) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(InputError, match="another version of memfit"):
        read_rows(out)
    assert build_index(out).rows == 1
    assert len(read_rows(out)) == 1


def test_a_full_disk(results, monkeypatch):
    out = results(a=None)
    build_index(out)
    before = (out / INDEX).read_bytes()

    def full(*_args):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("memfit.batch.store._insert", full)
    with pytest.raises(OutputError, match="disk is full"):
        build_index(out)
    assert (out / INDEX).read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == ["devices", INDEX]


def test_any_folder_of_results_can_be_indexed(results):
    out = results(a=None)
    (folder,) = result_folders(out / "devices" / "a")
    assert row_of(folder, ".")["device"] == "real"
    assert read_checkpoint(folder) is None
    assert build_index(out / "devices").rows == 1


def test_a_folder_whose_name_is_no_text_keeps_its_bytes(results, tmp_path):
    """Bytes that are no UTF-8 come back as they are; beside it a result with nonsense for names."""

    def odd(data):
        data["device"] |= {"name": "\ud800", "attributes": {"n": 2**70, "\udcff": "\udcff"}}

    name = os.fsdecode(b"b\xff")
    try:
        out = results(**{name: None, "odd": odd})
    except OSError:
        pytest.skip("this file system takes no such name")
    for _ in range(2):  # the second time from the index itself
        build_index(out)
        rows = {row["folder"]: row for row in read_rows(out)}
        assert set(rows) == {f"devices/{name}", "devices/odd"}
        assert (out / f"devices/{name}" / "result.json").is_file()
    assert rows["devices/odd"]["state"] == "fitted"
    page = overview_report("root", iter(rows.values()), (), "")
    assert repr(page.sections).count("real") >= 1


def test_figures_of_merit_are_columns(results):
    out = results(a=None, b=None, c=None)
    entry = {"figure": "V_set", "measured": {"value": 0.61, "stderr": 0.01},
             "predicted": {"value": 0.6, "stderr": 0.002, "ci95": [0.596, 0.604]}}  # fmt: skip
    file = out / "devices" / "a" / "figures_of_merit.json"
    file.write_text(json.dumps({"figures": [entry], "conditions": {"read": 0.2, "count": 30}}))
    (out / "devices" / "b" / "figures_of_merit.json").write_text("{")
    build_index(out)
    (row,) = read_rows(out, 'V_set < "700 mV" and V_set_measured > V_set and at_read == 0.2')
    assert row["folder"] == "devices/a"
    assert (row["V_set_low"], row["V_set_high"], row["at_count"]) == (0.596, 0.604, 30)
    assert len(read_rows(out, "V_set is None")) == 2
    file.write_text(json.dumps({"figures": [{**entry, "predicted": None}]}))
    build_index(out)
    assert len(read_rows(out, "V_set is None")) == 3
