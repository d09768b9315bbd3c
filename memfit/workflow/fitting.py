"""Fit, and fit again."""

import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from memfit.analysis.stability import analyse_result
from memfit.datasets import Device, without_copies
from memfit.errors import InputError
from memfit.fitting import EDITED, FitPlan, FitResult, joint, plan_for
from memfit.fitting.joint import JointFit
from memfit.fitting.reproduce import SAME, Repetition, compare_repetition
from memfit.reporting.content import REPETITION, counted, listed
from memfit.reporting.numbers import quantity_digits
from memfit.workflow.reading import find_data, read_result, result_file

_PACKAGES = ("numpy", "scipy", "numba", "lmfit", "impedance", "pandas", "matplotlib")
_DIGEST_SHOWN = 12
_MOST_NAMED = 5


def fit(device: Device, plan: FitPlan | None = None, **settings: Any) -> FitResult:
    """Fit the model jointly to everything measured on a device, and analyse its stability.

    Parameters
    ----------
    device : Device
    plan : FitPlan, optional
        What to fit and how.
    **settings
        Fields of `FitPlan` to change instead: model="2d", fix={"R_s": 20.0}, seed=1, ...

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
    if plan is not None and settings:
        raise InputError(f"Expected a plan or settings, found both; put {', '.join(settings)} into the plan.")
    return fit_records(device, plan or plan_for(device.settings, **settings)).result


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
    result = replace(found.result, stability=analyse_result(found.result), memfit_version=version("memfit"))
    environment = {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    return JointFit(replace(result, environment=environment), found.fitted)


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
