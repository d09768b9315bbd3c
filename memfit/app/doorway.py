"""Who may enter: every request passes here before anything else sees it, page, picture or callback.

A web page of somebody else may send requests to this machine, and a name of somebody else may lead to it (DNS
rebinding): so the Host must be this address, the Origin, where a browser states one, too, and the way must
begin with the token of this launch, which nobody else knows. The answer says that nothing may be loaded from
elsewhere. While the page is still being made (its libraries take a second or two) a waiting page is shown.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Request, Response

LARGEST_REQUEST = 200 * 2**20
"""Bytes: an upload at its limit (`uploads`), which browsers send in base64."""
_TOKEN_BYTES = 24
LOOPBACK = ("127.0.0.1", "localhost")

_FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_WAITING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>memfit</title>
<link rel="icon" href="data:,"><meta http-equiv="refresh" content="1">
<style>body{{font:16px sans-serif;margin:4em;color:#222}}</style>
</head><body><main><h1>memfit</h1><p>{sentence}</p></main></body></html>"""


def new_token() -> str:
    """A random word for the addresses of one launch."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not enter."""

    status: int
    sentence: str


def policy_of(script_hashes: Sequence[str] = ()) -> str:
    """The content security policy: everything from this address, nothing from any other.

    Parameters
    ----------
    script_hashes : sequence of str
        Of the scripts that stand in the page itself, quoted: "'sha256-...'".
    """
    scripts = " ".join(["'self'", *script_hashes])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",  # figures set the style of their parts
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


class Doorway:
    """Checks requests and hands them on.

    Parameters
    ----------
    token : str
        First part of every way.
    port : int
    names : sequence of str
        Names of this machine that a Host may state.
    """

    def __init__(self, token: str, port: int, names: Sequence[str] = LOOPBACK) -> None:
        self._token = token
        self._hosts = frozenset(f"{name}:{port}" for name in names)
        self._inner: WSGIApplication | None = None
        self._policy = policy_of()
        self._sentence = "Starting: the page comes by itself in a moment."

    def open(self, inner: WSGIApplication, script_hashes: Sequence[str]) -> None:
        """Hand on what is allowed from now on.

        Parameters
        ----------
        inner : WSGI application
        script_hashes : sequence of str
            Of its scripts.
        """
        self._policy = policy_of(script_hashes)
        self._inner = inner

    def stay_closed(self, sentence: str) -> None:
        """Show why the page could not be made."""
        self._sentence = sentence

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request = Request(environ)
        refusal = self.refusal(request)
        inner = self._inner
        if refusal is not None:
            response = Response(f"{refusal.sentence}\n", refusal.status, mimetype="text/plain")
        elif inner is None:
            text = _WAITING.format(sentence=escape(self._sentence))
            response = Response(text, mimetype="text/html")
        else:
            response = Response.from_app(inner, environ)
        response.headers.update(_FIXED_HEADERS)
        response.headers["Content-Security-Policy"] = self._policy
        if "_dash-component-suites" not in request.path:
            response.headers["Cache-Control"] = "no-store"
        response.headers.pop("Server", None)
        return response(environ, start_response)

    def refusal(self, request: Request) -> Refusal | None:
        """Why a request is refused; None where it is not.

        Parameters
        ----------
        request : Request
        """
        if request.headers.get("Host", "") not in self._hosts:
            return Refusal(400, "This address is not that of memfit app.")
        origin = request.headers.get("Origin")
        if origin is not None:
            parts = urlsplit(origin)
            if parts.scheme != "http" or parts.netloc not in self._hosts:
                return Refusal(403, "Requests from other pages are refused.")
        elsewhere = request.headers.get("Sec-Fetch-Site", "") in ("cross-site", "same-site")
        if elsewhere and request.headers.get("Sec-Fetch-Mode") != "navigate":
            return Refusal(403, "Requests from other pages are refused.")
        first = request.path.split("/")[1] if request.path.startswith("/") else ""
        if not hmac.compare_digest(first.encode(), self._token.encode()):
            return Refusal(403, "Open the whole address that `memfit app` printed: it has a secret word.")
        if request.headers.get("Transfer-Encoding") is not None:
            return Refusal(411, "Requests must state their length.")
        if (request.content_length or 0) > LARGEST_REQUEST:
            return Refusal(413, f"At most {LARGEST_REQUEST // 2**20} MB can be sent at once.")
        return None
