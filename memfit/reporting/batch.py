"""The overview of a batch: results to be used, devices that oscillate, what failed; a link to each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any
from urllib.parse import quote

import numpy as np

from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.model import NAMES, UNITS
from memfit.reporting.content import (
    CAUSES,
    OVERVIEW,
    STATUS_OF_FIT,
    Answer,
    Block,
    Bullets,
    Cell,
    Column,
    ColumnKind,
    Link,
    Panels,
    Paragraph,
    Report,
    Table,
    Tone,
    counted,
    listed,
    sections_of,
)
from memfit.reporting.distributions import Spread, distribution_panels
from memfit.reporting.numbers import MISSING, interval, percent, quantity, quantity_digits, span

Row = Mapping[str, Any]
"""One device as in the index of a batch."""

_MOST = 2000
"""Rows of a table that a browser still opens at once."""
_NAMED = 8
"""Devices named in an answer."""


def overview_report(
    title: str, rows: Iterable[Row], notes: Sequence[str] = (), footer: str = "", *, alike: bool = False
) -> Report:
    """The parts of the overview.

    Parameters
    ----------
    title : str
        Of the batch.
    rows : iterable of Row
        Every device, with or without a result; taken once, one by one.
    notes : sequence of str
        Sentences on the whole.
    footer : str
        Made by what.
    alike : bool
        Whether the figures of merit of all devices were asked for at the same conditions.
    """
    conditions = OVERVIEW["conditions"]["alike" if alike else "own"]
    seen = _Seen()
    for row in rows:
        seen.take(row)
    shown = sorted(seen.nearest(), key=lambda row: str(row["folder"]))
    blocks: dict[str, Iterable[Block]] = {
        "failures": (*_left_out(seen.failed), _failures(seen.others)) if seen.others else (),
        "notes": (Bullets(tuple(notes)),),
        "devices": (*_left_out(seen.fitted), _devices(shown)) if shown else (),
        "merits": _merits(seen, shown, conditions),
        "parameters": (_parameters(shown),) if shown else (),
    }
    return Report(
        title=title,
        subtitle=OVERVIEW["heading"]["subtitle"],
        answers=(_usable(seen), _spiking(seen), _without_result(seen)),
        sections=sections_of(blocks, OVERVIEW["heading"]),
        footer=footer,
        names=frozenset(str(row["folder"]) for row in (*shown, *seen.others)),
    )


@dataclass
class _Seen:
    """What is kept of rows that come one by one: counts, and those to be shown."""

    usable: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    others: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)
    merits: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    """Value and ends of the interval of each figure of merit, device by device; NaN where there is none."""
    attributes: list[Mapping[str, str | float]] = field(default_factory=list)
    """Of the same devices."""

    @property
    def fitted(self) -> int:
        """Number of results."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """Number of devices without one."""
        return self.causes.total()

    def take(self, row: Row) -> None:
        """One more device."""
        if row["state"] != "fitted":
            self.causes[_cause(row)] += 1
            if len(self.others) < _MOST:
                self.others.append(row)
            return
        self.usable += bool(row["usable"])
        self.statuses[str(row["status"])] += 1
        self.verdicts[str(row["verdict"])] += 1
        self.kept.append(row)
        if any(row[name] is not None for name in FIGURES_OF_MERIT):
            for name in FIGURES_OF_MERIT:
                ends = (row[name], row[f"{name}_low"], row[f"{name}_high"])
                value, low, high = (nan if end is None else float(end) for end in ends)
                self.merits.setdefault(name, []).append((value, low, high))
            self.attributes.append(row["attributes"])
        if len(self.kept) >= 2 * _MOST + _NAMED:
            self.kept = self.nearest()

    def nearest(self) -> list[Row]:
        """Those to be shown: nearest to oscillation where there are too many, last what is unknown."""
        margins = "gain_margin_min"
        return sorted(self.kept, key=lambda row: inf if row[margins] is None else float(row[margins]))[:_MOST]


def _left_out(count: int) -> tuple[Paragraph, ...]:
    """A sentence where a table would be too long."""
    shown = "those nearest to oscillation; `memfit query` shows them all."
    return (Paragraph(f"Of {count}, {_MOST} are shown, {shown}"),) if count > _MOST else ()


def _usable(seen: _Seen) -> Answer:
    """How many results mean something."""
    total = seen.fitted + seen.failed
    parts = [
        f"{number} {STATUS_OF_FIT.get(status, status)}" for status, number in seen.statuses.most_common()
    ]
    sentences = (f"{listed(parts)}.",) if parts else ()
    tone: Tone = "good" if seen.usable == total else "care" if seen.usable else "bad"
    return Answer(OVERVIEW["question"]["usable"], f"{seen.usable} of {total}.", sentences, tone)


def _spiking(seen: _Seen) -> Answer:
    """Which devices oscillate under current control, and which are near it."""
    eager, near = seen.verdicts["oscillates"], seen.verdicts["near"]
    parts = [f"{counted(eager, 'device')} under current control" if eager else "None under current control"]
    if near:
        parts.append(f"{near} more {'is' if near == 1 else 'are'} near")
    sentences = []
    for word, verdict, number in (("Oscillating", "oscillates", eager), ("Near", "near", near)):
        first = [row for row in seen.nearest() if row["verdict"] == verdict][:_NAMED]
        alike = Counter(str(row["device"]) for row in first)
        names = [str(row["device"]) if alike[str(row["device"])] == 1 else _folder(row) for row in first]
        rest = number - len(names)
        if number:
            sentences.append(f"{word}: {listed([*names, f'{rest} more'] if rest else names)}.")
    tone: Tone = "care" if eager or near else "plain"
    return Answer(OVERVIEW["question"]["spiking"], f"{', '.join(parts)}.", tuple(sentences), tone)


def _without_result(seen: _Seen) -> Answer:
    """What failed, by reason."""
    question = OVERVIEW["question"]["failures"]
    if not seen.failed:
        return Answer(question, "None.", (), "good")
    parts = [f"{cause} ({number})" for cause, number in seen.causes.most_common()]
    return Answer(question, f"{counted(seen.failed, 'device')}.", (f"Reasons: {listed(parts)}.",), "bad")


def _folder(row: Row) -> str:
    """Path of a device under ROOT."""
    return str(row["folder"]).removeprefix("devices/")


def _cause(row: Row) -> str:
    """Why there is no result, in a word."""
    key = str(row["cause"] or row["state"])
    return CAUSES.get(key, key)


def _link(row: Row) -> Link:
    """The name of a device, leading to its report, or to its result where there is none."""
    page = "report.html" if row.get("report") else "result.json"
    return Link(str(row["device"]), quote(f"{row['folder']}/{page}", errors="surrogateescape"))


def _columns(**kinds: ColumnKind) -> tuple[Column, ...]:
    """Columns by the key of their title."""
    return tuple(Column(OVERVIEW["column"][key], kind) for key, kind in kinds.items())


def _devices(rows: Sequence[Row]) -> Table:
    """How far each result can be trusted, and how near its device is to oscillation."""
    body = []
    for row in rows:
        frequencies = (row["hopf_frequency_low"], row["hopf_frequency_high"])
        cells = (
            _link(row),
            _folder(row),
            STATUS_OF_FIT.get(str(row["status"]), str(row["status"])),
            OVERVIEW["verdict"].get(str(row["verdict"]), MISSING),
            quantity_digits(row["gain_margin_min"], "1", 3),
            interval((row["gain_margin_low"], row["gain_margin_high"]), "1"),
            percent(row["probability_oscillates"]),
            MISSING if None in frequencies else span(*frequencies, "Hz"),
        )
        body.append(cells)
    columns = _columns(
        device="file",
        folder="file",
        status="text",
        verdict="text",
        margin="number",
        margin_interval="number",
        probability="number",
        frequency="number",
    )
    return Table("devices", OVERVIEW["caption"]["devices"], columns, tuple(body))


def _parameters(rows: Sequence[Row]) -> Table:
    """Parameters side by side; without an error at a bound, where it means nothing."""
    names = [name for name in NAMES if any(row[name] is not None for row in rows)]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        errors = {
            name: None if row[f"{name}_status"] == "at_bound" else row[f"{name}_stderr"] for name in names
        }
        body.append((_link(row), *(quantity(row[name], UNITS[name], errors[name]) for name in names)))
    columns = (*_columns(device="file"), *(Column(name, "number") for name in names))
    return Table("estimates", OVERVIEW["caption"]["parameters"], columns, tuple(body))


def _merits(seen: _Seen, rows: Sequence[Row], conditions: str) -> Iterator[Block]:
    """Figures of merit side by side, and how they are distributed over all devices."""
    figures = {name: np.array(found).T for name, found in seen.merits.items()}
    names = [name for name, found in figures.items() if np.any(np.isfinite(found[0]))]
    if not names:
        return
    body = tuple(
        (
            _link(row),
            *(quantity(row[n], FIGURES_OF_MERIT[n].unit or "1", row[f"{n}_stderr"]) for n in names),
        )
        for row in rows
    )
    columns = (*_columns(device="file"), *(Column(name, "number") for name in names))
    yield Table("merits", OVERVIEW["caption"]["merits"].format(conditions=conditions), columns, body)
    spreads: dict[str, Spread] = {
        name: (figures[name][0], figures[name][1], figures[name][2]) for name in names
    }
    yield Panels(tuple(distribution_panels(spreads, seen.attributes, conditions)))


def _failures(rows: Sequence[Row]) -> Table:
    """Devices without a result."""
    columns = _columns(folder="file", cause="text", message="prose")
    body = tuple((_folder(row), _cause(row), str(row["message"] or MISSING)) for row in rows)
    return Table("failures", OVERVIEW["caption"]["failures"], columns, body)
