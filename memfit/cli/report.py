"""`memfit report`: the report of a stored result, with its curves where the data are at hand."""

from argparse import Namespace
from pathlib import Path

from memfit import workflow
from memfit.cli.console import Console
from memfit.cli.main import USABLE
from memfit.errors import OutputError
from memfit.files import check_free


def run(given: Namespace) -> int:
    """Read, draw, write."""
    console = Console(given.quiet, given.verbose)
    formats = workflow.report_formats(given.format)
    source = Path(given.result)
    result = workflow.read_result(source)
    out = _target(given, source)
    device = workflow.load([Path(path) for path in given.data]) if given.data else None
    if device is None:
        console.say("Without --data the report has no measured curves.")
    workflow.write_report(result, out, device, formats=formats, overwrite=given.overwrite)
    console.say(f"Written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return USABLE


def _target(given: Namespace, source: Path) -> Path:
    """The folder to write to, by default that of the result.

    Raises
    ------
    OutputError
        It is taken, or its report shows measurements that a new one would lose.
    """
    out = Path(given.out) if given.out is not None else source if source.is_dir() else source.parent
    check_free(out, overwrite=given.overwrite)
    if not given.data and (out / "residuals.csv").exists():
        raise OutputError(
            f"{out}: the report there shows the measurements and would lose them; "
            "give their folder with --data, or another folder with -o."
        )
    return out
