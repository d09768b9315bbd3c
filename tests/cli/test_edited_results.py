"""Stored results that somebody edited: every command that takes one refuses or warns alike."""

import json
import math

import pytest
from small_device import make_device

import memfit as mf
from memfit.batch.store import read_rows
from memfit.errors import InputError
from memfit.fitting import EDITED, digest_of


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two results of a small device, as text, and where its data are."""
    folder = tmp_path_factory.mktemp("edited") / "small"
    make_device(folder, "small", 2)
    return folder, mf.fit(mf.load(folder)).to_json()


@pytest.fixture
def edited(fitted, tmp_path):
    """A folder with results of two devices, and one that is changed as asked."""

    def make(change):
        data = json.loads(fitted[1])
        change(data)
        other = json.loads(fitted[1])
        other["device"]["name"] = "other"
        for item in other["inputs"]:
            item["sha256"] = item["content_sha256"] = item["sha256"][::-1]
        other["digest"] = digest_of(other)
        for name, text in (("a", json.dumps(other)), ("b", json.dumps(data)), ("c", fitted[1])):
            (tmp_path / "out" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "out" / name / "result.json").write_text(text)
        return tmp_path / "out"

    return make


def times(factor, *places):
    def change(data):
        for place in places:
            estimate = data[place]["R_b"]
            if place == "parameters":
                estimate["value"] *= factor
            else:
                data[place]["R_b"] *= factor

    return change


def test_a_changed_value_is_said_by_every_command(run, edited):
    out = edited(times(10, "parameters", "fitted_values"))
    file = out / "b" / "result.json"
    for words in (("stability", file), ("plan", file, "--json"), ("index", out)):
        ran = run(*words)
        assert (ran.code, EDITED in ran.err) == (0, True), words
        if "--json" in words:
            assert json.loads(ran.out)["warnings"] == [EDITED]
    assert json.loads(run("stability", file, "--json").out)["warnings"] == [EDITED]
    assert "warnings" not in json.loads(run("stability", out / "a", "--json").out)
    assert EDITED in run("compare", out / "a", file).err
    assert [EDITED in row["message"] for row in read_rows(out)] == [False, True, False]
    assert EDITED in run("report", file, "-o", out / "d").err
    assert EDITED in run("fit", "--from", file).err


def set_tau_k(data):
    data["parameters"]["tau_k"]["value"] = data["fitted_values"]["tau_k"] = 1e300


@pytest.mark.parametrize("change", [times(-1, "parameters"), set_tau_k, times(math.inf, "fitted_values")])
def test_what_cannot_be_is_refused_by_every_command(run, edited, change):
    out = edited(change)
    file = out / "b" / "result.json"
    for words in (("stability", file), ("plan", file), ("fit", "--from", file)):
        for form in ([], ["--json"]):
            ran = run(*words, *form)
            assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), words
            assert "result.json" in ran.err
    assert f"Left out: {file}" in run("compare", out).err
    assert "b/result.json" in run("index", out).err
    assert [row["state"] for row in read_rows(out)] == ["fitted", "unreadable", "fitted"]


@pytest.mark.parametrize("text", ['{"a":' * 5000 + "1" + "}" * 5000, '{"schema": %s}' % ("9" * 5000), "[]"])
def test_what_is_no_result(run, tmp_path, text):
    file = tmp_path / "result.json"
    file.write_text(text)
    for command in ("stability", "plan", "report", "compare", "index"):
        ran = run(command, tmp_path if command == "index" else file)
        assert ran.code == (0 if command == "index" else 1), ran.err
        assert "Traceback" not in ran.err
        assert "stumbled" not in ran.err
    ran = run("fit", "--from", file)
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    with pytest.raises(InputError):
        mf.read_result(file)
