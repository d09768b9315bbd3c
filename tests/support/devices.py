"""Small synthetic devices for the tests of the fit."""

from dataclasses import replace

import numpy as np

from memfit.datasets import Device
from memfit.model import Parameters, steady_current
from memfit.protocols import Drive, pulse
from memfit.synthetic.measurements import NOISELESS, Noise, loop, simulate_device, spectrum, transient

TRUTH = Parameters(
    R_b=1e5, C_m=1e-7, i_c0=2e-5, V_T=0.8, V_m=0.08, tau_d=0.03, tau_k=0.05, R_s=40.0
)  # A_max = 6.25: it cannot oscillate
FREQUENCY = np.geomspace(3e3, 0.05, 24)
NOISE = Noise(impedance=0.01, current=0.01, voltage=0.004)


def spectra(p=TRUTH, biases=(-3.0, -1.0, 0.0, 1.5), frequency=FREQUENCY):
    """Spectra at biases given in widths V_m from V_T."""
    return [spectrum(p.V_T + b * p.V_m, frequency, file=f"eis_{k}.csv") for k, b in enumerate(biases)]


def sweeps(p=TRUTH, rates=(0.05, 1.0), points=80):
    """Loops from 0 V to above V_T."""
    top = p.V_T + 3 * p.V_m
    return [loop([0.0, top, 0.0], r, points=points, file=f"iv_{k}.csv") for k, r in enumerate(rates)]


def pulses(p=TRUTH, levels=(-0.5, 1.5), points=120):
    """Current pulses to steady states given in widths V_m from V_T."""
    planned = []
    for k, level in enumerate(levels):
        current = float(steady_current(p, p.V_T + level * p.V_m))
        drive = pulse("current", current, on=0.02, off=0.3, end=0.5)
        planned.append(transient(drive, points=points, file=f"pulse_{k}.csv"))
    return planned


def everything(p=TRUTH):
    """All three kinds."""
    return [*spectra(p), *sweeps(p), *pulses(p)]


def device(planned=None, p=TRUTH, noise=NOISE, seed=1) -> Device:
    """A device measured with a per cent of noise."""
    return simulate_device(p, everything(p) if planned is None else planned, noise, seed=seed)


def seen_late(measured) -> Device:
    """The same device with first jumps between samples, and drives that jump where that first shows."""
    return replace(
        measured, records=tuple(_seen_late(r) if r.kind == "transient" else r for r in measured.records)
    )


def _seen_late(record):
    k = int(np.searchsorted(record.time, record.drive.time[1])) + 1
    keep = np.ones(record.points, bool)
    keep[k - 1] = False  # the sample on the edge itself
    time = np.where(record.drive.time == record.drive.time[1], record.time[k], record.drive.time)
    assert record.time[k] > record.drive.time[1]
    return replace(record.select(keep), drive=Drive(record.control, time, record.drive.value))


def exact(planned=None, p=TRUTH) -> Device:
    """A device measured without noise."""
    return device(planned, p, NOISELESS)


def errors(result, truth=TRUTH) -> dict[str, float]:
    """Error of each parameter: relative, V_T in units of V_m."""
    found = {}
    for name, estimate in result.parameters.items():
        if name in ("R_s", "L_s") or estimate.value is None:
            continue
        scale = truth.V_m if name == "V_T" else getattr(truth, name)
        found[name] = abs(estimate.value - getattr(truth, name)) / scale
    return found
