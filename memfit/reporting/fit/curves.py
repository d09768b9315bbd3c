"""What the fitted model says against voltage: the curves of the report's sections on voltage and stability.

The equations are those of `memfit.model`; here is only the choice of the range and of the circuits.

95 % bands of model curves, from curves that the data allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.confidence import TAILS
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.fitting.result import FitResult, FittedRecord
from memfit.model.equations import (
    activation,
    activation_time,
    dc_resistance,
    inverse_resistance_a,
    steady_current,
)
from memfit.model.hopf_boundary import Loop, hopf_biases, log_gain_margin
from memfit.model.linear import coefficients
from memfit.model.parameters import Parameters

Band = tuple[FloatArray, FloatArray]
"""Lower and upper end at every point."""


def band_of(fitted: FittedRecord) -> Band | None:
    """The band of the response of a record in time, A or V; None where nothing is known."""
    return None if fitted.curves is None else ends(np.asarray(fitted.curves, dtype=np.float64))


def ends(curves: FloatArray) -> Band:
    """Central 95 % of curves (k, n) at every point."""
    low, high = np.quantile(curves, TAILS, axis=0)
    return low, high


def nyquist_band(
    fitted: FittedRecord, frequency: FloatArray, Z: ComplexArray
) -> tuple[ComplexArray, ComplexArray] | None:
    """The band of a spectrum in the plane of Z (ohm), measured across the curve; None where nothing is known.

    Parameters
    ----------
    fitted : FittedRecord
        The spectrum.
    frequency, Z : (k,) arrays
        The model curve to lay the band around, Hz (rising) and ohm; finer than the data.
    """
    measured = by_frequency(fitted)
    if measured is None or frequency.size < 2:
        return None
    at, predicted, curves = measured
    normal = _across(frequency, Z)
    near = np.interp(np.log(at), np.log(frequency), np.arange(frequency.size)).round().astype(int)
    low, high = ends(np.real((curves - predicted) * np.conj(normal[near])))
    where = np.log(frequency), np.log(at)
    return Z + np.interp(*where, low) * normal, Z + np.interp(*where, high) * normal


def by_frequency(fitted: FittedRecord) -> tuple[FloatArray, ComplexArray, ComplexArray] | None:
    """Frequencies (Hz, rising), prediction (n,) and curves (k, n) of a spectrum; None without curves."""
    record = fitted.record
    if fitted.curves is None or not isinstance(record, ImpedanceSpectrum):
        return None
    at, first = np.unique(record.frequency, return_index=True)
    predicted = np.asarray(fitted.predicted, dtype=np.complex128)
    return at, predicted[first], np.asarray(fitted.curves, dtype=np.complex128)[:, first]


def _across(frequency: FloatArray, Z: ComplexArray) -> ComplexArray:
    """Unit vectors across a curve."""
    way = np.gradient(Z, np.log(frequency))
    result: ComplexArray = 1j * way / np.maximum(np.abs(way), 1e-300)
    return result


_REACH = 12.0
"""Widths V_m around V_T beyond which the channel no longer changes."""
_SHOWN_AT_LEAST = 6.0
"""Widths V_m above V_T that are always shown."""
_POINTS = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class VoltageCurves:
    """Steady state and impedance parameters against the voltage across the junction; (n,) arrays, SI."""

    u: FloatArray
    """V."""
    terminal: FloatArray
    """u + R_s I, V."""
    current: FloatArray
    """A."""
    channel: FloatArray
    """Current i_c0 f_ss of the memory channel, A."""
    saturation: float
    """i_c0, A."""
    R_a: FloatArray
    """ohm."""
    R_dc: FloatArray
    """ohm."""
    R_b: FloatArray
    """ohm, constant."""
    L_d: FloatArray
    """H."""
    L_k: FloatArray
    """H; zero for the 2D model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StabilityCurves:
    """Characteristic polynomial under current control and gain margins by circuit; (n,) arrays."""

    u: FloatArray
    """V."""
    c2: FloatArray
    """1/s."""
    c1: FloatArray
    """1/s^2."""
    c0: FloatArray
    """1/s^3."""
    margins: Mapping[str, FloatArray]
    """Gain margin by circuit; below 1 the steady state is unstable."""
    hopf: Mapping[str, FloatArray]
    """Hopf voltages u (V) by circuit: two or none."""

    @property
    def hurwitz(self) -> FloatArray:
        """c2 c1 - c0 relative to c2 c1: positive where stable, at most 1."""
        return 1.0 - self.c0 / (self.c2 * self.c1)


def parameters_of(result: FitResult) -> Parameters | None:
    """The fitted parameters, or None where the data do not determine them all."""
    if any(estimate.value is None for estimate in result.parameters.values()):
        return None
    return result.values()


def voltage_range(p: Parameters, records: Sequence[Record]) -> tuple[float, float]:
    """Junction voltages worth showing (V): what was measured, within a few widths V_m of V_T."""
    measured = [_voltages(record) for record in records]
    lows = [float(v.min()) for v in measured if v.size]
    highs = [float(v.max()) for v in measured if v.size]
    low = max(min(lows, default=-np.inf), p.V_T - _REACH * p.V_m)
    high = min(max([*highs, p.V_T + _SHOWN_AT_LEAST * p.V_m]), p.V_T + _REACH * p.V_m)
    return min(low, p.V_T - _SHOWN_AT_LEAST * p.V_m), high


def _voltages(record: Record) -> FloatArray:
    """Terminal voltages (V) of a record; empty if it does not know them."""
    if record.kind == "impedance":
        bias = record.bias_voltage  # type: ignore[union-attr]
        return np.array([] if bias is None else [bias])
    voltage = record.voltage  # type: ignore[union-attr]
    return np.array([]) if voltage is None else voltage


def voltage_curves(p: Parameters, bounds: tuple[float, float]) -> VoltageCurves:
    """Steady state and impedance parameters between two junction voltages (V)."""
    u = np.linspace(*bounds, _POINTS)
    R_a = 1.0 / inverse_resistance_a(p, u)
    current = steady_current(p, u)
    return VoltageCurves(
        u=u,
        terminal=u + p.R_s * current,
        current=current,
        channel=p.i_c0 * activation(p, u),
        saturation=p.i_c0,
        R_a=R_a,
        R_dc=dc_resistance(p, u),
        R_b=np.full_like(u, p.R_b),
        L_d=p.tau_d * R_a,
        L_k=activation_time(p, u) * R_a,
    )


def stability_curves(p: Parameters, bounds: tuple[float, float]) -> StabilityCurves | None:
    """Coefficients and gain margins between two junction voltages; None for a model of two lags."""
    if p.tau_d == 0.0 or p.tau_k == 0.0:
        return None
    u = np.linspace(*bounds, _POINTS)
    polynomial = coefficients(p, u)
    circuits = {"current": np.inf, **({"voltage": p.R_s} if p.R_s > 0.0 else {})}
    loops = {name: Loop.of(p, resistance) for name, resistance in circuits.items()}
    biases = {name: np.array(hopf_biases(loop)) for name, loop in loops.items()}
    return StabilityCurves(
        u=u,
        c2=polynomial.c2,
        c1=polynomial.c1,
        c0=polynomial.c0,
        margins={name: np.exp(log_gain_margin(loop, (u - p.V_T) / p.V_m)) for name, loop in loops.items()},
        hopf={name: p.V_T + p.V_m * x[np.isfinite(x)] for name, x in biases.items()},
    )
