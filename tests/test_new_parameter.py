"""A parameter is a row of the table: with a row for one that nobody has heard of, everything still works.

A row is put into the table as it is imported, in a process of its own, and a small device is fitted,
compared, reported and queried there. Nothing else is changed; the row has no effect on the model.
"""

import subprocess
import sys
from pathlib import Path

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
import importlib.util
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("error")  # by -W pyparsing would be asked to warn of matplotlib 3.8

class WithRow:
    def find_spec(self, name, path=None, target=None):
        if name == "memfit.model.parameters":
            return importlib.util.spec_from_loader(name, self, origin=f"{path[0]}/parameters.py")

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        file = module.__spec__.origin
        before, after = Path(file).read_text(encoding="utf-8").split("\\n    def __post_init__", 1)
        text = f"{before}{sys.argv[1]}\\n    def __post_init__{after}"
        exec(compile(text, file, "exec"), module.__dict__)

sys.meta_path.insert(0, WithRow())
sys.path.append(sys.argv[2])

import memfit as mf
from memfit.cli.main import main
from memfit.model import NAMES
from small_device import TRUTH, make_device

assert NAMES[-1] == "X_q" and TRUTH.X_q == 0.0
devices = Path("devices")
for seed, name in enumerate(("a", "b")):
    make_device(devices / name, name, seed=seed, attributes={"dose": float(seed)})

# Left out: the fit is that of a model without it.
assert main(["fit", "devices/a", "-o", "left_out", "--model", "3d", "--quiet"]) == 0
left_out = json.loads(Path("left_out/result.json").read_text())
assert left_out["status"]["code"] == "ok"

# Fixed: the same numbers, and it is named as fixed.
assert main(["fit", "devices/a", "-o", "fixed", "--fix", "X_q=2", "--model", "3d", "--quiet"]) == 0
fixed = json.loads(Path("fixed/result.json").read_text())
assert fixed["status"]["code"] == "ok"
assert fixed["parameters"]["X_q"]["status"] == "fixed" and fixed["parameters"]["X_q"]["value"] == 2.0
for name, entry in left_out["parameters"].items():
    assert fixed["parameters"][name] == entry or name == "X_q", name

# Free, with all parts to choose from: the data do not tell it. (In time the parts would be compiled anew.)
spectra = mf.load("devices/b").only(kind="impedance")
result = mf.fit(spectra, start={"X_q": 5.0})
assert result.status.code == "not_identifiable", result.status
assert "X_q" in result.status.message
estimate = result.parameters["X_q"]
assert estimate.status == "undetermined" and estimate.value is None
assert {e.status for name, e in result.parameters.items() if name != "X_q"} == {"determined"}

# Compare, report, a batch and its questions.
mf.write_report(result, "free", spectra)
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


def test_a_row_in_the_table_is_all_it_takes(tmp_path):
    support = str(Path(__file__).parent / "support")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ROW, support],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
