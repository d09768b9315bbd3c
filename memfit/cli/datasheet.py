"""`memfit datasheet`: figures of merit of a stored result, measured and predicted."""

from argparse import Namespace
from pathlib import Path

from memfit import __version__
from memfit.cli.console import (
    USABLE,
    Command,
    Console,
    Parser,
    add_data,
    add_json,
    add_look,
    add_overwrite,
    add_result,
    print_json,
)
from memfit.cli.merit_options import add_conditions, conditions_of
from memfit.errors import ParameterError


def _add_options(parser: Parser) -> None:
    add_result(parser)
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for the data sheet and its figures")
    add_data(parser, "the measurements, if elsewhere")
    add_conditions(parser)
    parser.add_argument(
        "--export",
        default="",
        metavar="LIST",
        help="also to other programs, into OUT/export: spice, verilog-a, synapse (NeuroSim, CrossSim, "
        "memdevice-bench)",
    )
    add_look(parser)
    add_overwrite(parser)
    add_json(parser)


def _run(given: Namespace) -> int:
    """Read, evaluate, tell, and write where asked."""
    from memfit.cli.report import options_of
    from memfit.cli.text_output import report_text
    from memfit.files import check_free
    from memfit.reporting.datasheet.page import in_words
    from memfit.workflow.datasheet import sheet_of, write_sheet

    console = Console(given.quiet, given.verbose)
    if given.out is not None:
        check_free(Path(given.out), overwrite=given.overwrite)
    options = options_of(given)
    exports = tuple(word.strip() for word in given.export.split(",") if word.strip())
    if exports and given.out is None:
        raise ParameterError("--export writes files: say where with -o OUT.")
    sheet, result, notes = sheet_of(given.result, given.data or (), conditions_of(given))
    edited = console.warn_of_edits(result)
    for note in notes:
        console.say(note)
    if given.json:
        print_json({**sheet.to_dict(), **edited})
    else:
        for note in sheet.notes:
            console.say(note)
        print(report_text(in_words(sheet)))
    if given.out is not None:
        footer = f"memfit {__version__}, from the fit in {Path(given.result).name}"
        out = write_sheet(
            sheet,
            given.out,
            formats=options.formats,
            look=options,
            overwrite=given.overwrite,
            footer=footer,
            exports=exports,
        )
        console.say_written(out)
    return USABLE


DATASHEET = Command(
    summary="Figures of merit of a fitted device: measured and predicted, with intervals.",
    details="What the records hold is measured, everything is predicted by the fitted model at stated "
    "conditions:\nset, reset, on/off, loop area, paired pulses, potentiation, fading, energies, spiking. "
    "With -o a data\nsheet as datasheet.html (or pdf, md, tex, csv) with its figures.",
    add_options=_add_options,
    run=_run,
)
