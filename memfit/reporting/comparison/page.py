"""The comparison of devices as a folder: comparison.html, tables as CSV and Excel, JSON, figures.

The first screen of a comparison: which devices differ, what drives it, which will spike, in words.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from memfit.analysis.comparison.ranking import Ranked
from memfit.analysis.comparison.record import Comparison
from memfit.analysis.comparison.regression import Trend
from memfit.files import write_whole
from memfit.reporting.comparison.csv import csv_text, frames, workbook
from memfit.reporting.comparison.figures import (
    curve_panels,
    forest_panels,
    margin_panels,
    overview_panels,
    pair_panels,
    trend_panels,
)
from memfit.reporting.comparison.tables import (
    LEVEL,
    between_table,
    devices_table,
    differences_table,
    far_sentence,
    left_out_table,
    matters,
    named,
    outlying_table,
    per_area_table,
    pooled_table,
    ranking_table,
    slope_texts,
    spread_text,
    strongest_table,
    trends_tables,
    within_table,
)
from memfit.reporting.comparison.text import (
    HEADINGS,
    QUESTIONS,
    SENTENCES,
    TITLE,
    UNIT_AREA,
    UNIT_AREA_TRENDS,
)
from memfit.reporting.content import Answer, Block, Bullets, Paragraph, Report, Section, Table, Tone
from memfit.reporting.numbers import fixed, quantity_digits
from memfit.reporting.text import CIRCUIT, capitalised, counted, listed
from memfit.reporting.writers.folder import write_page

_FIRST = "current"
"""The circuit that leaves a device to itself."""
_MOST_SAME = 3
_MOST_OUTLYING = 6
_MOST_TRENDS = 6


def answers(found: Comparison) -> tuple[Answer, Answer, Answer]:
    """The three answers."""
    return differ_answer(found), drives_answer(found), spiking_answer(found)


def differ_answer(found: Comparison) -> Answer:
    """Which devices differ, and in what."""
    headline, sentences = _pairs_in_words(found)
    sentences += [_spreads_in_words(found), _outlying_in_words(found)]
    return Answer(QUESTIONS["differ"], headline, tuple(s for s in sentences if s), "plain")


def _pairs_in_words(found: Comparison) -> tuple[str, list[str]]:
    """Headline and a sentence on the pairs that do not differ."""
    pairs = found.pairs
    if pairs is None:
        return SENTENCES["too_many"].format(count=len(found.devices)), []
    differ = pairs.joint_p_value < LEVEL
    tested = int(np.count_nonzero(np.isfinite(pairs.joint_p_value)))
    count = int(np.count_nonzero(differ))
    if count == 0:
        return SENTENCES["none_differ"], []
    headline = (
        SENTENCES["all_differ"]
        if count == tested
        else SENTENCES["some_differ"].format(differ=count, pairs=tested)
    )
    same = np.flatnonzero(~differ & np.isfinite(pairs.joint_p_value))
    if not 0 < same.size <= _MOST_SAME:
        return headline, []
    names = [
        f"{found.devices[pairs.first[m]].label} and {found.devices[pairs.second[m]].label}" for m in same
    ]
    return headline, [SENTENCES["same"].format(names="; ".join(names))]


def _spreads_in_words(found: Comparison) -> str:
    """The widest and the narrowest of the fitted parameters in the logarithm."""
    spread = {
        name: one.tau
        for name, one in found.pooled.items()
        if found.quantity(name).logarithmic and name in found.sample.names[: found.sample.fitted]
    }
    wide = {name: tau for name, tau in spread.items() if tau > 0.0}
    if not wide:
        return SENTENCES["no_spread"] if spread else ""
    most, least = max(wide, key=lambda name: wide[name]), min(spread, key=lambda name: spread[name])
    texts = [f"{name} ({spread_text(found.quantity(name), spread[name])})" for name in (most, least)]
    return SENTENCES["widest"].format(widest=texts[0], narrowest=texts[1])


def _outlying_in_words(found: Comparison) -> str:
    """Outlying devices with the quantities that set them apart."""
    if not found.outlying:
        return SENTENCES["not_outlying"]
    by_device: dict[int, list[str]] = defaultdict(list)
    for one in found.outlying:
        by_device[one.device].append(one.quantity)
    texts = [f"{found.devices[i].label} ({', '.join(names)})" for i, names in by_device.items()]
    more = [counted(len(texts) - _MOST_OUTLYING, "more")] if len(texts) > _MOST_OUTLYING else []
    return SENTENCES["outlying"].format(names=listed(texts[:_MOST_OUTLYING] + more))


def drives_answer(found: Comparison) -> Answer:
    """Which attributes explain differences."""
    covariates = list(dict.fromkeys(one.covariate for one in found.trends))
    if not covariates:
        return Answer(QUESTIONS["drives"], SENTENCES["no_attributes"], (), "plain")
    strong = [one for one in found.trends if one.p_value < LEVEL]
    by = {name: [one for one in strong if one.covariate == name] for name in covariates}
    drivers = [name for name, trends in by.items() if trends]
    if not drivers:
        headline = SENTENCES["no_trends"].format(attributes=listed(covariates))
        return Answer(QUESTIONS["drives"], headline, found.confounded, "plain")
    sentences = [_follows(name, by[name]) for name in drivers]
    sentences += [_scaling(found), _energies(found), *found.confounded]
    tone: Tone = "care" if found.confounded else "plain"
    return Answer(
        QUESTIONS["drives"], f"{capitalised(listed(drivers))}.", tuple(s for s in sentences if s), tone
    )


def _follows(name: str, trends: list[Trend]) -> str:
    """What follows an attribute, the strongest first."""
    names = [one.quantity for one in sorted(trends, key=lambda one: -one.explained)][:_MOST_TRENDS]
    return SENTENCES["follows"].format(covariate=capitalised(name), names=listed(names))


def _scaling(found: Comparison) -> str:
    """Exponents of the area beside those of a uniform junction."""
    scaled = [one for one in found.trends if one.expected is not None]
    if not scaled:
        return ""
    said = SENTENCES["scaling"].format(
        names=listed([f"{one.quantity} {slope_texts(found, one)[0]}" for one in scaled])
    )
    off = [
        f"{one.quantity} (expected {fixed(one.expected, 0)})"
        for one in scaled
        if one.p_expected is not None and one.p_expected < LEVEL
    ]
    return f"{said} {SENTENCES['scaling_off'].format(names=listed(off))}" if off else said


def _energies(found: Comparison) -> str:
    """Activation energies of the two time constants."""
    energies = [
        f"{one.quantity} {slope_texts(found, one)[0]}"
        for one in found.trends
        if one.kind == "arrhenius" and one.quantity in ("tau_d", "tau_k")
    ]
    return SENTENCES["energies"].format(names=listed(energies)) if energies else ""


def spiking_answer(found: Comparison) -> Answer:
    """Which devices oscillate, or nearly do."""
    circuits = list(dict.fromkeys(one.circuit for one in found.ranking))
    if not circuits:
        return Answer(QUESTIONS["spiking"], "", (), "plain")
    first = _FIRST if _FIRST in circuits else circuits[0]
    ranked = [one for one in found.ranking if one.circuit == first]
    spoken = CIRCUIT.get(first, first)
    those = _with(ranked, "oscillates")
    headline = (
        SENTENCES["oscillates"].format(names=capitalised(_named(found, those)), circuit=spoken)
        if those
        else SENTENCES["none_oscillates"].format(circuit=spoken)
    )
    sentences = []
    if near := _with(ranked, "near"):
        sentences.append(SENTENCES["near"].format(names=_named(found, near)))
    if ranked and ranked[0].gain_margin is not None:
        margin = quantity_digits(ranked[0].gain_margin, "1", 3)
        name = found.devices[ranked[0].device].label
        sentences.append(SENTENCES["first"].format(margin=margin, name=name))
    if unknown := _with(ranked, "undetermined"):
        sentences.append(SENTENCES["not_known"].format(names=_named(found, unknown)))
    for circuit in circuits:
        others = _with([one for one in found.ranking if one.circuit == circuit], "oscillates")
        if circuit != first and others:
            sentences.append(
                SENTENCES["elsewhere"].format(
                    circuit=CIRCUIT.get(circuit, circuit), names=_named(found, others)
                )
            )
    tone: Tone = "care" if those else "good"
    return Answer(QUESTIONS["spiking"], headline, tuple(sentences), tone)


def _with(ranked: list[Ranked], verdict: str) -> list[Ranked]:
    """Those of one verdict."""
    return [one for one in ranked if one.verdict == verdict]


def _named(found: Comparison, ranked: list[Ranked]) -> str:
    """Names, with their number where there are many."""
    names = named([found.devices[one.device] for one in ranked])
    return f"{len(ranked)} devices ({names})" if len(ranked) > 5 else names


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
