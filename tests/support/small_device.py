"""A device small enough to fit in a moment, its files, and the processes of a batch."""

from pathlib import Path
from typing import Any

import numpy as np
import psutil

from memfit.model import Parameters
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import loop, simulate_device, spectrum

TRUTH = Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)
PLANNED = [
    *(spectrum(bias, np.geomspace(1e5, 0.1, 20)) for bias in (0.4, 0.6, 0.7)),
    loop([0.0, 0.9, 0.0], 0.05, points=61),
]


def make_device(folder: Path, name: str, seed: int, **about: Any) -> None:
    """A small device that can be fitted in a moment."""
    folder.mkdir(parents=True)
    write_device(simulate_device(TRUTH, PLANNED, seed=seed, name=name, **about), TRUTH, folder)


def is_servant(process: psutil.Process) -> bool:
    """Whether a process is one that fits."""
    try:
        return "memfit.batch.worker_process" in " ".join(process.cmdline())
    except psutil.Error:
        return False
