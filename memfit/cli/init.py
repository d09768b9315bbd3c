"""`memfit init`: a device.toml with everything that a folder holds, to be completed by hand."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import USABLE, Command, Console, Parser, add_overwrite
from memfit.errors import InputError, OutputError


def _add_options(parser: Parser) -> None:
    parser.add_argument("folder", metavar="FOLDER", help="folder of one device's measurements")
    parser.add_argument(
        "--subfolders",
        action="store_true",
        help="everything in folders below is of this device too, whatever they are called",
    )
    add_overwrite(parser)


def _run(given: Namespace) -> int:
    """Read all, write device.toml, tell what is missing."""
    from shlex import quote

    from memfit.files import write_whole
    from memfit.loaders.draft import draft_manifest
    from memfit.loaders.folders import MANIFEST
    from memfit.reporting.content import counted

    console = Console(given.quiet, given.verbose)
    folder = Path(given.folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, found {'a file' if folder.exists() else 'none'}.")
    target = folder / MANIFEST
    if target.exists() and not given.overwrite:
        raise OutputError(f"{target} is there already; complete it by hand, or add --overwrite.")
    draft = draft_manifest(folder, subfolders=given.subfolders or None)
    write_whole(target, draft.text)
    for sentence in draft.missing:
        console.say(f"  {sentence}")
    print(target)
    left = f"; {counted(len(draft.missing), 'thing')} to complete" if draft.missing else ""
    console.say(f"{counted(draft.files, 'file')} listed{left}. Then: memfit fit {quote(str(folder))}")
    return USABLE


INIT = Command(
    summary="Write a device.toml of what a folder holds, to be completed by hand.",
    details="It lists every file, what was read of it and what is missing: complete the lines with #.\n"
    "Where nothing is missing it can be fitted as it is.",
    add_options=_add_options,
    run=_run,
)
