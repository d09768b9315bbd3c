"""`memfit compare` end to end: on results fitted from sample_data, and on what cannot be compared."""

import csv
import json
import shutil

import pytest
from comparing import wafer
from openpyxl import load_workbook

import memfit as mf
from memfit.files import WRITTEN
from memfit.workflow.comparison import compare


@pytest.fixture
def store(tmp_path):
    """A folder of results as a batch leaves it."""

    def make(results):
        for k, result in enumerate(results):
            folder = tmp_path / "store" / "wafer" / f"r{k + 1}"
            folder.mkdir(parents=True)
            (folder / "result.json").write_text(result.to_json(), encoding="utf-8")
        return tmp_path / "store"

    return make


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sample_devices(run, sample_fits, tmp_path):
    """B and D are one truth in two kinds of files; C oscillates; A is far from it."""
    out = tmp_path / "out"
    ran = run("compare", *(fit.out for fit in sample_fits.values()), "-o", out)
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "5 of 6 pairs differ" in said
    assert "Not to be told apart: MAPbI3 B (synthetic) and MAPbI3 D (synthetic)" in said
    assert "MAPbI3 C (synthetic) under current control" in said
    assert f"Written to {out}" in ran.err
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("Which devices differ?", "What drives it?", "Which will spike?"))
    devices = rows(out / "devices.csv")
    assert [row["device"][:8] for row in devices] == ["MAPbI3 A", "MAPbI3 B", "MAPbI3 C", "MAPbI3 D"]
    stored = json.loads((sample_fits["mapbi3_c"].out / "result.json").read_text(encoding="utf-8"))
    assert float(devices[2]["tau_d_s"]) == pytest.approx(stored["parameters"]["tau_d"]["value"], rel=1e-8)
    assert devices[2]["current_verdict"] == "oscillates"
    assert devices[2]["current_rank"] == "1"
    drawn = {path.stem for path in (out / "figures").glob("*.svg")}
    assert {"stability_map", "steady_currents", "nyquist_2", "forest_tau_d", "margins_current"} <= drawn
    assert all(f'id="figure-{name}"' in page for name in drawn)


def test_workbook_has_the_tables(run, store, tmp_path):
    out = tmp_path / "out"
    assert run("compare", store(wafer(4, 2, stability=True)), "-o", out, "--quiet").err == ""
    book = load_workbook(out / "comparison.xlsx", read_only=True)
    names = ["devices", "pooled", "outlying", "differences", "correlations", "trends", "left_out"]
    assert book.sheetnames == names
    for name in names:
        stated = rows(out / f"{name}.csv")
        sheet = list(book[name].iter_rows(values_only=True))
        assert len(sheet) == len(stated) + 1, name
        if stated:
            assert list(sheet[0]) == list(stated[0])
    book.close()


def test_json_and_nothing_else_on_stdout(run, store):
    ran = run("compare", store(wafer(4, 2)), "--json")
    found = json.loads(ran.out)
    assert found["schema"] == "memfit/comparison/1"
    assert len(found["devices"]) == 4
    assert found["quantities"]["R_b"]["scale"] == "log"
    assert len(found["differences"]["listed"]) == 6


def test_python_and_command_agree(run, store):
    folder = store(wafer(4, 2))
    by_paths = mf.compare(folder).to_dict()
    assert json.loads(run("compare", folder, "--json").out) == json.loads(json.dumps(by_paths))
    first = mf.read_result(folder / "wafer" / "r1")
    of_both = mf.compare([first, *sorted(folder.rglob("r[2-4]"))]).to_dict()
    for asked in ("quantities", "trends"):
        assert of_both[asked] == by_paths[asked]


def test_what_cannot_be_read_is_named_and_the_rest_compared(run, store, tmp_path):
    folder = store(wafer(4, 2))
    files = sorted(folder.rglob("result.json"))
    files[0].write_text(files[0].read_text(encoding="utf-8")[:500], encoding="utf-8")
    other = json.loads(files[1].read_text(encoding="utf-8"))
    files[1].write_text(json.dumps({**other, "schema": "memfit/fit-result/2"}), encoding="utf-8")
    out = tmp_path / "out"
    ran = run("compare", folder, tmp_path / "nowhere", "-o", out)
    assert ran.code == 0
    assert f"Left out: {files[0]}: Expected JSON, found a fault at line" in ran.err
    assert f"Left out: {files[1]}: Expected a fit result" in ran.err
    assert f"Left out: {tmp_path / 'nowhere'}: expected a result.json" in ran.err
    assert "2 devices" in ran.out
    assert len(rows(out / "left_out.csv")) >= 3
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert "Left out altogether" in page


def test_a_result_given_twice_is_one(run, store):
    folder = store(wafer(3, 2))
    ran = run("compare", folder, folder / "wafer" / "r1", folder / "wafer" / "r1" / "result.json")
    assert "3 devices" in ran.out
    assert "Left out" not in ran.err


def test_drafts_and_figures_are_no_results(store):
    folder = store(wafer(2, 2))
    shutil.copytree(folder / "wafer" / "r1", folder / ".r3.part")
    shutil.copytree(folder / "wafer" / "r1", folder / "wafer" / "r2" / "figures")
    assert len(compare(folder).devices) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two(run, store, tmp_path, count):
    (tmp_path / "store").mkdir(exist_ok=True)
    folder = store(wafer(count, 2)) if count else tmp_path / "store"
    out = tmp_path / "out"
    ran = run("compare", folder, "-o", out)
    assert (ran.code, ran.out) == (1, "")
    assert "at least two devices" in ran.err
    assert ran.err.count("\n") == 1
    assert not out.exists()


def test_nothing_is_overwritten_without_being_told(run, store, tmp_path):
    folder, out = store(wafer(2, 2)), tmp_path / "out"
    assert run("compare", folder, "-o", out).code == 0
    again = run("compare", folder, "-o", out)
    assert again.code == 1
    assert "--overwrite" in again.err
    assert run("compare", folder, "-o", out, "--overwrite").code == 0


def test_the_same_results_give_the_same_bytes(run, store, tmp_path):
    folder = store(wafer(3, 2, stability=True))
    for out in ("one", "two"):
        run("compare", folder, "-o", tmp_path / out, "--quiet")
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file() and path.suffix != ".xlsx" and path.name != WRITTEN:  # a workbook holds its date
            assert (
                path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
            ), path
