"""Devices side by side."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from memfit.analysis.comparison import Comparison, Omitted, compare_results
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.errors import InputError
from memfit.files import whole_folder
from memfit.fitting import FitResult
from memfit.reporting.comparison import page as comparisonpage
from memfit.workflow.reading import RESULT_FILE, read_result


def compare(
    results: FitResult | Path | str | Sequence[FitResult | Path | str],
    *,
    merits: Sequence[str] = (),
    conditions: Conditions | None = None,
) -> Comparison:
    """Compare devices: which differ, what drives it, which will spike.

    Parameters
    ----------
    results : sequence of FitResult or path
        Results of fits; a path is a result.json, the folder it is in, or a folder with such folders at any
        depth. What cannot be read is listed in `Comparison.omitted` with its reason.
    merits : sequence of str
        Figures of merit to compare too, predicted by each fit: names as in docs/figures_of_merit.md, "all" or
        "none"; a few by default.
    conditions : Conditions, optional
        At which they are predicted, of all devices alike; by default the median of what the devices suggest.

    Returns
    -------
    Comparison
        In which the order of the results changes nothing.

    Raises
    ------
    InputError
        Fewer than two devices remain, or there is no such figure.
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
    return compare_results(found, sources, omitted, merits, conditions)


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
    with whole_folder(Path(out), overwrite=overwrite, about="") as draft:
        comparisonpage.write_comparison(comparison, draft, footer=f"memfit {version('memfit')}")
    return Path(out)
