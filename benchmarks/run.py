"""All benchmarks of the integrator, paired in one run; writes results_integrator.md.

python benchmarks/run.py [--quick]
"""

import argparse
import platform
from pathlib import Path

import integrator_fit
import integrator_pulse

TABLE = Path(__file__).with_name("results_integrator.md")
HEAD = """# The integrator against what one would use instead

Made by `python benchmarks/run.py` on {machine}, Python {python}. Medians; all competitors take turns in the
same run. What each of them is stands in `integrator_rivals.py`; the README says how to read the tables.
"""
SECTIONS = {
    "stiff": "One current pulse; after it u falls to 26 V_m below V_T",
    "stiffer": "The same, with a fall to 93 V_m below V_T",
}


def main():
    """Run, print, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="the first pulse only; nothing is written")
    if arguments.parse_args().quick:
        print("\n".join(integrator_pulse.table("stiff")))
        return
    parts = [
        HEAD.format(machine=f"{platform.system()} {platform.machine()}", python=platform.python_version())
    ]
    for case, title in SECTIONS.items():
        parts.append("\n".join([f"## {title}", "", *integrator_pulse.table(case), ""]))
        print(parts[-1], flush=True)
    title = "## Joint fit of 8 parameters: 11 spectra x 60, 3 loops x 1000, 4 pulses x 1000, 1 % noise"
    parts.append("\n".join([title, "", *integrator_fit.table(), ""]))
    print(parts[-1])
    TABLE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
