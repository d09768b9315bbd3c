"""The comparison of devices as a folder: comparison.html, tables as CSV and Excel, JSON, figures."""

import json
from collections.abc import Iterable
from pathlib import Path

from memfit.analysis.comparison_record import Comparison
from memfit.files import write_whole
from memfit.reporting.comparisonanswers import answers
from memfit.reporting.comparisonframes import csv_text, frames, workbook
from memfit.reporting.comparisonpanels import (
    curve_panels,
    forest_panels,
    margin_panels,
    overview_panels,
    pair_panels,
)
from memfit.reporting.comparisontables import (
    devices_table,
    differences_table,
    far_sentence,
    left_out_table,
    matters,
    outlying_table,
    per_area_table,
    pooled_table,
    ranking_table,
)
from memfit.reporting.comparisonwords import HEADINGS, SENTENCES, TITLE, UNIT_AREA, UNIT_AREA_TRENDS
from memfit.reporting.content import Block, Bullets, Paragraph, Report, Section, Table
from memfit.reporting.correlationtables import between_table, strongest_table, within_table
from memfit.reporting.document import write_page
from memfit.reporting.trendpanels import trend_panels
from memfit.reporting.trendtables import trends_tables

PAGE = "comparison.html"
_MOST_NOTES = 12
_MOST_INDENTED = 60


def comparison_report(found: Comparison, footer: str = "") -> Report:
    """The parts of the page."""
    sections = (
        _section("overview", [*_warnings(found), overview_panels(found)]),
        _section("ranking", [*_rankings(found), margin_panels(found)]),
        _section("devices", [devices_table(found), *_per_area(found)]),
        _section("pooled", _pooled(found)),
        _section("forest", [forest_panels(found)]),
        _section("differences", [differences_table(found)]),
        _section("trends", _trends(found)),
        _section("correlations", _correlations(found)),
        _section("curves", [curve_panels(found)]),
        _section("left_out", [left_out_table(found)]),
    )
    return Report(
        title=TITLE.format(count=len(found.devices)),
        subtitle="",
        answers=answers(found),
        sections=tuple(section for section in sections if section.blocks),
        footer=footer,
    )


def write_comparison(found: Comparison, out: Path, footer: str = "") -> list[Path]:
    """Write page, tables, JSON and figures into a folder; made if absent.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    paths = write_page(comparison_report(found, footer), out, PAGE)
    tables = frames(found)
    files = {f"{name}.csv": csv_text(frame).encode() for name, frame in tables.items()}
    files["comparison.xlsx"] = workbook(tables)
    indent = 1 if len(found.devices) <= _MOST_INDENTED else None  # a file of many is for programs
    text = json.dumps(found.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)
    files["comparison.json"] = f"{text}\n".encode()
    for name, content in files.items():
        write_whole(out / name, content)
        paths.append(out / name)
    return paths


def _section(key: str, blocks: Iterable[Block | None]) -> Section:
    """A section of the blocks that have something to say."""
    return Section(key, HEADINGS[key], tuple(block for block in blocks if block is not None and _full(block)))


def _full(block: Block) -> bool:
    """Whether a block has rows, items or words."""
    if isinstance(block, Table):
        return bool(block.rows)
    return bool(block.text if isinstance(block, Paragraph) else block.items)


def _warnings(found: Comparison) -> list[Block]:
    """Results left out altogether, and what else a reader should know."""
    whole = tuple(f"{one.label}: {one.reason}" for one in found.omitted if not one.what)
    blocks: list[Block] = []
    for head, items in (("left_out", whole), ("notes", (*found.notes, *found.confounded))):
        if items:
            more = (f"and {len(items) - _MOST_NOTES} more.",) if len(items) > _MOST_NOTES else ()
            blocks += [Paragraph(SENTENCES[head]), Bullets((*items[:_MOST_NOTES], *more), "care")]
    return blocks


def _rankings(found: Comparison) -> list[Block]:
    """A table a circuit, or a sentence where all devices are far from oscillation."""
    return [
        ranking_table(found, circuit) if matters(found, circuit) else Paragraph(far_sentence(found, circuit))
        for circuit in dict.fromkeys(one.circuit for one in found.ranking)
    ]


def _per_area(found: Comparison) -> list[Block]:
    """Values of unit area, where areas are known."""
    return [] if found.normalised is None else [per_area_table(found.normalised)]


def _pooled(found: Comparison) -> list[Block]:
    """Means and spreads, of unit area too, and what is outlying."""
    blocks: list[Block] = [pooled_table("pooled", found.sample, found.pooled)]
    if found.normalised is not None and found.equal_area:
        blocks.append(pooled_table("pooled_per_area", found.normalised, found.normalised_pooled))
    if found.outlying:
        blocks += [outlying_table(found), *_unit_area(found)]
    return blocks


def _unit_area(found: Comparison, words: str = UNIT_AREA) -> list[Block]:
    """A word on what was compared, where areas differ."""
    return [Paragraph(words)] if found.equal_area else []


def _trends(found: Comparison) -> list[Block]:
    """Tables and figures of trends."""
    if not found.trends:
        return []
    return [
        Paragraph(SENTENCES["trends"]),
        *_unit_area(found, UNIT_AREA_TRENDS),
        *trends_tables(found),
        trend_panels(found),
    ]


def _correlations(found: Comparison) -> list[Block]:
    """Correlations between devices beside those of the fits."""
    if not any(one.between is not None for one in found.correlations):
        return [Paragraph(SENTENCES["few"])] if found.correlations else []
    return [
        Paragraph(SENTENCES["correlations"]),
        *_unit_area(found),
        between_table(found),
        within_table(found),
        strongest_table(found),
        pair_panels(found),
    ]
