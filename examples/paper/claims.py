"""What the scripts of the five figures share: the paper's device, checked claims, a place for the figure.

Every script takes a folder for its figure: `python examples/paper/fig1.py FOLDER`; by default out_examples.
It prints one row of a table for each claim and stops with an error where a claim does not hold.
"""

import math
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

import memfit as mf

mpl.use("agg")
mpl.rcParams.update(
    {
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.titlelocation": "left",
        "lines.linewidth": 1.2,
        "legend.frameon": False,
        "legend.fontsize": 7,
        "figure.dpi": 150,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

DEVICE = mf.Parameters(R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0)
"""The paper's device in its reduced units; R_s = 0 unless a figure says otherwise."""

BLUE, RED, GREEN, GREY, MAGENTA = "#2060a0", "#c04030", "#30803c", "#888888", "#c020a0"


def claim(figure: str, text: str, found: float, expected: float, within: float = 1e-3) -> None:
    """Check that a number is the expected one, `within` relative to it (absolute where it is 0)."""
    allowed = within * abs(expected) if expected else within
    assert abs(found - expected) <= allowed, f"{figure}: {text}: found {found}, expected {expected}"
    shown = f"{found:.6g}" if expected else f"below {within:g}"
    print(f"| {figure} | {text} | {shown} | {expected:.6g} |")


def holds(figure: str, text: str, found: float, *, above: float = -math.inf, below: float = math.inf) -> None:
    """Check that a number lies strictly between two bounds."""
    assert above < found < below, f"{figure}: {text}: found {found}, expected above {above}, below {below}"
    bounds = [f"above {above:.4g}"] * (above > -math.inf) + [f"below {below:.4g}"] * (below < math.inf)
    print(f"| {figure} | {text} | {found:.4g} | {', '.join(bounds)} |")


def save(figure: Figure, name: str) -> None:
    """Write the figure as PNG into the folder given on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out_examples")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", bbox_inches="tight")
    print(f"Written to {folder / name}.png")
