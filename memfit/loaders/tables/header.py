"""What stands above the rows of a table: settings, the line of labels.

The header is found by structure: the first line whose fields name quantities and that is followed by rows of
numbers; a second line of units may follow it. Of the `# key: value` lines above it memfit acts on some
(`SETTINGS`), the rest is kept as text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.plausible import doubt
from memfit.loaders.raw import (
    CONTROLS,
    INITIALS,
    TECHNIQUES,
    RawTable,
    Stated,
)
from memfit.loaders.tables.labels import normalise, understand_header, words_of_headers
from memfit.loaders.tables.layout import (
    SAMPLE,
    SEPARATORS,
    Layout,
    find_layout,
    settled,
    split_fields,
    split_labels,
)
from memfit.loaders.tables.side_by_side import MOST_TAGGED, groups_of
from memfit.units import find_unit, parse_quantity, split_label

SETTINGS: Mapping[str, tuple[str, ...] | Mapping[str, str]] = {
    "bias": ("voltage",),
    "bias_current": ("current",),
    "scan_rate": ("voltage_rate",),
    "area": ("area",),
    "series_resistance": ("resistance",),
    "temperature": ("temperature",),
    "amplitude": ("voltage", "current"),
    "compliance": ("voltage", "current"),
    "technique": TECHNIQUES,
    "control": CONTROLS,
    "initial": INITIALS,
}
"""Keys of the lines above a table that memfit acts on: the dimensions or the words of their values."""

_LINE = re.compile(r"^\s*(?P<mark>[#%!]|//)?\s*(?P<key>[A-Za-z][\w .()/²^\[\]-]{0,60}?)\s*[:=](?P<value>.*)$")
_INNER = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z. ]{0,30})\[(?P<unit>[^\]\s]{1,6})\]\s*="
    r"\s*(?P<value>[-+]?[\d.]+(?:[eE][-+]?\d+)?)"
)
"""Settings of which one line holds several, as Novocontrol writes them."""
_LONGEST = 4000
"""Characters of a line that may be metadata."""
_MOST_WORDS = 2
"""Lines of words between labels and rows."""


@dataclass(frozen=True)
class Header:
    """A header line and where its rows begin."""

    labels: tuple[str, ...]
    line: int
    """From 1; 0 if the labels were given by device.toml."""
    first_row: int
    """Number of the first row's line, from 1."""
    layout: Layout
    words: int = 0
    """Lines of words between the labels and the rows: Origin's comments."""


class Known(NamedTuple):
    """A setting above a table that memfit acts on."""

    text: str
    value: float
    """SI; 0 for a word."""


def is_setting(line: str) -> bool:
    """True for a marked line with a key that memfit acts on, such as "# bias: 0.8 V"."""
    pair = _LINE.match(line) if len(line) <= _LONGEST else None
    return bool(pair and pair["mark"] and _plain_key(pair["key"]) in SETTINGS)


def _plain_key(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.strip().lower())


def read_metadata(
    lines: Sequence[str], file: str, first_line: int = 1
) -> tuple[dict[str, str], dict[str, Known]]:
    """Metadata of the lines above a header.

    Parameters
    ----------
    lines : sequence of str
    file : str
        For messages.
    first_line : int
        Number of the first line.

    Returns
    -------
    metadata : dict
        All `key: value` pairs as text, keys as written.
    known : dict
        Those memfit acts on, by key in lower case.

    Raises
    ------
    FileFormatError
        A line marked with # has a known key and an unreadable value.
    """
    metadata: dict[str, str] = {}
    known: dict[str, Known] = {}
    for number, line in enumerate(lines, start=first_line):
        if len(line) > _LONGEST:
            continue
        if ":" not in line and "=" not in line:  # a tab, a comma or a semicolon may stand behind the key
            cells = re.match(r"(?P<key>[^,;\t]{2,60})[,;\t](?P<value>[^,;\t]+)[,;\t\s]*$", line)
            if cells and ("\t" in line or _acted_on(cells["key"], cells["value"])[0]):
                line = f"{cells['key'].strip()}: {cells['value']}"  # noqa: PLW2901
            else:
                line = line.replace("\t", ": ", 1)  # noqa: PLW2901
        for inner in _INNER.finditer(line):  # "Fixed value(s) :  DC volt [V]=3.0e-01"
            word, text = _acted_on(f"{inner['key'].strip()} ({inner['unit']})", inner["value"])
            if word:
                known.setdefault(word, Known(text, _setting(word, text)))
        pair = _LINE.match(line)
        if pair is None:
            continue
        key, text = pair["key"].strip(), pair["value"].strip().rstrip(",;").strip().strip('"')
        metadata.setdefault(key, text)
        word, text = _acted_on(key, text)
        if not word or not text or (word in known and word != _plain_key(key)):
            continue
        if word == "bias" and _is_quantity(text, "current"):
            word = "bias_current"
        try:
            known[word] = Known(text, _setting(word, text))
        except (UnitError, ValueError) as error:
            if pair["mark"]:
                raise FileFormatError(f"{word}: {error}", file=file, line=number) from error
    return metadata, known


