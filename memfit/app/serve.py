"""Listen on this machine, print the address, open the browser; the page is made meanwhile.

The libraries of the page take a second or two: until then the doorway answers by itself.
"""

import logging
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from memfit.app.doorway import LOOPBACK, Doorway, new_token
from memfit.errors import MemfitError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Quiet(WSGIRequestHandler):
    """Keeps connections open and says nothing: an address in a log would give the token away."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""

    def version_string(self) -> str:
        """Which server this is, is nobody's business."""
        return "memfit"


class Server:
    """The application on a port of this machine.

    Parameters
    ----------
    given : Path
        A folder, or a stored result.
    host : str
        127.0.0.1 but where somebody knows what they do.
    port : int
        0: any that is free.

    Raises
    ------
    OutputError
        Nothing can listen there.
    """

    def __init__(self, given: Path, *, host: str = LOOPBACK[0], port: int = 0) -> None:
        self._given = given
        self.token = new_token()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._ends: list[Callable[[], None]] = []
        self.ready = threading.Event()
        try:
            self._server = make_server(host, port, self._answer, threaded=True, request_handler=_Quiet)
        except (OSError, SystemExit) as problem:
            raise OutputError(
                f"{host}:{port}: cannot listen there ({problem}). Leave --port out, or choose another."
            ) from problem
        setattr(self._server, "daemon_threads", True)  # noqa: B010 - of the kind with threads
        names: Sequence[str] = LOOPBACK if host in LOOPBACK else (host, *LOOPBACK)
        self._doorway = Doorway(self.token, self._server.port, names)
        self.address = f"http://{host}:{self._server.port}/{self.token}/"

    def _answer(self, environ: Any, start_response: Any) -> Any:
        return self._doorway(environ, start_response)

    def run(self) -> None:
        """Serve until `stop`, or until interrupted."""
        threading.Thread(target=self._make, daemon=True).start()
        try:
            self._server.serve_forever(poll_interval=0.1)
        finally:
            self.close()

    def close(self) -> None:
        """Listen no more; twice is as good as once."""
        self._server.server_close()
        while self._ends:
            self._ends.pop(0)()

    def stop(self) -> None:
        """End, from any thread."""
        self._server.shutdown()

    def _make(self) -> None:
        """Make the page and open the door."""
        try:
            from memfit.app.page import make_page

            page = make_page(self._given, f"/{self.token}/")
            self._ends.append(page.close)
            self._doorway.open(page.application, page.script_hashes)
        except MemfitError as problem:
            self._doorway.stay_closed(str(problem))
        except ImportError as problem:
            self._doorway.stay_closed(
                f"memfit app needs packages that are not there ({problem.name}): pip install 'memfit[app]'."
            )
        except Exception as problem:
            self._doorway.stay_closed(f"memfit itself stumbled ({type(problem).__name__}: {problem}).")
            raise
        finally:
            self.ready.set()


def open_browser(address: str) -> None:
    """Show the page in the browser of this machine, if there is one.

    Parameters
    ----------
    address : str
    """
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
