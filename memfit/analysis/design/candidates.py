"""What one could measure next: spectra at other biases, other decades, other scan rates, other pulses.

Candidates are drawn from what was measured so far, a step further each way. What would load the device far
beyond what it has carried, make it oscillate, or take too long is left out, with the reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from memfit.analysis.stability.circuit import Circuit
from memfit.analysis.stability.hopf import find_hopf_points
from memfit.datasets.device import Extent
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Kind, PulseTransient, Record
from memfit.model.equations import steady_current
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.model.transient import simulate
from memfit.protocols import Control, pulse, sweep
from memfit.units import format_quantity

Subject = Literal["bias", "frequency", "scan rate", "pulse"]

VOLTAGE_LIMIT = 1.5
"""Times the largest voltage applied so far: beyond, a device may be destroyed."""
_BIASES = 16
_REACH = 2.0
"""Times the largest voltage so far, up to which biases are considered at all."""
_NEW_BIAS = 0.03
"""Of that voltage: biases nearer to a measured one are the same."""
_PER_DECADE, _USUAL_SAMPLES = 8.0, 400
"""Frequencies a decade, and samples of a loop or pulse, where none was measured."""
_FREQUENCIES = (1e-3, 1e7)
"""Hz: half an hour for a period, and what an impedance analyser reaches."""
_USUAL_FREQUENCIES = (1e-1, 1e5)
"""Hz, where no spectrum was measured."""
_EXTENDED = 4
"""Biases at which further decades are considered."""
_LONGEST = 7200.0
"""s, of one sweep or pulse."""
_SHORTEST_SAMPLE = 1e-6
"""s."""
_SAMPLES = 200
_FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Of scan rates and of the length of pulses, relative to those measured, or to the slowest time."""
_LEVELS = (0.5, 0.75, 1.0, 1.25)
"""Voltages that pulses lead to, times the largest so far."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """One measurement that could be made."""

    subject: Subject
    text: str
    """In words, as in "a spectrum at 0.95 V"."""
    record: Record
    """As it would come: the response is that of a device that does nothing."""
    settings: Mapping[str, float | str]
    """The same for a program, SI."""
    share: float = 1.0
    """Points it would have for each one of the record."""

    @property
    def kind(self) -> Kind:
        """Of its record."""
        return self.record.kind


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured so far."""

    extents: Sequence[tuple[Kind, Control, Extent, int]]
    """Kind, control, extent and number of points of every record."""

    def of(self, kind: Kind) -> list[Extent]:
        """Extents of one kind of record."""
        return [extent for k, _, extent, _ in self.extents if k == kind]

    def control(self, kind: Kind, usual: Control) -> Control:
        """What the instrument holds in such a record, the last one's."""
        return next((c for k, c, *_ in reversed(self.extents) if k == kind), usual)

    def highest_voltage(self) -> float:
        """Largest terminal voltage of either sign that the device has carried, V; 0 if unknown."""
        return max(
            (max(map(abs, e["voltage"])) for _, _, e, _ in self.extents if "voltage" in e), default=0.0
        )

    def biases(self) -> list[float]:
        """Terminal voltages of the spectra, V."""
        return sorted(e["voltage"][0] for e in self.of("impedance") if "voltage" in e)

    def per_decade(self) -> float:
        """Frequencies a decade of the spectra."""
        found = [
            (points - 1) / np.log10(e["frequency"][1] / e["frequency"][0])
            for k, _, e, points in self.extents
            if k == "impedance" and e.get("frequency", (1.0, 1.0))[1] > e.get("frequency", (1.0, 1.0))[0]
        ]
        return float(np.median(found)) if found else _PER_DECADE

    def samples(self, kind: Kind) -> float:
        """Points of a record of one kind."""
        found = [points for k, *_, points in self.extents if k == kind]
        return float(np.median(found)) if found else _USUAL_SAMPLES

    def frequencies(self) -> tuple[float, float]:
        """Lowest and highest frequency of the spectra, Hz."""
        pairs = [e["frequency"] for e in self.of("impedance") if "frequency" in e]
        if not pairs:
            return _USUAL_FREQUENCIES
        return min(low for low, _ in pairs), max(high for _, high in pairs)


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """What can be measured, and what was left out."""

    experiments: tuple[Experiment, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of candidates by reason."""


def propose(measured: Measured, p: Parameters) -> Proposals:
    """Candidates around what was measured.

    Parameters
    ----------
    measured : Measured
    p : Parameters
        The device as far as it is known: for the currents of pulses and for what makes it oscillate.
    """
    top = measured.highest_voltage() or p.V_T + 2.0 * p.V_m
    found = [
        *_other_biases(measured, top),
        *_other_decades(measured),
        *_other_rates(measured, p, top),
        *_other_pulses(measured, p, top),
    ]
    left_out: dict[str, int] = {}
    kept = []
    for experiment in found:
        reason = next((why for why, applies in _OBJECTIONS.items() if applies(experiment, p, top)), None)
        if reason is None:
            kept.append(experiment)
        else:
            said = reason.format(limit=f"{VOLTAGE_LIMIT:g}", top=format_quantity(top, "V", digits=3))
            left_out[said] = left_out.get(said, 0) + 1
    return Proposals(experiments=tuple(kept), left_out=left_out)


def _other_biases(measured: Measured, top: float) -> list[Experiment]:
    """Spectra between 0 V and twice the largest voltage."""
    low, high = measured.frequencies()
    taken = measured.biases()
    step = _round(_REACH * top / _BIASES)
    biases = [round(k * step, 12) for k in range(_BIASES + 1)]
    return [
        Experiment(
            subject="bias",
            text=f"a spectrum at {_volts(bias)}, {_span(low, high)}",
            record=_spectrum(bias, low, high, measured.per_decade()),
            settings={"bias": bias, "lowest_frequency": low, "highest_frequency": high},
        )
        for bias in biases
        if all(abs(bias - other) > _NEW_BIAS * top for other in taken)
    ]


def _other_decades(measured: Measured) -> list[Experiment]:
    """The spectra there are, continued by one or two decades."""
    biases = measured.biases()
    if not biases:
        return []
    low, high = measured.frequencies()
    few = np.unique(np.linspace(0, len(biases) - 1, min(_EXTENDED, len(biases))).round().astype(int))
    ends = [(low / 10.0, low), (low / 100.0, low), (high, 10.0 * high)]
    return [
        Experiment(
            subject="frequency",
            text=f"the spectrum at {_volts(biases[k])} continued, {_span(a, b)}",
            record=_spectrum(biases[k], a, b, measured.per_decade()),
            settings={"bias": biases[k], "lowest_frequency": a, "highest_frequency": b},
        )
        for k in few
        for a, b in ends
    ]


def _other_rates(measured: Measured, p: Parameters, top: float) -> list[Experiment]:
    """Voltage loops to the largest voltage, and a quarter beyond, at other rates."""
    rates = [e["scan_rate"][0] for e in measured.of("iv") if "scan_rate" in e]
    usual = 2.0 * top / (10.0 * max(p.tau_m, p.tau_d, p.tau_k))
    low, high = (min(rates), max(rates)) if rates else (usual, usual)
    chosen = sorted({_round(r) for r in (low * _FACTORS[0], low * _FACTORS[1], high * 10.0, high * 100.0)})
    if not rates:
        chosen = sorted({_round(usual * factor) for factor in _FACTORS})
    peaks = [_round(top), _round(1.25 * top)]
    return [
        Experiment(
            subject="scan rate",
            text=f"a loop 0 V to {_volts(peak)} and back at {format_quantity(rate, 'V/s', digits=3)}",
            record=_loop(peak, rate),
            settings={"peak": peak, "scan_rate": rate},
            share=measured.samples("iv") / _SAMPLES,
        )
        for rate in chosen
        for peak in peaks
    ]


def _other_pulses(measured: Measured, p: Parameters, top: float) -> list[Experiment]:
    """Pulses to several levels, of several lengths."""
    control = measured.control("transient", "current")
    lengths = [e["time"][1] - e["time"][0] for e in measured.of("transient") if "time" in e]
    typical = max(lengths) if lengths else 6.0 * max(p.tau_m, p.tau_d, p.tau_k)
    chosen = [_round(typical * factor) for factor in _FACTORS[1:4]]
    levels = [level * top for level in _LEVELS]
    if control == "current":
        levels = [float(steady_current(p, junction_voltage(p, "voltage", [level])[0])) for level in levels]
    unit = "A" if control == "current" else "V"
    return [
        Experiment(
            subject="pulse",
            text=f"a pulse of {format_quantity(_round(level), unit, digits=3)} for "
            f"{format_quantity(_round(0.55 * length), 's', digits=3)}, recorded for "
            f"{format_quantity(length, 's', digits=3)}",
            record=_pulse(control, _round(level), length),
            settings={
                "control": control,
                "level": _round(level),
                "on": 0.05 * length,
                "off": 0.6 * length,
                "end": length,
            },
            share=measured.samples("transient") / _SAMPLES,
        )
        for level in levels
        for length in chosen
        if level > 0.0
    ]


def _spectrum(bias: float, low: float, high: float, per_decade: float) -> ImpedanceSpectrum:
    """A spectrum without its values."""
    points = max(2, round(per_decade * np.log10(high / low)) + 1)
    frequency = np.geomspace(high, low, points)
    return ImpedanceSpectrum(
        name="", frequency=frequency, impedance=np.ones(points, dtype=complex), bias_voltage=bias
    )


def _loop(peak: float, rate: float) -> IVSweep:
    """A loop without its current."""
    drive = sweep("voltage", [0.0, peak, 0.0], rate=rate)
    time = np.linspace(drive.time[0], drive.time[-1], _SAMPLES)
    return IVSweep(
        name="", voltage=drive.at(time), current=np.ones(time.size), time=time, drive=drive, scan_rate=rate
    )


def _pulse(control: Control, level: float, length: float) -> PulseTransient:
    """A pulse without its response, sampled evenly."""
    drive = pulse(control, level, on=0.05 * length, off=0.6 * length, end=length)
    time = np.linspace(0.0, length, _SAMPLES)
    applied = drive.at(time)
    response = np.ones(time.size)
    voltage, current = (applied, response) if control == "voltage" else (response, applied)
    return PulseTransient(name="", time=time, voltage=voltage, current=current, drive=drive)


def _too_far(experiment: Experiment, p: Parameters, top: float) -> bool:
    """Whether the terminal voltage would exceed what a device may be trusted to bear."""
    return peak_voltage(experiment, p) > VOLTAGE_LIMIT * top


def peak_voltage(experiment: Experiment, p: Parameters) -> float:
    """Largest terminal voltage that is applied, or that a current drives on the way, V."""
    record = experiment.record
    if isinstance(record, ImpedanceSpectrum):
        return abs(record.bias_voltage or 0.0)
    drive = record.drive
    if drive is None:
        return 0.0
    if drive.control == "voltage" or record.time is None:
        return float(np.max(np.abs(drive.value)))
    return float(np.nanmax(np.abs(simulate(p, drive, record.time).voltage)))


def _oscillates(experiment: Experiment, p: Parameters, _: float) -> bool:
    """Whether the steady state that it leads to is unstable in its circuit."""
    record = experiment.record
    control = "voltage" if isinstance(record, ImpedanceSpectrum) else record.control
    points = find_hopf_points(p, Circuit(control=control))
    if len(points) < 2 or isinstance(record, IVSweep):
        return False
    low, high = points[0], points[-1]
    if isinstance(record, ImpedanceSpectrum):
        return bool(low.V < (record.bias_voltage or 0.0) < high.V)
    level = float(record.drive.value[np.argmax(np.abs(record.drive.value))])
    return bool(low.I < level < high.I if control == "current" else low.V < level < high.V)


def _takes_too_long(experiment: Experiment, *_: object) -> bool:
    """Whether one would wait for hours, or no instrument is so fast or so slow."""
    record = experiment.record
    if isinstance(record, ImpedanceSpectrum):
        lowest, highest = _FREQUENCIES
        return bool(record.frequency.min() < 0.999 * lowest or record.frequency.max() > 1.001 * highest)
    time = record.time
    if time is None:
        return False
    length = float(time[-1] - time[0])
    return length > _LONGEST or length < _SAMPLES * _SHORTEST_SAMPLE


_OBJECTIONS: Mapping[str, Callable[[Experiment, Parameters, float], bool]] = {
    "would make the device oscillate": _oscillates,
    "would exceed {limit} times the largest voltage so far, {top}": _too_far,
    "would take hours, or is beyond instruments": _takes_too_long,
}


def combined(experiments: Sequence[Experiment]) -> tuple[Record, ...]:
    """Their records with names that tell them apart."""
    return tuple(replace(e.record, name=f"candidate {k}") for k, e in enumerate(experiments))


def _volts(value: float) -> str:
    """A voltage as one types it."""
    return f"{value:.3g} V"


def _span(low: float, high: float) -> str:
    """A range of frequencies."""
    return f"{format_quantity(low, 'Hz', digits=3)} to {format_quantity(high, 'Hz', digits=3)}"


def _round(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.1e}")
