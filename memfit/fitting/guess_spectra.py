"""First values of the time constants, C_m, R_b and i_c0 from spectra, given V_T and V_m.

With tau_d and tau_k chosen, the junction admittance of all spectra is linear in C_m, 1/R_b and i_c0 (Eqs. 13
and 14 of Bisquert & Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789): scan the two, solve the three, keep the
best.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets.records import ImpedanceSpectrum
from memfit.fitting.candidates import Candidate, distinct
from memfit.fitting.guess_steady import SteadyCurve
from memfit.fitting.predict import bias_of
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage

_TAU_STEPS = 26
_LEAST_SHARE = 0.15
"""Of |Z| that must be junction, not series resistance, for a point to say something about the junction."""
_POINTS = 400
"""Points of all spectra together that a scan needs."""
_PROMISING = 200
"""Best points of the grid among which distinct candidates are sought."""


def candidates_from_spectra(
    spectra: Sequence[ImpedanceSpectrum], curve: SteadyCurve, R_s: float, fix: Mapping[str, float]
) -> list[Candidate]:
    """Scan tau_d and tau_k; C_m, 1/R_b and i_c0 are linear in the admittance of all spectra."""
    p = Parameters(
        R_b=curve.R_b, C_m=1e-9, i_c0=curve.i_c0, V_T=curve.V_T, V_m=curve.V_m, tau_d=1.0, tau_k=1.0, R_s=R_s
    )
    s, Y, weight, f, slope = _admittances(spectra, p)
    omega = np.abs(s)
    taus = np.geomspace(0.02 / omega.max(), 50.0 / omega.min(), _TAU_STEPS)
    tau_d = np.array([fix["tau_d"]]) if "tau_d" in fix else taus
    tau_k = np.array([fix["tau_k"]]) if "tau_k" in fix else taus
    lag_d = slope / (1.0 + s * tau_d[:, None])
    lag_k = 1.0 / (1.0 + s * f * tau_k[:, None])
    channel: ComplexArray = (lag_d[:, None, :] * lag_k[None, :, :]).reshape(-1, s.size) * weight
    C_m, G, i_c0, misfit = _three_linear(s * weight, weight.astype(np.complex128), channel, Y * weight)
    bad = (C_m <= 0) | (G <= 0) | (i_c0 <= 0)
    misfit = np.where(bad, misfit + float(np.sum(np.abs(Y * weight) ** 2)), misfit)
    pairs = [(float(a), float(b)) for a in tau_d for b in tau_k]
    result: list[Candidate] = []
    for k in np.argsort(misfit)[:_PROMISING]:
        values = {
            "R_b": 1.0 / float(G[k]) if G[k] > 0 else curve.R_b,
            "C_m": abs(float(C_m[k])) or 1e-9,
            "i_c0": float(i_c0[k]) if i_c0[k] > 0 else curve.i_c0,
            "V_T": curve.V_T,
            "V_m": curve.V_m,
            "tau_d": pairs[k][0],
            "tau_k": pairs[k][1],
            "R_s": R_s,
        }
        result.append(Candidate(values, float(misfit[k]), _spectral_reasons(curve, len(spectra))))
    return distinct(result, 4)


def _admittances(
    spectra: Sequence[ImpedanceSpectrum], p: Parameters
) -> tuple[ComplexArray, ComplexArray, FloatArray, FloatArray, FloatArray]:
    """s, junction admittance, weight, f and df_ss/du at the points of all spectra, thinned.

    Noise is a fraction of |Z|, so an admittance 1/(Z - R_s) has the weight |Z - R_s|^2/|Z|, and none where
    the series resistance is nearly all of Z.
    """
    parts = []
    for spectrum in spectra:
        control, bias = bias_of(spectrum)
        u = junction_voltage(p, control, [bias])[0]
        x = (u - p.V_T) / p.V_m
        kept = _below_wiring(spectrum)[:: max(1, spectrum.points * len(spectra) // _POINTS)]
        s = 2j * np.pi * spectrum.frequency[kept]
        junction = spectrum.impedance[kept] - p.R_s
        share = np.abs(junction) / np.abs(spectrum.impedance[kept])
        telling = share > _LEAST_SHARE
        junction = np.where(telling, junction, spectrum.impedance[kept])
        weight = np.where(telling, share * np.abs(junction), 0.0)
        f = np.full(s.size, max(float(expit(x)), 1e-12))
        parts.append((s, 1.0 / junction, weight, f, f * float(expit(-x)) / p.V_m))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    s_all, Y_all = columns[0].astype(np.complex128), columns[1].astype(np.complex128)
    return s_all, Y_all, columns[2].real, columns[3].real, columns[4].real


def _below_wiring(spectrum: ImpedanceSpectrum) -> np.ndarray:
    """Indices of the points below the frequencies at which the wiring makes the spectrum inductive."""
    order = np.argsort(spectrum.frequency)
    capacitive = np.flatnonzero(spectrum.impedance.imag[order] < 0)
    last = int(capacitive[-1]) if capacitive.size else order.size - 1
    return order[: last + 1]


def _three_linear(
    a: ComplexArray, b: ComplexArray, c: ComplexArray, y: ComplexArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Complex least squares y = p a + q b + r c, real p, q, r, for many c (k, n); p, q, r, misfit (k,)."""
    k = c.shape[0]
    normal = np.empty((k, 3, 3))
    right = np.empty((k, 3))
    normal[:, 0, 0], normal[:, 1, 1] = _inner(a, a), _inner(b, b)
    normal[:, 0, 1] = normal[:, 1, 0] = _inner(a, b)
    normal[:, 2, 2] = np.sum(np.abs(c) ** 2, axis=1)
    normal[:, 0, 2] = normal[:, 2, 0] = np.real(c.conj() @ a)
    normal[:, 1, 2] = normal[:, 2, 1] = np.real(c.conj() @ b)
    right[:, 0], right[:, 1], right[:, 2] = _inner(a, y), _inner(b, y), np.real(c.conj() @ y)
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", normal), np.finfo(float).tiny))
    scaled = normal / (scale[:, :, None] * scale[:, None, :]) + 1e-10 * np.eye(3)
    solution = np.linalg.solve(scaled, (right / scale)[:, :, None])[:, :, 0] / scale
    misfit = _inner(y, y) - np.sum(solution * right, axis=1)
    return solution[:, 0], solution[:, 1], solution[:, 2], np.maximum(misfit, 0.0)


def _inner(u: ComplexArray, v: ComplexArray) -> float:
    """Real inner product of two complex vectors."""
    return float(np.real(np.vdot(u, v)))


def _spectral_reasons(curve: SteadyCurve, count: int) -> dict[str, str]:
    """Where the values of a spectral scan came from."""
    scan = f"scan of {count} spectra, admittance linear in C_m, 1/R_b, i_c0"
    steady = f"scan of the steady state: {curve.source}"
    return {
        "R_b": scan,
        "C_m": scan,
        "i_c0": scan,
        "V_T": steady,
        "V_m": steady,
        "tau_d": scan,
        "tau_k": scan,
    }
