"""What records of one device must have in common whatever its model: slopes and areas against impedance.

    Z(0) = dV/dI of the slow loop at the same bias
    loop area = oint I dV = sum_k pi k |V_k|^2 Im Y(k omega)      small signal, V_k the harmonics of the drive

The second is linear response: for a small sine pi V_0^2 Im Y(omega), so that the hysteresis turns from
capacitive to inductive where Im Y changes its sign. Each is told where the records can show it: a spectrum
that has come to its dc value, a loop whose two directions agree there; a small loop about the bias of a
spectrum. Where the sides differ, the device moved in between, a unit or an area is wrong, or it was not at
rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Record
from memfit.units import format_quantity


@dataclass(frozen=True)
class Settings:
    """When records can show an identity, and when its sides differ."""

    at_dc: float = 0.1
    """Ratio of Im Z and Re Z at the lowest frequency up to which that is Z(0)."""
    near: float = 0.03
    """Of the range of a loop, on either side of a bias, over which its slope is taken."""
    fewest: int = 4
    """Samples of each direction there."""
    alike: float = 0.2
    """Difference of the slopes of both directions, of their mean, up to which a loop is slow."""
    small: float = 0.03
    """V, amplitude of a loop that is a small signal."""
    fewest_of_loop: int = 32
    """Samples of a small loop; a quarter as many harmonics are counted, where the spectrum reaches so far."""
    differ: float = 0.25
    """Of the logarithm of a ratio, or of the area, from which the sides differ."""


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One identity between two records."""

    spectrum: str
    sweep: str
    bias: float
    """V."""
    quantity: str
    """Z(0) in ohm, or the area of the loop in V A."""
    by_impedance: float
    by_loop: float
    agrees: bool

    @property
    def sentence(self) -> str:
        """In words."""
        if self.quantity == "Z(0)":
            sizes = [format_quantity(value, "ohm", digits=3) for value in (self.by_impedance, self.by_loop)]
            sides = f"Z(0) of {self.spectrum} is {sizes[0]}, dV/dI of {self.sweep} {sizes[1]}"
        else:
            sizes = [f"{value:.3g} V A" for value in (self.by_loop, self.by_impedance)]
            sides = f"the area of {self.sweep} is {sizes[0]}, by Im Y of {self.spectrum} {sizes[1]}"
        verdict = "they agree to" if self.agrees else "they differ by more than"
        return f"At {self.bias:.4g} V {sides}: {verdict} {100.0 * SETTINGS.differ:.0f} %."


def identities(records: Sequence[Record]) -> tuple[Identity, ...]:
    """All that the records of one device can show, spectrum by spectrum.

    Parameters
    ----------
    records : sequence of Record
    """
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum) and r.bias_voltage is not None]
    sweeps = [r for r in records if isinstance(r, IVSweep)]
    wide = [sweep for sweep in sweeps if np.ptp(sweep.voltage) > 2.0 * SETTINGS.small]
    slowest = max(wide, key=_duration, default=None)
    found = []
    for spectrum in sorted(spectra, key=lambda r: r.bias_voltage or 0.0):
        if slowest is not None:
            found.append(_slope(spectrum, slowest))
        found += [_area(spectrum, sweep) for sweep in sweeps if sweep not in wide]
    return tuple(one for one in found if one is not None)


def _duration(sweep: IVSweep) -> float:
    """Of a sweep, s; without a time it is a steady curve."""
    return np.inf if sweep.time is None else float(sweep.time[-1] - sweep.time[0])


def _slope(spectrum: ImpedanceSpectrum, sweep: IVSweep) -> Identity | None:
    """Z(0) against dV/dI."""
    bias, lowest = float(spectrum.bias_voltage or 0.0), int(np.argmin(spectrum.frequency))
    Z = complex(spectrum.impedance[lowest])
    rising = np.gradient(sweep.voltage) >= 0.0 if sweep.points > 1 else np.ones(1, dtype=bool)
    close = np.abs(sweep.voltage - bias) < SETTINGS.near * np.ptp(sweep.voltage)
    slopes = [
        np.polyfit(sweep.voltage[here] - bias, sweep.current[here], 1)[0]
        for here in (close & rising, close & ~rising)
        if np.count_nonzero(here) >= SETTINGS.fewest and np.ptp(sweep.voltage[here]) > 0.0
    ]
    if not slopes or abs(Z.imag) > SETTINGS.at_dc * abs(Z.real) or np.mean(slopes) == 0.0:
        return None
    if np.ptp(slopes) > SETTINGS.alike * abs(np.mean(slopes)):
        return None
    by_loop = 1.0 / float(np.mean(slopes))
    ratio = Z.real / by_loop
    agrees = ratio > 0.0 and abs(np.log(ratio)) < SETTINGS.differ
    return Identity(
        spectrum=spectrum.name, sweep=sweep.name, bias=bias, quantity="Z(0)",
        by_impedance=Z.real, by_loop=by_loop, agrees=bool(agrees),
    )  # fmt: skip


def _area(spectrum: ImpedanceSpectrum, sweep: IVSweep) -> Identity | None:
    """The area of a small loop against Im Y."""
    V, bias = sweep.voltage, float(spectrum.bias_voltage or 0.0)
    if sweep.time is None or sweep.points < SETTINGS.fewest_of_loop or not V.min() <= bias <= V.max():
        return None
    if abs(V[-1] - V[0]) > 0.1 * np.ptp(V):  # it is not closed
        return None
    period, order = float(sweep.time[-1] - sweep.time[0]), np.argsort(spectrum.frequency)
    frequency, Y = spectrum.frequency[order], np.reciprocal(spectrum.impedance[order])
    number = np.arange(1, sweep.points // 4 + 1)
    at = number / period
    inside = (at >= frequency[0]) & (at <= frequency[-1])
    if not inside[0]:
        return None
    even = np.linspace(sweep.time[0], sweep.time[-1], 4 * sweep.points, endpoint=False)
    drive = np.fft.rfft(np.interp(even, sweep.time, V))[number] / (0.5 * even.size)
    weight = np.pi * number * np.abs(drive) ** 2
    imag = np.interp(np.log(at[inside]), np.log(frequency), Y.imag)
    by_impedance = float(np.sum(weight[inside] * imag))
    by_loop = float(np.sum(0.5 * (sweep.current[1:] + sweep.current[:-1]) * np.diff(V)))
    size = float(weight[0] * np.interp(np.log(at[0]), np.log(frequency), np.abs(Y)))
    # an area near zero, where both kinds of hysteresis balance, is measured by that of the whole current
    agrees = abs(by_loop - by_impedance) < SETTINGS.differ * max(abs(by_impedance), 0.1 * size)
    return Identity(
        spectrum=spectrum.name, sweep=sweep.name, bias=bias, quantity="loop area",
        by_impedance=by_impedance, by_loop=by_loop, agrees=agrees,
    )  # fmt: skip
