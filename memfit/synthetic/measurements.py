"""What is measured on a synthetic device, and the measurement with the noise and the faults of instruments.

The default set places its biases by V_T and V_m, where the memory channel opens, and its frequencies, scan
rates and pulses by the time constants, as one does at the bench after a first look. Noise is relative to |Z|
in a spectrum, relative with a floor in a current and constant in a voltage. On request it is correlated from
point to point (first-order autoregressive), some points are outliers, and the instruments disagree by a gain.
Everything random comes from the caller's seed, record by record, so that one record more leaves the others
as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import lfilter

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, Kind, Origin, PulseTransient, Record
from memfit.datasets.programmes import Played, SynapticCurve
from memfit.errors import InputError
from memfit.model import Parameters, impedance, junction_voltage, steady_current
from memfit.model.parts import drift
from memfit.model.transient import simulate
from memfit.protocols import Control, Drive, Initial, SmallSignal, pulse_train, sweep
from memfit.synthetic.export import SUFFIXES, Format, Style, usual_format
from memfit.units import format_quantity

SPECTRUM_POINTS = 50
SWEEP_POINTS = 401
PULSE_POINTS = 601
READS = 25

_SPECTRA = 8
_LOWEST_BIAS, _HIGHEST_BIAS = -5.0, 4.0
"""Of the junction, in widths V_m from V_T: from where the channel is closed to where it is open."""
_CLOSED = -3.0
"""Biases stay above 0 V where that is so many widths below V_T or more."""
_FREQUENCY_LIMITS = (1e-2, 1e6)  # Hz: a night's patience, and what an impedance analyser reaches
_PER_DECADE, _FEWEST, _MOST = 8.0, 30, 60
"""Frequencies in a decade; fewest and most in a spectrum."""
_SCAN_SPEEDS = (0.03, 0.3, 3.0)
"""Widths V_m passed in the slowest time constant: nearly steady, lagging, far from steady."""
_PULSE_BIASES = (-1.0, 1.0, 3.0)
"""Steady states that the pulses lead to, in widths V_m from V_T."""
_LONGEST, _HIGHEST = 1e9, 1e4
"""s of a sweep and V in a pulse at most: nothing beyond can be measured, nor is it read."""
_MOST_DIGITS = 6
"""Of a rounded quantity and in the name of a file."""
_REST, _PULSE, _TAIL = 60, 340, 200
"""Samples before, during and after a pulse."""
_SAMPLES_PER_TIME = 25
"""Samples in the slowest time constant, so that a period of oscillation has 90 or more."""
_FLOOR = 5e-4
"""Noise floor of a current where none is stated, as a part of the record's largest."""
_UNIT: Mapping[Control, str] = {"voltage": "V", "current": "A"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectroscopy:
    """One impedance spectrum to measure."""

    file: str
    protocol: SmallSignal
    format: Format = "generic"

    @property
    def kind(self) -> Literal["impedance"]:
        """What is measured."""
        return "impedance"


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One sweep or transient to measure."""

    file: str
    kind: Kind
    drive: Drive
    time: FloatArray
    """(n,) s, when samples are taken."""
    scan_rate: float | None = None
    """V/s or A/s, of a sweep."""
    played: Played | None = None
    """Where the reads of a programme of pulses are recorded only."""
    format: Format = "generic"


Measurement = Spectroscopy | Recording


def spectrum(
    bias: float, frequency: ArrayLike, *, control: Control = "voltage", file: str = ""
) -> Spectroscopy:
    """A spectrum at a dc bias.

    Parameters
    ----------
    bias : float, V or A
        Terminal voltage, or current under current control.
    frequency : (n,) array, Hz
    control : {"current", "voltage"}
    file : str
        Name of the file; by default made of the bias.
    """
    label = f"{bias:.6g}V" if control == "voltage" else _label(bias, control)
    protocol = SmallSignal(control, float(bias), np.asarray(frequency, dtype=np.float64))
    return Spectroscopy(file=file or f"eis_{label}.csv", protocol=protocol)


def loop(
    vertices: Sequence[float],
    rate: float,
    *,
    points: int = SWEEP_POINTS,
    control: Control = "voltage",
    initial: Initial = "steady",
    file: str = "",
) -> Recording:
    """A sweep from vertex to vertex, sampled evenly and at the vertices.

    Parameters
    ----------
    vertices : sequence of float, V or A
    rate : float, V/s or A/s
    points : int
        Samples besides those at the breaks of the drive.
    control : {"current", "voltage"}
    initial : {"steady", "rest", "free"}
        State at the start.
    file : str
        Name of the file; by default made of the rate.
    """
    drawn = sweep(control, vertices, rate=rate)
    drive = Drive(control, drawn.time, drawn.value, initial)
    name = file or f"iv_{_label(rate, control)}s.csv"
    return Recording(file=name, kind="iv", drive=drive, time=_sampling(drive, points), scan_rate=rate)


def transient(drive: Drive, *, points: int = PULSE_POINTS, file: str = "") -> Recording:
    """The response to a drive, sampled evenly and at every jump of the drive.

    Parameters
    ----------
    drive : Drive
    points : int
        Samples besides those at the breaks of the drive.
    file : str
        Name of the file; by default made of the largest value.
    """
    extreme = float(drive.value[np.argmax(np.abs(drive.value))])
    name = file or f"pulse_{_label(extreme, drive.control)}.csv"
    return Recording(file=name, kind="transient", drive=drive, time=_sampling(drive, points))


def default_measurements(p: Parameters) -> tuple[Measurement, ...]:
    """Eight spectra, three I-V loops and three current pulses that show what a device does.

    Parameters
    ----------
    p : Parameters
    """
    lowest_u = max(min(0.0, p.V_T + _CLOSED * p.V_m), p.V_T + _LOWEST_BIAS * p.V_m)
    u = np.linspace(lowest_u, p.V_T + _HIGHEST_BIAS * p.V_m, _SPECTRA)
    V = u + p.R_s * steady_current(p, u)
    typed = 10.0 ** np.floor(np.log10(p.V_m / 3.0))  # biases are rounded as one would type them
    biases = np.round(np.round(V / typed) * typed, 9)

    times = [t for t in (p.R_s * p.C_m, p.tau_m, p.tau_d, 0.5 * p.tau_k) if t > 0.0]
    low, high = _FREQUENCY_LIMITS
    lowest = _nice(float(np.clip(0.05 / (2.0 * np.pi * max(times)), low, high / 10.0)))
    highest = _nice(float(np.clip(20.0 / (2.0 * np.pi * min(times)), 10.0 * lowest, high)))
    points = int(np.clip(_PER_DECADE * np.log10(highest / lowest), _FEWEST, _MOST))
    frequency = log_frequencies(lowest, highest, points)

    slowest = max(p.tau_m, p.tau_d, p.tau_k)
    top = float(biases[-1])
    least = 2.0 * abs(top) / _LONGEST / _SCAN_SPEEDS[0]
    rates = [_nice(speed * max(p.V_m / slowest, least)) for speed in _SCAN_SPEEDS]

    step = _nice(slowest / _SAMPLES_PER_TIME)
    currents = steady_current(p, p.V_T + p.V_m * np.array(_PULSE_BIASES))
    at_first = float(np.max(np.abs(currents))) * (p.R_b + p.R_s)  # while the channel is closed yet
    currents = currents * min(1.0, _HIGHEST / at_first)
    for digits in range(2, _MOST_DIGITS + 1):  # two, or as many as tell the currents apart
        rounded = [float(f"{current:.{digits - 1}e}") for current in currents]
        if len(set(rounded)) == len(rounded):
            break
    on, width, end = _REST * step, _PULSE * step, (_REST + _PULSE + _TAIL) * step
    pulses = [
        pulse_train("current", current, on=on, width=width, period=0.0, count=1, end=end)
        for current in rounded
    ]
    return (
        *(spectrum(bias, frequency) for bias in biases),
        *(loop([0.0, top, 0.0], rate) for rate in rates),
        *(transient(drive) for drive in pulses),
    )


def in_format(item: Measurement, file_format: Format, *, rename: bool = True) -> Measurement:
    """The same measurement written in another format, with the extension of its files.

    Parameters
    ----------
    item : Measurement
    file_format : Format
    rename : bool
        Whether the file gets the extension of the format.
    """
    name = Path(item.file).with_suffix(SUFFIXES[file_format]).name if rename else item.file
    return replace(item, format=file_format, file=name)


def in_style(measurements: Sequence[Measurement], style: Style) -> tuple[Measurement, ...]:
    """All of them as generic tables, or each kind as its instruments write it, by turns.

    Parameters
    ----------
    measurements : sequence of Measurement
    style : {"generic", "instrument"}
    """
    kinds = [item.kind for item in measurements]
    return tuple(
        in_format(item, usual_format(item.kind, style, kinds[:index].count(item.kind)))
        for index, item in enumerate(measurements)
    )


def check_files(measurements: Sequence[Measurement]) -> None:
    """Every measurement needs a file of its own.

    Parameters
    ----------
    measurements : sequence of Measurement

    Raises
    ------
    InputError
        Two have the same file.
    """
    seen: set[str] = set()
    for item in measurements:
        if item.file in seen:
            raise InputError(f"Two measurements would be written to {item.file!r}; give each its own `file`.")
        seen.add(item.file)


def log_frequencies(lowest: float, highest: float, points: int) -> FloatArray:
    """Frequencies evenly spaced in the logarithm, the highest first as instruments do.

    Parameters
    ----------
    lowest, highest : float, Hz
    points : int
    """
    return np.geomspace(highest, lowest, points)


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
        The truth. L_s is seen by the spectra only; d_i counts from record to record.
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
    records = tuple(
        replace(
            _measured(drift.at(parameters, index), item, added, np.random.default_rng([seed, index])),
            session=float(index) if parameters.d_i else 0.0,
        )
        for index, item in enumerate(planned)
    )
    return Device(
        name=name, records=records, area=area, temperature=temperature, attributes=dict(attributes or {})
    )


def _measured(p: Parameters, item: Measurement, noise: Noise, rng: np.random.Generator) -> Record:
    """Z at the steady state of the bias, or the response to a drive."""
    shared: dict[str, Any] = {"name": item.file, "origin": Origin(file="")}
    gain = noise.gain.get(item.kind, 1.0)
    if isinstance(item, Spectroscopy):
        control, bias, frequency = item.protocol.control, item.protocol.bias, item.protocol.frequency
        u = float(junction_voltage(p, control, np.array([bias]))[0])
        Z: ComplexArray = impedance(p, frequency, u) * gain
        sigma = noise.impedance * np.abs(Z)
        return ImpedanceSpectrum(
            **shared,
            frequency=frequency,
            impedance=Z + _draw(sigma, noise, rng) + 1j * _draw(sigma, noise, rng),
            bias_voltage=bias if control == "voltage" else None,
            bias_current=bias if control == "current" else None,
            control=control,
        )
    course = simulate(p, item.drive, item.time)
    if not course.outcome.ok:
        raise InputError(
            f"{item.file}: the model cannot be followed beyond {course.outcome.reached:g} s, because the "
            f"integration {course.outcome.message}. Change the drive or the parameters."
        )
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
    shared |= {"voltage": voltage, "current": current, "time": item.time, "drive": item.drive}
    if item.kind == "iv":
        return IVSweep(**shared, control=item.drive.control, scan_rate=item.scan_rate)
    if item.played is None:
        return PulseTransient(**shared)
    shared |= {"kind": item.kind, "against": item.played.against}
    if item.played.first is None:
        return SynapticCurve(**shared, notes=item.played.said)
    first = replace(item, kind="transient", time=item.played.first, played=None)
    before = _measured(p, first, noise, rng)
    if not isinstance(before, PulseTransient):
        raise InputError(f"{item.file}: expected a transient before the second pulses.")
    return SynapticCurve(
        **{**shared, "voltage": None, "current": None},
        first=item.played.first,
        ratio=(current if item.drive.control == "voltage" else voltage) / before.response,
        notes=item.played.said,
    )


def _sampling(drive: Drive, points: int) -> FloatArray:
    """`points` even times over a drive, and those of its breaks, to nine digits as a file holds them."""
    even = np.linspace(drive.time[0], drive.time[-1], points)
    spacing = (drive.time[-1] - drive.time[0]) / max(points - 1, 1)
    breaks = [t for t in np.unique(drive.time) if np.min(np.abs(even - t)) > 1e-6 * spacing]
    return np.sort(np.concatenate([even, breaks]))


def _nice(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    power = np.floor(np.log10(value))
    steps = np.array([1.0, 2.0, 5.0, 10.0])
    nearest = steps[np.argmin(np.abs(np.log(steps) - np.log(value / 10.0**power)))]
    return float(f"{nearest * 10.0**power:.1e}")


def _label(value: float, control: Control) -> str:
    """A quantity as part of a file name: "50mV", "1.2uA"."""
    return format_quantity(value, _UNIT[control], digits=_MOST_DIGITS).replace(" ", "")


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
