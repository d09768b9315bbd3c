"""Devices that are not the model, or whose records hold a mistake: what a user may bring.

Made on the family of models, in closed form, or by changing records of a device that is the model.
"""

from dataclasses import replace

import made_members
import numpy as np
from devices import TRUTH, device, spectra, sweeps

from memfit.datasets import Device, ImpedanceSpectrum, IVSweep
from memfit.fitting.checks.mistakes import multiplied
from memfit.model import Parameters, steady_current
from memfit.protocols import Drive, pulse
from memfit.synthetic.measurements import Noise, transient

OSCILLATING = Parameters(
    R_b=1e5, C_m=3e-8, i_c0=8e-5, V_T=0.8, V_m=0.08, tau_d=0.03, tau_k=0.05, R_s=40.0, p_k=0.0
)
"""With a constant activation time: it oscillates under current control."""


def conductance():
    """Spectra of a channel that conducts, V_T/V_m = 8.6: it oscillates nowhere."""
    made = made_members.device(kappa=1.0, noise=0.01)
    return replace(made, records=made.spectra[1:6])


def constant_time():
    """An activation time that does not follow the voltage."""
    return device(p=OSCILLATING)


def bell_time():
    """An activation time that is largest at V_T."""
    p = OSCILLATING.replace(p_k=0.5, q_k=0.5)
    return device([*spectra(p), *sweeps(p, rates=(1.0,), points=60)], p)


VOLTAGE_PULSES = Parameters(R_b=2.6e4, C_m=1.5e-7, i_c0=5.6e-5, V_T=0.85, V_m=0.05, tau_d=0.09, tau_k=0.07)


def voltage_pulses():
    """Voltage pulses on a device without R_s."""
    planned = []
    for k, level in enumerate((0.8, 0.9, 1.1)):
        drive = pulse("voltage", level, on=0.05, off=0.8, end=1.2)
        planned.append(transient(drive, points=400, file=f"pulse_{k}.csv"))
    return device(planned, VOLTAGE_PULSES, Noise(impedance=0.01, current=0.003, voltage=0.003))


def two_devices():
    """Spectra of two devices in one folder, those of the second named b_."""
    other = TRUTH.replace(R_b=4e4, i_c0=5e-5, V_T=0.6, tau_d=0.2, tau_k=0.01)
    own = device(spectra(biases=(-3.0, -1.5, 0.0, 1.5, 3.0)))
    their = device(spectra(other, biases=(-3.0, -1.5, 0.0, 1.5, 3.0)), other, seed=2)
    named = [replace(record, name=f"b_{record.name}") for record in their.records]
    return replace(own, records=(*own.records, *named))


def two_resistances():
    """Two spectra of an RC element at one bias that differ by a factor."""
    frequency, records = np.geomspace(1.0, 1e5, 30), []
    for k, R in enumerate((1e4, 2e4)):
        rng = np.random.default_rng(k)
        Z = 50.0 + R / (1.0 + 2j * np.pi * frequency * R * 1e-8)
        Z = Z + 5e-4 * np.abs(Z) * (rng.standard_normal(30) + 1j * rng.standard_normal(30))
        records.append(
            ImpedanceSpectrum(name=f"eis_{k}.csv", frequency=frequency, impedance=Z, bias_voltage=0.3)
        )
    return Device(name="two resistances", records=tuple(records))


def wrong_unit():
    """A sweep in mA that says A."""
    records = list(device().records)
    records[4] = multiplied(records[4], "current", 1e-3)
    return replace(device(), records=tuple(records))


def offset_sweep():
    """One spectrum, unstable by itself, and a sweep whose ammeter has a zero error of 3 %."""
    p = OSCILLATING.replace(p_k=1.0)
    made = device([*spectra(p, biases=(0.0,)), *sweeps(p, rates=(0.05,), points=240)], p)
    sweep = made.sweeps[0]
    shifted = replace(sweep, current=sweep.current - 0.03 * float(np.max(sweep.current)))
    return replace(made, records=(*made.spectra, shifted))


def reversed_leads():
    """All signs turned."""
    turned = []
    for record in device().records:
        for column in ["bias"] if isinstance(record, ImpedanceSpectrum) else ["voltage", "current"]:
            record = multiplied(record, column, -1.0)  # noqa: PLW2901 - one column after the other
        turned.append(record)
    return replace(device(), records=tuple(turned))


def rectifying_leak():
    """A leak five times larger for u > 0: spectra above, and a slow loop through 0 V."""
    made = device([*spectra(), *sweeps(rates=(0.01,))])
    rng, p = np.random.default_rng(4), TRUTH
    top = p.V_T + 3 * p.V_m
    u = np.concatenate([np.linspace(0.0, top, 20), np.linspace(top, -top, 40), np.linspace(-top, 0.0, 20)])
    current = np.array([float(steady_current(p, np.array(one))) for one in u])
    current = np.where(u < 0.0, u / (5.0 * p.R_b), current) * (1.0 + 0.01 * rng.standard_normal(u.size))
    sweep = IVSweep(name="through_zero.csv", voltage=u, current=current)
    return replace(made, records=(*made.spectra, sweep))


def resistor():
    """A loop of 10 kohm and nothing else."""
    time = np.linspace(0.0, 16.0, 321)
    voltage = np.interp(time, [0.0, 4.0, 12.0, 16.0], [0.0, 1.0, -1.0, 0.0])
    noise = 2e-4 * np.random.default_rng(6).standard_normal(time.size)
    sweep = IVSweep(
        name="iv.csv",
        voltage=voltage,
        current=voltage / 1e4 * (1.0 + noise),
        time=time,
        drive=Drive("voltage", np.array([0.0, 4.0, 12.0, 16.0]), np.array([0.0, 1.0, -1.0, 0.0])),
    )
    return Device(name="resistor", records=(sweep,))


def ageing():
    """Spectra at one bias of a resistance that falls by a factor 9 over a day."""
    frequency, records = np.geomspace(1.0, 1e5, 30), []
    for k in range(5):
        rng, R = np.random.default_rng(k), 9e4 / 9 ** (k / 4)
        Z = 50.0 + R / (1.0 + 2j * np.pi * frequency * R * 1e-8)
        Z = Z + 5e-3 * np.abs(Z) * (rng.standard_normal(30) + 1j * rng.standard_normal(30))
        start = f"2026-11-28T{6 * k % 24:02d}:00:00" if k < 4 else "2026-11-29T00:00:00"
        records.append(
            ImpedanceSpectrum(
                name=f"eis_{k}.csv",
                frequency=frequency,
                impedance=Z,
                bias_voltage=0.3,
                metadata={"start": start},
            )
        )
    return Device(name="ageing", records=tuple(records))
