"""The same data give the same bytes: whatever files are called, in whatever order and surroundings.

What a person sees of a run is left out: when it was, how long it took, what was typed, where the files lay.
"""

import html
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from small_device import TRUTH

from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, simulate_device, spectrum

FREQUENCY = np.geomspace(1e4, 0.1, 12)
PLANNED = [
    spectrum(0.55, FREQUENCY),
    spectrum(0.7, FREQUENCY),
    loop([0.0, 0.9, 0.0], 0.05, points=31),
    loop([0.0, 0.9, 0.0], 0.5, points=31),
]
NAMES = {"eis_0.55V": "z late", "eis_0.7V": "Äpfel", "iv_50mVs": "1st", "iv_500mVs": "0th"}
PROGRAM = "import sys; from memfit.cli.main import main; sys.exit(main())"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A device; the same with other names of files in another order; the first one's result and report."""
    made = tmp_path_factory.mktemp("same")
    folder, other = made / "device", made / "elsewhere" / "device"
    folder.mkdir()
    other.mkdir(parents=True)
    (made / "working").mkdir()
    write_device(simulate_device(TRUTH, PLANNED, seed=3, name="device"), TRUTH, folder)
    text = (folder / "device.toml").read_text()
    for old, new in NAMES.items():
        (other / f"{new}.csv").write_bytes((folder / f"{old}.csv").read_bytes())
        text = text.replace(f'"{old}.csv"', f'"{new}.csv"')
    head, *measurements = text.split("[[measurement]]")
    (other / "device.toml").write_text("[[measurement]]".join([head, *reversed(measurements)]))
    fit(made, "device", "plain")
    return made


def memfit(cwd, *words, **surroundings):
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **surroundings}
    program = [sys.executable, "-P", "-c", PROGRAM, *map(str, words), "--quiet"]
    done = subprocess.run(program, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def fit(cwd, device, out, **surroundings):
    memfit(cwd, "fit", device, "-o", out, "--model", "3d", **surroundings)


def what_was_found(out, names=()):
    """result.json without times, and with the usual names of files."""
    data = json.loads((out / "result.json").read_text())
    for key in ("started", "seconds", "command"):
        del data["environment"][key]
    del data["digest"], data["data"]
    text = json.dumps(data, ensure_ascii=False)
    for old, new in dict(names).items():
        text = text.replace(f"{new}.csv", f"{old}.csv")
    return json.loads(text)


def without_times(out):
    """report.html likewise."""
    environment = json.loads((out / "result.json").read_text())["environment"]
    text = html.unescape((out / "report.html").read_text())
    for told in (environment["started"], environment["command"]):
        text = text.replace(told, "")
    return text.replace(f"<code>{environment['seconds']:g}</code>", "")


SURROUNDINGS = {
    "two threads": {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"},
    "another locale, time zone and seed of hashes": {
        "LC_ALL": "de_DE.UTF-8",
        "LANGUAGE": "de",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "12345",
    },
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_surroundings_change_no_byte(place, name):
    out = place / name
    fit(place / "working", "../device", out, **SURROUNDINGS[name])
    assert what_was_found(out) == what_was_found(place / "plain")
    assert without_times(out) == without_times(place / "plain")


def test_names_and_order_of_files_change_no_byte(place):
    fit(place, "elsewhere/device", "renamed")
    found, plain = what_was_found(place / "renamed", NAMES), what_was_found(place / "plain")
    assert [item["file"] for item in plain["inputs"]] == [f"{name}.csv" for name in NAMES]
    assert found == plain


def test_a_report_made_again_is_the_same(place):
    """Of one result, from two working folders, with other surroundings."""
    for out, cwd in (("first", place), ("second", place / "working")):
        memfit(
            cwd,
            "report",
            place / "plain",
            "-o",
            place / out,
            **SURROUNDINGS[list(SURROUNDINGS)[out == "second"]],
        )
    first, second = ((place / out / "report.html").read_bytes() for out in ("first", "second"))
    assert first == second
    assert (place / "first" / "result.json").read_bytes() == (place / "second" / "result.json").read_bytes()
