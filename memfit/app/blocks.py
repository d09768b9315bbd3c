"""Tables, sentences and names of quantities of the reports as parts of the page."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from memfit.reporting.content import SYMBOLS, Block, Bullets, Graded, Panels, Paragraph, Table

_NAMES = re.compile(r"\b(" + "|".join(map(re.escape, sorted(SYMBOLS, key=len, reverse=True))) + r")\b")


def symbol(name: str) -> Any:
    """The symbol of a quantity, with its meaning under the pointer.

    Parameters
    ----------
    name : str
    """
    if name not in SYMBOLS:
        return name
    known = SYMBOLS[name]
    index = [html.Sub(known.index)] if known.index else []
    return html.Span([html.I(known.base), *index], title=known.meaning, className="symbol")


def words(text: str) -> list[Any]:
    """A sentence in which names of quantities are set as symbols.

    Parameters
    ----------
    text : str
    """
    parts = _NAMES.split(text)
    return [symbol(part) if k % 2 and "_" in part else part for k, part in enumerate(parts) if part]


def table(found: Table) -> Any:
    """A table whose numbers are text already.

    Parameters
    ----------
    found : Table
    """
    heads = [html.Th(words(column.title), scope="col") for column in found.columns]
    rows = [
        html.Tr([html.Td(words(cell.text if isinstance(cell, Graded) else str(cell))) for cell in row])
        for row in found.rows
    ]
    return html.Figure(
        [
            html.Div(
                html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)]), className="scroll", tabIndex=0
            ),
            html.Figcaption(words(found.caption)),
        ]
    )


def blocks(found: Iterable[Block | None]) -> list[Any]:
    """Blocks of a report but for its figures.

    Parameters
    ----------
    found : iterable of Block or None
    """
    made: list[Any] = []
    for block in found:
        if isinstance(block, Table) and block.rows:
            made.append(table(block))
        elif isinstance(block, Paragraph) and block.text:
            made.append(html.P(words(block.text), className=block.tone))
        elif isinstance(block, Bullets):
            made.append(sentences(block.items, block.tone))
    return made


def sentences(items: Sequence[str], tone: str = "plain") -> Any:
    """Sentences, one a line.

    Parameters
    ----------
    items : sequence of str
    tone : str
    """
    return html.Ul([html.Li(words(item)) for item in items], className=tone) if items else None


def pictures(found: Iterable[Block | None]) -> list[Any]:
    """The figures among blocks of a report, drawn as the report draws them.

    Parameters
    ----------
    found : iterable of Block or None
    """
    panels = [panel for block in found if isinstance(block, Panels) for panel in block.items]
    if not panels:
        return []
    from memfit.reporting.writers.folder import draw_panels

    drawn = draw_panels(panels, {"svg"})
    return [
        html.Figure(
            [
                html.Img(src=_carried(drawn[panel.key].files["svg"]), alt=panel.alt),
                html.Figcaption(words(panel.caption)),
            ],
            className="picture",
        )
        for panel in panels
    ]


def _carried(svg: bytes) -> str:
    """An address that carries a picture."""
    return "data:image/svg+xml;base64," + b64encode(svg).decode()
