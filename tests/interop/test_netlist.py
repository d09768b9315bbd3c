"""The device in ngspice against memfit's own time course, and both languages as text."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from memfit.datasets.standard_protocols import protocol
from memfit.errors import InputError
from memfit.interop.netlist import spice_subcircuit, verilog_a
from memfit.model import Parameters
from memfit.model.transient import simulate
from memfit.protocols import Drive

NGSPICE = shutil.which("ngspice")
P = Parameters(R_b=1e5, C_m=1e-7, i_c0=4e-5, V_T=0.6, V_m=0.05, tau_d=0.02, tau_k=0.02, R_s=20.0)
MEMBER = P.replace(R_1=2e5, C_1=1e-6, kappa=0.3, I_l=1e-7, V_l=0.3, C_0=1e-9, V_c=0.5, p_k=0.5, q_k=0.5)
EDGE = 1e-4
"""Of the shortest piece: how long a jump lasts in a simulator."""


def with_edges(drive: Drive) -> Drive:
    """The same drive with jumps that last a little."""
    time, value = drive.time.copy(), drive.value
    pieces = np.diff(time)
    edge = EDGE * np.min(pieces[pieces > 0.0])
    later = np.flatnonzero(pieces == 0.0) + 1
    time[later] += edge
    return Drive(drive.control, time, value, drive.initial)


def by_ngspice(p: Parameters, drive: Drive, folder, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and the response: current under voltage control, else voltage."""
    (folder / "device.cir").write_text(spice_subcircuit(p))
    points = " ".join(f"{t:.12g} {v:.12g}" for t, v in zip(drive.time, drive.value, strict=True))
    voltage = drive.control == "voltage"
    source = f"V1 in 0 PWL({points})" if voltage else f"I1 0 in PWL({points})"
    step = drive.time[-1] / steps
    bench = [
        "memristor",
        ".include device.cir",
        source,
        "X1 in 0 memristor",
        ".options reltol=1e-5 abstol=1e-15 vntol=1e-10 chgtol=1e-18 method=gear",
        f".tran {step:.6g} {drive.time[-1]:.9g} 0 {step:.6g}",
        ".control",
        "run",
        f"wrdata out.data {'i(V1)' if voltage else 'v(in)'}",
        "quit",
        ".endc",
        ".end",
    ]
    (folder / "bench.cir").write_text("\n".join(bench) + "\n")
    done = subprocess.run(
        [NGSPICE, "-b", "bench.cir"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (folder / "out.data").is_file(), done.stdout + done.stderr
    time, response = np.loadtxt(folder / "out.data").T[:2]
    rising = np.concatenate([[True], np.diff(time) > 0.0])
    return time[rising], (-response if voltage else response)[rising]


def away_from_edges(p: Parameters, drive: Drive, time: np.ndarray) -> np.ndarray:
    """Samples outside of the displacement current of an edge, some R_s C_m long, which is not compared."""
    edges = drive.time[1:][np.diff(drive.time) < 1e-3 * drive.time[-1]]
    apart = np.full(time.size, True)
    for edge in edges:
        apart &= np.abs(time - edge) > 20.0 * p.R_s * p.C_m + EDGE * drive.time[-1]
    return apart


def pulses() -> Drive:
    settings = {"amplitude": 0.8, "width": 0.02, "frequency": 20.0, "count": 6}
    return protocol("spike_train", **settings).drive


CASES = {
    "loop": (P, protocol("triangle", amplitude=0.9, rate=1.0).drive, 1200),
    "pulse train": (P, pulses(), 2000),
    "spikes": (P, Drive("current", [0.0, 1e-3, 1.0], [0.0, 1.9e-5, 1.9e-5]), 6000),
    "loop of a member": (MEMBER, protocol("triangle", amplitude=0.9, rate=1.0).drive, 1200),
    "one lag": (P.replace(tau_k=0.0), protocol("triangle", amplitude=0.9, rate=1.0).drive, 1200),
    "second polarity": (
        P.replace(i_c0n=2e-5, V_Tn=0.5, V_mn=0.06),
        protocol("triangle", amplitude=0.9, rate=1.0, low=-0.8).drive,
        1500,
    ),
}


@pytest.mark.skipif(NGSPICE is None, reason="ngspice is not installed (Debian: apt-get install ngspice)")
@pytest.mark.parametrize("case", CASES)
def test_ngspice_agrees_within_a_per_cent_of_the_span(case, tmp_path):
    p, drive, steps = CASES[case]
    drive = with_edges(drive)
    time, response = by_ngspice(p, drive, tmp_path, steps)
    course = simulate(p, drive, time)
    own = course.current if drive.control == "voltage" else course.voltage
    apart = away_from_edges(p, drive, time)
    span = np.ptp(own[apart])
    assert np.max(np.abs(response - own)[apart]) < 0.01 * span


def test_the_subcircuit_says_what_it_is():
    text = spice_subcircuit(P, "perovskite")
    assert ".subckt perovskite plus minus" in text
    assert text.rstrip().endswith(".ends perovskite")
    assert "R_b=100000" in text
    assert "Vs plus j 0" in spice_subcircuit(P.replace(R_s=0.0))


def test_verilog_a_is_balanced():
    text = verilog_a(MEMBER, "perovskite")
    assert text.count("(") == text.count(")")
    assert re.search(r"^module perovskite\(plus, minus\);$", text, re.MULTILINE)
    assert text.rstrip().endswith("endmodule")
    inner = re.search(r"electrical plus, minus, (.*);", text)[1].split(", ")
    assert all(f"V({node})" in text for node in inner if node != "j")


def test_a_name_that_simulators_do_not_take():
    with pytest.raises(InputError, match="letters, digits"):
        spice_subcircuit(P, "my device")
