"""What the fitted model says beside and between the data: spectra, bands, and curves against voltage.

The equations are those of `memfit.model`; here is only the choice of points, ranges and circuits. Bands come
from the curves that the data allow, which stand in each `FittedRecord`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.confidence import TAILS
from memfit.datasets import ImpedanceSpectrum, Record
from memfit.fitting import FitResult, FittedRecord
from memfit.model import (
    PARAMETERS,
    Loop,
    Parameters,
    activation,
    activation_time,
    coefficients,
    dc_resistance,
    hopf_biases,
    impedance,
    inverse_resistance_a,
    junction_voltage,
    log_gain_margin,
    steady_current,
)
from memfit.reporting.content import Columns

_FINER = 4
"""Model curves are drawn at this many times the measured frequencies."""
_LONGEST_STEP = 0.03
"""Longest straight piece of a model curve, relative to the largest |Z|."""
_REFINEMENTS = 8
_SAME_MODEL = 1e-6
"""Relative distance at which the closed form counts as the model that was fitted."""
_REACH = 12.0
"""Widths V_m around V_T beyond which the channel no longer changes."""
_SHOWN_AT_LEAST = 6.0
"""Widths V_m above V_T that are always shown."""
_POINTS = 400
"""Of a curve against voltage."""

Band = tuple[FloatArray, FloatArray]
"""Lower and upper end at every point."""
ModelCurve = tuple[FloatArray, ComplexArray]
"""Frequencies (Hz, rising) and impedance (ohm)."""


def spectrum_of(fitted: FittedRecord) -> ImpedanceSpectrum:
    """The spectrum inside a fitted record of the kind "impedance".

    Parameters
    ----------
    fitted : FittedRecord
    """
    record = fitted.record
    if not isinstance(record, ImpedanceSpectrum):
        raise TypeError(f"expected an impedance spectrum, found a record of kind {record.kind!r}")
    return record


def bias_of(spectrum: ImpedanceSpectrum) -> tuple[float | None, str]:
    """Bias of a spectrum and its unit: the quantity the instrument held, or the other one.

    Parameters
    ----------
    spectrum : ImpedanceSpectrum

    Returns
    -------
    value : float or None
        None where neither is known.
    unit : {"V", "A"}
    """
    first = (spectrum.bias_voltage, "V"), (spectrum.bias_current, "A")
    ordered = first if spectrum.control == "voltage" else first[::-1]
    return next(((value, unit) for value, unit in ordered if value is not None), (None, ordered[0][1]))


def junction_bias(p: Parameters, spectrum: ImpedanceSpectrum) -> float | None:
    """Voltage across the junction (V) at the bias of a spectrum, by the model; None if that is unknown.

    Parameters
    ----------
    p : Parameters
    spectrum : ImpedanceSpectrum
    """
    bias, unit = bias_of(spectrum)
    if bias is None:
        return None
    return float(junction_voltage(p, "voltage" if unit == "V" else "current", [bias])[0])


def model_curve(fitted: FittedRecord, p: Parameters | None = None) -> ModelCurve:
    """The model of a spectrum at more frequencies than were measured.

    In closed form where the parameters give what was fitted, with frequencies put in where the curve would
    show corners: near a resonance it runs fast. Else (instruments with quantities of their own) straight from
    one measured frequency to the next.

    Parameters
    ----------
    fitted : FittedRecord
        The spectrum.
    p : Parameters, optional
        Of the fitted model.
    """
    spectrum = spectrum_of(fitted)
    frequency, at = np.unique(spectrum.frequency, return_index=True)
    Z = np.asarray(fitted.predicted, dtype=np.complex128)[at]
    u = junction_bias(p, spectrum) if p else None
    if p is None or u is None or np.any(np.abs(impedance(p, frequency, u) - Z) > _SAME_MODEL * np.abs(Z)):
        return frequency, Z
    places = np.arange(_FINER * (frequency.size - 1) + 1) / _FINER
    frequency = 10.0 ** np.interp(places, np.arange(frequency.size), np.log10(frequency))
    Z = impedance(p, frequency, u)
    for _ in range(_REFINEMENTS):
        long = np.flatnonzero(np.abs(np.diff(Z)) > _LONGEST_STEP * np.abs(Z).max())
        if not long.size:
            break
        between = np.sqrt(frequency[long] * frequency[long + 1])
        frequency = np.insert(frequency, long + 1, between)
        Z = np.insert(Z, long + 1, impedance(p, between, u))
    return frequency, Z


def band_of(fitted: FittedRecord) -> Band | None:
    """The band of the response of a record in time, A or V; None where nothing is known."""
    return None if fitted.curves is None else band_ends(np.asarray(fitted.curves, dtype=np.float64))


def band_ends(curves: FloatArray) -> Band:
    """Where the central share of curves lies that the level of confidence asks for.

    Parameters
    ----------
    curves : (k, n) array
        Curves that the data allow.

    Returns
    -------
    (n,) arrays
        Lower and upper end at every point.
    """
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
    way = np.gradient(Z, np.log(frequency))
    across = 1j * way / np.maximum(np.abs(way), 1e-300)
    near = np.interp(np.log(at), np.log(frequency), np.arange(frequency.size)).round().astype(int)
    low, high = band_ends(np.real((curves - predicted) * np.conj(across[near])))
    where = np.log(frequency), np.log(at)
    return Z + np.interp(*where, low) * across, Z + np.interp(*where, high) * across


def by_frequency(fitted: FittedRecord) -> tuple[FloatArray, ComplexArray, ComplexArray] | None:
    """Frequencies (Hz, rising), prediction (n,) and curves (k, n) of a spectrum; None without curves.

    Parameters
    ----------
    fitted : FittedRecord
        Of a spectrum; frequencies may be in any order and repeat, then the first of equal ones stays.
    """
    record = fitted.record
    if fitted.curves is None or not isinstance(record, ImpedanceSpectrum):
        return None
    at, first = np.unique(record.frequency, return_index=True)
    predicted = np.asarray(fitted.predicted, dtype=np.complex128)
    return at, predicted[first], np.asarray(fitted.curves, dtype=np.complex128)[:, first]


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
    """The fitted parameters, or None where the data do not determine them all.

    Parameters
    ----------
    result : FitResult
    """
    if any(estimate.value is None for estimate in result.parameters.values()):
        return None
    return result.values()


def where_it_ended(result: FitResult) -> Parameters | None:
    """The parameters at the minimum, for curves alone; None in results that do not say.

    Parameters
    ----------
    result : FitResult
    """
    values = {name: value for name, value in result.fitted_values.items() if name in PARAMETERS}
    return Parameters.from_mapping(values) if values else None


def voltage_range(p: Parameters, records: Sequence[Record]) -> tuple[float, float]:
    """Junction voltages worth showing (V): what was measured, within a few widths V_m of V_T.

    Parameters
    ----------
    p : Parameters
    records : sequence of Record
    """
    measured: list[FloatArray] = []
    for record in records:
        if isinstance(record, ImpedanceSpectrum):
            measured.append(np.array([] if record.bias_voltage is None else [record.bias_voltage]))
        elif record.voltage is not None:
            measured.append(record.voltage)
    lows = [float(v.min()) for v in measured if v.size]
    highs = [float(v.max()) for v in measured if v.size]
    low = max(min(lows, default=-np.inf), p.V_T - _REACH * p.V_m)
    high = min(max([*highs, p.V_T + _SHOWN_AT_LEAST * p.V_m]), p.V_T + _REACH * p.V_m)
    return min(low, p.V_T - _SHOWN_AT_LEAST * p.V_m), high


def voltage_curves(p: Parameters, bounds: tuple[float, float]) -> VoltageCurves:
    """Steady state and impedance parameters between two junction voltages.

    Parameters
    ----------
    p : Parameters
    bounds : (low, high)
        V.
    """
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
    """Coefficients and gain margins between two junction voltages; None for two lags and for further parts.

    Parameters
    ----------
    p : Parameters
    bounds : (low, high)
        V.
    """
    if p.tau_d == 0.0 or p.tau_k == 0.0 or p.parts:
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


def steady_data(curves: VoltageCurves) -> Columns:
    """Steady state and impedance parameters against voltage."""
    return {
        "u_V": curves.u,
        "terminal_V": curves.terminal,
        "current_A": curves.current,
        "channel_A": curves.channel,
        "R_a_ohm": curves.R_a,
        "R_dc_ohm": curves.R_dc,
        "L_d_H": curves.L_d,
        "L_k_H": curves.L_k,
    }


def coefficients_data(curves: StabilityCurves) -> Columns:
    """Coefficients of the characteristic polynomial against voltage."""
    return {"u_V": curves.u, "c2_1/s": curves.c2, "c1_1/s2": curves.c1, "c0_1/s3": curves.c0}


def margins_data(curves: StabilityCurves) -> Columns:
    """Gain margin by circuit against voltage."""
    return {"u_V": curves.u, **{f"gain_margin_{name}": values for name, values in curves.margins.items()}}
