"""What a process beside the page does: guess, fit, intervals, report. It can be killed at any moment.

Each function takes plain values and paths, writes its result whole or not at all, and returns a sentence or
plain values. How far it is stands in a small file that the page reads.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from memfit.errors import MemfitError
from memfit.files import write_whole


def prepare() -> None:
    """Import what a fit needs, so that the first one begins at once."""
    import memfit.analysis.intervals
    import memfit.model.transient
    import memfit.workflow.fitting
    import memfit.workflow.reports  # noqa: F401 - to have it


class _Teller(logging.Handler):
    """Hands the last sentence of the log on to a file."""

    def __init__(self, place: Path) -> None:
        super().__init__(logging.INFO)
        self._place = place

    def emit(self, record: logging.LogRecord) -> None:
        """Write a sentence down, where it can be."""
        with suppress(MemfitError):
            tell(self._place, record.getMessage())


def tell(place: Path, what: str, done: int = 0, total: int = 0) -> None:
    """Write down how far the work is.

    Parameters
    ----------
    place : Path
        The file.
    what : str
    done, total : int
        Steps; 0 of 0 where they are not counted.
    """
    write_whole(place, json.dumps({"what": what, "done": done, "total": total}))


def _followed(place: str) -> Path:
    """Where to tell, with the log of a fit leading there."""
    path = Path(place)
    log = logging.getLogger("memfit")
    log.handlers = [_Teller(path)]
    log.setLevel(logging.INFO)
    return path


def run_once(values: Mapping[str, float], progress: str) -> dict[str, Any]:
    """Compute a device once, so that whatever it takes is compiled, and lies in the user's cache.

    Parameters
    ----------
    values : mapping
        Its parameters, SI.
    progress : str
        File to tell in.

    Returns
    -------
    dict
        Empty, or "fault", a sentence.
    """
    from memfit.model import Parameters
    from memfit.protocols import pulse
    from memfit.workflow.stability import simulate

    tell(Path(progress), "Preparing; the first time this takes a minute or two.")
    try:
        p = Parameters.from_mapping(values)
        simulate(p, pulse("current", 0.1 * p.V_m / p.R_b, on=0.0, off=1e-3, end=2e-3), [0.0, 1e-3])
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {}


def guess(folder: str, fix: Mapping[str, float], progress: str) -> dict[str, Any]:
    """First values from the data.

    Parameters
    ----------
    folder : str
    fix : mapping
        Parameters that are known, SI.
    progress : str
        File to tell in.

    Returns
    -------
    dict
        "values" by parameter, or "fault", a sentence.
    """
    from memfit.fitting.starts import starting_values
    from memfit.workflow.reading import load

    tell(Path(progress), "Looking for first values.")
    try:
        found = starting_values.guess(load(folder).records, fix)
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {"values": {name: float(value) for name, value in found[0].values.items()}}


def fit(folder: str, out: str, progress: str) -> dict[str, Any]:
    """Fit a folder as `memfit fit FOLDER` does.

    Parameters
    ----------
    folder : str
    out : str
        File for the result.
    progress : str
        File to tell in.

    Returns
    -------
    dict
        "seconds" that the fit took, or "fault", a sentence.
    """
    from memfit.fitting import plan_for
    from memfit.progress import heard_by
    from memfit.workflow.fitting import fit_records
    from memfit.workflow.reading import load

    tell(_followed(progress), "Reading the measurements.")
    try:
        device = load(folder)
        tell(Path(progress), f"Fitting {len(device.records)} records together.")
        begun = time.perf_counter()
        with heard_by(lambda what, done, total: tell(Path(progress), what, done, total)):
            found = fit_records(device, plan_for(device.settings))
        taken = time.perf_counter() - begun
        write_whole(Path(out), found.result.to_json())
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {"seconds": taken}


def intervals(result: str, folder: str, kind: str, progress: str) -> dict[str, Any]:
    """Profile likelihood or bootstrap of a fit, added to its result.

    Parameters
    ----------
    result : str
        The file of the result.
    folder : str
        Of the data.
    kind : {"profile", "bootstrap"}
    progress : str
        File to tell in.

    Returns
    -------
    dict
        Empty, or "fault", a sentence.
    """
    from memfit.analysis.intervals import bootstrap, profile
    from memfit.workflow.reading import load, read_result

    place = _followed(progress)

    def told(what: str, done: int, total: int) -> None:
        tell(place, what, done, total)

    try:
        device, found = load(folder), read_result(result)
        if kind == "profile":
            found = profile(found, device, progress=told)
        else:
            found = bootstrap(found, device, _REFITS, progress=told)
        write_whole(Path(result), found.to_json())
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {}


_REFITS = 200
"""Of a bootstrap started from the page."""


def report(
    result: str, folder: str, out: str, formats: Sequence[str], figures: Sequence[str], progress: str
) -> dict[str, Any]:
    """Write a fit and its report into a new folder, as `memfit fit FOLDER -o OUT` does.

    Parameters
    ----------
    result : str
        The file of the result.
    folder : str
        Of the data.
    out : str
        The new folder.
    formats, figures : sequences of str
    progress : str
        File to tell in.

    Returns
    -------
    dict
        "files" that were written, or "fault", a sentence.
    """
    from memfit.files import file_names
    from memfit.reporting.content import ReportOptions
    from memfit.workflow.reading import load, read_result
    from memfit.workflow.reports import write_report

    tell(Path(progress), "Writing the report.")
    try:
        look = ReportOptions(figures=tuple(figures))
        write_report(read_result(result), Path(out), load(folder), formats=tuple(formats), look=look)
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {"files": file_names(Path(out))}


def datasheet(result: str, folder: str, out: str, formats: Sequence[str], progress: str) -> dict[str, Any]:
    """Write the data sheet of a fit into a new folder, as `memfit datasheet RESULT -o OUT` does.

    Parameters
    ----------
    result : str
        The file of the result.
    folder : str
        Of the data.
    out : str
        The new folder.
    formats : sequence of str
    progress : str
        File to tell in.

    Returns
    -------
    dict
        "files" that were written, or "fault", a sentence.
    """
    from memfit.files import file_names
    from memfit.workflow.datasheet import sheet_of, write_sheet

    tell(Path(progress), "Working out the figures of merit.")
    try:
        write_sheet(sheet_of(result, [folder])[0], Path(out), formats=tuple(formats))
    except MemfitError as problem:
        return {"fault": str(problem)}
    return {"files": file_names(Path(out))}
