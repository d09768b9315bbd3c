"""`memfit batch`, `memfit index`, `memfit query`: from folders of devices to an overview."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from small_device import make_device

import memfit as mf


def without_times(path: Path) -> dict:
    data = json.loads((path / "result.json").read_text(encoding="utf-8"))
    for key in ("started", "seconds"):
        data["environment"].pop(key)
    for key in ("digest", "data"):  # of the times as well; the way to the data from another folder
        data.pop(key)
    return data


def values(result: dict) -> dict[str, float]:
    """Fitted values and their errors."""
    return {
        f"{name} {key}": item[key]
        for name, item in result["parameters"].items()
        for key in ("value", "stderr")
    }


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs)["href"])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two devices, one of a nasty name, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("batch") / "wafer #1"
    make_device(folder / "row 1" / "a", '<b>"5%"&', 1, area=4e-6, attributes={"batch": "7", "site": 1.0})
    make_device(folder / "row 1" / "b", "plain", 2)
    (folder / "row 2").mkdir()
    (folder / "row 2" / "iv.csv").write_text("Voltage (V), Current (flux)\n1, 2\n")
    return folder


@pytest.fixture(scope="module")
def out(root):
    """The batch, by way of Python, with reports."""
    summary = mf.fit_many(root, root.parent / "out", workers=1)
    assert (summary.devices, summary.fitted, summary.usable) == (3, 2, 2)
    assert [failure.device for failure in summary.failures] == ["row 2"]
    return summary.out


def test_results_are_those_of_single_fits(root, out):
    for name in ("a", "b"):
        alone = mf.fit(mf.load(root / "row 1" / name))
        mf.write_report(alone, root.parent / f"alone_{name}")
        single = without_times(root.parent / f"alone_{name}")
        found = without_times(out / "devices" / "row 1" / name)
        for key in ("inputs", "plan", "model", "status", "device", "covariance_names"):
            assert found[key] == single[key]
        assert values(found) == pytest.approx(values(single), rel=1e-6)  # another process may round otherwise
        assert (out / "devices" / "row 1" / name / "report.html").is_file()
    assert not list(out.rglob("*.part"))


def test_overview_leads_to_every_report(out):
    text = (out / "overview.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&#34;5%&#34;&amp;" in text
    assert "expected a unit of current" in text
    parser = Links()
    parser.feed(text)
    pages = {link for link in parser.found if not link.startswith("#")}
    assert len(pages) == 2
    assert all((out / unquote(page)).is_file() and page.endswith("report.html") for page in pages)


def test_again_it_does_nothing_but_what_changed(run, root, out):
    before = (out / "devices" / "row 1" / "a" / "result.json").read_bytes()
    (root / "row 1" / "b" / "device.toml").write_text(
        (root / "row 1" / "b" / "device.toml").read_text().replace('"plain"', '"renamed"')
    )
    ran = run("batch", root, "-o", out, "--workers", 1, "--no-reports", "--json")
    assert ran.code == 0
    said = json.loads(ran.out)
    assert (said["fitted"], said["unchanged"], said["usable"]) == (1, 1, 2)
    assert said["failures"][0]["cause"] == "input"
    assert (out / "devices" / "row 1" / "a" / "result.json").read_bytes() == before
    assert "3 devices under" in ran.err
    assert "row 2: iv.csv, line 1" in ran.err
    assert "3 of 3 devices; 1 unchanged, 1 failed" in ran.err
    assert "renamed" in run("query", out).out


def test_query(run, out):
    table = run("query", out, 'area > "1 mm^2" and tau_d > "1 ms"')
    assert table.code == 0
    assert table.err == "1 device.\n"
    head, row = table.out.splitlines()
    always = ["folder", "device", "status", "gain_margin_min", "probability_oscillates"]
    assert head.split()[:5] == always
    assert {"on_off", "PPF", "fading_time"} <= set(head.split())
    assert head.split()[-2:] == ["area", "tau_d"]
    plain = run("query", out, 'area > "1 mm^2" and tau_d > "1 ms"', "--merit", "none").out
    assert plain.splitlines()[0].split() == [*always, "area", "tau_d"]
    some = run("query", out, "on_off > 0", "--merit", "PPF,on_off").out
    assert some.splitlines()[0].split() == [*always, "on_off", "PPF"]
    assert "did you mean 'on_off'" in run("query", out, "--merit", "onoff").err
    assert "devices/row 1/a" in row
    paths = run("query", out, "usable", "--paths", "--quiet")
    assert paths.out.splitlines() == [str(out / "devices" / "row 1" / name) for name in "ab"]
    assert paths.err == ""
    (row,) = json.loads(run("query", out, 'batch == "7"', "--json").out)
    assert (row["site"], row["state"], row["area"]) == (1.0, "fitted", pytest.approx(4e-6))
    (row,) = json.loads(run("query", out, 'state != "fitted"', "--json").out)
    assert row["cause"] == "input"
    frame = mf.query(out, "usable")
    assert list(frame["folder"]) == ["devices/row 1/a", "devices/row 1/b"]
    assert mf.query(out, "R_b < 0").empty


def test_index_names_a_damaged_result(run, out):
    path = out / "devices" / "row 1" / "b" / "result.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    try:
        ran = run("index", out, "-v")
        assert ran.code == 0
        assert "devices/row 1/b/result.json cannot be read" in ran.err
        assert "3 results in" in ran.err
        assert json.loads(run("query", out, "usable", "--json").out)[0]["folder"] == "devices/row 1/a"
    finally:
        path.write_bytes(whole)
    run("index", out)
    assert len(json.loads(run("query", out, "usable", "--json").out)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["batch", "absent", "-o", "x"], "absent: expected a folder with a folder for each device"),
        (["batch", "ROOT", "-o", "x", "--time-limit", "5 F"], "Expected a unit of time"),
        (["batch", "ROOT", "-o", "x", "--memory-limit", "much"], "Expected a size of memory"),
        (["batch", "ROOT", "-o", "x", "--fix", "R_S=1"], "did you mean 'R_s'?"),
        (["batch", "ROOT", "-o", "x", "--fix", "R_b=-1"], "R_b must be greater than 0"),
        (["batch", "ROOT", "-o", "ROOT"], "is no output of a batch"),
        (["index", "absent"], "absent: expected a folder with results"),
        (["query", "ROOT"], "make it with `memfit index"),
        (["query", "OUT", "gain_margin < 1"], "did you mean 'gain_margin_min'"),
        (["query", "OUT", "import os"], "cannot be read"),
    ],
)
def test_mistakes_are_told_in_one_line(run, root, out, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    ran = run(*(str({"ROOT": root, "OUT": out}.get(word, word)) for word in words))
    assert ran.code == 1
    assert said in ran.err.splitlines()[-1]
    assert ran.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [["--workers", "0"], ["--workers", "2", "--scheduler", "tcp://x:1"], ["--seed", "x"], []]
)
def test_mistakes_in_usage(run, words):
    ran = run("batch", "root", *(["-o", "out", *words] if words else words))
    assert ran.code == 2
    assert ran.err.startswith("memfit batch: ")
    assert ran.err.count("\n") == 1


def test_no_usable_result_is_code_3(run, root, tmp_path):
    ran = run("batch", root / "row 2", "-o", tmp_path / "out", "--workers", 1)
    assert ran.code == 3
    assert re.search(r"1 device: 0 usable, 0 fitted now, 0 unchanged, 1 without a result", ran.out)
    assert "row 2  data  iv.csv" in ran.out
