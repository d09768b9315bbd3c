"""Fit, and fit again."""

import inspect
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, Unpack

import numpy as np

from memfit.analysis.stability import analyse_result, spectra_alone
from memfit.datasets import Device, without_copies
from memfit.errors import InputError
from memfit.fit_options import FitKeywords
from memfit.fitting import EDITED, FitPlan, FitResult, joint, plan_for
from memfit.fitting.joint import JointFit
from memfit.fitting.own import Part, refuse_own
from memfit.fitting.results.reproduce import SAME, Repetition, compare_repetition
from memfit.fitting.uncertainty.tied import with_ties
from memfit.interop.lmfit_parameters import settings_of
from memfit.model import PARAMETERS, Parameters
from memfit.progress import Progress, ended_by, heard_by
from memfit.progress import time_limit as limit
from memfit.reporting.content import REPETITION, counted, listed
from memfit.reporting.numbers import quantity_digits
from memfit.workflow.reading import find_data, read_result, result_file

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGES = ("numpy", "scipy", "numba", "lmfit", "impedance", "pandas", "matplotlib")
_DIGEST_SHOWN = 12
_MOST_NAMED = 5


def with_keywords(function: F) -> F:
    """The same function with the settings of a plan in its signature, for help and completion.

    Parameters
    ----------
    function : callable
        Takes them as keywords.
    """
    signature = inspect.signature(function)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    order = {name: place for place, name in enumerate(("model", "fix", "bounds", "start"))}
    settings = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None if one.name in order else one.default,
            annotation=FitKeywords.__annotations__[one.name],
        )
        for one in sorted(fields(FitPlan), key=lambda one: order.get(one.name, len(order)))
    ]
    function.__signature__ = signature.replace(parameters=[*own, *settings])  # type: ignore[attr-defined]
    return function


@with_keywords
def fit(
    device: Device,
    plan: FitPlan | None = None,
    *,
    parameters: Any = None,
    progress: Progress | bool = False,
    time_limit: float | None = None,
    **settings: Unpack[FitKeywords],
) -> FitResult:
    """Fit the model jointly to everything measured on a device, and analyse its stability.

    Values are in SI units, or texts with their unit: fix={"R_s": "42 ohm"}.

    Parameters
    ----------
    device : Device
    plan : FitPlan, optional
        What to fit and how: all settings in one value, instead of those below.
    parameters : lmfit.Parameters, optional
        Values, bounds and what is held, as lmfit has them (SI): `result.to_lmfit()` makes them.
    progress : bool or callable
        True shows a bar (of tqdm, where it is installed). A callable is told what is done, how many steps of
        it, and of how many.
    time_limit : float, optional
        s, after which the fit ends with the best it has; its status says so.
    model : {"auto", "3d", "2d", "2d-mirror", "simplest"}
        By default what device.toml says, else "auto": the data choose the parts of the device.
    fix : mapping
        Parameters held at a value.
    bounds : mapping
        Lowest and highest value of parameters: bounds={"tau_d": ("1 ms", "1 s")}.
    start : mapping, Parameters or FitResult
        First values of parameters; what is missing is guessed from the data. Of a result, its values.
    ties : mapping of str to str
        Parameters that follow from others, as lmfit writes expressions: ties={"tau_k": "0.5 * tau_d"}. Known
        are parameters, numbers, + - * / ** and exp, log, sqrt; nothing is ever run as a program.
    own : sequence of Part
        Residual terms of your own (`memfit.Part`): what else is known of the device.
    parts : sequence of str
        What the plainest model does without: "branch", "dispersion", "conductance", ...
    seed : int
        Of everything random; 0.
    robust : bool
        A loss that grows linearly for large residuals instead of squares; False.
    screen : bool
        Whether isolated outliers are left out, each listed with its reason; True.
    inductance, gains, offsets, delays, initial_states : {"auto", "on", "off"}
        Terms of the instruments: inductance of the wiring, a gain of each kind of instrument but one, a
        constant added to each sweep, a shift in time and the state at the start of each record in time.
    conflict_test : bool
        Whether the fit is repeated without each kind of data, and compared; True.
    engine : {"memfit", "lmfit"}
        What looks for the minimum.

    Returns
    -------
    FitResult
        A numerical failure is its status, with a sentence.

    Raises
    ------
    InputError
        There is nothing to fit, it is no device, two records hold the same numbers, or a setting is wrong.
    """
    if not isinstance(device, Device):
        raise InputError(f"Expected a device as memfit.load gives it, found {device!r}.")
    changes: dict[str, Any] = dict(settings)
    if parameters is not None:
        twice = [name for name in ("fix", "bounds", "start") if name in changes]
        if twice:
            raise InputError(f"Expected parameters of lmfit or {', '.join(twice)}, found both.")
        changes |= settings_of(parameters)
    if "start" in changes:
        begun, tied = changes["start"], changes.get("ties", {})
        values = first_values(begun)
        follows = isinstance(begun, FitResult | Parameters)  # whose values nobody chose one by one
        changes["start"] = {n: v for n, v in values.items() if not (follows and n in tied)}
    if plan is not None and changes:
        raise InputError(f"Expected a plan or settings, found both; put {', '.join(changes)} into the plan.")
    plan = plan or plan_for(device.settings, **changes)
    stop = str if time_limit is None else limit(time_limit)
    with heard_by(progress), ended_by(stop):
        return fit_records(device, plan).result


