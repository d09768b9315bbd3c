"""Write a fit and its report into a folder, or the report of a stored result again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from memfit.analysis.design import plan_next
from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.stability import analyse_result
from memfit.datasets import Device, Record
from memfit.errors import InputError, MemfitError, OutputError
from memfit.files import check_free, whole_folder, write_whole
from memfit.fitting import FitResult, FittedRecord, digest_of
from memfit.fitting.results.reproduce import recover, reevaluate
from memfit.fitting.uncertainty.refit import with_bands
from memfit.loaders.device import located
from memfit.reporting.content import PLAIN, Block, Look, ReportOptions
from memfit.reporting.datasheet.page import merit_blocks
from memfit.reporting.fit import report
from memfit.workflow.reading import RESULT_FILE, find_data, read_text, result_file


def write_report(
    result: FitResult,
    out: Path | str,
    device: Device | None = None,
    *,
    formats: Sequence[str] = ("html",),
    look: Look = PLAIN,
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
    fitted = reevaluate(result, device) if device is not None else ()
    return write_fit(result, fitted, Path(out), replace(look, formats=formats), overwrite=overwrite)


def write_fit(
    result: FitResult,
    fitted: Sequence[FittedRecord],
    out: Path,
    options: ReportOptions = PLAIN,
    *,
    overwrite: bool = False,
) -> Path:
    """As `write_report`, for a result that still has its records.

    Parameters
    ----------
    result : FitResult
    fitted : sequence of FittedRecord
        Records of the fit, for the figures.
    out : Path
        The folder, which appears whole or not at all.
    options : ReportOptions
        Formats of the report and look of its figures.
    overwrite : bool
        Whether a folder that is not empty may be written to.

    Returns
    -------
    Path
        The folder.
    """
    with whole_folder(out, overwrite=overwrite, about=_identity(result)) as draft:
        fill(draft, result, fitted, out, options)
    return out


def fill(
    draft: Path, result: FitResult, fitted: Sequence[FittedRecord], place: Path, options: ReportOptions | None
) -> None:
    """Fill a folder that will stand at `place`; without options, with result.json alone.

    Everything is drawn from what result.json says, so that a report made from it later is the same.

    Parameters
    ----------
    draft : Path
        The folder to write into.
    result : FitResult
    fitted : sequence of FittedRecord
        Records of the fit, for the figures.
    place : Path
        Where the folder will stand: the ways to the data are relative to it.
    options : ReportOptions or None
        Formats of the report and look of its figures.
    """
    result = placed(result, place)
    write_whole(draft / RESULT_FILE, result.to_json())
    if options is not None:
        by_name = {item.record.name: item.record for item in fitted}
        records = {k: by_name[item.file] for k, item in enumerate(result.inputs) if item.file in by_name}
        report.write_report(
            result,
            beside_model(result, records),
            draft,
            options,
            following=following(result),
            merits=merits(result, records),
        )


def merits(result: FitResult, records: Mapping[int, Record]) -> list[Block]:
    """The figures of merit for the report of a fit; none where the parameters are open or cannot be followed.

    Parameters
    ----------
    result : FitResult
    records : mapping of int to Record
        Those at hand, by their number in the fit.
    """
    if not result.status.usable:
        return []
    try:
        return merit_blocks(figures_of_merit(result, records or None))
    except MemfitError:
        return []


def following(result: FitResult) -> tuple[str, ...]:
    """What to measure next, a sentence each; nothing where that cannot be said.

    Parameters
    ----------
    result : FitResult
    """
    try:
        said = plan_next(result).sentences
    except InputError:
        return ()
    misfit = result.misfit is not None and result.misfit.large  # of which the report speaks before
    return tuple(one for one in said[misfit:] if not one.startswith("Left out"))


def beside_model(result: FitResult, records: Mapping[int, Record] | Device) -> tuple[FittedRecord, ...]:
    """Records beside the model of a result, with the curves that the data allow: all that a report draws.

    Parameters
    ----------
    result : FitResult
    records : mapping of int to Record, or Device
        Those at hand, by their number in the fit; or a device that has to have them all.
    """
    return with_bands(result, reevaluate(result, records))


def _identity(result: FitResult) -> str:
    """By which one result is told from another, wherever its data are."""
    return digest_of({key: value for key, value in result.to_dict().items() if key not in ("data", "digest")})


def placed(result: FitResult, out: Path) -> FitResult:
    """The result with the way from its folder to the data.

    Parameters
    ----------
    result : FitResult
    out : Path
        Folder that result.json will stand in.
    """
    paths = result.data.get("paths")
    return replace(result, data=located(paths, out)) if paths else result


def remake_report(
    source: Path | str,
    out: Path | str | None = None,
    data: Sequence[Path | str] = (),
    *,
    formats: Sequence[str] = ("html",),
    look: Look = PLAIN,
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
    file = result_file(source)
    target = Path(out) if out is not None else file.parent
    options = replace(look, formats=formats)
    text = read_text(file)
    try:
        read = recover(text)
    except InputError as problem:
        raise InputError(f"{file}: {problem}") from problem
    if not read.whole:  # edited or damaged: its stability is that which follows from its parameters now
        read = replace(read, result=replace(read.result, stability=analyse_result(read.result)))
    check_free(target, overwrite=overwrite)
    found_data = find_data(read.result, file.parent, [Path(path) for path in data])
    if found_data.faults and (target / "residuals.csv").exists():
        raise OutputError(
            f"{target}: the report there may show measurements that are not at hand now "
            f"({next(iter(found_data.faults))}) and would lose them; give their folder with --data, or "
            "another folder with -o."
        )
    result = placed(replace(read.result, data={**read.result.data, "paths": list(found_data.paths)}), target)
    fitted = beside_model(result, found_data.same)
    notes = (*read.notes, *found_data.notes)
    stored = result if found_data.paths else placed(read.result, target)
    with whole_folder(target, overwrite=overwrite, about=_identity(read.result)) as draft:
        write_whole(draft / RESULT_FILE, stored.to_json() if read.whole else text)
        report.write_report(
            result,
            fitted,
            draft,
            options,
            notes=notes,
            following=following(result),
            merits=merits(result, found_data.same),
        )
    return target, notes
