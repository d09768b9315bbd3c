"""The whole analysis in a few calls: load, fit, stability, report; and the comparison of devices.

    device = load("sample_data/mapbi3_a")
    result = fit(device)
    stability(result)["current"]["verdict"]
    write_report(result, "out", device)
    compare([result, "other/result.json"]).to_frame()

Everything here is a short composition of what the rooms below do; the command line and other programs stand
on these calls.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from memfit.analysis import planning
from memfit.analysis.at_bias import stability_at
from memfit.analysis.circuit import Circuit
from memfit.analysis.comparison import compare_results
from memfit.analysis.comparison_record import Comparison
from memfit.analysis.comparison_sample import Omitted
from memfit.analysis.forecasts import NextMeasurements
from memfit.analysis.spread import uncertainty_of
from memfit.analysis.stability import DEFAULT_CIRCUITS, analyse_result, assess
from memfit.arrays import ComplexArray
from memfit.batch import store
from memfit.batch.jobs import Job, Limits, Makers
from memfit.batch.progress import Progress
from memfit.batch.rows import COLUMNS, flat_row
from memfit.batch.run import Order, run_batch
from memfit.batch.summary import BatchSummary
from memfit.datasets.device import Device
from memfit.errors import InputError, OutputError
from memfit.files import check_free, whole_folder, write_whole
from memfit.fitting import joint
from memfit.fitting.joint import JointFit
from memfit.fitting.plan import FitPlan, plan_for
from memfit.fitting.repetition import Repetition, compare_repetition, plan_of
from memfit.fitting.result import FitResult
from memfit.fitting.revisit import fitted_again, fitted_records_again
from memfit.fitting.salvage import salvage
from memfit.loaders.device import load_device
from memfit.loaders.search import located
from memfit.model import smallsignal, transient
from memfit.model.parameters import Parameters
from memfit.model.steady import junction_voltage
from memfit.model.transient import Trajectory
from memfit.protocols import Control, Drive, pulse
from memfit.reporting import comparisonpage, document, overview
from memfit.reporting.athand import records_at_hand
from memfit.reporting.look import PLAIN_LOOK, Look

RESULT_FILE = "result.json"
OVERVIEW_FILE = "overview.html"

_PACKAGES = ("numpy", "scipy", "numba", "lmfit", "impedance", "pandas", "matplotlib")
_COURSE_POINTS = 1001


def load(paths: Path | str | Sequence[Path | str]) -> Device:
    """Everything measured on one device.

    Parameters
    ----------
    paths : path, or sequence of paths
        A folder, a device.toml, or the files.

    Raises
    ------
    InputError
        Nothing there is usable, or a file cannot be read.
    """
    return load_device(paths)


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
        There is nothing to fit, or a setting is wrong.
    """
    if plan is not None and settings:
        raise InputError(f"Expected a plan or settings, found both; put {', '.join(settings)} into the plan.")
    return fit_records(device, plan or plan_for(device, **settings)).result


def fit_records(device: Device, plan: FitPlan) -> JointFit:
    """As `fit`, with every record beside the model."""
    started, clock = datetime.now(UTC), time.perf_counter()
    found = joint.fit(device, plan)
    result = replace(found.result, stability=analyse_result(found.result), memfit_version=version("memfit"))
    environment = _environment(started, time.perf_counter() - clock)
    return JointFit(replace(result, environment=environment), found.fitted)


