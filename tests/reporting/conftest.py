"""A device measured in memory: spectra in closed form, loops and pulses from scipy, noise from a seed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from memfit.analysis.stability import analyse_result
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Origin, PulseTransient
from memfit.fitting.result import (
    Alternative,
    Estimate,
    Excluded,
    FitResult,
    FittedRecord,
    Goodness,
    InputSummary,
    RecordGoodness,
    Status,
)
from memfit.model.equations import activation, jacobian, vector_field
from memfit.model.parameters import UNITS, Parameters
from memfit.model.smallsignal import impedance
from memfit.model.steady import junction_voltage
from memfit.protocols import pulse, sweep

TRUTH = Parameters(R_b=12e3, C_m=1.1e-6, i_c0=0.9e-3, V_T=0.95, V_m=0.055, tau_d=0.012, tau_k=0.025, R_s=22.0)
RELATIVE = 0.01


def respond(p, drive, time):
    """Terminal current (A) under voltage control, or terminal voltage (V) under current control."""
    resistance = p.R_s if drive.control == "voltage" else np.inf
    u0 = float(junction_voltage(p, drive.control, drive.at([time[0]]))[0])
    f0 = float(activation(p, u0))
    state = np.array([u0, p.i_c0 * f0, f0])
    edges = [t for t in np.unique(drive.time) if time[0] < t < time[-1]]
    pieces = list(zip([time[0], *edges], [*edges, time[-1]], strict=True))
    response = np.zeros(time.size)
    for start, end in pieces:
        value, slope = float(drive.at([start])[0]), float(drive.rate([start])[0])

        def level(t, start=start, value=value, slope=slope):
            return value + slope * (t - start)

        def current(t, u, level=level):
            return (level(t) - u) / p.R_s if drive.control == "voltage" else level(t)

        inside = (time >= start) & (time <= end)
        at = np.unique(np.concatenate([time[inside], [end]]))
        solution = solve_ivp(
            lambda t, y, current=current: vector_field(p, y, current(t, y[0])),
            (start, end),
            state,
            method="Radau",
            t_eval=at,
            rtol=1e-6,
            atol=1e-10,
            jac=lambda t, y: jacobian(p, y, resistance),
        )
        u = np.interp(time[inside], solution.t, solution.y[0])
        applied = level(time[inside])
        response[inside] = (applied - u) / p.R_s if drive.control == "voltage" else u + p.R_s * applied
        state = solution.y[:, -1]
    return response


def make_spectra(p, rng, points=60):
    fitted = []
    for bias in np.linspace(0.55, 1.2, 8):
        frequency = np.logspace(5, -1, points)
        u = float(junction_voltage(p, "voltage", [bias])[0])
        Z = impedance(p, frequency, u)
        sigma = RELATIVE * np.abs(Z)
        noise = sigma * (rng.standard_normal(points) + 1j * rng.standard_normal(points))
        name = f"eis_{bias:.2f}V.csv"
        used = np.ones(points, dtype=bool)
        used[rng.integers(points)] = bias < 1.0
        record = ImpedanceSpectrum(
            name=name,
            origin=Origin(file=name),
            frequency=frequency,
            impedance=Z + noise,
            bias_voltage=float(bias),
        )
        fitted.append(FittedRecord(record=record, predicted=Z, sigma=sigma, used=used))
    return fitted


def make_sweeps(p, rng, rates=(0.05, 0.5, 5.0), points=1000):
    fitted = []
    for rate in rates:
        drive = sweep("voltage", [-0.3, 1.25, -0.3], rate=rate)
        time = np.linspace(0.0, drive.time[-1], points)
        current = respond(p, drive, time)
        sigma = RELATIVE * np.abs(current) + 2e-8
        record = IVSweep(
            name=f"iv_{1e3 * rate:.0f}mVs.txt",
            voltage=drive.at(time),
            current=current + sigma * rng.standard_normal(points),
            time=time,
            drive=drive,
            scan_rate=rate,
        )
        used = np.ones(points, dtype=bool)
        fitted.append(FittedRecord(record=record, predicted=current, sigma=sigma, used=used))
    return fitted


def make_transients(p, rng, amplitudes=(0.1e-3, 0.2e-3, 0.5e-3, 0.9e-3), points=1000):
    fitted = []
    for amplitude in amplitudes:
        drive = pulse("current", amplitude, on=0.02, off=0.35, end=0.6)
        time = np.linspace(0.0, 0.6, points)
        voltage = respond(p, drive, time)
        sigma = np.full(points, 3e-3)
        record = PulseTransient(
            name=f"pulse_{1e6 * amplitude:.0f}uA.csv",
            time=time,
            voltage=voltage + sigma * rng.standard_normal(points),
            current=None,
            drive=drive,
        )
        used = np.ones(points, dtype=bool)
        fitted.append(FittedRecord(record=record, predicted=voltage, sigma=sigma, used=used))
    return fitted


def lag1(values):
    centred = values - values.mean()
    return float(centred[1:] @ centred[:-1] / (centred @ centred))


def goodness_of(fitted):
    items = []
    for item in fitted:
        residuals = item.residuals[item.used]
        flat = np.concatenate([residuals.real, residuals.imag]) if np.iscomplexobj(residuals) else residuals
        floor = {"impedance": 0.0, "iv": 2e-8, "transient": 3e-3}[item.record.kind]
        relative = 0.0 if item.record.kind == "transient" else RELATIVE
        items.append(
            RecordGoodness(
                file=item.record.name,
                kind=item.record.kind,
                points=int(item.used.sum()),
                chi2_reduced=float(np.mean(flat**2)),
                noise={"relative": relative, "floor": floor},
                lag1_autocorrelation=lag1(flat),
                effective_points=float(flat.size),
            )
        )
    return tuple(items)


def make_result(p, fitted):
    """What a fit of these records would say: the truth, a per cent of error, some correlation."""
    names = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")
    rng = np.random.default_rng(5)
    mix = np.eye(8) + 0.4 * rng.standard_normal((8, 8))
    scale = np.array([0.004, 0.006, 0.003, 0.0008, 0.002, 0.008, 0.011, 0.009])
    covariance = (mix @ mix.T) * np.outer(scale, scale)
    parameters = {}
    for place, name in enumerate(names):
        value = getattr(p, name)
        error = float(np.sqrt(covariance[place, place])) * (1.0 if name == "V_T" else value)
        parameters[name] = Estimate(
            value=value,
            unit=UNITS[name],
            stderr=error,
            ci95=(value - 1.96 * error, value + 1.96 * error),
            start=value * 1.3,
            reason="high-frequency end of the impedance"
            if name in ("R_s", "C_m")
            else "scan of the I-V curve",
        )
    parameters["tau_k"] = replace(parameters["tau_k"], status="weak")
    inputs = tuple(
        InputSummary(
            file=item.record.name,
            sha256=f"{place:064x}",
            kind=item.record.kind,
            points=item.record.points,
            used=int(item.used.sum()),
            bias_V=getattr(item.record, "bias_voltage", None),
            control=item.record.control,
        )
        for place, item in enumerate(fitted)
    )
    excluded = tuple(
        Excluded(
            file=item.record.name, index=int(i), at=f"row {i}", reason="8 standard deviations from the rest"
        )
        for item in fitted
        for i in np.flatnonzero(~item.used)
    )
    datasets = goodness_of(fitted)
    result = FitResult(
        model="3d",
        status=Status(code="ok", message="The fit converged and describes all records within their noise."),
        parameters=parameters,
        derived={
            "tau_m": Estimate(value=p.tau_m, unit="s", stderr=1e-4, ci95=(p.tau_m - 2e-4, p.tau_m + 2e-4)),
            "A_max": Estimate(value=p.R_b * p.i_c0 / p.V_m / 4, unit="1", stderr=0.4, ci95=(48.3, 49.9)),
        },
        nuisance={},
        covariance_names=names,
        covariance=tuple(tuple(float(v) for v in row) for row in covariance),
        logarithmic=tuple(name for name in names if name != "V_T"),
        goodness=Goodness(chi2=7900.0, dof=7950, chi2_reduced=0.99, aic=-120.0, bic=-60.0, datasets=datasets),
        alternatives=(
            Alternative(
                parameters={**p.as_dict(), "tau_d": p.tau_k, "tau_k": p.tau_d},
                chi2=9214.2,
                note="tau_d and tau_k swapped",
            ),
        ),
        excluded=excluded,
        warnings=("The I-V sweeps and the spectra disagree on R_b by 2.1 standard errors.",),
        device={
            "name": "MAPbI3 7B",
            "area_m2": 4e-6,
            "temperature_K": 298.0,
            "attributes": {"composition": "MAPbI3", "batch": "7"},
        },
        inputs=inputs,
        plan={"model": "auto", "seed": 7, "fix": {}, "bounds": {"V_m": [0.015, 0.4]}, "tolerance": 1e-9},
        environment={
            "python": "3.11.7",
            "packages": {"numpy": "2.4.6", "scipy": "1.17.1", "lmfit": "1.3.4"},
            "platform": "Linux-x86_64",
            "started": "2026-11-23T10:00:00Z",
            "seconds": 1.2,
            "command": "memfit fit mapbi3_7b",
        },
        memfit_version="0.1.0",
    )
    return replace(result, stability=analyse_result(result))


@pytest.fixture(scope="session")
def fitted():
    """Eight spectra, three loops, four pulses of a device that spikes."""
    rng = np.random.default_rng(2022)
    return [*make_spectra(TRUTH, rng), *make_sweeps(TRUTH, rng), *make_transients(TRUTH, rng)]


@pytest.fixture(scope="session")
def result(fitted):
    """The fit of these records."""
    return make_result(TRUTH, fitted)
