"""How far the model misses the data, where, and what that does to the parameters.

Noise is seen without the model (`memfit.fitting.noise.noise_without_model`); what a fit leaves beyond it is
misfit. Whether there is any is asked of all evidence together: residuals of noise alone follow neither their
neighbours (correlation over 1, 2 and 4 steps) nor any slow course (sums over blocks of every length; under
noise alone the squares of the sums are chi-square distributed). How large it is decides what follows:

- small: the parameters are estimates still, but a model that misses the data across its parameters misses
  them along its parameters too. Standard errors grow by a factor for the first, and by what leaving out each
  record and each kind of data does to the parameters (jackknife; Efron, Ann. Stat. 1982, 9, 586);
- large: the values are the best of a model that does not describe the device, and are called `conditional`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import chdtrc, ndtr

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.minimum.effort import SPENT
from memfit.fitting.minimum.least_squares import bounded_step, linear_step, minimise
from memfit.fitting.minimum.problem import FitState
from memfit.fitting.minimum.unknowns import Unknown
from memfit.fitting.noise import RecordMisfit, record_misfit
from memfit.fitting.plan import CORE, KINDS, unit_of_length
from memfit.fitting.results.findings import Ends, LeftOut, MisfitFound
from memfit.fitting.results.result import Estimate, EstimateStatus, FitResult, Goodness, Status, StatusCode
from memfit.fitting.uncertainty.covariance import SETTINGS as NORMAL
from memfit.model import DERIVED, NAMES
from memfit.units import two_digits


@dataclass(frozen=True)
class Settings:
    """Numbers that steer the verdict."""

    rare: float = 1e-5
    """Probability, under noise alone, of evidence that makes a misfit certain."""
    clip: float = 4.0
    """Standard deviations at which one residual counts no more."""
    steps: tuple[int, ...] = (1, 2, 4)
    """Neighbours whose correlation is looked at together."""
    shortest: int = 8
    """Points of a block, at least; the next is twice as long."""
    far: float = 3.0
    """Residuals this many times the noise are no noise, where points are too few to show a structure."""
    shared: float = 1.2
    """The same, where only the records of a kind together show a structure."""
    large: float = 3.0
    """Per cent of |Z|, or of the span of a response, from which a misfit is large ..."""
    visible: float = 1.5
    """... where it is so many times the noise."""
    refits: int = 20
    """Records up to which each is left out in a fit of its own; with more, and where the misfit is large, in
    the linearised one."""
    evaluations: int = 12
    """Of each of these fits."""


SETTINGS = Settings()


@dataclass(frozen=True)
class Misfit:
    """How the model misses the data, and what that does to its parameters."""

    records: tuple[RecordMisfit, ...]
    """One each, in the order of the problem."""
    probability: float
    """Of residuals with so much structure under noise alone."""
    certain: bool
    large: bool
    widening: float = 1.0
    """Factor on the standard errors."""
    shifts: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    """(k, m) what leaving out each record and each kind does to the unknowns, one row each."""
    left_out: tuple[str, ...] = ()
    """Names of the records and kinds behind the rows."""


def misfit_of(state: FitState, effective: Sequence[float]) -> Misfit:
    """The misfit of a settled fit; where it is certain, how far the parameters are to be trusted.

    Parameters
    ----------
    state : FitState
    effective : sequence of float
        Independent points of each record.
    """
    misfit = measure(state)
    if not misfit.certain or not len(state.unknowns.free):
        return misfit
    beyond = [1.0 - 1.0 / max(m.ratio, 1.0) ** 2 for m in misfit.records]
    extra = float(np.dot(beyond, effective)) / len(state.unknowns.free)
    shifts, names = _left_out(state, large=misfit.large)
    return replace(misfit, widening=float(np.sqrt(1.0 + extra)), shifts=shifts, left_out=names)


def measure(state: FitState) -> Misfit:
    """How a fit misses the records, without what that does to the parameters.

    Parameters
    ----------
    state : FitState
    """
    problem, predictor = state.problem, state.problem.predictor
    data, model = predictor.data(), state.model_values()
    records, series = [], []
    for record, here in zip(predictor.records, predictor.slices, strict=True):
        used = problem.keep[here] & np.isfinite(model[here])
        if not problem.keep[here].any():  # left out as a whole: judged all the same
            used = np.isfinite(model[here])
        difference = np.where(used, data[here] - model[here], 0.0)
        parts = 2 if isinstance(record, ImpedanceSpectrum) else 1
        sigma, kept = problem.sigma[here], used & problem.keep[here]
        series.append(
            [
                part[keep]
                for part, keep in zip(np.split(difference / sigma, parts), np.split(kept, parts), strict=True)
            ]
        )
        records.append(record_misfit(record, difference, used))
    kinds = problem.kinds
    alone = [len(series) * evidence([parts]) for parts in series]
    together = {
        kind: len(set(kinds)) * evidence([s for s, k in zip(series, kinds, strict=True) if k == kind])
        for kind in dict.fromkeys(kinds)
    }
    probability = min(1.0, *alone, *together.values())
    judged = tuple(
        replace(
            m,
            certain=m.ratio > SETTINGS.far
            or p < SETTINGS.rare
            or (together[kind] < SETTINGS.rare and m.ratio > SETTINGS.shared),
        )
        for m, p, kind in zip(records, alone, kinds, strict=True)
    )
    certain = any(m.certain for m in judged)
    return Misfit(judged, probability, certain, any(map(is_large, judged)))


def evidence(series: Sequence[Sequence[FloatArray]]) -> float:
    """Probability of residuals that follow each other so much under independent noise.

    The smallest over all tests, times their number.

    Parameters
    ----------
    series : sequence of sequences of (n,) arrays
        Residuals of each record, in order, in one or several parts; their size does not matter.
    """
    parts: list[FloatArray] = []
    for record in series:
        size = np.sqrt(np.mean(np.concatenate(record) ** 2)) if sum(map(len, record)) else 0.0
        if size > 0.0:
            parts += [np.clip(part / size, -SETTINGS.clip, SETTINGS.clip) for part in record]
    parts = [part for part in parts if part.size > 1]
    if not parts:
        return 1.0
    tests = []
    for steps in SETTINGS.steps:
        pairs = [(part, k) for part in parts for k in range(1, steps + 1) if k < part.size]
        over = sum(float(part[k:] @ part[:-k]) for part, k in pairs)
        tests.append(float(ndtr(-over / np.sqrt(sum(part.size - k for part, k in pairs)))))
    length, longest = SETTINGS.shortest, max(part.size for part in parts)
    while length < 2 * longest:
        squares, blocks = 0.0, 0
        for part in parts:
            ends = np.arange(0, part.size, length)
            sums = np.add.reduceat(part, ends)
            squares += float(np.sum(sums**2 / np.diff([*ends, part.size])))
            blocks += ends.size
        tests.append(float(chdtrc(blocks, squares)))
        length *= 2
    return min(1.0, len(tests) * min(tests))


def _left_out(state: FitState, *, large: bool) -> tuple[FloatArray, tuple[str, ...]]:
    """Shifts of the unknowns (k, m) without each record and each kind of data, and what was left out."""
    problem = state.problem
    if not large:
        problem = replace(problem, effort=problem.effort.whole_fit)
    owner, kinds = problem.predictor.record_of_point, np.array(problem.kinds)
    groups = [(r.name, owner != k) for k, r in enumerate(problem.predictor.records)] if kinds.size > 1 else []
    alone = len(groups) if len(groups) <= SETTINGS.refits and not large else 0
    present = list(dict.fromkeys(problem.kinds))
    if len(present) > 1:
        groups += [(kind, (kinds != kind)[owner]) for kind in present if np.count_nonzero(kinds == kind) > 1]
    shifts, names = [], []
    for number, (name, others) in enumerate(groups):
        keep = problem.keep & others
        if np.count_nonzero(keep) < 2 * len(state.unknowns.free):
            continue
        part = replace(state, problem=replace(problem, keep=keep))
        if number < alone or (name in KINDS and not problem.effort.over):
            end = minimise(part.problem, state.unknowns, state.x, most=SETTINGS.evaluations)
            step = end.x - state.x
        else:
            step = bounded_step(part) if large else linear_step(part)
        if np.all(np.isfinite(step)):
            shifts.append(step)
            names.append(name)
    return np.array(shifts).reshape(len(shifts), len(state.unknowns.free)), tuple(names)


def with_misfit(
    result: FitResult, state: FitState, misfit: Misfit, mistake: str = "", moved: Sequence[str] = ()
) -> FitResult:
    """The result with its misfit: what is said of it first, and how far its numbers are to be trusted.

    Parameters
    ----------
    result : FitResult
        With the verdicts of a model that is true.
    state : FitState
        The settled fit.
    misfit : Misfit
        Of it.
    mistake : str
        A sentence on records that the others contradict.
    moved : sequence of str
        Sentences on what moved while the device was measured.
    """
    goodness = _with_noise_seen(result, misfit)
    sentence = _sentence(state, misfit)
    found = MisfitFound(
        certain=misfit.certain,
        large=misfit.large,
        probability=misfit.probability,
        widening=misfit.widening,
        sentence=sentence,
        mistake=mistake,
        without=_values_left_out(state, misfit),
    )
    told = misfit.large and not mistake  # in the verdict itself
    warnings = (*(moved[1:] if told else moved), *result.warnings)
    result = replace(result, goodness=goodness, misfit=found, warnings=warnings)
    if not misfit.certain or not np.all(np.isfinite(state.x)):
        return result
    jackknife = _jackknife(misfit)
    matrix = misfit.widening**2 * np.array(result.covariance) + jackknife
    added = np.sqrt(np.maximum(np.diag(jackknife), 0.0))
    unknowns = {u.name: (u, float(a)) for u, a in zip(state.unknowns.free, added, strict=True)}
    parameters, nuisance = (
        {
            name: _doubted(e, *unknowns[name], misfit, state.parameters.V_m) if name in unknowns else e
            for name, e in estimates.items()
        }
        for estimates in (result.parameters, result.nuisance)
    )
    derived = {}
    for name, e in result.derived.items():
        gradient = np.array([float(DERIVED[name].exponents.get(u.name, 0)) for u in state.unknowns.free])
        extra = float(np.sqrt(max(gradient @ jackknife @ gradient, 0.0)))
        derived[name] = _doubted(e, Unknown(name, True, 0.0, np.inf), extra, misfit, state.parameters.V_m)
    spent = state.minimum.message == SPENT and not state.problem.effort.stopped
    status, warnings = _status(result, found, moved, spent=spent), result.warnings
    if misfit.large and spent:
        used = state.problem.effort.whole_fit.used
        said = (
            f"Nothing described the data, so the search ended after {used:.0f} evaluations of the model with "
            "the best it had: there may be a better place, but hardly one that describes them."
        )
        warnings = (said, *warnings)
    if not misfit.large:
        said = (
            f"The model {sentence}: a small misfit, but no chance. The standard errors include it (about "
            f"{misfit.widening:.2g} times those of noise alone, or more)."
        )
        if status.code == "ok":
            status = replace(status, message=said)
        else:
            warnings = (said, *warnings)
    return replace(
        result,
        parameters=parameters,
        nuisance=nuisance,
        derived=derived,
        covariance=tuple(tuple(float(v) for v in row) for row in matrix),
        status=status,
        warnings=warnings,
    )


def _status(result: FitResult, found: MisfitFound, moved: Sequence[str], *, spent: bool) -> Status:
    """The verdict, with that of a true model, which the result has, behind it.

    A search that was ended because nothing describes the data says no more than that.
    """
    status, parameters = result.status, result.parameters
    if not found.large:
        return status
    no_more = status.code == "ok" or (status.code == "not_converged" and spent)
    also: tuple[StatusCode, ...] = () if no_more else (status.code, *status.also)
    said = f"The model does not describe this device: it {found.sentence}."
    if found.mistake:  # it may be the records, not the model
        by = "The values are those of the other records: with all of them" if result.left_out else "As it is"
        said = f"{found.mistake} {by} the model {found.sentence}."
    bounded = [name for name in result.plan.get("bounds") or () if name in parameters]
    cut = [name for name in bounded if parameters[name].status == "at_bound"]
    cut_off = bool(cut) and (status.code == "at_bound" or spent)
    if cut_off and status.code != "at_bound":
        status = Status(
            code="at_bound", message=f"{', '.join(cut)} ended at a bound that was given; widen it."
        )
    if (status.code == "not_converged" and not spent) or cut_off:  # what comes first may be the cause
        return replace(status, message=f"{said} {status.message}", also=("poor_fit", *status.also))
    advice = "Look at the residuals: another law, light, drift, a record of another device."
    advice = moved[0] if moved else advice
    kept = [item for item in result.goodness.datasets if item.file not in result.left_out]
    fails = not result.left_out or any((item.misfit_percent or 0.0) > SETTINGS.large for item in kept)
    best = "the best values of a model that fails" if fails else "they hold once that is settled"
    rest = f"{'' if found.mistake else f'{advice} '}The parameters are conditional: {best}."
    if status.code == "not_identifiable":
        lost = [name for name in CORE if name in parameters and parameters[name].status == "undetermined"]
        rest += f" The data do not determine {', '.join(lost)} even so."
    return Status(code="poor_fit", message=f"{said} {rest}", also=also)


def _doubted(e: Estimate, unknown: Unknown, added: float, misfit: Misfit, V_m: float) -> Estimate:
    """An estimate whose error includes the misfit."""
    if e.value is None or e.status == "fixed":
        return e
    ratio = unknown.logarithmic and e.value > 0.0
    value = float(np.log(e.value)) if ratio else e.value
    size = e.value if ratio else 1.0
    error = None if e.stderr is None else float(np.hypot(misfit.widening * e.stderr / size, added))
    ends: list[float | None] = []
    for end, sign in zip(e.ci95 or (None, None), (-1.0, 1.0), strict=True):
        if end is None or (ratio and end <= 0.0):
            ends.append(end)
            continue
        away = abs((float(np.log(end)) if ratio else end) - value)
        inner = value + sign * min(float(np.hypot(misfit.widening * away, Z * added)), NORMAL.unbounded)
        outer = float(np.exp(inner)) if ratio else inner
        ends.append(min(max(outer, unknown.lower), unknown.upper))
    status: EstimateStatus = e.status
    if misfit.large:
        status = status if status == "at_bound" else "conditional"
    elif status == "determined" and error is not None and unknown.term is None:
        status = "weak" if error / unit_of_length(unknown.name, V_m) > NORMAL.weak else status
    interval: Ends | None = None if e.ci95 is None else (ends[0], ends[1])
    return replace(
        e,
        stderr=None if error is None else error * size,
        ci95=interval,
        status=status,
    )


def _jackknife(misfit: Misfit) -> FloatArray:
    """(m, m) covariance of the unknowns by what leaving out records, and kinds of data, does to them."""
    size = misfit.shifts.shape[1]
    result: FloatArray = np.zeros((size, size))
    of_kinds = np.array([name in KINDS for name in misfit.left_out], dtype=bool)
    for chosen in (of_kinds, ~of_kinds):
        groups = int(np.count_nonzero(chosen))
        if groups > 1:
            shifts = misfit.shifts[chosen]
            result += (groups - 1) / groups * shifts.T @ shifts
    return result


def _values_left_out(state: FitState, misfit: Misfit) -> tuple[LeftOut, ...]:
    """The physical parameters without each record and each kind."""
    names = [name for name in NAMES if name in state.unknowns.names]
    low, high = np.array([u.inner_bounds for u in state.unknowns.free]).reshape(-1, 2).T
    result = []
    for left_out, shift in zip(misfit.left_out, misfit.shifts, strict=True):
        values = state.unknowns.values(np.clip(state.x + shift, low, high))
        result.append(LeftOut(left_out=left_out, values={name: values[name] for name in names}))
    return tuple(result)


def _with_noise_seen(result: FitResult, misfit: Misfit) -> Goodness:
    """The goodness of fit against the noise seen without the model."""
    datasets, squares, rows = [], 0.0, 0
    for item, m in zip(result.goodness.datasets, misfit.records, strict=True):
        where = f"{_size(m, item.kind)}{m.where}" if m.certain else ""
        datasets.append(
            replace(
                item,
                noise_model_free={"relative": m.noise.relative, "floor": m.noise.floor},
                misfit=m.ratio,
                misfit_percent=m.percent,
                where=where,
            )
        )
        count = item.points * (2 if item.kind == "impedance" else 1)
        squares, rows = squares + count * m.ratio**2, rows + count
    dof = max(rows - len(result.covariance_names), 1)
    return replace(result.goodness, datasets=tuple(datasets), chi2_reduced_model_free=squares / dof)


def _size(m: RecordMisfit, kind: str) -> str:
    """How far a record is missed."""
    of = "|Z|" if kind == "impedance" else "the span"
    return f"missed by {two_digits(m.percent)} % of {of}, {two_digits(m.ratio)} times the noise"


def _sentence(state: FitState, misfit: Misfit) -> str:
    """What the model misses, each kind of data by its worst record: "misses the sweeps by 31 % of ..."."""
    parts = []
    for kind in dict.fromkeys(state.problem.kinds):
        some = [
            (m, record.name)
            for m, record in zip(misfit.records, state.problem.predictor.records, strict=True)
            if record.kind == kind and m.certain and (not misfit.large or is_large(m))
        ]
        if not some:
            continue
        m, name = max(some, key=lambda pair: pair[0].percent)
        of = "|Z|" if kind == "impedance" else "their span"
        upto = "up to " if len(some) > 1 else ""
        text = f"the {KINDS[kind]} by {upto}{two_digits(m.percent)} % of {of}{m.where}"
        parts.append((m.ratio, f"{text} ({name}, {two_digits(m.ratio)} times its noise)"))
    return "misses " + "; ".join(text for _, text in sorted(parts, reverse=True)) if parts else ""


def is_large(m: RecordMisfit) -> bool:
    """Whether a model that misses a record so does not describe the device.

    Parameters
    ----------
    m : RecordMisfit
    """
    return is_seen(m) and m.percent > SETTINGS.large


def is_seen(m: RecordMisfit) -> bool:
    """Whether a misfit stands out of the noise of its record, however small it is.

    Parameters
    ----------
    m : RecordMisfit
    """
    return m.certain and m.ratio > SETTINGS.visible