def _environment(started: datetime, seconds: float) -> dict[str, Any]:
    """What a fit ran on."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }


def stability(
    subject: FitResult | Parameters,
    circuits: Mapping[str, Circuit] | None = None,
    *,
    at: float | None = None,
    at_quantity: Control = "voltage",
    draws: Mapping[str, ArrayLike] | None = None,
) -> dict[str, dict[str, Any]]:
    """How near a device is to self-sustained oscillation, by circuit.

    Parameters
    ----------
    subject : FitResult or Parameters
        Parameters alone have no covariance: what needs one is None.
    circuits : mapping of str to Circuit, optional
        By default a current source and a voltage source.
    at : float, V or A, optional
        A bias of the device to ask for as well: then each entry has `at`, with the kind of the steady state
        there, its margins and the probability that it is unstable.
    at_quantity : {"voltage", "current"}
        Whether `at` is the terminal voltage or the current.
    draws : mapping of str to (n,) array, optional
        Parameters drawn from a posterior, SI: they replace the covariance of the fit.

    Raises
    ------
    ParameterError
        The draws cannot be used.
    """
    wanted = DEFAULT_CIRCUITS if circuits is None else circuits
    if isinstance(subject, FitResult):
        blocks = analyse_result(subject, wanted, draws=draws)
    else:
        blocks = {name: assess(subject, circuit, draws=draws).to_dict() for name, circuit in wanted.items()}
    if at is not None:
        for name, circuit in wanted.items():
            blocks[name]["at"] = _stability_at(subject, circuit, at, at_quantity, draws)
    return blocks


def _stability_at(
    subject: FitResult | Parameters,
    circuit: Circuit,
    at: float,
    quantity: Control,
    draws: Mapping[str, ArrayLike] | None,
) -> dict[str, Any] | None:
    """The steady state at a bias; None where the data leave it open or the source holds the junction."""
    known, p = None, subject
    if isinstance(subject, FitResult):
        try:
            p = subject.values()
        except InputError:
            return None
        if subject.covariance:
            known = uncertainty_of(p, subject.covariance, subject.covariance_names, subject.logarithmic)
    if not isinstance(p, Parameters) or circuit.pins_voltage(p):
        return None
    return stability_at(p, circuit, at, quantity, uncertainty=known, draws=draws).to_dict()


def plan_next(result: FitResult, device: Device | None = None) -> NextMeasurements:
    """What to measure next: which experiment would shrink the worst interval most, and to what.

    Parameters
    ----------
    result : FitResult
        Also one whose status is not_identifiable.
    device : Device, optional
        The data of the fit; needed only for results that do not say what their data cover.

    Raises
    ------
    InputError
        The result does not hold what is needed, or nothing can be proposed.
    """
    return planning.plan_next(result, device)


def simulate(parameters: Parameters, protocol: Drive, time: ArrayLike | None = None) -> Trajectory:
    """The course of a device under a drive of current or voltage.

    Parameters
    ----------
    parameters : Parameters
    protocol : Drive
        As made by `pulse`, `pulse_train`, `sweep`, `staircase` or from any polygon.
    time : (n,) array, s, optional
        Non-decreasing; by default 1001 even times over the drive.

    Raises
    ------
    InputError
        Times run backward or are not finite.
    """
    if time is None:
        time = np.linspace(protocol.time[0], protocol.time[-1], _COURSE_POINTS)
    return transient.simulate(parameters, protocol, time)


def impedance(
    parameters: Parameters, frequency: ArrayLike, bias: float, *, control: Control = "voltage"
) -> ComplexArray:
    """Impedance (ohm) at a dc bias.

    Parameters
    ----------
    parameters : Parameters
    frequency : (n,) array, Hz
    bias : float, V or A
        Terminal voltage, or current under current control.
    control : {"current", "voltage"}
    """
    u = float(junction_voltage(parameters, control, np.array([bias]))[0])
    return smallsignal.impedance(parameters, frequency, u)


def report_formats(text: str) -> list[str]:
    """Formats of a report from a list such as "html,pdf".

    Raises
    ------
    InputError
        One is unknown.
    """
    formats = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in formats if word not in document.DOCUMENTS]
    if unknown or not formats:
        found = ", ".join(map(repr, unknown)) or repr(text)
        raise InputError(f"Expected formats out of {', '.join(document.DOCUMENTS)}; found {found}.")
    return formats


def write_report(
    result: FitResult,
    out: Path | str,
    device: Device | None = None,
    *,
    formats: Sequence[str] = ("html",),
    look: Look = PLAIN_LOOK,
    overwrite: bool = False,
) -> Path:
    """Write result.json, the report, tables and figures into a folder that appears whole or not at all.

    Parameters
    ----------
    result : FitResult
    out : path
        The folder.
    device : Device, optional
        The data of the fit; without them the report has no curves.
    formats : sequence of str
        Of the report.
    look : Look
        Formats, width and style of the figures.
    overwrite : bool
        Whether a folder that is not empty may be written to.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        The device is not that of the fit, or a format is unknown.
    OutputError
        The folder is taken, or cannot be written.
    """
    fitted = fitted_again(result, device) if device is not None else ()
    return write_fit(JointFit(result, fitted), Path(out), formats=formats, look=look, overwrite=overwrite)


def write_fit(
    found: JointFit,
    out: Path,
    *,
    formats: Sequence[str] = ("html",),
    look: Look = PLAIN_LOOK,
    overwrite: bool = False,
) -> Path:
    """As `write_report`, for a result that still has its records.

    Everything is drawn from what result.json says, so that a report made from it later is the same.
    """
    with whole_folder(out, overwrite=overwrite) as draft:
        _write_into(draft, found, out, formats, look)
    return out


def _write_into(
    draft: Path, found: JointFit, place: Path, formats: Sequence[str], look: Look = PLAIN_LOOK
) -> None:
    """Fill a folder that will stand at `place`; without formats, with result.json alone."""
    result = placed(found.result, place)
    write_whole(draft / RESULT_FILE, result.to_json())
    if formats:
        by_name = {item.record.name: item.record for item in found.fitted}
        records = {k: by_name[item.file] for k, item in enumerate(result.inputs) if item.file in by_name}
        document.write_report(result, fitted_records_again(result, records), draft, formats, look)


def placed(result: FitResult, out: Path) -> FitResult:
    """The result with the way from its folder to the data."""
    paths = result.data.get("paths")
    return replace(result, data=located(paths, out)) if paths else result


def remake_report(
    source: Path | str,
    out: Path | str | None = None,
    data: Sequence[Path | str] = (),
    *,
    formats: Sequence[str] = ("html",),
    look: Look = PLAIN_LOOK,
    overwrite: bool = False,
) -> tuple[Path, tuple[str, ...]]:
    """Write the report of a stored result again, without fitting.

    The data are looked for where the result says, relative to it and absolutely, then next to it. What is
    gone or has changed is left out and named, in the report and in what returns.

    Parameters
    ----------
    source : path
        A result.json, or the folder it is in.
    out : path, optional
        Folder to write to; by default that of the result.
    data : sequence of paths, optional
        Where the data are, if elsewhere.
    formats : sequence of str
        Of the report.
    look : Look
        Formats, width and style of the figures.
    overwrite : bool
        Whether a folder that is not empty may be written to.

    Returns
    -------
    Path
        The folder.
    tuple of str
        What is missing or doubtful, a sentence each.

    Raises
    ------
    InputError
        There is no result, nothing of it can be read, or `data` is not that of the fit.
    OutputError
        The folder is taken, cannot be written, or its report shows data that are gone now.
    """
    file = _result_file(source)
    target = Path(out) if out is not None else file.parent
    text = _read_text(file)
    try:
        read = salvage(text)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem
    check_free(target, overwrite=overwrite)
    read = read if read.whole else replace(read, result=_analysed_again(read.result))
    at_hand = records_at_hand(read.result, file.parent, [Path(path) for path in data])
    if at_hand.faults and (target / "residuals.csv").exists():
        raise OutputError(
            f"{target}: the report there may show measurements that are not at hand now "
            f"({next(iter(at_hand.faults))}) and would lose them; give their folder with --data, or another "
            "folder with -o."
        )
    result = placed(replace(read.result, data={**read.result.data, "paths": list(at_hand.paths)}), target)
    fitted = fitted_records_again(result, at_hand.same)
    notes = (*read.notes, *at_hand.notes)
    stored = result if at_hand.paths else placed(read.result, target)
    with whole_folder(target, overwrite=overwrite) as draft:
        write_whole(draft / RESULT_FILE, stored.to_json() if read.whole else text)
        document.write_report(result, fitted, draft, formats, look, notes=notes)
    return target, notes


def _analysed_again(result: FitResult) -> FitResult:
    """A result that was edited or damaged, with the stability that follows from its parameters now."""
    return replace(result, stability=analyse_result(result))


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
    at_hand = records_at_hand(then, _result_file(source).parent, [Path(path) for path in data])
    records = {**at_hand.other, **at_hand.same}
    gone = [item.file for number, item in enumerate(then.inputs) if number not in records]
    if gone or not records:
        raise InputError(
            f"{source}: expected all {len(then.inputs)} records of the fit; {', '.join(gone[:5]) or 'all'} "
            f"{'and others ' if len(gone) > 5 else ''}cannot be found. Give their folder."
        )
    device = Device(
        name=str(then.device.get("name") or "device"),
        records=tuple(record for _, record in sorted(records.items())),
        area=then.device.get("area_m2"),
        temperature=then.device.get("temperature_K"),
        attributes=then.device.get("attributes") or {},
        paths=at_hand.paths,
    )
    found = fit_records(device, plan_of(then))
    return found, device, compare_repetition(then, found.result)


def read_result(path: Path | str) -> FitResult:
    """A stored result.

    Parameters
    ----------
    path : path
        A result.json, or the folder it is in.

    Raises
    ------
    InputError
        There is none, it cannot be read or has another layout.
    """
    file = _result_file(path)
    text = _read_text(file)
    try:
        return FitResult.from_json(text)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem


def compare(results: FitResult | Path | str | Sequence[FitResult | Path | str]) -> Comparison:
    """Compare devices: which differ, what drives it, which will spike.

    Parameters
    ----------
    results : sequence of FitResult or path
        Results of fits; a path is a result.json, the folder it is in, or a folder with such folders at any
        depth. What cannot be read is listed in `Comparison.omitted` with its reason.

    Returns
    -------
    Comparison
        In which the order of the results changes nothing.

    Raises
    ------
    InputError
        Fewer than two devices remain.
    """
    given = [results] if isinstance(results, (FitResult, Path, str)) else list(results)
    found = [one for one in given if isinstance(one, FitResult)]
    sources = [""] * len(found)
    omitted = []
    files = [path for one in given if not isinstance(one, FitResult) for path in _result_files(Path(one))]
    for path in {path.absolute(): path for path in files}.values():
        try:
            found.append(read_result(path))
            sources.append(str(path))
        except InputError as problem:
            reason = str(problem).removeprefix(f"{path}: ").rstrip(".")
            omitted.append(Omitted(label=str(path), what="", reason=reason))
    return compare_results(found, sources, omitted)


def _result_files(path: Path) -> list[Path]:
    """The results below a path: itself, or every result.json in folders that are not hidden, each once."""
    if not path.is_dir() or (path / RESULT_FILE).is_file():
        return [path / RESULT_FILE if path.is_dir() else path]
    files = []
    for folder, inner, names in os.walk(path):
        if RESULT_FILE in names:
            files.append(Path(folder) / RESULT_FILE)
            inner.clear()  # what is inside a result are its figures
        inner[:] = sorted(name for name in inner if not name.startswith("."))
    return files or [path / RESULT_FILE]


def write_comparison(comparison: Comparison, out: Path | str, *, overwrite: bool = False) -> Path:
    """Write comparison.html, tables (CSV, one Excel workbook), comparison.json and figures into a folder.

    Parameters
    ----------
    comparison : Comparison
    out : path
        The folder, which appears whole or not at all.
    overwrite : bool
        Whether a folder that is not empty may be written to.

    Raises
    ------
    OutputError
        The folder is taken, or cannot be written.
    """
    with whole_folder(Path(out), overwrite=overwrite) as draft:
        comparisonpage.write_comparison(comparison, draft, footer=f"memfit {version('memfit')}")
    return Path(out)


def _result_file(path: Path | str) -> Path:
    """The file, where its folder was given."""
    given = Path(path)
    return given / RESULT_FILE if given.is_dir() else given


def _read_text(file: Path) -> str:
    """The text of a result.json.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{file}: expected a {RESULT_FILE} of `memfit fit`; {_why(problem)}.") from problem


