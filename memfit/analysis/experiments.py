"""What one could measure next: spectra at other biases, other decades, other scan rates, other pulses.

Candidates are drawn from what was measured so far, a step further each way. What would load the device far
beyond what it has carried, make it oscillate, or take too long is left out, with the reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memfit.analysis.stability import Circuit, assess, find_hopf_points
from memfit.datasets import Extent, ImpedanceSpectrum, IVSweep, Kind, PulseTransient, Record
from memfit.model import Parameters, junction_voltage, steady_current
from memfit.model.transient import simulate
from memfit.protocols import Control, pulse, sweep
from memfit.units import format_quantity

Subject = Literal["bias", "frequency", "scan rate", "pulse"]
Windows = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Settings:
    """Which candidates there are, and which are left out."""

    voltage_limit: float = 1.5
    """Times the largest voltage applied so far: beyond, a device may be destroyed."""
    biases: int = 16
    """Steps of the bias,"""
    reach: float = 2.0
    """up to so many times the largest voltage so far."""
    new_bias: float = 0.03
    """Of that voltage: biases nearer to a measured one are the same."""
    per_decade: float = 8.0
    """Frequencies a decade,"""
    usual_frequencies: tuple[float, float] = (1e-1, 1e5)
    """their range (Hz),"""
    usual_samples: int = 400
    """and samples of a loop or pulse, where none was measured."""
    frequencies: tuple[float, float] = (1e-3, 1e7)
    """Hz: half an hour for a period, and what an impedance analyser reaches."""
    extended: int = 4
    """Biases at which further decades are considered."""
    longest: float = 7200.0
    """s, of one sweep or pulse."""
    shortest_sample: float = 1e-6
    """s."""
    samples: int = 200
    """Of a candidate; `Experiment.share` says what would really be taken."""
    factors: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    """Of scan rates and of the length of pulses, relative to those measured, or to the slowest time."""
    levels: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25)
    """Voltages that pulses lead to, times the largest so far."""
    loops: tuple[float, ...] = (1.0, 1.25)
    """Peaks of loops, times the same."""


SETTINGS = Settings()


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
        counts = [(e["frequency"], n) for k, _, e, n in self.extents if k == "impedance" and "frequency" in e]
        densities = [(n - 1) / np.log10(high / low) for (low, high), n in counts if high > low]
        return float(np.median(densities)) if densities else SETTINGS.per_decade

    def samples(self, kind: Kind) -> float:
        """Points of a record of one kind."""
        counts = [points for k, *_, points in self.extents if k == kind]
        return float(np.median(counts)) if counts else SETTINGS.usual_samples

    def frequencies(self) -> tuple[float, float]:
        """Lowest and highest frequency of the spectra, Hz."""
        pairs = [e["frequency"] for e in self.of("impedance") if "frequency" in e]
        if not pairs:
            return SETTINGS.usual_frequencies
        return min(low for low, _ in pairs), max(high for _, high in pairs)


def propose(measured: Measured, p: Parameters) -> tuple[list[Experiment], dict[str, int]]:
    """Candidates around what was measured; how many were left out, by reason.

    Parameters
    ----------
    measured : Measured
    p : Parameters
        The device as far as it is known: for the currents of pulses and for what makes it oscillate.
    """
    top = measured.highest_voltage() or p.V_T + 2.0 * p.V_m
    candidates = [*_spectra(measured, top), *_loops(measured, p, top), *_pulses(measured, p, top)]
    windows: dict[Control, Windows] = {one: _windows(p, one) for one in ("voltage", "current")}
    reasons = [_objection(experiment, p, top, windows) for experiment in candidates]
    kept = [experiment for experiment, reason in zip(candidates, reasons, strict=True) if not reason]
    return kept, dict(Counter(filter(None, reasons)))


def _spectra(measured: Measured, top: float) -> list[Experiment]:
    """Spectra between 0 V and twice the largest voltage; those there are, by one or two decades more."""
    low, high = measured.frequencies()
    per_decade, taken = measured.per_decade(), measured.biases()

    def spectrum(subject: Subject, text: str, bias: float, low: float, high: float) -> Experiment:
        points = max(2, round(per_decade * np.log10(high / low)) + 1)
        span = f"{format_quantity(low, 'Hz', digits=3)} to {format_quantity(high, 'Hz', digits=3)}"
        record = ImpedanceSpectrum(
            name="",
            frequency=np.geomspace(high, low, points),
            impedance=np.ones(points, dtype=complex),
            bias_voltage=bias,
        )
        return Experiment(
            subject=subject,
            text=f"{text}, {span}",
            record=record,
            settings={"bias": bias, "lowest_frequency": low, "highest_frequency": high},
        )

    step = _round(SETTINGS.reach * top / SETTINGS.biases)
    biases = [round(k * step, 12) for k in range(SETTINGS.biases + 1)]
    new = [bias for bias in biases if all(abs(bias - one) > SETTINGS.new_bias * top for one in taken)]
    spectra = [spectrum("bias", f"a spectrum at {bias:.3g} V", bias, low, high) for bias in new]
    if taken:
        few = np.linspace(0, len(taken) - 1, min(SETTINGS.extended, len(taken)))
        ends = [(low / 10.0, low), (low / 100.0, low), (high, 10.0 * high)]
        spectra += [
            spectrum("frequency", f"the spectrum at {taken[k]:.3g} V continued", taken[k], a, b)
            for k in np.unique(few.round().astype(int))
            for a, b in ends
        ]
    return spectra


def _loops(measured: Measured, p: Parameters, top: float) -> list[Experiment]:
    """Voltage loops to the largest voltage, and a quarter beyond, at other rates."""
    rates = [e["scan_rate"][0] for e in measured.of("iv") if "scan_rate" in e]
    usual = 2.0 * top / (10.0 * max(p.tau_m, p.tau_d, p.tau_k))
    chosen = [usual * factor for factor in SETTINGS.factors]
    if rates:
        low, high = min(rates), max(rates)
        chosen = [low * SETTINGS.factors[0], low * SETTINGS.factors[1], high * 10.0, high * 100.0]
    loops = []
    for rate in sorted(set(map(_round, chosen))):
        for peak in (_round(factor * top) for factor in SETTINGS.loops):
            drive = sweep("voltage", [0.0, peak, 0.0], rate=rate)
            time = np.linspace(drive.time[0], drive.time[-1], SETTINGS.samples)
            record = IVSweep(
                name="",
                voltage=drive.at(time),
                current=np.ones(time.size),
                time=time,
                drive=drive,
                scan_rate=rate,
            )
            speed = format_quantity(rate, "V/s", digits=3)
            loops.append(
                Experiment(
                    subject="scan rate",
                    text=f"a loop 0 V to {peak:.3g} V and back at {speed}",
                    record=record,
                    settings={"peak": peak, "scan_rate": rate},
                    share=measured.samples("iv") / SETTINGS.samples,
                )
            )
    return loops


def _pulses(measured: Measured, p: Parameters, top: float) -> list[Experiment]:
    """Pulses to several levels, of several lengths, sampled evenly."""
    control = measured.control("transient", "current")
    lengths = [e["time"][1] - e["time"][0] for e in measured.of("transient") if "time" in e]
    typical = max(lengths) if lengths else 6.0 * max(p.tau_m, p.tau_d, p.tau_k)
    levels, unit = [level * top for level in SETTINGS.levels], "V"
    if control == "current":
        unit = "A"
        levels = [float(steady_current(p, junction_voltage(p, "voltage", [level])[0])) for level in levels]
    pulses = []
    for level in (_round(level) for level in levels if level > 0.0):
        for length in (_round(typical * factor) for factor in SETTINGS.factors[1:4]):
            on, off = 0.05 * length, 0.6 * length
            drive = pulse(control, level, on=on, off=off, end=length)
            time = np.linspace(0.0, length, SETTINGS.samples)
            applied, response = drive.at(time), np.ones(time.size)
            voltage, current = (applied, response) if control == "voltage" else (response, applied)
            size, duration, recorded = (
                format_quantity(value, of, digits=3)
                for value, of in ((level, unit), (_round(0.55 * length), "s"), (length, "s"))
            )
            pulses.append(
                Experiment(
                    subject="pulse",
                    text=f"a pulse of {size} for {duration}, recorded for {recorded}",
                    record=PulseTransient(name="", time=time, voltage=voltage, current=current, drive=drive),
                    settings={"control": control, "level": level, "on": on, "off": off, "end": length},
                    share=measured.samples("transient") / SETTINGS.samples,
                )
            )
    return pulses


def peak_voltage(experiment: Experiment, p: Parameters) -> float:
    """Largest terminal voltage that is applied, or that a current drives on the way, V.

    Parameters
    ----------
    experiment : Experiment
    p : Parameters
        The device as far as it is known.
    """
    record = experiment.record
    if isinstance(record, ImpedanceSpectrum):
        return abs(record.bias_voltage or 0.0)
    drive = record.drive
    if drive is None:
        return 0.0
    if drive.control == "voltage" or record.time is None:
        return float(np.max(np.abs(drive.value)))
    return float(np.nanmax(np.abs(simulate(p, drive, record.time).voltage)))


def _windows(p: Parameters, control: Control) -> Windows:
    """Levels of the source between which the steady state of a device is not stable."""
    circuit = Circuit(control=control)
    points = assess(p, circuit).hopf_points if p.parts else find_hopf_points(p, circuit)
    levels = [point.I if control == "current" else point.V for point in points]
    return tuple(zip(levels[::2], levels[1::2], strict=False))


def _objection(experiment: Experiment, p: Parameters, top: float, windows: Mapping[Control, Windows]) -> str:
    """What speaks against an experiment on a device that has carried `top` (V); empty where nothing does."""
    record = experiment.record
    if not isinstance(record, IVSweep):  # a loop passes an unstable steady state quickly
        control: Control = "voltage"
        if isinstance(record, ImpedanceSpectrum):
            level = record.bias_voltage or 0.0
        else:
            control, level = record.control, float(record.drive.value[np.argmax(np.abs(record.drive.value))])
        if any(low < level < high for low, high in windows[control]):
            return "would make the device oscillate"
    if peak_voltage(experiment, p) > SETTINGS.voltage_limit * top:
        most = format_quantity(top, "V", digits=3)
        return f"would exceed {SETTINGS.voltage_limit:g} times the largest voltage so far, {most}"
    if isinstance(record, ImpedanceSpectrum):
        (lowest, highest), frequency = SETTINGS.frequencies, record.frequency
        beyond = bool(frequency.min() < 0.999 * lowest or frequency.max() > 1.001 * highest)
    elif record.time is None:
        beyond = False
    else:
        length = float(record.time[-1] - record.time[0])
        beyond = length > SETTINGS.longest or length < SETTINGS.samples * SETTINGS.shortest_sample
    return "would take hours, or is beyond instruments" if beyond else ""


def _round(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.1e}")