def first_values(start: FitResult | Parameters | Mapping[str, Any]) -> dict[str, Any]:
    """First values of parameters from what someone has of a device.

    Parameters
    ----------
    start : FitResult, Parameters or mapping
        Of a result, its values, where they are undetermined those at its minimum; without what it held fixed.
    """
    if isinstance(start, Parameters):
        return {name: value for name, value in start.as_dict().items() if value != PARAMETERS[name].null}
    if not isinstance(start, FitResult):
        return dict(start)
    free = {name: e.value for name, e in start.parameters.items() if e.status != "fixed"}
    found = {name: start.fitted_values.get(name) if value is None else value for name, value in free.items()}
    return {
        name: value
        for name, value in found.items()
        if value is not None and (value > 0.0 or not PARAMETERS[name].logarithmic)
    }


def fit_records(device: Device, plan: FitPlan) -> JointFit:
    """As `fit`, with every record beside the model.

    Parameters
    ----------
    device : Device
    plan : FitPlan
        What to fit and how.

    Returns
    -------
    JointFit
        The result, with the stability of the device, and the fitted records.

    Raises
    ------
    InputError
        There is nothing to fit, or two records hold the same numbers.
    """
    _, twice = without_copies(device.records)
    if twice:
        raise InputError(f"{device.name}: {twice[0].removesuffix(': counted once.')}. Leave one of them out.")
    started, clock = datetime.now(UTC), time.perf_counter()
    found = joint.fit(device, plan)
    result = with_ties(found.result)
    result = replace(result, spectra_alone=spectra_alone(found.fitted))
    result = replace(result, stability=analyse_result(result), memfit_version=version("memfit"))
    if plan.own:
        result = replace(result, warnings=(*result.warnings, *_own_sentences(found.result, plan.own)))
    environment = {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    return JointFit(replace(result, environment=environment), found.fitted)


def _own_sentences(result: FitResult, own: Sequence[Part]) -> list[str]:
    """How far the fit is from each own part."""
    p = Parameters.from_mapping({k: v for k, v in result.fitted_values.items() if k in PARAMETERS})
    said = []
    for part in own:
        away = float(np.sqrt(np.mean(part.at(p) ** 2)))
        said.append(f"The own part {part.name!r} took part in the fit: {away:.2g} standard deviations away.")
    return said


def fit_again(source: Path | str, data: Sequence[Path | str] = ()) -> tuple[JointFit, Device, Repetition]:
    """Run the fit of a stored result again, from its plan and on its data.

    Parameters
    ----------
    source : path
        A result.json, or the folder it is in.
    data : sequence of paths, optional
        Where the data are, if they are neither where the result says nor next to it.

    Returns
    -------
    JointFit
        The result, and every record beside the model.
    Device
        The data.
    Repetition
        Whether the numbers are the same, and which inputs, versions and settings differ.

    Raises
    ------
    InputError
        There is no result, or a record of the fit is gone.
    """
    then = read_result(source)
    refuse_own(then.plan, "The same numbers")
    found_data = find_data(then, result_file(source).parent, [Path(path) for path in data])
    records = {**found_data.other, **found_data.same}
    gone = [item.file for number, item in enumerate(then.inputs) if number not in records]
    if gone or not records:
        raise InputError(
            f"{source}: expected the {counted(len(then.inputs), 'record')} of the fit; "
            f"{', '.join(gone[:5]) or 'all'} {'and others ' if len(gone) > 5 else ''}cannot be found or "
            "read. Give their folder."
        )
    device = Device(
        name=str(then.device.get("name") or "device"),
        records=tuple(record for _, record in sorted(records.items())),
        area=then.device.get("area_m2"),
        temperature=then.device.get("temperature_K"),
        attributes=then.device.get("attributes") or {},
        paths=found_data.paths,
    )
    found = fit_records(device, FitPlan.from_dict(then.plan))
    return found, device, compare_repetition(then, found.result)


def repetition_sentences(found: Repetition) -> tuple[str, ...]:
    """Whether the numbers of a repeated fit are the same, and what else differs; a sentence each.

    Parameters
    ----------
    found : Repetition
    """
    limit = quantity_digits(SAME, "1", 1)
    numbers = [REPETITION["same"].format(count=found.count, limit=limit)] if found.same else []
    if not found.same and found.largest > SAME:
        largest = quantity_digits(found.largest, "1", 2)
        numbers.append(REPETITION["differs"].format(largest=largest, where=found.where, limit=limit))
    if not found.same and found.lost:
        numbers.append(REPETITION["lost"].format(names=listed(found.lost, _MOST_NAMED)))
    sentences = [EDITED] if found.edited else []
    sentences.append(" ".join(numbers))
    nothing = REPETITION["nothing"]
    for kind, changes, shown in (
        ("input", found.inputs, _DIGEST_SHOWN),
        ("version", found.versions, None),
        ("plan", found.plan, None),
    ):
        sentences += [
            REPETITION[kind].format(
                what=change.what, then=change.then[:shown] or nothing, now=change.now[:shown] or nothing
            )
            for change in changes
        ]
    if not (found.same or len(sentences) > 1 + found.edited):
        sentences.append(REPETITION["unexplained"])
    return tuple(sentences)
