"""Results in words and columns for a terminal; numbers are written by `memfit.reporting.numbers`."""

from collections.abc import Mapping
from textwrap import fill

from memfit.cli.console import columns
from memfit.cli.streams import coloured, text_width
from memfit.fitting import Estimate, FitResult, Term
from memfit.reporting.content import (
    HEADINGS,
    STATUS_OF_ESTIMATE,
    Answer,
    Block,
    Bullets,
    Graded,
    Panels,
    Paragraph,
    Report,
    Table,
)
from memfit.reporting.fit.intervals import intervals_table, known_sentences
from memfit.reporting.fit.summary import (
    interval_text,
    parameters_answer,
    spiking_answer,
    trust_answer,
    value_text,
)
from memfit.reporting.numbers import MISSING, quantity_digits


def fit_text(result: FitResult) -> str:
    """What a fit found: parameters, whether to trust them, whether the device will spike.

    Parameters
    ----------
    result : FitResult
    """
    terms = {name: Term.from_name(name) for name in result.nuisance}  # instruments disagree by a gain
    gains = {name: result.nuisance[name] for name, term in terms.items() if term and term.instrument}
    trust = _answer_text(trust_answer(result))
    fails = result.status.code == "poor_fit"  # then nothing else comes first
    spiking, first = _answer_text(spiking_answer(result)), bool(result.measured)
    parts = [
        str(result.device.get("name") or "device"),
        *([spiking, ""] if first else []),
        *([trust, ""] if fails else []),
        filled(" ".join(parameters_answer(result).sentences)),
        "",
        estimates_text({**result.parameters, **result.derived, **gains}),
    ]
    table = intervals_table(result)
    if table is not None:  # intervals by every method that was used, and how each was made
        of_device = [row for row in table.rows if str(row[0]) not in result.nuisance]
        rows = [("", *(column.title for column in table.columns[1:]))]
        rows += [tuple(str(cell) for cell in row) for row in of_device]
        samples = {"Bootstrap": result.bootstrap, "Posterior": result.posterior}
        made = [f"{kind}: {sample.message}" for kind, sample in samples.items() if sample is not None]
        parts += ["", "95 % intervals", columns(rows), *map(filled, made)]
    parts += [] if fails else ["", trust]
    known = result.identifiability
    if known is not None and known.open:
        parts += ["", HEADINGS["identifiability"], *map(filled, known_sentences(result))]
    return "\n".join([*parts, *([] if first else ["", spiking])])


def estimates_text(estimates: Mapping[str, Estimate]) -> str:
    """A table of values with their standard errors, intervals and verdicts.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        By name of the quantity.
    """
    rows = [("", "value", "95 % interval", "")]
    rows += [
        (name, value_text(e), interval_text(e), STATUS_OF_ESTIMATE[e.status]) for name, e in estimates.items()
    ]
    return columns(rows)


def starts_text(result: FitResult) -> str:
    """The first values of a fit, and where they came from.

    Parameters
    ----------
    result : FitResult
    """
    rows = [("", "first value", "from")]
    rows += [
        (name, quantity_digits(e.start, e.unit or "1", 3), e.reason or MISSING)
        for name, e in {**result.parameters, **result.nuisance}.items()
        if e.start is not None
    ]
    return columns(rows)


def _answer_text(answer: Answer) -> str:
    """A question, its answer and the reasons."""
    head = f"{answer.question} {coloured(answer.headline, answer.tone)}".strip()
    if len(answer.question) + 1 + len(answer.headline) > text_width():
        head = "\n".join(filter(None, [answer.question, coloured(filled(answer.headline), answer.tone)]))
    return "\n".join([head, *map(filled, answer.sentences)])


def report_text(report: Report) -> str:
    """All sections of a report as plain text.

    Parameters
    ----------
    report : Report
    """
    sections = []
    for section in report.sections:
        blocks = [_block(block) for block in section.blocks if not isinstance(block, Panels)]
        sections.append("\n".join([section.title, "-" * len(section.title), "\n\n".join(blocks)]))
    return "\n\n".join(sections)


def _block(block: Block) -> str:
    """One part of a section."""
    if isinstance(block, Paragraph):
        return filled(block.text)
    if isinstance(block, Bullets):
        mark = "! " if block.tone == "care" else "- "
        return "\n".join(filled(item, mark) for item in block.items)
    return table_text(block) if isinstance(block, Table) else ""


def table_text(table: Table) -> str:
    """A table under its caption.

    Parameters
    ----------
    table : Table
    """
    rows = [tuple(cell.text if isinstance(cell, Graded) else cell for cell in row) for row in table.rows]
    head = tuple(column.title for column in table.columns)
    return "\n".join([filled(table.caption), columns([head, *rows], indent="    ")])


def filled(text: str, mark: str = "") -> str:
    """Text broken into lines, set in by two blanks.

    Parameters
    ----------
    text : str
        One paragraph.
    mark : str
        At the head of the first line, such as "- "; the others are set in as far.
    """
    rest = " " * (2 + len(mark))
    return fill(
        text, text_width(), initial_indent=f"  {mark}", subsequent_indent=rest, break_on_hyphens=False
    )
