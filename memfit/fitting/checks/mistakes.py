"""Mistakes that look like physics: a record in another unit, with its sign turned, or of another device.

Asked where the model does not describe the records together. Records, and kinds of data, that stand out are
left out one after the other; where the model describes the rest, the rest says what the odd ones should have
been. What a power of ten, or a sign, in one of their columns brings into line is a mistake of that column;
what nothing brings into line may be of another device.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets import ImpedanceSpectrum, Record, SynapticCurve, extent_of
from memfit.fitting.checks.levels import conductance_level, conductances, distances
from memfit.fitting.checks.misfit import Misfit, is_large, measure
from memfit.fitting.minimum.effort import Effort
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.noise import record_misfit
from memfit.fitting.plan import KINDS
from memfit.fitting.prediction.predict import Predictor, measured
from memfit.model import Parameters
from memfit.units import two_digits


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the search."""

    decades: float = 0.7
    """Distance of a record's conductance from that of others from which it is looked at first ..."""
    surely: float = 1.5
    """... and from which no device explains it well."""
    unit: float = 3.0
    """Decades, within half of one, from which a conductance is a matter of units."""
    most: int = 2
    """Records that are left out one by one."""
    few: int = 4
    """Records up to which those that are missed are left out together; with more, those that a fit of the
    better half misses: so many ..."""
    rounds: int = 4
    """... times, each of ..."""
    evaluations: int = 12
    """... so many evaluations after the first steps."""
    in_line: float = 5.0
    """Misfit, per cent, or ..."""
    in_noise: float = 3.0
    """... times the noise, up to which a record is brought into line."""
    gains: tuple[float, float] = (-1.5, 1.5)
    """Logarithms of factors that are tried on all records of a kind."""
    least_gain: float = 4.0
    """Factor by which its misfit has to fall."""
    powers: tuple[float, ...] = (1e3, 1e-3, 1e6, 1e-6, 10.0, 0.1, 100.0, 0.01, 1e4, 1e-4, -1.0)


SETTINGS = Settings()
EVERYTHING = "everything"
"""Column of a mistake in all records: all signs."""
_BOTH = "voltage and current"
_COLUMNS = {
    "impedance": ("impedance", "bias", "frequency"),
    "iv": ("current", "voltage", "time"),
    **dict.fromkeys(("transient", "potentiation", "retention"), ("current", "voltage", "time")),
    "paired_pulse": ("time",),
}


@dataclass(frozen=True)
class Mistake:
    """Records that the others contradict."""

    records: tuple[str, ...]
    """Their names."""
    column: str = ""
    """What has to be multiplied to bring them into line: "current", "bias", ...; empty where nothing does."""
    factor: float = 1.0

    others: tuple[str, ...] = ()
    """Names of the rest, where it is no larger: then either side may be the wrong one."""
    kinds: tuple[str, ...] = ()
    """Kinds of these records and of the rest, where they have none in common ..."""
    gain: tuple[str, float] | None = None
    """Column, and a factor on it, that would bring these kinds together."""
    beyond: bool = False
    """... or whether these go further in voltage than the rest: then it may be the model."""

    @property
    def doubtful(self) -> bool:
        """Whether a law that the model does not have would look the same."""
        return bool(self.kinds) or self.beyond

    def rest(self, records: Sequence[Record]) -> list[int]:
        """Numbers of the records that go together without those of the mistake; empty where either may.

        Parameters
        ----------
        records : sequence of Record
            All of them.
        """
        rest = [k for k, record in enumerate(records) if record.name not in self.records]
        return rest if not self.doubtful and 2 * len(rest) > len(records) else []

    @property
    def sentence(self) -> str:
        """What is wrong, and what to do."""
        names, one = _some(self.records), len(self.records) == 1
        if self.kinds and self.gain:
            return (
                f"The {self.kinds[0]} would go with the {self.kinds[1]} if their {self.gain[0]} were "
                f"{two_digits(self.gain[1])} times as large: are range, calibration and area right?"
            )
        if not self.column and self.kinds:
            return (
                f"The model describes the {self.kinds[0]} and the {self.kinds[1]} each by themselves, with "
                "other values: another law, another state of the device, or an instrument that is off?"
            )
        if self.beyond:
            return (
                f"The model describes the others without {names}, which {'goes' if one else 'go'} further in "
                "voltage: a law that the model does not have there, or another state of the device?"
            )
        if not self.column and self.others:
            return (
                f"{names} and {_some(self.others)} contradict each other: the model describes either, not "
                "both. Are they of one device, in one state?"
            )
        if not self.column:
            return (
                f"The model describes the others without {names}: {'it' if one else 'they'} may be of "
                f"another device or state; leave {'it' if one else 'them'} out, or fit apart."
            )
        if self.column == EVERYTHING:
            return "All voltages and currents have the wrong sign: are the leads reversed?"
        if self.factor < 0.0:
            return f"{names}: the sign of the {self.column} seems to be turned. Are the leads reversed?"
        by, size = max(self.factor, 1.0 / self.factor), "small" if self.factor > 1.0 else "large"
        return (
            f"{names} {'looks' if one else 'look'} {by:.0f} times too {size} in {self.column} beside the "
            f"others: is the unit right? Correct it, or leave {'it' if one else 'them'} out."
        )


