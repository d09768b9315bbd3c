"""Results of fits whose truth is known, made without fitting, for the tests of comparisons."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from memfit.analysis.stability import analyse_result
from memfit.fitting.results.result import Estimate, FitResult, Goodness, InputSummary, Status
from memfit.model import UNITS, Parameters

MIDDLE = Parameters(R_b=3e5, C_m=1e-7, i_c0=5e-6, V_T=0.7, V_m=0.055, tau_d=0.05, tau_k=0.07, R_s=35.0)
NAMES = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")
LOGARITHMIC = ("R_b", "C_m", "i_c0", "V_m", "tau_d", "tau_k")
BOLTZMANN = 8.617333262145179e-05


def result_of(
    name: str,
    truth: Parameters = MIDDLE,
    *,
    error: float = 0.01,
    rng: np.random.Generator | None = None,
    within: float = 0.3,
    area: float | None = None,
    temperature: float | None = None,
    attributes: Mapping[str, str | float] | None = None,
    digest: str = "",
    stability: bool = False,
) -> FitResult:
    """A result with equal relative errors (V_T: of V_m), correlated by `within`, drawn where `rng` is."""
    scale = np.array([error] * len(NAMES))
    scale[NAMES.index("V_T")] = error * truth.V_m
    scale[NAMES.index("R_s")] = error * truth.R_s
    covariance = np.outer(scale, scale) * (within + (1.0 - within) * np.eye(len(NAMES)))
    step = (
        rng.multivariate_normal(np.zeros(len(NAMES)), covariance) if rng is not None else np.zeros(len(NAMES))
    )
    values = {
        n: getattr(truth, n) * np.exp(s) if n in LOGARITHMIC else getattr(truth, n) + s
        for n, s in zip(NAMES, step, strict=True)
    }
    found = FitResult(
        model="3d",
        status=Status(code="ok", message="The model describes all records within their noise."),
        parameters={n: _estimate(n, float(values[n]), float(s)) for n, s in zip(NAMES, scale, strict=True)},
        covariance_names=NAMES,
        covariance=tuple(tuple(float(v) for v in row) for row in covariance),
        logarithmic=LOGARITHMIC,
        goodness=Goodness(chi2=1.0, dof=1, chi2_reduced=1.0, aic=0.0, bic=0.0),
        device={
            "name": name,
            "area_m2": area,
            "temperature_K": temperature,
            "attributes": dict(attributes or {}),
        },
        inputs=(_input(digest),) if digest else (),
        stability={"current": {"verdict": "stable", "gain_margin_min": 2.0, "gain_margin_ci95": [1.9, 2.1]}},
    )
    return replace(found, stability=analyse_result(found)) if stability else found


def _estimate(name: str, value: float, error: float) -> Estimate:
    """A determined parameter."""
    log = name in LOGARITHMIC
    low, high = (value * np.exp(z * error) if log else value + z * error for z in (-1.96, 1.96))
    stderr = value * error if log else error
    return Estimate(value=value, unit=UNITS[name], stderr=stderr, ci95=(float(low), float(high)))


def _input(digest: str) -> InputSummary:
    """One record."""
    return InputSummary(
        file="eis.csv", sha256=digest, kind="impedance", points=10, used=10, bias_V=0.5, control="voltage"
    )


def wafer(
    count: int,
    seed: int,
    *,
    spread: float = 0.1,
    error: float = 0.01,
    energies: tuple[float, float] = (0.35, 0.5),
    areas: tuple[float, ...] = (1e-6, 4e-6, 1.6e-5),
    temperatures: tuple[float, ...] = (288.0, 298.0, 308.0, 318.0),
    stability: bool = False,
) -> list[FitResult]:
    """Devices of a uniform junction: R_b, C_m, i_c0 scale with the area, tau_d and tau_k are activated."""
    rng = np.random.default_rng(seed)
    results = []
    for k in range(count):
        area, T = areas[k % len(areas)], temperatures[rng.integers(len(temperatures))]
        own = dict(zip(NAMES, np.exp(spread * rng.normal(size=len(NAMES))), strict=True))
        ratio, heat = area / 4e-6, 1.0 / (BOLTZMANN * T) - 1.0 / (BOLTZMANN * 298.0)
        truth = Parameters(
            R_b=MIDDLE.R_b * own["R_b"] / ratio,
            C_m=MIDDLE.C_m * own["C_m"] * ratio,
            i_c0=MIDDLE.i_c0 * own["i_c0"] * ratio,
            V_T=MIDDLE.V_T + 0.05 * np.log(own["V_T"]),
            V_m=MIDDLE.V_m * own["V_m"],
            tau_d=MIDDLE.tau_d * own["tau_d"] * np.exp(energies[0] * heat),
            tau_k=MIDDLE.tau_k * own["tau_k"] * np.exp(energies[1] * heat),
            R_s=MIDDLE.R_s * own["R_s"],
        )
        results.append(
            result_of(
                f"device {k + 1}",
                truth,
                error=error,
                rng=rng,
                area=area,
                temperature=T,
                attributes={"batch": "AB"[k % 2], "thickness": f"{300 + 10 * (k % 7)} nm"},
                digest=f"{seed:04x}{k:04x}",
                stability=stability,
            )
        )
    return results
