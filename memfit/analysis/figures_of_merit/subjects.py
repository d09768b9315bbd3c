"""What figures of merit are read from: records that were measured, and protocols that were not.

A subject is a drive, the times of its samples, and the figures of its group as one function of voltage and
current there. It takes a measured record and the model's answer to the same drive alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from memfit.analysis.figures_of_merit import loops, synapse
from memfit.analysis.figures_of_merit.conditions import Stated
from memfit.analysis.figures_of_merit.rows import Group, rows_of
from memfit.analysis.figures_of_merit.spiking import SPIKES, spikes_of
from memfit.analysis.figures_of_merit.synapse import Piece, Train
from memfit.arrays import FloatArray
from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record
from memfit.datasets.standard_protocols import protocol
from memfit.protocols import Control, Drive


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A record or a protocol."""

    group: Group
    drive: Drive
    time: FloatArray
    """(n,) s."""
    conditions: Mapping[str, float]
    """At which its figures are stated, SI."""
    read: float
    """V, of loops."""
    read_noise: float = np.nan
    """Standard deviation of the current of a read, A."""
    record: Record | None = None
    """None where it was not measured."""
    train: Train = field(default_factory=lambda: Train(0.0, (), (), 0.0))

    @property
    def name(self) -> str:
        """Of the record; "" where there is none."""
        return self.record.name if self.record is not None else ""

    @cached_property
    def held(self) -> FloatArray:
        """(n,) of the drive at the samples, V or A."""
        return self.drive.at(self.time)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures it has."""
        if self.group == "spiking":
            return SPIKES
        own = [row.name for row in rows_of(self.group)]
        if self.group in ("pair", "train", "retention"):
            own += [row.name for row in rows_of("pulse")]
        return tuple(own)

    def evaluate(self, voltage: FloatArray, current: FloatArray) -> dict[str, float]:
        """The figures of measured or predicted samples.

        Parameters
        ----------
        voltage, current : (n,) arrays, V, A
        """
        if self.group == "loop":
            return self._loop(voltage, current)
        if self.group == "spiking":
            return dict(
                zip(SPIKES, spikes_of(self.time, voltage, current, self.train.pulses[0]), strict=True)
            )
        found = {row.name: np.nan for row in rows_of(self.group)}
        found["energy_per_pulse"] = _positive(
            synapse.energy(self.time, voltage, current, self.train.pulses[0])
        )
        if self.group == "pair":
            response = current if self.drive.control == "voltage" else voltage
            a1, a2 = synapse.paired(self.time, response, *self.train.pulses[:2])
            found |= {"PPF": a2 / a1, "PPF_change": a2 / a1 - 1.0} if a1 else {}
        elif self.group == "train":
            found |= self._train(voltage, current)
        elif self.group == "retention":
            time, kept = self.conductances(voltage, current)
            if kept.size > 2 and kept[0] != kept[-1]:
                change = kept - kept[-1]
                after = time - self.train.pulses[0].end
                shown = np.concatenate([[0.0], after - after[0]])[1:]
                for name, share in (("fading_time", 0.5), ("retention_time", 0.1)):
                    found[name] = synapse.time_to_fade(shown, change, share)
        return found

    def _loop(self, voltage: FloatArray, current: FloatArray) -> dict[str, float]:
        """Of the first cycle."""
        found = {row.name: np.nan for row in rows_of("loop")}
        loop = next(iter(loops.cycles(self.time, voltage, current)), None)
        if loop is None:
            return found
        places, rising, falls = loops.branches(loop)
        crossing = loops.crossings(places, rising, falls) if places.size else []
        set_voltage = loops.steepest(loop, falling=False)
        at = np.array([self.read, 0.5 * loop.sign * loop.amplitude])
        (up, up_half), (down, down_half) = (
            loops.currents_at(loop, at, falling=falling).tolist() for falling in (False, True)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            high, low = np.float64(self.read) / up, np.float64(self.read) / down
            found["R_HRS"], found["R_LRS"] = _positive(float(high)), _positive(float(low))
            found["on_off"] = _positive(float(high / low))
            found["hysteresis_index_half"] = float((down_half - up_half) / np.float64(down_half))
        found |= {
            "V_set": set_voltage,
            "V_reset": loops.steepest(loop, falling=True),
            "memory_window": down - up,
            "loop_area": loops.area(loop),
            "lobes": float(len(crossing) + 1),
            "crossing": crossing[0] if crossing else np.nan,
            "hysteresis_index": loops.index_of_areas(loop),
            "hysteresis_index_span": loops.index_of_span(loop, rising, falls) if places.size else np.nan,
            "set_energy": _positive(loops.energy_up_to(loop, set_voltage)),
        }
        return found

    def _train(self, voltage: FloatArray, current: FloatArray) -> dict[str, float]:
        """Of potentiation and depression."""
        _, G = self.conductances(voltage, current)
        up, down = self.counts
        before = G.size - len(self.train.pulses)
        rising, falling = G[: before + up], G[before + up - 1 :] if down else G[:0]
        alpha_p, alpha_d = synapse.non_linearity(rising), synapse.non_linearity(falling)
        span = float(G.max() / G.min()) if G.size and np.all(G > 0.0) else np.nan
        level = self.train.reads[0].level if self.train.reads else self.train.pulses[0].level
        return {
            "alpha_P": alpha_p,
            "alpha_D": alpha_d,
            "asymmetry": abs(alpha_p - alpha_d),
            "dynamic_range": span,
            "levels": synapse.levels(rising, self.read_noise / abs(level)) if level else np.nan,
        }

    @property
    def counts(self) -> tuple[int, int]:
        """Pulses that potentiate, and that depress."""
        return synapse.alternating(self.train.pulses)

    @property
    def pieces(self) -> Sequence[Piece]:
        """At which the conductance is read: the reads, or the pulses where there are none."""
        return self.train.reads or self.train.pulses

    def conductances(self, voltage: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Times (s) and conductances (S) of the reads, or late in the pulses where there are none.

        Parameters
        ----------
        voltage, current : (n,) arrays, V, A
        """
        means = [synapse.late_means(quantity, self._late) for quantity in (current, voltage)]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.array([piece.end for piece in self.pieces]), means[0] / means[1]

    @cached_property
    def _late(self) -> np.ndarray:
        """Where the pieces are read."""
        return synapse.late_samples(self.time, self.pieces)


