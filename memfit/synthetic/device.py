"""The measurement of a model device, with the noise and the faults of instruments.

Noise is relative to |Z| in a spectrum, relative with a floor in a current and constant in a voltage. On
request it is correlated from point to point (first-order autoregressive), some points are outliers, and
the instruments disagree by a gain. Everything random comes from the caller's seed, record by record, so
that one record more leaves the others as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from scipy.signal import lfilter

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import (
    Device,
    ImpedanceSpectrum,
    IVSweep,
    Kind,
    Origin,
    PulseTransient,
    Record,
)
from memfit.errors import InputError
from memfit.model import Parameters, impedance, junction_voltage
from memfit.model.transient import simulate
from memfit.synthetic.measurements import (
    Measurement,
    Recording,
    Spectroscopy,
    check_files,
    default_measurements,
)

_FLOOR = 5e-4
"""Noise floor of a current where none is stated, as a part of the record's largest."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What instruments add to the truth.

    Raises
    ------
    InputError
        A size is negative or not finite, or a fraction is not below 1.
    """

    impedance: float = 0.005
    """Standard deviation of Z' and of Z'', as a part of |Z|."""
    current: float = 0.005
    """Standard deviation of a measured current, as a part of it."""
    current_floor: float | None = None
    """Added to it, A; by default 0.0005 of the largest current of the record."""
    voltage: float = 1e-3
    """Standard deviation of a measured voltage, V."""
    correlation: float = 0.0
    """Correlation of the noise of neighbouring points, -1 to 1."""
    outliers: float = 0.0
    """Part of the points that are outliers."""
    outlier_size: float = 15.0
    """Distance of an outlier, in standard deviations."""
    gain: Mapping[Kind, float] = field(default_factory=dict)
    """Factor by which the instrument of a kind of measurement reads too much."""

    def __post_init__(self) -> None:
        """Check the sizes, once."""
        sizes = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "gain"}
        wrong = [
            f"{name} must be a number of at least 0, found {value}"
            for name, value in sizes.items()
            if value is not None and name != "correlation" and not 0.0 <= value < np.inf
        ]
        if not -1.0 < self.correlation < 1.0:
            wrong.append(f"correlation must lie between -1 and 1, found {self.correlation}")
        if self.outliers >= 1.0:
            wrong.append(f"outliers must be a part below 1, found {self.outliers}")
        wrong += [
            f"the gain of {kind} must be above 0, found {value}"
            for kind, value in self.gain.items()
            if not 0.0 < value < np.inf
        ]
        if wrong:
            raise InputError("Noise: " + "; ".join(wrong) + ".")


NOISELESS = Noise(impedance=0.0, current=0.0, current_floor=0.0, voltage=0.0)
"""An ideal instrument."""


def simulate_device(
    parameters: Parameters,
    measurements: Sequence[Measurement] | None = None,
    noise: Noise | None = None,
    *,
    seed: int,
    name: str = "synthetic device",
    area: float | None = None,
    temperature: float | None = None,
    attributes: Mapping[str, str | float] | None = None,
) -> Device:
    """A device measured on the model.

    Parameters
    ----------
    parameters : Parameters
        The truth. L_s is seen by the spectra only.
    measurements : sequence of Measurement, optional
        By default `default_measurements(parameters)`.
    noise : Noise, optional
        By default half a per cent on Z and on currents, a millivolt on voltages.
    seed : int
        Of the noise.
    name : str
    area : float, m^2, optional
    temperature : float, K, optional
    attributes : mapping, optional
        Anything else to tell devices apart.

    Raises
    ------
    InputError
        Two measurements have the same file, or one of them cannot be integrated.
    """
    planned = tuple(default_measurements(parameters) if measurements is None else measurements)
    check_files(planned)
    added = noise or Noise()
    records: list[Record] = []
    for index, item in enumerate(planned):
        rng = np.random.default_rng([seed, index])
        if isinstance(item, Spectroscopy):
            records.append(_measure_spectrum(parameters, item, added, rng))
        else:
            records.append(_record(parameters, item, added, rng))
    return Device(
        name=name,
        records=tuple(records),
        area=area,
        temperature=temperature,
        attributes=dict(attributes or {}),
    )


def _measure_spectrum(
    p: Parameters, item: Spectroscopy, noise: Noise, rng: np.random.Generator
) -> ImpedanceSpectrum:
    """Z at the steady state of the bias."""
    control, bias, frequency = item.protocol.control, item.protocol.bias, item.protocol.frequency
    u = float(junction_voltage(p, control, np.array([bias]))[0])
    Z: ComplexArray = impedance(p, frequency, u) * noise.gain.get("impedance", 1.0)
    sigma = noise.impedance * np.abs(Z)
    measured = Z + _draw(sigma, noise, rng) + 1j * _draw(sigma, noise, rng)
    return ImpedanceSpectrum(
        name=item.file,
        origin=Origin(file=""),
        frequency=frequency,
        impedance=measured,
        bias_voltage=bias if control == "voltage" else None,
        bias_current=bias if control == "current" else None,
        control=control,
    )


def _record(p: Parameters, item: Recording, noise: Noise, rng: np.random.Generator) -> Record:
    """The response to a drive: a sweep or a transient."""
    course = simulate(p, item.drive, item.time)
    if not course.outcome.ok:
        raise InputError(
            f"{item.file}: the model cannot be followed beyond {course.outcome.reached:g} s, because the "
            f"integration {course.outcome.message}. Change the drive or the parameters."
        )
    gain = noise.gain.get(item.kind, 1.0)
    voltage, current = course.voltage, course.current
    if item.drive.control == "voltage":
        current = gain * current
        floor = noise.current_floor
        if floor is None:
            floor = _FLOOR * float(np.max(np.abs(current)))
        current = current + _draw(np.hypot(noise.current * current, floor), noise, rng)
    else:
        voltage = gain * voltage
        voltage = voltage + _draw(np.full(voltage.size, noise.voltage), noise, rng)
    shared: dict[str, Any] = {
        "name": item.file,
        "origin": Origin(file=""),
        "voltage": voltage,
        "current": current,
        "time": item.time,
        "drive": item.drive,
    }
    if item.kind == "iv":
        return IVSweep(**shared, control=item.drive.control, scan_rate=item.scan_rate)
    return PulseTransient(**shared)


def _draw(sigma: FloatArray, noise: Noise, rng: np.random.Generator) -> FloatArray:
    """Errors of the standard deviations `sigma`, correlated and with outliers as `noise` says."""
    white = rng.standard_normal(sigma.size)
    outlying = rng.random(sigma.size) < noise.outliers
    jump = noise.outlier_size * rng.choice([-1.0, 1.0], sigma.size)
    rho = noise.correlation
    if rho != 0.0:
        white[1:] *= np.sqrt(1.0 - rho**2)
        white = np.asarray(lfilter([1.0], [1.0, -rho], white), dtype=np.float64)
    result: FloatArray = sigma * (white + np.where(outlying, jump, 0.0))
    return result