def _why(problem: OSError | UnicodeDecodeError) -> str:
    """A cause in a few words."""
    if isinstance(problem, OSError):
        return (problem.strerror or str(problem)).lower()
    return "it is no text in UTF-8"


def fit_many(
    root: Path | str,
    out: Path | str,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    reports: bool = True,
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
    order = Order(
        workers=workers or _cores(),
        scheduler=scheduler,
        reports=reports,
        limits=Limits.read(time_limit, memory_limit),
        settings=json.loads(json.dumps({k: v for k, v in settings.items() if v not in (None, {})})),
    )
    makers = Makers(fit=_fit_into, report=_report_into, prepare=_prepare)
    summary = run_batch(Path(root), Path(out), makers, order, progress=progress, say=say)
    rows = store.each_row(summary.out)
    footer = f"memfit {version('memfit')}"
    page = overview.overview_report(Path(root).resolve().name, rows, summary.notes, footer)
    document.write_page(page, summary.out, OVERVIEW_FILE)
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
    rows = store.read_rows(Path(out), expression)
    flat = [flat_row(row) for row in rows]
    return pd.DataFrame(flat, columns=None if flat else list(COLUMNS))


def _fit_into(job: Job, draft: Path) -> str:
    """Fit one device of many into an empty folder; the code of its status."""
    device = load(job.folder)
    found = fit_records(device, plan_for(device, **job.settings))
    _write_into(draft, found, job.place, ("html",) if job.reports else ())
    return found.result.status.code


def _report_into(job: Job, draft: Path) -> None:
    """Write the report of a finished device into a folder."""
    result = read_result(job.place)
    document.write_report(result, fitted_again(result, load(job.folder)), draft)


def _prepare() -> None:
    """Import what a fit needs and load, or compile, the integrator."""
    device = Parameters(R_b=1.0, C_m=1.0, i_c0=1.0, V_T=1.0, V_m=0.1, tau_d=1.0, tau_k=1.0)
    transient.simulate(device, pulse("current", 1.0, on=0.1, off=0.2, end=0.3), np.linspace(0.0, 0.3, 3))


def _cores() -> int:
    """Cores that this process may use."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available is not None else os.cpu_count() or 1
