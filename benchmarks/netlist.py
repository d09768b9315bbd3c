"""The subcircuit in ngspice against memfit's own time course: largest difference, relative to the span.

    python benchmarks/netlist.py

Needs ngspice (Debian: apt-get install ngspice). The cases are those of tests/interop/test_netlist.py. Prints
the table and writes it beside this file.
"""

import importlib.util
import re
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from memfit.model.transient import simulate

TABLE = Path(__file__).with_suffix(".md")
TESTS = Path(__file__).parents[1] / "tests" / "interop" / "test_netlist.py"
HEAD = """# The subcircuit in ngspice

Made by `python benchmarks/netlist.py` with {version}. Largest difference between the response in ngspice and
that of memfit at the times of ngspice, of the span of the response; samples within the displacement current
of an edge of the drive, 20 R_s C_m long, are left out.

| case | largest difference, % of the span | rms, % | samples | ngspice, s |
|---|---|---|---|---|
"""


def main():
    spec = importlib.util.spec_from_file_location("test_netlist", TESTS)
    tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tests)
    said = subprocess.run([tests.NGSPICE, "--version"], capture_output=True, text=True, check=True).stdout
    text = HEAD.format(version=re.search(r"ngspice-\d+", said)[0])
    print(text, end="")
    for name, (p, jumping, steps) in tests.CASES.items():
        drive = tests.with_edges(jumping)
        began = time.perf_counter()
        with TemporaryDirectory() as folder:
            at, response = tests.by_ngspice(p, drive, Path(folder), steps)
        seconds = time.perf_counter() - began
        course = simulate(p, drive, at)
        own = course.current if drive.control == "voltage" else course.voltage
        apart = tests.away_from_edges(p, drive, at)
        span = np.ptp(own[apart])
        difference = 100 * np.abs(response - own)[apart] / span
        rms = np.sqrt(np.mean(difference**2))
        row = f"| {name} | {difference.max():.3f} | {rms:.4f} | {at.size} | {seconds:.1f} |\n"
        print(row, end="", flush=True)
        text += row
    TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
