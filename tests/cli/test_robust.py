"""Devices and surroundings that somebody chose to do harm: one sentence for each, and the others go on.

The kinds are those of the collection of cases beside the project; the inputs are written here.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_device import make_device

from memfit.files import printable

FIRST = '[[measurement]]\nfile = "{file}"\n'
DEVICES = {
    "attribute_inf": ("[device]\nattributes = { thickness = inf }", ["attributes", "thickness", "inf"]),
    "attribute_nan": ("[device]\nattributes = { thickness = nan }", ["attributes", "thickness", "nan"]),
    "integer_309_digits": (
        f"[device]\nattributes = {{ serial = {'2' * 309} }}",
        ["attributes", "serial", "too large"],
    ),
    "integer_400_digits": (
        f"[device]\nattributes = {{ serial = {'1' * 400} }}",
        ["attributes", "serial", "too large"],
    ),
    "integer_5000_digits": (f"[device]\nattributes = {{ serial = {'1' * 5000} }}", ["serial", "too large"]),
    "nesting_1000": (f"[device]\nattributes = {{ a = {'[' * 1000}{']' * 1000} }}", ["nested too deep"]),
    "file_name_300_letters": (
        f'[[measurement]]\nfile = "{"a" * 300}.csv"',
        ["measurement 1, file", "there is no file"],
    ),
    "bounds_1e290": ("[fit]\nbounds = { R_b = [1e290, 1e300] }", ["bounds, R_b"]),
    "bounds_one_ulp": ("[fit]\nbounds = { V_m = [0.1, 0.10000000000000002] }", ["bounds, V_m", "no width"]),
    "fix_1e300": ("[fit]\nfix = { R_b = 1e300 }", ["fix, R_b"]),
    "fix_1e-300": ("[fit]\nfix = { V_m = 1e-300 }", ["fix, V_m"]),
    "fix_outside_bounds": (
        "[fit]\nfix = { V_T = 2.0 }\nbounds = { V_T = [0.5, 0.8] }",
        ["fix, V_T", "bounds of 0.5 and 0.8 V"],
    ),
    "start_outside_bounds": (
        "[fit]\nstart = { V_T = 2.0 }\nbounds = { V_T = [0.5, 0.8] }",
        ["start, V_T", "bounds of 0.5 and 0.8 V"],
    ),
    "series_resistance_negative": (
        f'{FIRST}bias = "0.4 V"\nseries_resistance = -1e9',
        ["series_resistance", "at least 0"],
    ),
    "time_offset_1e300": (f"{FIRST}time_offset = 1e300", ["time_offset", "1e+300"]),
    "time_offset_1e9": (f'{FIRST}time_offset = "-1e9 s"', ["time_offset", "-1e+09 s"]),
}
PROGRAM = "import sys; from memfit.cli.main import main; sys.exit(main())"
MODULES = ("json", "csv", "random", "numpy", "pickle", "sitecustomize", "usercustomize", "string")


def spoilt(root, name, toml):
    """A device whose device.toml is not what it should be."""
    folder = root / name
    make_device(folder, name, 1)
    file = "iv_50mVs.csv" if "time_offset" in toml else "eis_0.4V.csv"
    (folder / "device.toml").write_text(toml.replace("{file}", file))
    return folder


@pytest.mark.parametrize("name", DEVICES)
def test_one_sentence_for_a_device(run, tmp_path, name):
    toml, words = DEVICES[name]
    ran = run("fit", spoilt(tmp_path, name, toml), "-o", tmp_path / "out")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), ran.err
    assert all(word in ran.err for word in ("device.toml", *words)), ran.err
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """All of them in one batch beside two good ones, one of no UTF-8, in a folder full of traps."""
    place = tmp_path_factory.mktemp("robust")
    for name, (toml, _) in DEVICES.items():
        spoilt(place / "root", name, toml)
    for name in ("good", os.fsdecode(b"b\xff")):
        make_device(place / "root" / name, printable(name), 2)
        with (place / "root" / name / "device.toml").open("a") as file:
            file.write('\n[fit]\nmodel = "3d"\n')
    for name in MODULES:
        (place / f"{name}.py").write_text("open(__file__ + '.executed', 'w')\nraise SystemExit(7)\n")
    return place


def memfit(place, *words, program=PROGRAM, **variables):
    """A command in a process of its own, in a working folder."""
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, words)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_in_a_batch_the_others_go_on(batch):
    words = ["root", "-o", "out", "--workers", "1", "--no-reports", "--json", "--quiet"]
    ran = memfit(batch, "batch", *words)
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert (summary["devices"], summary["usable"]) == (len(DEVICES) + 2, 2)
    failures = {one["device"]: one for one in summary["failures"]}
    assert set(failures) == set(DEVICES)
    for name, (_, said) in DEVICES.items():
        assert failures[name]["cause"] == "input"
        assert all(word in failures[name]["message"] for word in said), failures[name]
    page = (batch / "out" / "overview.html").read_text()
    assert all(name in page for name in (*DEVICES, "good", printable(os.fsdecode(b"b\xff"))))
    rows = json.loads(memfit(batch, "query", "out", "--json").stdout)
    assert len(rows) == len(DEVICES) + 2
    assert memfit(batch, "index", "out").returncode == 0
    assert not list(batch.glob("*.executed"))
    assert not [path for path in batch.rglob("*") if path.name.endswith((".part", ".drafts"))]


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "nonsense", "TZ": "Nowhere/Land", "PYTHONHASHSEED": "1"},
        {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "MPLCONFIGDIR": "/dev/null"},
        {"COLUMNS": "-5", "TERM": "", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"},
        {"MPLBACKEND": "nonsense", "PYTHONOPTIMIZE": "2", "OMP_NUM_THREADS": "x"},
    ],
)
def test_surroundings_change_nothing(batch, surroundings):
    device = batch / "root" / "good"
    plain, other = memfit(batch, "inspect", device), memfit(batch, "inspect", device, **surroundings)
    assert plain.returncode == other.returncode == 0
    assert other.stderr == plain.stderr
    assert other.stdout.encode("ascii", "replace") == plain.stdout.encode("ascii", "replace")


@pytest.mark.parametrize("out", ["file", "file/out", "/dev/null", "/proc/nothing", "o" * 300])
def test_a_place_that_cannot_be_written_is_refused_before_the_fit(
    run, small_device, tmp_path, monkeypatch, out
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("memfit.workflow.fitting.fit_records", None)
    Path("file").write_text("mine")
    before = sorted(path.as_posix() for path in Path().rglob("*"))
    for words in (("convert", small_device, "-o", out), ("fit", small_device, "-o", out, "--model", "3d")):
        ran = run(*words, "--quiet")
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), ran.err
        assert ".part" not in ran.err
    assert sorted(path.as_posix() for path in Path().rglob("*")) == before
    assert Path("file").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
@pytest.mark.parametrize("words", [("convert", "device"), ("batch", "root", "--no-reports")])
def test_a_disk_that_is_full_is_one_line_and_nothing_is_left(tmp_path, words):
    """No file may grow beyond 300 bytes, as where no more fits; the sentence has no hidden name."""
    make_device(tmp_path / "device", "device", 1)
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "iv.csv").write_text("Voltage (V), Current (A)\n0, 0\n")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
        "from memfit.cli.main import main; sys.exit(main())"
    )
    ran = memfit(tmp_path, *words, "-o", "out", "--quiet", program=limited)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), ran.stderr
    assert "cannot be written (File too large)" in ran.stderr
    assert not re.search(r"\.part|\.drafts", ran.stderr), ran.stderr
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".part", ".drafts"))]
    assert not list((tmp_path / "out").rglob("*.csv"))


@pytest.mark.parametrize(
    ("times", "limits", "cause", "said"),
    [
        (1, ["--time-limit", "2 s", "--memory-limit", "none"], "time", "limit of 2 s"),
        (15, ["--time-limit", "none", "--memory-limit", "420 MB"], "memory", "the limit is 420 MB"),
    ],
)
def test_a_device_that_exceeds_a_limit_is_ended(tmp_path, times, limits, cause, said):
    """One has more samples than can be fitted in the time, one more rows than fit into the memory."""
    folder = tmp_path / "root" / "a"
    folder.mkdir(parents=True)
    rows = "".join(f"{k * 1e-4:.4f},0.{k % 7}{k % 11},{k % 13}e-6\n" for k in range(200_000))
    head = "# technique: transient\n# control: voltage\nTime (s),Voltage (V),Current (A)\n"
    (folder / "pulse.csv").write_text(head + rows * times)
    more = ["--no-reports", "--workers", "1", "--json", "--quiet"]
    ran = memfit(tmp_path, "batch", "root", "-o", "out", *limits, *more)
    assert ran.returncode == 3, ran.stderr
    (failure,) = json.loads(ran.stdout)["failures"]
    assert failure["cause"] == cause
    assert said in failure["message"]
    assert not list((tmp_path / "out" / "devices").rglob("result.json"))


def test_killed_at_any_moment_old_and_new_never_mix(tmp_path):
    """`--overwrite` on the way: there is the old folder or the new one, and the next run cleans up."""
    for name in ("old", "new"):
        make_device(tmp_path / name, name, len(name))
        (tmp_path / f"{name}.toml").write_text("")
    words = ["-o", "out", "--overwrite", "--quiet"]
    assert memfit(tmp_path, "convert", "old", *words).returncode == 0
    old = contents(tmp_path / "out")
    assert memfit(tmp_path, "convert", "new", "-o", "whole", "--quiet").returncode == 0
    new = {**old, **contents(tmp_path / "whole")}
    assert old != new
    program = (
        "import os, sys; from memfit import files; from memfit.cli.main import main\n"
        "step = int(sys.argv.pop(1)); count = 0\n"
        "def watch(event, arguments):\n"
        "    global count\n"
        "    if event in ('os.rename', 'os.mkdir', 'os.link', 'open', 'os.remove', 'os.rmdir'):\n"
        "        if '.part' in str(arguments):\n"
        "            count += 1\n"
        "            if count == step: os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(watch); sys.exit(main())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    seen = set()
    for step in (1, 2, 4, 8, 12, 16, 20, 24, 1000):
        command = [sys.executable, "-P", "-c", program, str(step), "convert", "new", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)
        found = contents(tmp_path / "out")
        assert found in (old, new), step
        seen.add((done.returncode, found == new))
    assert (-9, False) in seen
    assert (0, True) in seen
    assert not list(tmp_path.rglob("*.part"))


def contents(folder):
    """Bytes by name, without the list of what was written."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "written.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