def _some(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")


def find_mistake(
    state: FitState,
    records: Sequence[Record],
    misfit: Misfit,
    describe: Callable[[Sequence[Record]], FitState],
    effort: Effort,
) -> Mistake | None:
    """The records that do not belong to the others, where leaving them out mends the fit.

    Parameters
    ----------
    state : FitState
        A settled fit that does not describe its records.
    records : sequence of Record
        As they were read, whatever the fit took their drives for.
    misfit : Misfit
        Of it.
    describe : callable
        Fits some of them.
    effort : Effort
        Of all these fits.
    """
    if (turned := _turned_round(records)) is not None:
        other = describe(turned)
        if not measure(other).large:
            return Mistake(tuple(record.name for record in records), EVERYTHING, -1.0)
    counted = replace(state, problem=replace(state.problem, effort=effort))
    for odd in _candidates(counted, misfit):
        if effort.over:
            break
        rest = [record for k, record in enumerate(records) if k not in odd]
        other = describe(rest)
        if measure(other).large:
            continue
        chosen = [records[k] for k in odd]
        if _distance(chosen, other.parameters) < SETTINGS.in_line:
            continue  # a lower minimum of all of them, no mistake
        names = tuple(record.name for record in chosen)
        found = _column_to_mend(chosen, other.parameters)
        if found:
            return Mistake(names, *found)
        sides = [list(dict.fromkeys(KINDS[r.kind] for r in some)) for some in (chosen, rest)]
        if not set(sides[0]) & set(sides[1]):
            both = " and ".join(sides[0]), " and ".join(sides[1])
            return Mistake(names, kinds=both, gain=_gain_to_mend(chosen, other.parameters))
        if _goes_beyond(chosen, rest):
            return Mistake(names, beyond=True)
        return Mistake(names, others=tuple(r.name for r in rest) if len(rest) <= len(odd) else ())
    return _unit_without_model(records)


def _goes_beyond(chosen: Sequence[Record], rest: Sequence[Record]) -> bool:
    """Whether some records are at voltages that no other reaches, all on one side."""
    mine, others = ([conductances(record)[0] for record in some] for some in (chosen, rest))
    known = np.concatenate([np.zeros(1), *others])
    ends = np.array([[v.min(), v.max()] for v in mine if v.size]).reshape(-1, 2)
    return bool(np.all(ends[:, 1] > known.max()) or np.all(ends[:, 0] < known.min()))


def _unit_without_model(records: Sequence[Record]) -> Mistake | None:
    """Records that conduct decades more, or less, than all others do at the same voltages."""
    away, told = distances(records)
    off = told & (np.abs(away) > SETTINGS.unit - 0.5)
    if not off.any() or np.count_nonzero(off) > 0.5 * len(records) or np.any(np.abs(away[~off]) > 1.0):
        return None
    powers = set(np.rint(away[off]).astype(int).tolist())
    kinds = {record.kind for record, wrong in zip(records, off, strict=True) if wrong}
    if len(powers) > 1 or len(kinds) > 1:
        return None
    names = tuple(record.name for record, wrong in zip(records, off, strict=True) if wrong)
    more = 10.0 ** powers.pop()
    column, factor = ("impedance", more) if kinds == {"impedance"} else ("current", 1.0 / more)
    return Mistake(names, column, factor)


def _candidates(state: FitState, misfit: Misfit) -> Iterator[tuple[int, ...]]:
    """Numbers of the records to be left out together, the most conspicuous first."""
    records = state.problem.predictor.records
    level = np.array([conductance_level(record) for record in records])
    level = np.where(np.isfinite(level), level, np.nanmedian(level) if np.isfinite(level).any() else 0.0)
    kinds = list(dict.fromkeys(state.problem.kinds))
    offered: list[tuple[int, ...]] = []
    if len(records) > 1:
        away = np.abs(distances(records)[0])
        far = [int(k) for k in np.argsort(-away, kind="stable") if away[k] > SETTINGS.decades]
        missed = sorted(range(len(records)), key=lambda k: -misfit.records[k].percent)
        offered += [(k,) for k in (far or missed[:1])[: SETTINGS.most]]
    offered += _named_otherwise(records)
    if len(records) > SETTINGS.few:
        offered.append(_left_by_the_rest(state, misfit))
    elif 1 < len(together := [k for k, m in enumerate(misfit.records) if is_large(m)]) < len(records):
        offered.append(tuple(together))
    if len(kinds) > 1:
        groups = {kind: tuple(k for k, r in enumerate(records) if r.kind == kind) for kind in kinds}
        levels = {kind: float(np.median(level[list(group)])) for kind, group in groups.items()}
        middle = float(np.median(list(levels.values())))
        apart = {kind for kind, level in levels.items() if abs(level - middle) > SETTINGS.decades}
        worst = {kind: max(misfit.records[k].percent for k in group) for kind, group in groups.items()}
        offered += [groups[kind] for kind in sorted(groups, key=lambda one: (one not in apart, -worst[one]))]
    yield from dict.fromkeys(group for group in offered if group)


def stand_out(records: Sequence[Record]) -> bool:
    """Whether records suggest a mistake before anything is fitted: of a unit, or of all signs.

    Parameters
    ----------
    records : sequence of Record
    """
    away = np.max(np.abs(distances(records)[0]), initial=0.0)
    return bool(away > SETTINGS.surely) or are_turned_round(records)


def _named_otherwise(records: Sequence[Record]) -> list[tuple[int, ...]]:
    """Numbers of records whose files are named otherwise than most of their kind, as of another device."""
    begins = [(record.kind, re.split(r"[\d+-]", record.name, maxsplit=1)[0]) for record in records]
    groups: dict[str, list[tuple[int, ...]]] = {}
    for kind, begin in dict.fromkeys(begins):
        same = tuple(k for k, own in enumerate(begins) if own == (kind, begin))
        groups.setdefault(kind, []).append(same)
    return [min(own, key=len) for own in groups.values() if len(own) == 2]


def _left_by_the_rest(state: FitState, misfit: Misfit) -> tuple[int, ...]:
    """Numbers of the records that a fit of the better half misses, half of them at most; empty without any.

    The half that is described best is fitted, and chosen anew, until it stays (least trimmed squares;
    Rousseeuw & Van Driessen, Data Min. Knowl. Disc. 2006, 12, 29).
    """
    problem, chosen, part = state.problem, frozenset[int](), state
    owner = problem.predictor.record_of_point
    for _ in range(SETTINGS.rounds):
        order = np.argsort([m.ratio for m in misfit.records], kind="stable")
        better = frozenset(int(k) for k in order[: (len(order) + 1) // 2])
        if better == chosen or problem.effort.over:
            break
        chosen = better
        keep = problem.keep & np.isin(owner, list(chosen))
        part = minimise(replace(problem, keep=keep), state.unknowns, part.x, most=SETTINGS.evaluations)
        misfit = measure(replace(part, problem=problem))
    odd = tuple(k for k, m in enumerate(misfit.records) if is_large(m))
    return odd if 2 * len(odd) <= len(misfit.records) else ()


def are_turned_round(records: Sequence[Record]) -> bool:
    """Whether records look like those of a device measured with its leads exchanged: nearly all is negative.

    Parameters
    ----------
    records : sequence of Record
    """
    extents = [extent_of(record) for record in records]
    ends = [end for extent in extents for end in extent.get("voltage") or extent["current"]]
    return bool(min(ends, default=0.0) < -2.0 * max(ends, default=0.0))


def _turned_round(records: Sequence[Record]) -> list[Record] | None:
    """The records with all signs turned; None where nothing suggests it."""
    if not are_turned_round(records):
        return None
    turned = []
    for record in records:
        if isinstance(record, ImpedanceSpectrum):
            turned.append(multiplied(record, "bias", -1.0))
        else:
            turned.append(multiplied(multiplied(record, "voltage", -1.0), "current", -1.0))
    return turned


def multiplied(record: Record, column: str, factor: float) -> Record:
    """A record with one of its quantities multiplied, what the source applied included.

    Parameters
    ----------
    record : Record
    column : str
        "impedance", "bias" or "frequency" of a spectrum; "current", "voltage" or "time" of the others.
    factor : float
    """
    if isinstance(record, ImpedanceSpectrum):
        if column == "bias":
            volts, amperes = record.bias_voltage, record.bias_current
            return replace(
                record,
                bias_voltage=None if volts is None else factor * volts,
                bias_current=None if amperes is None else factor * amperes,
            )
        values = record.impedance if column == "impedance" else record.frequency
        return replace(record, **{column: factor * values})  # type: ignore[arg-type]
    drive, values = record.drive, getattr(record, column)
    changed = {} if values is None else {column: factor * values}
    if isinstance(record, SynapticCurve) and record.first is not None and column == "time":
        changed["first"] = factor * record.first
    if drive is not None and column == "time":
        changed["drive"] = replace(drive, time=factor * drive.time)
    elif drive is not None and column == record.control:
        changed["drive"] = replace(drive, value=factor * drive.value)
    return replace(record, **changed)


def _column_to_mend(records: Sequence[Record], p: Parameters) -> tuple[str, float] | None:
    """The column, and its factor, that bring records into line with what the parameters predict."""
    if len({record.kind for record in records}) > 1:
        return None
    found = []
    for column in (*_COLUMNS[records[0].kind], *([_BOTH] if records[0].kind != "impedance" else [])):
        for factor in SETTINGS.powers:
            if factor > 0.0 if column == _BOTH else factor < 0.0 and column in ("time", "frequency"):
                continue
            mended = list(records)
            for one in ("voltage", "current") if column == _BOTH else (column,):
                mended = [multiplied(record, one, factor) for record in mended]
            found.append((_distance(mended, p), column, factor))
    now, (best, column, factor) = _distance(records, p), min(found, key=lambda trial: trial[0])
    return (column, factor) if best < SETTINGS.in_line and best * SETTINGS.least_gain < now else None


def _gain_to_mend(records: Sequence[Record], p: Parameters) -> tuple[str, float] | None:
    """A column, and a factor near 1, that bring the records of one kind into line."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - few fits need it

    if len({record.kind for record in records}) > 1:
        return None
    found = []
    for column in _COLUMNS[records[0].kind][:2]:
        if column == "bias":
            continue

        def missed(log_factor: float, column: str = column) -> float:
            factor = float(np.exp(log_factor))
            return min(_distance([multiplied(record, column, factor) for record in records], p), 1e6)

        end = minimize_scalar(missed, bounds=SETTINGS.gains, method="bounded", options={"xatol": 1e-3})
        found.append((float(end.fun), column, float(np.exp(end.x))))
    best, column, factor = min(found)
    mends = best < SETTINGS.in_line and best * SETTINGS.least_gain < _distance(records, p)
    return (column, factor) if mends else None


def _distance(records: Sequence[Record], p: Parameters) -> float:
    """Largest misfit, per cent, of records that are predicted; 0 within their noise."""
    predictor = Predictor(records)
    difference = predictor.data() - predictor(p, slopes_in_time=False).values
    worst = 0.0
    for record, here in zip(records, predictor.slices, strict=True):
        if not np.all(np.isfinite(difference[here])):
            return np.inf
        every = np.ones(measured(record).size, dtype=bool)
        m = record_misfit(record, difference[here], every)
        worst = max(worst, 0.0 if m.ratio < SETTINGS.in_noise else m.percent)
    return worst
