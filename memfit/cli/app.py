"""`memfit app`: the device in a browser, on this machine."""

from argparse import Namespace
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from memfit.cli.console import USABLE, Command, Console, Parser
from memfit.errors import DependencyError, InputError

_LOOPBACK = ("127.0.0.1", "localhost")
_PACKAGES = ("dash", "plotly", "tomlkit", "psutil", "werkzeug")


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "path",
        nargs="?",
        default=".",
        metavar="FOLDER|RESULT",
        help="folder of a device or of many, or a stored result; default: the working folder",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: any that is free")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    parser.add_argument(
        "--host", default=_LOOPBACK[0], metavar="ADDRESS", help="listen elsewhere; needs --i-know"
    )
    parser.add_argument(
        "--i-know",
        action="store_true",
        help="that everybody in that network who sees the address can read and change the folder",
    )


def _check(parser: Parser, given: Namespace) -> None:
    """Another address than this machine's is chosen knowingly."""
    if given.host not in _LOOPBACK and not given.i_know:
        parser.error(
            f"--host {given.host} lets others in that network in who see the address; add --i-know if that "
            "is meant"
        )
    if not 0 <= given.port <= 65535:
        parser.error(f"expected a port from 0 to 65535, found {given.port}")


def _run(given: Namespace) -> int:
    """Listen until interrupted."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"memfit app needs {', '.join(missing)}. Install the extra: pip install 'memfit[app]'."
        )
    path = Path(given.path)
    if not path.exists():
        raise InputError(f"{path}: expected a folder or a result, found nothing of this name.")
    from memfit.app.serve import Server, open_browser

    console = Console(given.quiet, given.verbose)
    try:
        with closing(Server(path, host=given.host, port=given.port)) as server:
            print(server.address, flush=True)
            console.say("Open this address in a browser of this machine. Ctrl-C ends it.")
            if not given.no_browser:
                open_browser(server.address)
            server.run()
    except KeyboardInterrupt:
        console.say("Ended; what was done is kept beside the data.")
    return USABLE


APP = Command(
    summary="Show a device in a browser: look, move sliders, fit, judge, on this machine alone.",
    details="It listens on 127.0.0.1 and answers only to the address that it prints, which has a secret\n"
    "word. Edits are written to the folder's device.toml, so that the command line does the same.",
    add_options=_add_options,
    run=_run,
    check=_check,
)
