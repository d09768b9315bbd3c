"""A derived quantity is a row of one table: everything that lists such quantities has it then."""

import json
import subprocess
import sys

PROGRAM = """
import sys
from types import MappingProxyType
import memfit.model as face
import memfit.model.derived as table

row = table.Derived(
    name="R_half", unit="ohm", symbol=("R", "half"), meaning="half of R_b", exponents={"R_b": 1}, factor=0.5
)
table.DERIVED = face.DERIVED = MappingProxyType({**table.DERIVED, row.name: row})
from memfit.cli.main import main

first, second, out = sys.argv[1:]
for words in (
    ["fit", first, "-o", f"{out}/one", "--quiet"],
    ["fit", second, "-o", f"{out}/two", "--quiet"],
    ["compare", f"{out}/one", f"{out}/two", "-o", f"{out}/compared", "--quiet"],
    ["index", out, "--quiet"],
    ["query", out, 'R_half > "1 ohm" and R_half_status == "determined"', "--json", "--quiet"],
):
    print(">>>", words[0], main(words))
"""


def test_a_new_row_shows_up_everywhere(sample_data, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            *(str(sample_data / n) for n in ("mapbi3_c", "mapbi3_b")),
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = {part.rpartition(">>> ")[2]: part for part in done.stdout.split(" 0\n")}
    assert "R_half" in told["fit"]
    data = json.loads((tmp_path / "one" / "result.json").read_text("utf-8"))
    half, whole = data["derived"]["R_half"], data["parameters"]["R_b"]
    assert half["unit"] == "ohm"
    assert abs(half["value"] / whole["value"] - 0.5) < 1e-12
    assert "half of" in (tmp_path / "one" / "report.html").read_text("utf-8")
    assert "R_half" in (tmp_path / "compared" / "comparison.json").read_text("utf-8")
    assert '"R_half"' in told["query"]
