"""A figure's SVG made fit to stand inside a page: unique ids, short numbers, a text alternative.

matplotlib writes a file of its own: XML head, metadata with the date, ids that repeat from figure to figure,
and six decimals of a point. Inside HTML none of that is wanted.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = re.compile(r"^.*?(<svg\b)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(?<=url\(#)[^)]*|(?<=href="#)[^"]*')
_PATH = re.compile(r'(?<=\sd=")[^"]*')
_BEYOND = re.compile(r"(?<=\.\d\d)\d+")
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_SIZE = re.compile(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>')


def standalone(text: str) -> str:
    """An SVG file without metadata and with short numbers, for a folder of figures."""
    return _shortened(_METADATA.sub("", text))


def inline(text: str, prefix: str, alt: str, frames: Sequence[Mapping[str, Any]] = ()) -> str:
    """The same figure as an element of a page.

    Parameters
    ----------
    text : str
        An SVG file as `standalone` leaves it.
    prefix : str
        Put before all ids, so that figures do not share them.
    alt : str
        What the figure shows, in words.
    frames : sequence of mapping
        Place, limits, scales and labels of its axes, for values under the pointer.
    """
    body = _COMMENT.sub("", _HEAD.sub(r"\1", text, count=1))
    wanted = set(_REFERENCE.findall(body))
    body = _ID.sub(lambda match: f' id="{prefix}-{match[1]}"' if match[1] in wanted else "", body)
    body = _REFERENCE.sub(lambda match: f"{prefix}-{match[0]}", body)
    body = body.replace('<style type="text/css">*{stroke-linejoin: round; stroke-linecap: butt}</style>', "")
    axes = html.escape(json.dumps(list(frames), ensure_ascii=False, separators=(",", ":")))
    attributes = f'viewBox="{_viewbox(body)}" role="img" aria-label="{html.escape(alt)}" data-axes="{axes}"'
    head = f'<svg class="figure" {attributes}>'
    return _SIZE.sub(lambda _: head, body, count=1).strip()


def _viewbox(text: str) -> str:
    """The frame of the drawing."""
    found = _SIZE.search(text)
    return found[1] if found else "0 0 100 100"


def _shortened(text: str) -> str:
    """Coordinates of paths cut to a hundredth of a point."""
    return _PATH.sub(lambda match: _BEYOND.sub("", match[0]).replace("\n", ""), text)
