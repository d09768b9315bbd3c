"""Limit cycles against AUTO-07p (Debian package `auto-07p`, with gfortran), a development oracle.

    python benchmarks/auto07p_cycles.py > benchmarks/auto07p_cycles.md

AUTO continues the periodic orbits by orthogonal collocation (150 intervals of 5 points) in the reduced
variables x = (u - V_T)/V_m, i_c/i_c0, f and time over R_b C_m; compared are period, extremes of x and the
leading Floquet multiplier at given steady x. AUTO prints multipliers with six digits, and takes the extremes
from its mesh points.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from memfit.analysis.cycles import bifurcation_diagram, cycles_at
from memfit.analysis.stability import Circuit
from memfit.model import Parameters, steady_current

CASES = {
    "reduced": (
        Parameters(R_b=1.0, C_m=1.0, i_c0=10.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=1.0),
        [-1.5, 0.0, 2.0],
    ),
    "perovskite": (
        Parameters(R_b=1e5, C_m=1e-7, i_c0=1e-4, V_T=0.7, V_m=0.06, tau_d=5e-3, tau_k=0.2),
        [-2.0, -1.0, 0.0],
    ),
    "subcritical": (
        Parameters(R_b=1.0, C_m=1.0, i_c0=100.0, V_T=1.0, V_m=0.05, tau_d=1.0, tau_k=0.1),
        [-2.19, -2.15, -1.0, 0.0],
    ),
}

MODEL = """
SUBROUTINE FUNC(NDIM,U,ICP,PAR,IJAC,F,DFDU,DFDP)
IMPLICIT NONE
INTEGER, INTENT(IN) :: NDIM, ICP(*), IJAC
DOUBLE PRECISION, INTENT(IN) :: U(NDIM), PAR(*)
DOUBLE PRECISION, INTENT(OUT) :: F(NDIM)
DOUBLE PRECISION, INTENT(INOUT) :: DFDU(NDIM,NDIM), DFDP(NDIM,*)
F(1) = PAR(1) + PAR(2)/(1d0 + EXP(-PAR(1))) - U(1) - PAR(2)*U(2)
F(2) = (U(3) - U(2))/PAR(3)
F(3) = ((1d0 - U(3)) - EXP(-U(1))*U(3))/PAR(4)
END SUBROUTINE FUNC
SUBROUTINE STPNT(NDIM,U,PAR,T)
IMPLICIT NONE
INTEGER, INTENT(IN) :: NDIM
DOUBLE PRECISION, INTENT(INOUT) :: U(NDIM), PAR(*)
DOUBLE PRECISION, INTENT(IN) :: T
OPEN(77, FILE='case.txt'); READ(77,*) PAR(1:4); CLOSE(77)
U(1) = PAR(1); U(2) = 1d0/(1d0 + EXP(-PAR(1))); U(3) = U(2)
END SUBROUTINE STPNT
SUBROUTINE BCND
END SUBROUTINE BCND
SUBROUTINE ICND
END SUBROUTINE ICND
SUBROUTINE FOPT
END SUBROUTINE FOPT
SUBROUTINE PVLS(NDIM,U,PAR)
IMPLICIT NONE
INTEGER, INTENT(IN) :: NDIM
DOUBLE PRECISION, INTENT(IN) :: U(NDIM)
DOUBLE PRECISION, INTENT(INOUT) :: PAR(*)
DOUBLE PRECISION, EXTERNAL :: GETP
PAR(6) = GETP('MIN',1,U)
PAR(7) = GETP('MAX',1,U)
END SUBROUTINE PVLS
"""

COMMANDS = """
common = dict(NTST=150, NCOL=5, IAD=2, ISP=2, ISW=1, MXBF=0, ITMX=20, ITNW=9, NWTN=5, EPSL=1e-10, EPSU=1e-10,
              EPSS=1e-8, NPR=5000, IADS=1, RL0={low}, RL1={high})
steady = run(e='memristor', NDIM=3, IPS=1, ICP=[1], ILP=0, NMX=3000, DS=0.01, DSMIN=1e-5, DSMAX=0.05,
             **common)
orbits = run(steady('HB1'), IPS=2, ICP=[1, 11, 6, 7], ILP=1, NMX=400, DS=0.005, DSMIN=1e-6, DSMAX=0.2,
             UZR={{1: {points}}}, UZSTOP={{}}, **common)
save(orbits, 'orbits')
"""


def auto_orbits(p, points, low, high):
    """Rows (x, period, x_min, x_max, multiplier) of AUTO at the points, in the order of its branch."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        gain, scale = p.R_b * p.i_c0 / p.V_m, p.tau_m
        place.joinpath("memristor.f90").write_text(MODEL)
        place.joinpath("case.txt").write_text(
            f"{low + 0.5:.17g} {gain:.17g} {p.tau_d / scale:.17g} {p.tau_k / scale:.17g}\n"
        )
        place.joinpath("run.auto").write_text(COMMANDS.format(low=low, high=high, points=points))
        subprocess.run(["auto-07p", "run.auto"], cwd=folder, check=True, capture_output=True)
        branch = place.joinpath("b.orbits").read_text().splitlines()
        details = place.joinpath("d.orbits").read_text().splitlines()
    multipliers = {}
    for line in details:
        words = line.split()
        if len(words) > 4 and words[2] == "Multiplier":
            multipliers.setdefault(int(words[1]), []).append(float(words[4]))
    rows = []
    for line in branch:
        words = line.split()
        if len(words) > 11 and words[2] == "-4":
            x, period, low_x, high_x = (float(words[i]) for i in (4, 9, 10, 11))
            three = np.array(multipliers[abs(int(words[1]))])
            rest = np.delete(three, np.argmin(np.abs(three - 1.0)))
            rows.append((x, period, low_x, high_x, rest[np.argmax(np.abs(rest))]))
    return rows


def main():
    """The table."""
    print("# Limit cycles: memfit against AUTO-07p\n")
    print("Made by `python benchmarks/auto07p_cycles.py` with AUTO-07p 0.9.2 (a development oracle).\n")
    print(
        "| case | steady x | stable | period/tau_m | rel. difference | x_min, x_max | difference of span ",
        end="",
    )
    print("| multiplier | AUTO | difference |", flush=True)
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, (p, points) in CASES.items():
        diagram = bifurcation_diagram(p, Circuit())
        low, high = ((point.u - p.V_T) / p.V_m for point in diagram.hopf_points)
        rows = auto_orbits(p, points, low - 1.5, high + 0.5)
        for x in points:
            ours = cycles_at(p, diagram, float(steady_current(p, p.V_T + p.V_m * x)))
            theirs = [row for row in rows if abs(row[0] - x) < 1e-6]
            for cycle in ours:
                period = cycle.period / p.tau_m
                row = min(theirs, key=lambda r, period=period: abs(r[1] - period))
                ends = [(value - p.V_T) / p.V_m for value in cycle.u]
                miss = max(abs(ends[0] - row[2]), abs(ends[1] - row[3])) / (row[3] - row[2])
                leading = cycle.multipliers[0].real
                print(
                    f"| {name} | {x:g} | {'yes' if cycle.stable else 'no'} | {period:.9f} "
                    f"| {abs(period / row[1] - 1):.0e} | {ends[0]:.5f}, {ends[1]:.5f} | {miss:.0e} "
                    f"| {leading:.7f} | {row[4]:.6g} | {abs(leading - row[4]):.0e} |"
                )


if __name__ == "__main__":
    main()
