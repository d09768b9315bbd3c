"""The report as one HTML file that needs nothing else: no network, no script to be read, no font, no image.

Everything that comes from a file is escaped by the template engine; the Content-Security-Policy of the page
forbids what could slip through. Figures stand in it as SVG: matplotlib writes a file of its own, with XML
head, metadata, ids that repeat from figure to figure and six decimals of a point; nothing of that is left.
"""

import html
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from memfit.reporting.content import Column, Given, Graded, Link, Report
from memfit.reporting.writers.words import split_symbols

_HEAD = re.compile(r"^.*?(<svg\b)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(?<=url\(#)[^)]*|(?<=href="#)[^"]*')
_PATH = re.compile(r'(?<=\sd=")[^"]*')
_BEYOND = re.compile(r"(?<=\.\d\d)\d+")
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_SIZE = re.compile(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>')
_CODE = re.compile(r"`([^`]+)`")
_UNIT = re.compile(r"(?<=[\d)<>]) (?=\d|(?:%|[fpnµmkMGT]?(?:Ω|F|V|A|Hz|H|s|S|eV)|K|cm²)(?![\w²]))")
"""Blanks between a number and its unit, or its sign, where a line must not end."""
_NO_BREAK = "\u00a0"


def standalone(text: str) -> str:
    """An SVG file for a folder of figures: without metadata, coordinates cut to a hundredth of a point."""
    return _PATH.sub(lambda path: _BEYOND.sub("", path[0]).replace("\n", ""), _METADATA.sub("", text))


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
    size = _SIZE.search(body)
    frame = size[1] if size else "0 0 100 100"
    attributes = f'viewBox="{frame}" role="img" aria-label="{html.escape(alt)}" data-axes="{axes}"'
    head = f'<svg class="figure" {attributes}>'
    return _SIZE.sub(lambda _: head, body, count=1).strip()


def render_html(report: Report, drawings: Mapping[str, str]) -> str:
    """The page.

    Parameters
    ----------
    report : Report
    drawings : mapping of str to str
        Inline SVG of each panel, by key.
    """
    page, style, script = (_asset(f"report.{kind}") for kind in ("html.j2", "css", "js"))
    digests = {
        f"{name}_digest": f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for name, text in (("style", style), ("script", script))
    }  # by which the policy of the page allows them and no others
    return (
        _environment()
        .from_string(page)
        .render(
            report=report,
            drawings={key: Markup(drawing) for key, drawing in drawings.items()},  # noqa: S704 - made by us
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            **digests,
        )
    )


def render_fragment(report: Report) -> str:
    """What a notebook shows: answers, sentences and tables as an element of somebody else's page, no figures.

    Parameters
    ----------
    report : Report
    """
    style = Markup(_asset("notebook.css"))  # noqa: S704 - a file of this package
    return _environment().from_string(_asset("notebook.html.j2")).render(report=report, style=style)


@cache
def _environment() -> Environment:
    """The template engine, which escapes everything that is not marked as safe."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_asset),
    )
    environment.filters["prose"] = _prose
    environment.globals.update(
        cell=_cell, cell_class=_cell_class, block_kind=lambda block: type(block).__name__.lower()
    )
    return environment


@cache
def _asset(name: str) -> str:
    """A file of the templates folder."""
    return (files("memfit.reporting") / "templates" / name).read_text(encoding="utf-8")


@pass_context
def _prose(context: Context, text: str) -> Markup:
    """A sentence of the report that is written."""
    return prose(text, context["report"].names)


def prose(text: str, names: frozenset[str] = frozenset()) -> Markup:
    """A sentence, escaped, with names of quantities set as symbols, and as code what is between backticks.

    Parameters
    ----------
    text : str
        Holds plain names of quantities.
    names : frozenset of str
        That users gave, which are neither.
    """
    parts = []
    for piece, symbol in split_symbols(text, names):
        if isinstance(piece, Given):
            parts.append(escape(str(piece)))
        elif symbol is None:
            codes = _CODE.split(_UNIT.sub(_NO_BREAK, piece))
            parts += [
                Markup("<code>{}</code>").format(code) if place % 2 else escape(code)
                for place, code in enumerate(codes)
            ]
        else:
            index = Markup("<sub>{}</sub>").format(symbol.index) if symbol.index else ""
            parts.append(Markup("<var>{}</var>{}").format(symbol.base, index))
    return Markup("").join(parts)


@pass_context
def _cell(context: Context, value: str | Graded, column: Column) -> Markup:
    """What stands in a cell."""
    if isinstance(value, Graded):
        return escape(value.text)
    if isinstance(value, Link):
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(value.href, str(value))
    if column.kind in ("symbol", "prose"):
        return prose(value, context["report"].names if column.kind == "prose" else frozenset())
    if column.kind == "file":
        return Markup("<bdi>{}</bdi>").format(value)
    if column.kind == "code":
        return Markup("<code>{}</code>").format(value)
    return escape(value)


def _cell_class(value: str | Graded, column: Column) -> str:
    """Class of a cell: its kind, or its shade."""
    if isinstance(value, Graded):
        return f"graded {'minus' if value.level < 0 else 'plus'}{abs(value.level)}"
    return column.kind
