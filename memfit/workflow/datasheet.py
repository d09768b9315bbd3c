"""The data sheet of a stored or fresh result, and the exports of its device."""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.sheet import FiguresOfMerit
from memfit.datasets import Device
from memfit.errors import InputError
from memfit.files import whole_folder
from memfit.fitting import FitResult
from memfit.interop.netlist import spice_subcircuit, verilog_a
from memfit.interop.synaptic_tools import SynapticCurve, synaptic_files
from memfit.reporting.content import PLAIN, ReportOptions
from memfit.reporting.datasheet.page import write_datasheet
from memfit.reporting.writers.folder import write_files
from memfit.workflow.reading import find_data, read_result, result_file


def sheet_of(
    source: Path | str, data: Sequence[Path | str] = (), conditions: Conditions | None = None
) -> tuple[FiguresOfMerit, FitResult, tuple[str, ...]]:
    """The figures of merit of a stored result, with its data where they are at hand.

    Parameters
    ----------
    source : path
        A result.json, or the folder it is in.
    data : sequence of paths, optional
        Where the data are, if elsewhere.
    conditions : Conditions, optional

    Returns
    -------
    FiguresOfMerit
    FitResult
    tuple of str
        What is missing, a sentence each.
    """
    result = read_result(source)
    found = find_data(result, result_file(source).parent, [Path(path) for path in data])
    records = tuple(found.same.values())
    device = Device(name=str(result.device.get("name") or ""), records=records) if records else None
    return figures_of_merit(result, device, conditions), result, found.notes


EXPORTS = ("spice", "verilog-a", "synapse")
"""What a device is exported to: a subcircuit of ngspice, a module, files of simulators of synaptic arrays."""


def export_files(sheet: FiguresOfMerit, exports: Sequence[str] = EXPORTS) -> dict[str, str]:
    """The device as files for other programs, by name.

    Parameters
    ----------
    sheet : FiguresOfMerit
    exports : sequence of str
        Out of `EXPORTS`.

    Raises
    ------
    InputError
        An export is unknown, or the reads give conductances that no simulator of arrays takes.
    """
    unknown = [one for one in exports if one not in EXPORTS]
    if unknown:
        raise InputError(f"Expected exports out of {', '.join(EXPORTS)}; found {', '.join(unknown)}.")
    p, files = sheet.known.best, {}
    if "spice" in exports:
        files["memristor.cir"] = spice_subcircuit(p)
    if "verilog-a" in exports:
        files["memristor.va"] = verilog_a(p)
    if "synapse" in exports:
        full, train = sheet.conditions, next(one for one in sheet.curves if one.key == "train")
        curve = SynapticCurve(
            device=sheet.device or "device",
            potentiation=train.value[: full.count],
            depression=train.value[full.count :],
            amplitude=full.amplitude,
            depressing=full.depression,
            read=full.read,
            width=full.width,
            period=full.period,
        )
        files |= synaptic_files(curve)
    return files


def write_sheet(
    sheet: FiguresOfMerit,
    out: Path | str,
    *,
    formats: Sequence[str] = ("html",),
    look: ReportOptions = PLAIN,
    overwrite: bool = False,
    footer: str = "",
    exports: Sequence[str] = (),
) -> Path:
    """Write the data sheet into a folder that appears whole or not at all.

    Parameters
    ----------
    sheet : FiguresOfMerit
    out : path
        The folder.
    formats : sequence of str
        html, pdf, md, tex, csv.
    look : Look
    overwrite : bool
    footer : str
        Last line of the page.
    exports : sequence of str
        Out of `EXPORTS`, into the folder `export`.

    Returns
    -------
    Path
        The folder.
    """
    place, files = Path(out), export_files(sheet, exports)
    identity = sha256(json.dumps(sheet.to_dict(), sort_keys=True).encode()).hexdigest()
    with whole_folder(place, overwrite=overwrite, about=identity) as draft:
        write_datasheet(sheet, draft, replace(look, formats=tuple(formats)), footer=footer)
        write_files(draft / "export", {name: text.encode() for name, text in files.items()})
    return place
