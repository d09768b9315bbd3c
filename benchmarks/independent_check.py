"""The generator of `independent_devices.py` against tables of values from another integrator.

    python benchmarks/independent_check.py VALUES.json ...

Prints the largest differences, relative to the largest value, of steady states, impedance, growth rates and
time courses.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
from independent_model import Memristor


def differences(case):
    """Largest relative differences from a table of values, by quantity."""
    p = Memristor(**case["parameters"])
    steady = np.array(case["steady"]["I"])
    found = {"steady": _largest([p.steady_current(u) for u in case["steady"]["u"]], steady)}
    for z in case["impedance"]:
        if z.get("model", "3d") == "3d":
            Z = p.impedance(np.array(z["frequency"]), z["u"])
            exact = np.array(z["Z_real"]) + 1j * np.array(z["Z_imag"])
            found["impedance"] = max(found.get("impedance", 0), np.max(np.abs(Z / exact - 1)))
    growths = [
        e for e in case.get("eigenvalues", ()) if e.get("circuit", "current_control") == "current_control"
    ]
    if growths:
        found["growth"] = _largest(
            [p.growth(e["u"]) for e in growths], np.array([max(e["re"]) for e in growths])
        )
    for name, control, read in (
        ("voltage_sweep", "voltage", "I"),
        ("current_pulse", "current", "V_terminal"),
    ):
        course = case.get(name)
        if course and p.n == 1:
            time = np.array(course.get("time", case.get("time")))
            found[name] = _largest(p.course(control, _knots(course, time), time), np.array(course[read]))
    return found


def _largest(values, exact):
    return float(np.max(np.abs(np.array(values) - exact)) / np.max(np.abs(exact)))


def _knots(course, time):
    if "knots" in course:
        return [tuple(knot) for knot in course["knots"]]
    if "vertex" in course:
        return [(time[0], 0), (time[-1] / 2, course["vertex"]), (time[-1], 0)]
    on, off, top = course["on"], course["off"], course["amplitude"]
    return [(0, 0), (on, 0), (on, top), (off, top), (off, 0), (time[-1], 0)]


if __name__ == "__main__":
    for file in sys.argv[1:]:
        for key, table in json.loads(Path(file).read_text(encoding="utf-8")).items():
            if key != "how" and set(table["parameters"]) <= {f.name for f in fields(Memristor)}:
                print(key, {name: f"{size:.0e}" for name, size in differences(table).items()})
