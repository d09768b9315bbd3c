"""The report as one HTML file that needs nothing else: no network, no script to be read, no font, no image.

Everything that comes from a file is escaped by the template engine; the Content-Security-Policy of the page
forbids what could slip through.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from memfit.reporting.content import Bullets, Column, Graded, Link, Panels, Paragraph, Report, Table
from memfit.reporting.words import Symbol, split_symbols

_CODE = re.compile(r"`([^`]+)`")
_UNIT = re.compile(r"(?<=[\d)<>]) (?=\d|(?:%|[fpnµmkMGT]?(?:Ω|F|V|A|Hz|H|s|S|eV)|K|cm²)(?![\w²]))")
"""Blanks between a number and its unit, or its sign, where a line must not end."""
_NO_BREAK = "\u00a0"
_TEMPLATES = files("memfit.reporting") / "templates"


def render_html(report: Report, drawings: Mapping[str, str]) -> str:
    """The page.

    Parameters
    ----------
    report : Report
    drawings : mapping of str to str
        Inline SVG of each panel, by key.
    """
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .from_string(_asset("report.html.j2"))
        .render(
            report=report,
            drawings={key: Markup(drawing) for key, drawing in drawings.items()},  # noqa: S704 - made by us
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            script_digest=_digest(script),
            style_digest=_digest(style),
        )
    )


def prose(text: str) -> Markup:
    """A sentence, escaped, with the names of quantities set as symbols."""
    return Markup("").join(
        _with_code(piece) if symbol is None else symbol_markup(symbol)
        for piece, symbol in split_symbols(text)
    )


def _with_code(text: str) -> Markup:
    """Plain text, escaped, with what stands between backticks as code."""
    pieces = _CODE.split(_UNIT.sub(_NO_BREAK, text))
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(pieces)
    )


def symbol_markup(symbol: Symbol) -> Markup:
    """A symbol in HTML: italic letter, upright subscript."""
    index = Markup("<sub>{}</sub>").format(symbol.index) if symbol.index else Markup("")
    return Markup("<var>{}</var>{}").format(symbol.base, index)


def cell(value: str | Graded, column: Column) -> Markup:
    """What stands in a cell."""
    if isinstance(value, Graded):
        return escape(value.text)
    if isinstance(value, Link):
        return Markup('<a href="{}"><bdi>{}</bdi></a>').format(value.href, str(value))
    if column.kind in ("symbol", "prose"):
        return prose(value)
    if column.kind == "file":
        return Markup("<bdi>{}</bdi>").format(value)
    if column.kind == "code":
        return Markup("<code>{}</code>").format(value)
    return escape(value)


def cell_class(value: str | Graded, column: Column) -> str:
    """Class of a cell: its kind, or its shade."""
    if isinstance(value, Graded):
        return f"graded {'minus' if value.level < 0 else 'plus'}{abs(value.level)}"
    return column.kind


def block_kind(block: Paragraph | Bullets | Table | Panels) -> str:
    """Name of a block's kind, for the template."""
    return type(block).__name__.lower()


@cache
def _environment() -> Environment:
    """The template engine, which escapes everything that is not marked as safe."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = prose
    environment.globals.update(cell=cell, cell_class=cell_class, block_kind=block_kind)
    return environment


@cache
def _asset(name: str) -> str:
    """A file of the templates folder."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Hash of an inline script, by which the page's policy allows it and no other."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
