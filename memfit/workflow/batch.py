"""Many devices: fit each, gather what was found, ask for some of it."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.rows import chosen
from memfit.batch.columns import COLUMNS, flat_row
from memfit.batch.device import MERITS, Job, Makers
from memfit.batch.limits import Limits
from memfit.batch.run import BatchSummary, Order, Progress, run_batch
from memfit.batch.store import each_row, read_rows
from memfit.errors import InputError, MemfitError
from memfit.files import printable, write_whole
from memfit.fitting import FitPlan, plan_for
from memfit.model import Parameters, transient
from memfit.protocols import pulse
from memfit.reporting.batch import overview_report
from memfit.reporting.content import PLAIN
from memfit.reporting.fit.report import write_report
from memfit.reporting.writers.folder import write_page
from memfit.workflow.fitting import fit_records
from memfit.workflow.reading import load, read_result
from memfit.workflow.reports import beside_model, fill

OVERVIEW_FILE = "overview.html"


def fit_many(
    root: Path | str,
    out: Path | str,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    reports: bool = True,
    merits: Sequence[str] = (),
    conditions: Conditions | None = None,
    time_limit: str | float | None = "10 min",
    memory_limit: str | float | None = "2 GB",
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> BatchSummary:
    """Fit every device under a folder; what is finished in `out` is not fitted again.

    Parameters
    ----------
    root : path
        Holds a folder for each device, at any depth.
    out : path
        Gets a folder for each device, index.sqlite and overview.html.
    workers : int, optional
        Processes on this machine; by default one for each core.
    scheduler : str, optional
        Address of a dask scheduler whose workers do the work instead, such as "tcp://10.0.0.1:8786".
    reports : bool
        Whether each device gets its report, figures and tables.
    merits : sequence of str
        Figures of merit in the index and the overview: names as in docs/figures_of_merit.md, "all" or
        "none"; a few by default.
    conditions : Conditions, optional
        At which they are predicted, of all devices alike; by default as records and device suggest.
    time_limit, memory_limit : str, float or None
        Of each device, s and bytes, or with units; None for none.
    progress : callable
        Told after each device.
    say : callable
        Takes sentences for the user.
    **settings
        Fields of `FitPlan` to change for every device: model="2d", fix={"R_s": 20.0}, seed=1, ...

    Raises
    ------
    InputError
        There is no device under `root`, a setting is wrong, or the scheduler cannot be used.
    OutputError
        `out` cannot be written. What is finished stays.
    DependencyError
        dask (extra `cluster`) is not installed.
    """
    FitPlan(**settings)
    if workers is not None and workers < 1:
        raise InputError(f"Expected at least one worker, found {workers}.")
    available = getattr(os, "sched_getaffinity", None)  # not every system knows what a process may use
    cores = len(available(0)) if available is not None else os.cpu_count() or 1
    order = Order(
        workers=workers or cores,
        scheduler=scheduler,
        reports=reports,
        merits=_asked(merits, conditions),
        limits=Limits.read(time_limit, memory_limit),
        settings=json.loads(json.dumps({k: v for k, v in settings.items() if v not in (None, {})})),
    )
    makers = Makers(fit=_fit_into, report=_report_into, merits=_merits_into, prepare=_prepare)
    summary = run_batch(Path(root), Path(out), makers, order, progress=progress, say=say)
    footer = f"memfit {version('memfit')}"
    title = printable(Path(root).resolve().name)
    page = overview_report(title, each_row(summary.out), summary.notes, footer, alike=conditions is not None)
    write_page(page, summary.out, OVERVIEW_FILE)
    return summary


def query(out: Path | str, expression: str = "") -> pd.DataFrame:
    """The devices of a batch for which an expression holds, one row each.

    Parameters
    ----------
    out : path
        Output folder of `fit_many`, or any folder with an index.
    expression : str
        Such as 'gain_margin_min < 1 and area > "1 mm^2"'; all devices without one.

    Raises
    ------
    InputError
        There is no index, or the expression cannot be understood.
    """
    rows = read_rows(Path(out), expression)
    flat = [flat_row(row) for row in rows]
    return pd.DataFrame(flat, columns=None if flat else list(COLUMNS))


def _fit_into(job: Job, draft: Path) -> str:
    """Fit one device of many into an empty folder; the code of its status."""
    device = load(job.folder)
    found = fit_records(device, plan_for(device.settings, **job.settings))
    fill(draft, found.result, found.fitted, job.place, PLAIN if job.reports else None)
    return found.result.status.code


def _report_into(job: Job, draft: Path) -> None:
    """Write the report of a finished device into a folder."""
    result = read_result(job.place)
    write_report(result, beside_model(result, load(job.folder)), draft)


def _asked(names: Sequence[str], conditions: Conditions | None) -> dict[str, Any]:
    """Figures of merit that are wanted as plain data; empty for none."""
    rows = chosen(names)
    stated = {k: v for k, v in asdict(conditions or Conditions()).items() if v is not None}
    return {"names": [row.name for row in rows], "conditions": stated} if rows else {}


def _merits_into(job: Job, draft: Path) -> None:
    """Write the figures of merit of the result in a folder beside it; none where they cannot be had."""
    result, found = read_result(draft), {}
    if result.status.usable:
        try:
            device, conditions = load(job.folder), Conditions(**job.merits["conditions"])
            sheet = figures_of_merit(result, device, conditions, job.merits["names"])
            found = replace(sheet, entries=sheet.main).to_dict()
        except MemfitError as problem:
            found = {"notes": [str(problem)]}
    text = json.dumps({**found, "asked": job.merits}, indent=1, allow_nan=False)
    write_whole(draft / MERITS, f"{text}\n")


def _prepare() -> None:
    """Import what a fit needs and load, or compile, the integrator."""
    device = Parameters(R_b=1.0, C_m=1.0, i_c0=1.0, V_T=1.0, V_m=0.1, tau_d=1.0, tau_k=1.0)
    transient.simulate(device, pulse("current", 1.0, on=0.1, off=0.2, end=0.3), np.linspace(0.0, 0.3, 3))
