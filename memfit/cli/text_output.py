"""Results in words and columns for a terminal; numbers are written by `memfit.reporting.numbers`."""

from collections.abc import Mapping
from textwrap import fill

from memfit.cli.console import columns
from memfit.fitting import Estimate, FitResult, SampleSet, Term
from memfit.reporting.content import (
    HEADINGS,
    STATUS_OF_ESTIMATE,
    Answer,
    Block,
    Bullets,
    Cell,
    Graded,
    Panels,
    Paragraph,
    Report,
    Section,
    Table,
)
from memfit.reporting.fit.intervals import intervals_table
from memfit.reporting.fit.summary import (
    interval_text,
    parameters_answer,
    spiking_answer,
    trust_answer,
    value_text,
)
from memfit.reporting.numbers import MISSING, quantity_digits

_WIDTH = 100


def fit_text(result: FitResult) -> str:
    """What a fit found: parameters, whether to trust them, whether the device will spike.

    Parameters
    ----------
    result : FitResult
    """
    name = str(result.device.get("name") or "device")
    parts = [
        name,
        _paragraph(" ".join(parameters_answer(result).sentences)),
        "",
        estimates_text({**result.parameters, **result.derived, **_gains(result)}),
        "",
        *_intervals_text(result),
        _answer_text(trust_answer(result)),
        *_knowledge_text(result),
        "",
        _answer_text(spiking_answer(result)),
    ]
    return "\n".join(parts)


def _knowledge_text(result: FitResult) -> list[str]:
    """What is known and what not, where not everything is."""
    known = result.identifiability
    if known is None or not known.open:
        return []
    return ["", HEADINGS["identifiability"], *(_paragraph(sentence) for sentence in known.sentences)]


def _gains(result: FitResult) -> Mapping[str, Estimate]:
    """By what factors the instruments disagree: what concerns every number."""
    terms = {name: Term.from_name(name) for name in result.nuisance}
    return {name: result.nuisance[name] for name, term in terms.items() if term and term.kind == "gain"}


def _intervals_text(result: FitResult) -> list[str]:
    """Intervals by every method that was used, and how each was made; nothing beyond the linear ones."""
    table = intervals_table(result)
    if table is None:
        return []
    rows = [tuple(str(cell) for cell in row) for row in table.rows if not _of_instruments(result, row[0])]
    made = [f"{kind}: {s.message}" for kind, s in _samples(result)]
    head = ("", *(column.title for column in table.columns[1:]))
    return ["95 % intervals", columns([head, *rows]), *map(_paragraph, made), ""]


def _of_instruments(result: FitResult, name: Cell) -> bool:
    """Whether a row is about an instrument."""
    return str(name) in result.nuisance


def _samples(result: FitResult) -> list[tuple[str, SampleSet]]:
    """What was sampled, with its name."""
    both = (("Bootstrap", result.bootstrap), ("Posterior", result.posterior))
    return [(kind, sample) for kind, sample in both if sample is not None]


def estimates_text(estimates: Mapping[str, Estimate]) -> str:
    """A table of values with their standard errors, intervals and verdicts.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        By name of the quantity.
    """
    rows = [("", "value", "95 % interval", "")]
    rows += [_estimate_row(name, estimate) for name, estimate in estimates.items()]
    return columns(rows)


def _estimate_row(name: str, e: Estimate) -> tuple[str, str, str, str]:
    """A value with its error and interval."""
    return name, value_text(e), interval_text(e), STATUS_OF_ESTIMATE[e.status]


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
    head = f"{answer.question} {answer.headline}".strip()
    return "\n".join([head, *(_paragraph(sentence) for sentence in answer.sentences)])


def _paragraph(text: str) -> str:
    """Text broken into lines, set in by two blanks."""
    return fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def report_text(report: Report) -> str:
    """All sections of a report as plain text."""
    return "\n\n".join(_section(section) for section in report.sections)


def _section(section: Section) -> str:
    """A heading and what stands under it."""
    parts = [_block(block) for block in section.blocks if not isinstance(block, Panels)]
    return "\n".join([section.title, "-" * len(section.title), "\n\n".join(parts)])


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
    return fill(
        text,
        _WIDTH,
        initial_indent=f"  {mark}",
        subsequent_indent=" " * (2 + len(mark)),
        break_on_hyphens=False,
    )
