"""The figures of merit of a fitted device, put together: `figures_of_merit`.

What a record holds is predicted under the drive of that record; what nobody measured, at the conditions
asked for.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memfit.analysis.figures_of_merit.conditions import Conditions, Stated, stated
from memfit.analysis.figures_of_merit.measured import SETTINGS as REDRAWN
from memfit.analysis.figures_of_merit.measured import (
    NoiseOfRecord,
    in_record,
    of_cycles,
    of_forming,
    with_noise,
)
from memfit.analysis.figures_of_merit.model import (
    OF_ITSELF,
    Course,
    FiguresOfModel,
    Spectrum,
    planned_curves,
    turnover_frequency,
)
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, Group, chosen, rows_of
from memfit.analysis.figures_of_merit.sheet import Entry, FigureCurve, FiguresOfMerit, Value
from memfit.analysis.figures_of_merit.spiking import SPIKES, Spiking
from memfit.analysis.figures_of_merit.subjects import Subject, of_records, standard
from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, Record
from memfit.errors import InputError
from memfit.fitting import FitResult
from memfit.fitting.noise import record_misfit
from memfit.fitting.results.forecast import notes_on
from memfit.fitting.results.propagation import Knowledge, Propagated, knowledge_of, propagate
from memfit.fitting.results.reproduce import as_fitted, match_records
from memfit.model import Parameters, impedance, junction_voltage

NOT_MEASURED = "no record holds it"
NO_DATA = "the records are not at hand"
OF_ITS_OWN = "the record begins in a state of its own, which no protocol has"
LOST = "the model cannot be followed through this drive"
NO_INTERVAL = "too few of the devices that the data allow have one: no interval can be given"
OF_NOISE = "the noise of the record takes it away again and again: no interval can be given"
NO_FORMING = "the model has none: it does the same in every cycle"
SAME_EVERY_TIME = "the model does the same in every cycle"
_SAME_DRIVE = 0.02
"""Relative difference of rate and amplitude up to which loops repeat one drive."""
_FEWEST_RATES = 2
_OF_LOOPS: set[Group] = {"rates", "cycles", "forming"}
"""Groups that are read from several loops."""
_USUAL_FREQUENCIES = np.geomspace(1e6, 1e-3, 181)
"""Hz, where no spectrum was measured."""


def figures_of_merit(
    result: FitResult | Parameters,
    device: Device | Mapping[int, Record] | None = None,
    conditions: Conditions | None = None,
    names: Sequence[str] = ("all",),
) -> FiguresOfMerit:
    """What papers print of a memristor: measured, and predicted by the fitted model, with intervals.

    Parameters
    ----------
    result : FitResult or Parameters
        Parameters alone give predictions without intervals.
    device : Device or mapping of int to Record, optional
        The data of the fit, or its records by their number in it; without them nothing is measured.
    conditions : Conditions, optional
        At which to predict what was not measured; by default as the records and the device suggest.
    names : sequence of str
        Figures that are wanted, of `memfit.analysis.figures_of_merit.rows`; all by default. Of fewer, only
        what they are read from is followed, and there are no curves.

    Returns
    -------
    FiguresOfMerit

    Raises
    ------
    InputError
        It is no result, or no device; the result leaves parameters undetermined and does not say where its
        minimum lies; or the conditions make no sense.
    """
    wanted = {row.name: row.group for row in chosen(names)}
    groups, whole = set(wanted.values()), tuple(names) == ("all",)
    known = knowledge_of(result)
    records = _records_of(result, device)
    p, slowest = known.best, max(known.best.tau_d, known.best.tau_k) or known.best.tau_m
    full = stated(conditions or Conditions(), p, records)
    spiking = Spiking.of(p) if wanted.keys() & set(SPIKES) else Spiking(p, None)
    protocols = standard(full, _read_noise(result, records))
    planned = planned_curves(full, slowest, spiking, protocols)
    if not whole:
        planned = [curve for curve in planned if curve.key == "area" and "rates" in groups]
    asked = [one for one in protocols.values() if _holds(one, groups, first=one is protocols["pair"])]
    measured = [
        one
        for one in of_records(records, full)
        if _holds(one, groups) or (groups & _OF_LOOPS and one.group == "loop")
    ]
    driven = [one for one in measured if one.drive.initial != "free"]
    spectra = [r for r in records if isinstance(r, ImpedanceSpectrum)] if "spectrum" in groups else []
    own = full.current if full.current is not None else spiking.usual()
    model = FiguresOfModel(
        full=full,
        subjects=(*asked, *driven),
        spectra=_spectra(spectra, full) if "spectrum" in groups else [],
        spiking=spiking,
        currents=[] if own is None else [own],
        curves=planned,
        slowest=slowest,
    )
    found = propagate(known, model, logarithmic=model.logarithmic, some=model.some)
    made = _Made(fit=_fit(result), model=model, known=known, found=found, at_hand=device is not None)
    by_loop = [one for one in measured if one.group == "loop"]
    entries = (
        *made.of_subjects([*asked, *measured]),
        *made.of_rates(by_loop),
        *made.of_spectra(spectra),
        *made.of_device(),
        *made.of_spiking(own),
        *made.of_forming(by_loop),
        *made.of_cycles(by_loop),
    )
    entries = tuple(entry for entry in entries if entry.name in wanted)
    return FiguresOfMerit(
        device=str(result.device.get("name") or "") if isinstance(result, FitResult) else "",
        entries=entries,
        curves=tuple(_curves(model, found, entries)) if whole else (),
        conditions=full,
        notes=(*notes_on(known), *full.warnings),
        model=model,
        known=known,
    )


def _holds(subject: Subject, groups: set[Group], *, first: bool = True) -> bool:
    """Whether a subject has figures of one of the groups; of single pulses the first protocol is enough."""
    return any(
        FIGURES_OF_MERIT[name].group in groups
        for name in subject.figures
        if first or subject.record or FIGURES_OF_MERIT[name].group != "pulse"
    )


def _fit(result: FitResult | Parameters) -> FitResult | None:
    return result if isinstance(result, FitResult) else None


def _records_of(
    result: FitResult | Parameters, device: Device | Mapping[int, Record] | None
) -> tuple[Record, ...]:
    """The records of the fit among those at hand, as the fit took them."""
    if device is None:
        return ()
    if not isinstance(device, Device | Mapping):
        raise InputError(f"Expected a device as memfit.load gives it, found {device!r}.")
    if not isinstance(device, Device):
        matched = device
    elif isinstance(result, Parameters):
        return device.records
    else:
        matched = match_records(result, device.records).records
    if isinstance(result, Parameters):
        return tuple(matched.values())
    return tuple(as_fitted(result, k, record) for k, record in sorted(matched.items()))


def _read_noise(result: FitResult | Parameters, records: Sequence[Record]) -> float:
    """Standard deviation of one read of a current, A, as the sweeps have it; NaN without any."""
    floors = [
        NoiseOfRecord.of(_fit(result), r).floor
        for r in records
        if isinstance(r, IVSweep) and r.control == "voltage"
    ]
    return float(np.median(floors)) if floors else np.nan


def _spectra(spectra: Sequence[ImpedanceSpectrum], full: Stated) -> list[Spectrum]:
    """Where Im Y is looked at: at the bias of every spectrum, else at the amplitude."""
    known = []
    for record in spectra:
        if record.bias_voltage is not None:
            known.append(Spectrum(control="voltage", bias=record.bias_voltage, frequency=record.frequency))
        elif record.bias_current is not None:
            known.append(Spectrum(control="current", bias=record.bias_current, frequency=record.frequency))
    return known or [Spectrum(control="voltage", bias=full.amplitude, frequency=_USUAL_FREQUENCIES)]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Made:
    """Entries as they are made."""

    fit: FitResult | None
    model: FiguresOfModel
    known: Knowledge
    found: Propagated
    """The figures of the model, with their intervals."""
    at_hand: bool
    """Whether the records are."""
    _places: dict[tuple[str, int], int] = field(default_factory=dict)
    _held: dict[int, dict[str, Value | None]] = field(default_factory=dict)
    """What each subject was measured to have."""

    def __post_init__(self) -> None:
        """Where each figure stands in the vector of the model."""
        self._places.update({place: k for k, place in enumerate(self.model.names)})

    def predicted(self, name: str, number: int = 0) -> dict[str, Any]:
        """What the model says of a figure; of a fit never without its interval."""
        found, k = self.found, self._places[name, number]
        value, stderr, low, high = (float(a[k]) for a in (found.value, found.stderr, found.low, found.high))
        if not np.isfinite(value):
            return {"predicted": None, "predicted_reason": FIGURES_OF_MERIT[name].without}
        if np.isfinite(stderr) and np.isfinite(low) and np.isfinite(high):
            made = Value(value=value, stderr=stderr, ci95=(low, high), method=found.methods[k])
            return {"predicted": made, "predicted_reason": ""}
        if self.known.source == "none" and not self.known.open:
            return {"predicted": Value(value=value), "predicted_reason": ""}
        return {"predicted": None, "predicted_reason": NO_INTERVAL}

    def measured(self, name: str, value: Value | None, reason: str = "") -> dict[str, Any]:
        """What a record says of it; never what only part of the redrawn noise leaves."""
        if value is not None and value.method == "none" and name != "endurance":
            value, reason = None, OF_NOISE
        why = NO_DATA if not self.at_hand else reason or FIGURES_OF_MERIT[name].without
        return {"measured": value, "measured_reason": "" if value else why}

    def of_subjects(self, subjects: Sequence[Subject]) -> Iterator[Entry]:
        """Loops and pulses."""
        numbers = {id(one): k for k, one in enumerate(self.model.subjects)}
        courses = self.model.courses(self.model.spiking.p)
        for subject in subjects:
            record, number = subject.record, numbers.get(id(subject))
            held = self._held.setdefault(id(subject), {})
            lost = number is not None and not np.all(np.isfinite(courses[number]))
            if record is not None:
                course = courses[number] if number is not None else None
                noise = NoiseOfRecord.of(self.fit, record)
                held.update(in_record(subject, noise, self._answer(subject, course, noise)))
            for name in subject.figures:
                yield Entry(
                    name=name,
                    conditions=subject.conditions,
                    record=subject.name,
                    **self.measured(name, held.get(name), "" if record is not None else NOT_MEASURED),
                    **(
                        self.predicted(name, number)
                        if number is not None and not lost
                        else {"predicted": None, "predicted_reason": LOST if lost else OF_ITS_OWN}
                    ),
                )

    def _answer(self, subject: Subject, course: Course | None, noise: NoiseOfRecord) -> FloatArray | None:
        """The model at the samples of a record, where it describes it."""
        record = subject.record
        if course is None or record is None or isinstance(record, ImpedanceSpectrum):
            return None
        answer = course[1] if subject.drive.control == "voltage" else course[0]
        if not np.all(np.isfinite(answer)):
            return None
        described = noise.described
        if self.fit is None:  # parameters alone
            misfit = record_misfit(record, record.response - answer, np.ones(answer.size, dtype=bool)).ratio
            described = misfit < REDRAWN.misfit
        return answer if described else None

    def of_cycles(self, subjects: Sequence[Subject]) -> Iterator[Entry]:
        """Loops that repeat one drive, in one record or in several."""
        alike: dict[tuple[int, int], list[Subject]] = defaultdict(list)
        for one in subjects:
            rate, amplitude = one.conditions["rate"], one.conditions["amplitude"]
            place = tuple(round(float(np.log(abs(v)) / _SAME_DRIVE)) for v in (rate, amplitude))
            alike[place[0], place[1]].append(one)
        found = [(one[0].conditions, of_cycles(one, self.model.full.read)) for one in alike.values()]
        repeated = [(conditions, values) for conditions, values in found if values]
        for conditions, values in repeated or [({}, {})]:
            for row in rows_of("cycles"):
                yield Entry(
                    name=row.name,
                    conditions=conditions,
                    **self.measured(row.name, values.get(row.name), "" if values else NOT_REPEATED),
                    predicted_reason=SAME_EVERY_TIME,
                )

    def of_forming(self, subjects: Sequence[Subject]) -> Iterator[Entry]:
        """The first loop of all beside those after it at its rate."""
        first = subjects[0].conditions["rate"] if subjects else np.nan
        same = [one for one in subjects if abs(one.conditions["rate"] - first) <= _SAME_DRIVE * first]
        value = of_forming(same)
        yield Entry(
            name="forming",
            conditions={"rate": first} if value is not None else {},
            **self.measured("forming", value, "" if len(same) > 1 else NOT_REPEATED),
            predicted_reason=NO_FORMING,
        )

    def of_rates(self, subjects: Sequence[Subject]) -> Iterator[Entry]:
        """The rate at which the area vanishes, between measured loops of one amplitude."""
        value, reason = None, "fewer than two loops of one amplitude were measured"
        amplitudes = [one.conditions["amplitude"] for one in subjects]
        usual = self.model.full.amplitude
        same = [
            one
            for one, a in zip(subjects, amplitudes, strict=True)
            if abs(a - usual) <= _SAME_DRIVE * abs(usual) and one.record is not None
        ]
        if len(same) >= _FEWEST_RATES:
            reason = ""
            ordered = sorted(same, key=lambda one: one.conditions["rate"])
            areas = [self._held[id(one)].get("loop_area") for one in ordered]
            value = _turnover_of_loops([one.conditions["rate"] for one in ordered], areas)
        conditions = {"amplitude": usual}
        yield Entry(
            name="turnover_rate",
            conditions=conditions,
            **self.measured("turnover_rate", value, reason),
            **self.predicted("turnover_rate"),
        )

    def of_spectra(self, records: Sequence[ImpedanceSpectrum]) -> Iterator[Entry]:
        """Where Im Y turns, spectrum by spectrum."""
        known = [r for r in records if r.bias_voltage is not None or r.bias_current is not None]
        for k, spectrum in enumerate(self.model.spectra):
            record = known[k] if known else None
            value = None
            if record is not None:
                noise = NoiseOfRecord.of(self.fit, record)
                model = self._impedance(spectrum) if noise.described else None
                value = _turnover_of_spectrum(record, noise, model)
            yield Entry(
                name="turnover_frequency",
                conditions={"bias" if spectrum.control == "voltage" else "bias_current": spectrum.bias},
                record=record.name if record is not None else "",
                **self.measured("turnover_frequency", value, "" if record is not None else NOT_MEASURED),
                **self.predicted("turnover_frequency", k),
            )

    def _impedance(self, spectrum: Spectrum) -> ComplexArray:
        """Of the model, ohm."""
        p = self.known.best
        u = float(junction_voltage(p, spectrum.control, np.array([spectrum.bias]))[0])
        return impedance(p, spectrum.frequency, u)

    def of_device(self) -> Iterator[Entry]:
        """Times of the memory."""
        for row in rows_of("device"):
            yield Entry(
                name=row.name,
                conditions={"base": self.model.full.base},
                **self.measured(row.name, None, "a parameter: what the fit found of it is the prediction"),
                **self.predicted(row.name),
            )

    def of_spiking(self, current: float | None) -> Iterator[Entry]:
        """Threshold, and the limit cycle at a current."""
        yield Entry(
            name="threshold_current",
            conditions={},
            **self.measured("threshold_current", None, NOT_MEASURED),
            **self.predicted("threshold_current"),
        )
        for name in SPIKES:
            model = {"predicted": None, "predicted_reason": FIGURES_OF_MERIT[name].without}
            yield Entry(
                name=name,
                conditions={} if current is None else {"current": current},
                **self.measured(name, None, NOT_MEASURED),
                **(model if current is None else self.predicted(name, OF_ITSELF)),
            )


NOT_REPEATED = "not measured: fewer than three loops repeat one drive"


def _turnover_of_loops(at: Sequence[float], areas: Sequence[Value | None]) -> Value | None:
    """Where the area changes its sign, straight in the logarithm of rising rates (V/s); the largest.

    Between the two loops its course is not known: its interval is that of their rates.
    """
    area = np.array([np.nan if one is None else one.value for one in areas]) / np.array(at)
    up = np.flatnonzero((area[:-1] < 0.0) & (area[1:] >= 0.0))
    if not up.size:
        return None
    k = int(up[-1])
    share = float(-area[k] / (area[k + 1] - area[k]))
    rate = float(at[k] * (at[k + 1] / at[k]) ** share)
    return Value(value=rate, ci95=(at[k], at[k + 1]), method="between two loops")


def _turnover_of_spectrum(
    record: ImpedanceSpectrum, noise: NoiseOfRecord, model: ComplexArray | None
) -> Value | None:
    """Where Im Y of a measured spectrum changes its sign; noise is drawn on the model that describes it."""
    n = record.points

    def figures(parts: FloatArray) -> dict[str, float]:
        return {"turnover_frequency": turnover_frequency(record.frequency, parts[:n] + 1j * parts[n:])}

    def parts(of: ComplexArray) -> FloatArray:
        return np.concatenate([of.real, of.imag])

    base = record.impedance if model is None else model
    data, sigma = parts(record.impedance), noise.sigma(np.tile(np.abs(base), 2))
    return with_noise(figures, data, data if model is None else parts(base), sigma)["turnover_frequency"]


def _curves(model: FiguresOfModel, found: Propagated, entries: Sequence[Entry]) -> Iterator[FigureCurve]:
    """Curves with their bands, and what was measured on them."""
    value, low, high = (model.split(one)[1] for one in (found.value, found.low, found.high))
    for curve in model.curves:
        name, against = _MEASURED_ON.get(curve.key, ("", ""))
        points = tuple(
            (e.conditions[against], e.measured)
            for e in entries
            if e.name == name and e.record and e.measured is not None and against in e.conditions
        )
        yield FigureCurve(
            key=curve.key,
            x=curve.x,
            x_unit=curve.unit,
            value=value[curve.key],
            low=low[curve.key],
            high=high[curve.key],
            measured=points,
        )


_MEASURED_ON = {
    "area": ("loop_area", "rate"),
    "ppf": ("PPF", "interval"),
    "frequency": ("spiking_frequency", "current"),
}
"""Figures that lie on a curve, and the condition they stand at."""