def _positive(value: float) -> float:
    """A value of a figure that is positive by its meaning; NaN where it is not."""
    return value if value > 0.0 and np.isfinite(value) else np.nan


def of_records(records: Sequence[Record], full: Stated) -> Iterator[Subject]:
    """Subjects among measured records; what holds no figure of merit is passed over.

    Parameters
    ----------
    records : sequence of Record
    full : Stated
    """
    for record in records:
        if isinstance(record, ImpedanceSpectrum) or record.drive is None or record.time is None:
            continue
        found = [_loop_of(record, full)] if isinstance(record, IVSweep) else _pulses_of(record, full)
        yield from (subject for subject in found if subject is not None)


def _loop_of(record: IVSweep, full: Stated) -> Subject | None:
    """A closed loop under voltage control."""
    if record.control != "voltage" or record.drive is None or record.time is None:
        return None
    held = record.drive.at(record.time)
    found = loops.cycles(record.time, held, record.current)
    if not found:
        return None
    slopes = np.abs(record.drive.rate(record.time))
    moving = slopes[slopes > 0.0]  # none of a staircase
    mean = float(np.sum(np.abs(np.diff(held))) / np.ptp(record.time))
    rate = record.scan_rate or (float(np.median(moving)) if moving.size else mean)
    conditions = {"rate": rate, "amplitude": found[0].sign * found[0].amplitude, "read": full.read}
    low = float(np.min(found[0].sign * held) * found[0].sign)
    if abs(low) > loops.SETTINGS.closed * found[0].amplitude:
        conditions["low"] = low
    return Subject(
        group="loop",
        drive=record.drive,
        time=record.time,
        conditions=conditions,
        read=full.read * found[0].sign * np.sign(full.amplitude),
        record=record,
    )


