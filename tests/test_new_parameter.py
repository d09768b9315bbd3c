"""A parameter is a row of the table: with a row for one that nobody has heard of, everything still works.

The package is copied, a row is put into the copy, and a small device is fitted, compared, reported and
queried by it in a process of its own. Nothing else is changed; the row has no effect on the model.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import memfit

PACKAGE = Path(memfit.__file__).parent
ROW = """
    X_q: float = _row(
        null=0.0,
        unit="ohm",
        symbol=("X", "q"),
        meaning="a quantity that nothing depends on",
        domain="non_negative",
        scale="log",
        bounds=(1e-9, 1e9),
        usual=(1e-3, 1e3),
        part="nothing",
        area_exponent=-1,
        in_time=False,
        optional=True,
    )
"""
PROGRAM = """
import json
from pathlib import Path

import memfit as mf
from memfit.cli.main import main
from memfit.model import NAMES
from small_device import TRUTH, make_device

assert NAMES[-1] == "X_q" and TRUTH.X_q == 0.0
devices = Path("devices")
for seed, name in enumerate(("a", "b")):
    make_device(devices / name, name, seed=seed, attributes={"dose": float(seed)})

# Left out: the fit is that of a model without it.
assert main(["fit", "devices/a", "-o", "left_out", "--quiet"]) == 0
left_out = json.loads(Path("left_out/result.json").read_text())
assert left_out["status"]["code"] == "ok"

# Fixed: the same numbers, and it is named as fixed.
assert main(["fit", "devices/a", "-o", "fixed", "--fix", "X_q=2", "--quiet"]) == 0
fixed = json.loads(Path("fixed/result.json").read_text())
assert fixed["status"]["code"] == "ok"
assert fixed["parameters"]["X_q"]["status"] == "fixed" and fixed["parameters"]["X_q"]["value"] == 2.0
for name, entry in left_out["parameters"].items():
    assert fixed["parameters"][name] == entry or name == "X_q", name

# Free: the data do not tell it.
result = mf.fit(mf.load("devices/b"), start={"X_q": 5.0})
assert result.status.code == "not_identifiable", result.status
assert "X_q" in result.status.message
estimate = result.parameters["X_q"]
assert estimate.status == "undetermined" and estimate.value is None
assert {e.status for name, e in result.parameters.items() if name != "X_q"} == {"determined"}

# Compare, report, a batch and its questions.
mf.write_report(result, "free", mf.load("devices/b"))
assert "a quantity that nothing depends on" in Path("free/report.html").read_text()
comparison = mf.compare([result, mf.read_result("fixed/result.json")])
assert "X_q" in comparison.to_frame().to_string(), comparison.to_frame().to_string()
assert main(["compare", "free", "fixed", "-o", "compared", "--quiet"]) == 0
assert main(["report", "fixed/result.json", "-o", "again", "--quiet"]) == 0
assert main(["stability", "fixed/result.json", "--quiet"]) == 0
assert main(["index", ".", "--quiet"]) == 0
held = mf.query(".", 'X_q == "2 ohm"')
assert {Path(folder).name for folder in held["folder"]} == {"fixed", "again"}, held
print("done")
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the package, whose table can be changed; times are kept, so that machine code stays valid."""
    shutil.copytree(PACKAGE, tmp_path / "site" / "memfit")
    return tmp_path / "site" / "memfit"


def test_a_row_in_the_table_is_all_it_takes(package, tmp_path):
    table = package / "model" / "parameters.py"
    text = table.read_text(encoding="utf-8")
    before, after = text.split("\n    def __post_init__", 1)
    table.write_text(f"{before}{ROW}\n    def __post_init__{after}", encoding="utf-8")
    support = Path(__file__).parent / "support"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{package.parent}:{support}", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
