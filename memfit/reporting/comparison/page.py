"""The page of a comparison and its folder: comparison.html, tables as CSV and Excel, JSON, figures.

Its first screen answers three questions in words: which devices differ, what drives it, which will spike.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from memfit.analysis.comparison import Comparison
from memfit.files import write_whole
from memfit.model import PARAMETERS
from memfit.reporting.comparison.columns import (
    SIGNIFICANT,
    TEXT,
    matters,
    sentence,
    slope_texts,
    spread_text,
)
from memfit.reporting.comparison.figures import (
    curve_panels,
    forest_panels,
    margin_panels,
    merit_panels,
    overview_panels,
    pair_panels,
    trend_panels,
)
from memfit.reporting.comparison.tables import (
    correlation_tables,
    csv_text,
    devices_table,
    differences_table,
    frames,
    left_out_table,
    merits_table,
    outlying_table,
    per_area_table,
    pooled_table,
    ranking_table,
    trends_tables,
    workbook,
)
from memfit.reporting.content import (
    CIRCUIT,
    Answer,
    Block,
    Bullets,
    Paragraph,
    Report,
    Tone,
    capitalised,
    counted,
    listed,
    sections_of,
)
from memfit.reporting.distributions import conditions_words
from memfit.reporting.numbers import fixed, quantity_digits
from memfit.reporting.writers.folder import write_page

PAGE = "comparison.html"
_FIRST = "current"
"""The circuit that leaves a device to itself."""
_MOST_SAME, _MOST_OUTLYING, _MOST_FOLLOW, _MOST_NAMES, _MOST_NOTES = 3, 6, 6, 5, 12
"""How many pairs, devices, quantities, names and notes a sentence or a list has."""
_MOST_INDENTED = 60
"""Devices up to which comparison.json is laid out for people; a file of more is for programs."""


def answers(comparison: Comparison) -> tuple[Answer, Answer, Answer]:
    """The three answers."""
    return differ_answer(comparison), drives_answer(comparison), spiking_answer(comparison)


def differ_answer(comparison: Comparison) -> Answer:
    """Which devices differ, and in what.

    Parameters
    ----------
    comparison : Comparison
    """
    headline, sentences = _differences(comparison)
    spread = {
        name: one.tau
        for name, one in comparison.pooled.items()
        if comparison.quantity(name).logarithmic
        and name in comparison.sample.names[: comparison.sample.fitted]
    }
    if any(tau > 0.0 for tau in spread.values()):
        ends = (max(spread, key=lambda name: spread[name]), min(spread, key=lambda name: spread[name]))
        texts = [f"{name} ({spread_text(comparison.quantity(name), spread[name])})" for name in ends]
        sentences.append(sentence("widest", widest=texts[0], narrowest=texts[1]))
    elif spread:
        sentences.append(sentence("no_spread"))
    by_device: dict[int, list[str]] = defaultdict(list)
    for one in comparison.outlying:
        by_device[one.device].append(one.quantity)
    labels = [f"{comparison.devices[i].label} ({', '.join(names)})" for i, names in by_device.items()]
    if len(labels) > _MOST_OUTLYING:
        labels[_MOST_OUTLYING:] = [counted(len(labels) - _MOST_OUTLYING, "more")]
    sentences.append(sentence("outlying", names=listed(labels)) if labels else sentence("not_outlying"))
    return Answer(TEXT["questions"]["differ"], headline, tuple(sentences), "plain")


def _differences(comparison: Comparison) -> tuple[str, list[str]]:
    """How many pairs of devices differ, and a sentence on those that do not."""
    pairs = comparison.pairs
    if pairs is None:
        return sentence("too_many", count=len(comparison.devices)), []
    tested = np.isfinite(pairs.joint_p_value)
    same = np.flatnonzero(tested & ~(pairs.joint_p_value < SIGNIFICANT))
    total = int(np.count_nonzero(tested))
    if same.size == total:
        return sentence("none_differ"), []
    if not same.size:
        return sentence("all_differ"), []
    headline = sentence("some_differ", differ=total - same.size, pairs=total)
    if same.size > _MOST_SAME:
        return headline, []
    labels = [device.label for device in comparison.devices]
    names = [f"{labels[pairs.first[m]]} and {labels[pairs.second[m]]}" for m in same]
    return headline, [sentence("same", names="; ".join(names))]


def drives_answer(comparison: Comparison) -> Answer:
    """Which attributes explain differences.

    Parameters
    ----------
    comparison : Comparison
    """
    question, trends = TEXT["questions"]["drives"], comparison.trends
    covariates = list(dict.fromkeys(trend.covariate for trend in trends))
    if not covariates:
        return Answer(question, sentence("no_attributes"), (), "plain")
    strong = sorted((t for t in trends if t.p_value < SIGNIFICANT), key=lambda trend: -trend.explained)
    drivers = [name for name in covariates if any(trend.covariate == name for trend in strong)]
    if not drivers:
        headline = sentence("no_trends", attributes=listed(covariates))
        return Answer(question, headline, comparison.confounded, "plain")
    sentences = []
    for name in drivers:
        names = [trend.quantity for trend in strong if trend.covariate == name][:_MOST_FOLLOW]
        sentences.append(sentence("follows", covariate=_headed(name), names=listed(names)))
    scaling = [trend for trend in trends if trend.expected is not None]
    off = [
        f"{trend.quantity} (expected {fixed(trend.expected, 0)})"
        for trend in scaling
        if trend.p_expected is not None and trend.p_expected < SIGNIFICANT
    ]
    times = [name for name, row in PARAMETERS.items() if row.unit == "s"]
    activated = [trend for trend in trends if trend.kind == "arrhenius" and trend.quantity in times]
    for key, those in (("scaling", scaling), ("energies", activated)):
        if those:
            slopes = [f"{trend.quantity} {slope_texts(comparison, trend)[0]}" for trend in those]
            sentences.append(sentence(key, names=listed(slopes)))
        if key == "scaling" and off:
            sentences[-1] += f" {sentence('scaling_off', names=listed(off))}"
    tone: Tone = "care" if comparison.confounded else "plain"
    said = (*sentences, *comparison.confounded)
    return Answer(question, f"{_headed(listed(drivers))}.", said, tone)


def _headed(names: str) -> str:
    """Names at the head of a sentence: what users call their attributes keeps its letters."""
    return capitalised(names) if re.match(r"(?:area|temperature)\b", names) else names


def spiking_answer(comparison: Comparison) -> Answer:
    """Which devices oscillate, or nearly do.

    Parameters
    ----------
    comparison : Comparison
    """
    question = TEXT["questions"]["spiking"]
    circuits = list(dict.fromkeys(one.circuit for one in comparison.ranking))
    if not circuits:
        return Answer(question, "", (), "plain")
    first = _FIRST if _FIRST in circuits else circuits[0]

    def names(circuit: str, verdict: str) -> str:
        """Devices of one verdict in a circuit, with their number where there are many; empty for none."""
        those = [one for one in comparison.ranking if (one.circuit, one.verdict) == (circuit, verdict)]
        labels = [comparison.devices[one.device].label for one in those]
        if len(labels) <= _MOST_NAMES:
            return listed(labels)
        shown = f"{', '.join(labels[:_MOST_NAMES])} and {len(labels) - _MOST_NAMES} more"
        return f"{len(labels)} devices ({shown})"

    spoken, oscillating = CIRCUIT.get(first, first), names(first, "oscillates")
    headline = sentence("none_oscillates", circuit=spoken)
    if oscillating:
        headline = sentence("oscillates", names=oscillating, circuit=spoken)
    sentences = []
    if near := names(first, "near"):
        sentences.append(sentence("near", names=near))
    nearest = next(one for one in comparison.ranking if one.circuit == first)
    if nearest.gain_margin is not None:
        margin = quantity_digits(nearest.gain_margin, "1", 3)
        sentences.append(sentence("first", margin=margin, name=comparison.devices[nearest.device].label))
    if unknown := names(first, "undetermined"):
        sentences.append(sentence("not_known", names=unknown))
    elsewhere = {circuit: names(circuit, "oscillates") for circuit in circuits if circuit != first}
    sentences += [
        sentence("elsewhere", circuit=CIRCUIT.get(circuit, circuit), names=others)
        for circuit, others in elsewhere.items()
        if others
    ]
    return Answer(question, headline, tuple(sentences), "care" if oscillating else "good")


def comparison_report(comparison: Comparison, footer: str = "") -> Report:
    """The parts of the page.

    Parameters
    ----------
    comparison : Comparison
    footer : str
        Made by what.
    """
    left_out = tuple(f"{one.label}: {one.reason}" for one in comparison.omitted if not one.what)
    rankings: list[Block] = []
    for circuit in dict.fromkeys(one.circuit for one in comparison.ranking):
        if matters(comparison, circuit):
            rankings.append(ranking_table(comparison, circuit))
            continue
        margins = [one.gain_margin for one in comparison.ranking if one.circuit == circuit]
        least = quantity_digits(min(margin for margin in margins if margin is not None), "1", 2)
        rankings.append(Paragraph(sentence("far", circuit=CIRCUIT.get(circuit, circuit), margin=least)))
    normalised = comparison.normalised
    devices: list[Block] = [devices_table(comparison)]
    pooled: list[Block] = [pooled_table("pooled", comparison.sample, comparison.pooled)]
    if normalised is not None:
        devices.append(per_area_table(normalised))
    if normalised is not None and comparison.equal_area:
        pooled.append(pooled_table("pooled_per_area", normalised, comparison.normalised_pooled))
    if comparison.outlying:
        pooled += [outlying_table(comparison), *_unit_area(comparison)]
    blocks: dict[str, Iterable[Block | None]] = {
        "overview": (
            *_notes("left_out", left_out),
            *_notes("notes", (*comparison.notes, *comparison.confounded)),
            overview_panels(comparison),
        ),
        "ranking": (*rankings, margin_panels(comparison)),
        "devices": devices,
        "merits": _merits(comparison),
        "pooled": pooled,
        "forest": (forest_panels(comparison),),
        "differences": (differences_table(comparison),),
        "trends": _trends(comparison),
        "correlations": _correlations(comparison),
        "curves": (curve_panels(comparison),),
        "left_out": (left_out_table(comparison),),
    }
    return Report(
        title=TEXT["title"].format(count=len(comparison.devices)),
        subtitle="",
        answers=answers(comparison),
        sections=sections_of(blocks, TEXT["headings"]),
        footer=footer,
        names=_given_names(comparison),
    )


def _merits(comparison: Comparison) -> tuple[Block | None, ...]:
    """Figures of merit, with the conditions they are at."""
    full = comparison.merits.conditions
    if full is None:
        return ()
    said = Paragraph(sentence("merits_at", conditions=conditions_words(full)))
    return (said, merits_table(comparison), merit_panels(comparison))


def _given_names(comparison: Comparison) -> frozenset[str]:
    """What users call their devices and attributes."""
    names = {one.label for one in comparison.devices} | {one.label for one in comparison.omitted}
    for device in comparison.devices:
        names.update(device.attributes)
        names.update(value for value in device.attributes.values() if isinstance(value, str))
    return frozenset(names - {""})


def _notes(key: str, items: Sequence[str]) -> tuple[Block, ...]:
    """A list that a reader should bear in mind, under its sentence; nothing where it is empty."""
    more = (f"and {len(items) - _MOST_NOTES} more.",) if len(items) > _MOST_NOTES else ()
    return (Paragraph(sentence(key)), Bullets((*items[:_MOST_NOTES], *more), "care")) if items else ()


def _unit_area(comparison: Comparison, key: str = "unit_area") -> tuple[Block, ...]:
    """A word on what was compared, where areas differ."""
    return (Paragraph(sentence(key)),) if comparison.equal_area else ()


def _trends(comparison: Comparison) -> tuple[Block, ...]:
    """Tables and figures of trends."""
    if not comparison.trends:
        return ()
    area = _unit_area(comparison, "unit_area_trends")
    return (Paragraph(sentence("trends")), *area, *trends_tables(comparison), trend_panels(comparison))


def _correlations(comparison: Comparison) -> tuple[Block, ...]:
    """Correlations between devices beside those of the fits."""
    if not any(one.between is not None for one in comparison.correlations):
        return (Paragraph(sentence("few")),) if comparison.correlations else ()
    return (
        Paragraph(sentence("correlations")),
        *_unit_area(comparison),
        *correlation_tables(comparison),
        pair_panels(comparison),
    )


def write_comparison(comparison: Comparison, out: Path, footer: str = "") -> list[Path]:
    """Write page, tables, JSON and figures into a folder; made if absent.

    Parameters
    ----------
    comparison : Comparison
    out : Path
    footer : str
        Made by what.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    paths = write_page(comparison_report(comparison, footer), out, PAGE)
    tables = frames(comparison)
    files = {f"{name}.csv": csv_text(frame).encode() for name, frame in tables.items()}
    files["comparison.xlsx"] = workbook(tables)
    indent = 1 if len(comparison.devices) <= _MOST_INDENTED else None
    text = json.dumps(comparison.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)
    files["comparison.json"] = f"{text}\n".encode()
    for name, content in files.items():
        write_whole(out / name, content)
        paths.append(out / name)
    return paths