def _pulses_of(record: PulseTransient, full: Stated) -> Iterator[Subject]:
    """Pulses, with reads or without; and what oscillates by itself under the longest of them."""
    train = synapse.train_of(record.drive)
    if not train.pulses:
        return
    first, group = train.pulses[0], _group_of(train)
    quantity = "amplitude" if record.control == "voltage" else "amplitude_current"
    conditions = {quantity: first.level, "width": first.width}
    if len(train.pulses) > 1:
        conditions["interval"] = train.pulses[1].start - first.end
    if group == "train":
        up, down = synapse.alternating(train.pulses)
        conditions |= {"count": float(up)} | ({"depression": train.pulses[-1].level} if down else {})
    if train.reads:
        conditions["read" if record.control == "voltage" else "read_current"] = train.reads[0].level
    shared: dict[str, Any] = {"drive": record.drive, "time": record.time, "read": full.read, "record": record}
    yield Subject(group=group, conditions=conditions, train=train, **shared)
    longest = max(train.pulses, key=lambda piece: piece.width)
    if record.control == "current" and longest.level:
        alone = Train(train.base, (longest,), (), train.end)
        spikes = Subject(group="spiking", conditions={"current": longest.level}, train=alone, **shared)
        held = record.drive.at(record.time)
        if np.isfinite(spikes.evaluate(record.response, held)["spiking_frequency"]):
            yield spikes


def _group_of(train: Train) -> Group:
    """Which figures a train of pulses has."""
    levels = {piece.level for piece in train.pulses}
    if len(train.pulses) == 1:
        return "retention" if len(train.reads) > 2 else "pulse"
    if len(train.pulses) == 2 and len(levels) == 1 and not train.reads:
        return "pair"
    return "train" if len(train.pulses) > 3 else "pulse"


def standard(full: Stated, read_noise: float) -> dict[str, Subject]:
    """What everybody measures, at the stated conditions.

    Parameters
    ----------
    full : Stated
    read_noise : float, A
        Standard deviation of the current of a read; NaN where it is not known.

    Returns
    -------
    dict of str to Subject
        "loop", "pair", "train", "retention".
    """
    pulses = {"amplitude": full.amplitude, "width": full.width}
    if full.base:
        pulses["base"] = full.base
    asked: dict[str, tuple[str, dict[str, float]]] = {
        "loop": ("triangle", {"amplitude": full.amplitude, "rate": full.rate}),
        "pair": ("paired_pulses", {**pulses, "interval": full.interval}),
        "train": (
            "potentiation_depression",
            {
                **pulses,
                "depression": full.depression,
                "period": full.period,
                "count": full.count,
                "read": full.read,
            },
        ),
        "retention": (
            "retention",
            {**pulses, "read": full.read, "read_width": 0.1 * full.width, "duration": full.duration},
        ),
    }
    made: dict[str, Subject] = {}
    groups: Mapping[str, Group] = {"loop": "loop", "pair": "pair", "train": "train", "retention": "retention"}
    for key, (name, settings) in asked.items():
        made[key] = of_protocol(groups[key], name, settings, full.read, read_noise=read_noise)
    return made


def of_protocol(
    group: Group,
    name: str,
    settings: Mapping[str, float],
    read: float,
    *,
    read_noise: float = np.nan,
    control: Control = "voltage",
) -> Subject:
    """A protocol by its name as a subject.

    Parameters
    ----------
    group : Group
    name : str
    settings : mapping of str to float
    read : float, V
    read_noise : float, A
    control : {"voltage", "current"}
    """
    planned = protocol(name, control=control, **settings)
    conditions = dict(settings) | ({"read": read} if group == "loop" else {})
    return Subject(
        group=group,
        drive=planned.drive,
        time=planned.time,
        conditions=conditions,
        read=read,
        read_noise=read_noise,
        train=synapse.train_of(planned.drive),
    )