def _acted_on(key: str, text: str) -> tuple[str, str]:
    """The setting that a key names, perhaps in other words ("Area (cm2)"), and its value; else "".

    Other words are believed only with a unit, which may stand behind the key.
    """
    plain = _plain_key(key)
    if plain in SETTINGS:
        return plain, text
    name, unit = split_label(key)
    patterns = words_of_headers()["settings"].items()
    word = next((word for word, pattern in patterns if re.fullmatch(pattern, name.strip(), re.I)), "")
    if not word or "vs" in text.lower():  # a potential against another one is no voltage of the device
        return "", text
    if unit and re.fullmatch(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?", text.strip()):
        value = f"{text} {unit}"
    else:
        value = text
    dimension, *_ = SETTINGS[word]
    return (word, value) if _is_quantity(value, dimension) else ("", text)


def _is_quantity(text: str, dimension: str) -> bool:
    """Whether a text is a quantity of a dimension with its unit."""
    try:
        parse_quantity(text, dimension, unit_required=True)
    except UnitError:
        return False
    return True


def _setting(key: str, text: str) -> float:
    """The value of a setting in SI units; 0 for a word.

    Raises
    ------
    UnitError, ValueError
        It is no such quantity, or none of the words.
    """
    kinds = SETTINGS[key]
    if isinstance(kinds, Mapping):
        if text.lower() not in kinds:
            raise ValueError(f"expected one of {', '.join(kinds)}; found {text!r}.")
        return 0.0
    dimension = next((one for one in kinds[:-1] if _is_quantity(text, one)), kinds[-1])
    if key != "area" and (question := doubt(text, kinds[0], key)):
        raise ValueError(question)
    return parse_quantity(text, dimension, unit_required=key == "area")


def apply_metadata(table: RawTable, known: Mapping[str, Known]) -> RawTable:
    """The table with what its metadata state.

    Parameters
    ----------
    table : RawTable
    known : mapping of str to Known
        As `read_metadata` finds them.
    """
    stated = {key: Stated(known[key].value, "the file's metadata") for key in known}
    value = {key: item.value for key, item in known.items()}
    words = {key: item.text.lower() for key, item in known.items()}
    return replace(
        table,
        kind=TECHNIQUES[words["technique"]] if "technique" in words else table.kind,
        control=CONTROLS[words["control"]] if "control" in words else table.control,
        initial=INITIALS[words["initial"]] if "initial" in words else table.initial,
        bias=stated.get("bias", table.bias),
        bias_current=stated.get("bias_current", table.bias_current),
        scan_rate=stated.get("scan_rate", table.scan_rate),
        amplitude=value.get("amplitude", table.amplitude),
        area=value.get("area") or table.area,
        compliance=value.get("compliance") or table.compliance,
    )


def find_header(lines: Sequence[str], named: Sequence[str] = ()) -> Header | None:
    """The first line that names at least two quantities and has rows of numbers below.

    Parameters
    ----------
    lines : sequence of str
        The first ones of a text.
    named : sequence of str
        Labels that device.toml names, which count as quantities.
    """
    return _search_header(lines, named, strict=True) or _search_header(lines, named, strict=False)


def _search_header(lines: Sequence[str], named: Sequence[str], *, strict: bool) -> Header | None:
    """As `find_header`; not strict: one good row below is enough, so that the bad ones can be named."""
    for i, line in enumerate(lines):
        marked = line.lstrip()[:1] in "#%/!"
        bare = line.lstrip("#%/! \t") if marked else line
        if not bare.strip() or len(bare) > 20_000 or is_setting(line):
            continue
        # "#" may be the name of the first column
        numbered = split_labels(line) if marked and re.match(r"\s*#[\t;,]", line) else []
        for labels in [*split_labels(bare), *numbered]:
            known = {column.label for column in understand_header(labels)} | _named(labels, named)
            if len(known) < 2 and not (3 <= len(labels) <= MOST_TAGGED and groups_of(labels)):
                continue
            header = _header_at(lines, i, labels, strict=strict)
            if header is not None:
                return header
    return None


def _named(labels: Sequence[str], named: Sequence[str]) -> set[str]:
    """Labels that device.toml names, with or without their units."""
    plain = {normalise(name) for name in named}
    return {label for label in labels if label in named or normalise(split_label(label)[0]) in plain}


def _header_at(lines: Sequence[str], index: int, labels: tuple[str, ...], *, strict: bool) -> Header | None:
    """The header with its layout if numbers follow, with a row of units taken in."""
    below = [i for i in range(index + 1, len(lines)) if lines[i].strip(" \t,;")]
    if not below:
        return None
    units, behind = _units_row(lines[below[0]], labels), index + 1
    if units is not None:
        labels, behind, below = units, below[0] + 1, below[1:]
    words = 0
    while words < _MOST_WORDS and below and _is_words(lines[below[0]], labels):
        words, behind, below = words + 1, below[0] + 1, below[1:]
    rows = [lines[i] for i in below if not lines[i].lstrip().startswith("#")][:SAMPLE]
    if not rows:
        return None
    if strict:
        layout = find_layout(rows, len(labels)) or find_layout(rows[:1], len(labels))
        if layout is None:  # the table may begin with rows of NaN
            empty = ("", "nan")
            full = [row for row in rows if any(w.lower() not in empty for w in re.split(r"[\s,;]+", row))]
            layout = find_layout(full, len(labels)) if full and len(full) < len(rows) else None
    else:
        single = (find_layout([lines[i]], len(labels)) for i in below[: 4 * SAMPLE])
        layout = next((known for known in single if known is not None), None)
    if layout is None:
        return None
    layout = settled(layout, (lines[i] for i in below))
    first = next(i for i in range(behind, below[0] + 1) if lines[i].strip(" "))
    return Header(labels, index + 1, first + 1, replace(layout, fields=len(labels)), words)


def _is_words(line: str, labels: Sequence[str]) -> bool:
    """True for a line of comments below the labels: as many fields or fewer, none of them a number."""
    separator = next((mark for mark in SEPARATORS[:3] if line.count(mark) == len(labels) - 1), None)
    if separator is None or re.search(r"(?<![^\W\d])[nN]a[nN]\b", line):
        return False
    fields = [text for text in split_fields(line, separator) if text]
    parts = [part for mark in SEPARATORS[:3] if mark in line for part in split_fields(line, mark)]
    return (
        bool(fields)
        and not any(Layout(separator, decimal).number(text) is not None for text in parts for decimal in ".,")
        and understand_header(fields) == ()
    )


def _units_row(line: str, labels: tuple[str, ...]) -> tuple[str, ...] | None:
    """Labels with the units of a second header line, or None if the line is not one."""
    for fields in split_labels(line.strip("# ")):
        words = [field.strip().strip("()[]").strip() for field in fields]
        if len(fields) > len(labels) or not any(words):
            continue
        known = [
            word in ("", "-", "#") or find_unit(word) is not None or word.lower() == "c" for word in words
        ]
        if all(known) and not any(re.fullmatch(r"[\d.,eE+-]+", word) for word in words if word != "-"):
            padded = [*words, *[""] * (len(labels) - len(words))]
            return tuple(
                f"{label} ({word})" if word and word not in "-#" else label
                for label, word in zip(labels, padded, strict=True)
            )
    return None
