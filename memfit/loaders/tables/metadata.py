"""The `# key: value` lines above a table: which of them memfit acts on, the rest is kept as text."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from memfit.datasets.records import Kind
from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import RawTable, Stated
from memfit.protocols import Control, Initial
from memfit.units import parse_quantity, split_label

_LINE = re.compile(r"^\s*(?P<mark>[#%!]|//)?\s*(?P<key>[A-Za-z][\w .()/²^\[\]-]{0,60}?)\s*[:=](?P<value>.*)$")
_LONGEST = 4000
"""Characters of a line that may be metadata."""

TECHNIQUES: Mapping[str, Kind] = {
    "impedance": "impedance", "eis": "impedance", "peis": "impedance", "geis": "impedance",
    "iv": "iv", "jv": "iv", "cv": "iv", "sweep": "iv", "i-v": "iv", "j-v": "iv",
    "transient": "transient", "pulse": "transient", "ca": "transient", "cp": "transient", "step": "transient",
}  # fmt: skip
"""Words for the kinds of measurement."""

CONTROLS: Mapping[str, Control] = {
    "current": "current", "galvanostatic": "current", "i": "current",
    "voltage": "voltage", "potentiostatic": "voltage", "v": "voltage", "potential": "voltage",
}  # fmt: skip
INITIALS: Mapping[str, Initial] = {"steady": "steady", "rest": "rest", "free": "free"}

_QUANTITIES = {
    "bias": "voltage",
    "bias_current": "current",
    "scan_rate": "voltage_rate",
    "area": "area",
    "series_resistance": "resistance",
    "temperature": "temperature",
}


_SYNONYMS = tuple(
    (word, re.compile(pattern, re.IGNORECASE))
    for word, pattern in (
        ("bias", r"(?:dc[ _-]?)?bias(?:[ _-]?(?:voltage|potential))?|v[ _]?bias|dc[ _-]?voltage|v[ _]?dc"),
        (
            "area",
            r"(?:(?:active|cell|device|electrode|sample|pixel|contact)[ _-]?)?area|(?:aktive )?fl[äa]che",
        ),
        ("scan_rate", r"(?:scan|sweep)[ _-]?(?:rate|speed)"),
    )
)
"""Other words for the keys, believed only with a unit, which may stand behind the key: "Area (cm2): 0.1"."""


def is_setting(line: str) -> bool:
    """True for a marked line with a key that memfit acts on, such as "# bias: 0.8 V"."""
    found = _LINE.match(line) if len(line) <= _LONGEST else None
    return bool(found and found["mark"] and _word_of(found["key"]) in _READERS)


def _word_of(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.strip().lower())


@dataclass(frozen=True)
class Known:
    """A metadata line that memfit acts on."""

    key: str
    text: str
    value: float
    line: int


def read_metadata(
    lines: Sequence[str], file: str, first_line: int = 1
) -> tuple[dict[str, str], dict[str, Known]]:
    """Metadata of the lines above a header.

    Returns
    -------
    metadata : dict
        All `key: value` pairs as text, keys as written.
    known : dict
        Those memfit acts on, by key in lower case, with their SI value (0 for words).

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
        found = _LINE.match(_with_mark(line))
        if found is None:
            continue
        key, text = found["key"].strip(), found["value"].strip().rstrip(",;").strip().strip('"')
        metadata.setdefault(key, text)
        word = _word_of(key)
        if word not in _READERS:
            word, text = _synonym(key, text)
            if word in known:
                continue
        reader = _READERS.get(word)
        if reader is None or not text:
            continue
        if word == "bias" and _is_current(text):
            word, reader = "bias_current", _READERS["bias_current"]
        try:
            known[word] = Known(word, text, reader(text), number)
        except (UnitError, ValueError) as error:
            if found["mark"]:
                raise FileFormatError(f"{word}: {error}", file=file, line=number) from error
    return metadata, known


def _with_mark(line: str) -> str:
    """A line with a colon behind its key, where a tab, a comma or a semicolon stands there."""
    if ":" in line or "=" in line:
        return line
    cells = re.match(r"(?P<key>[^,;\t]{2,60})[,;\t](?P<value>[^,;\t]+)[,;\t\s]*$", line)
    if cells and (
        "\t" in line or _synonym(cells["key"], cells["value"])[0] or _word_of(cells["key"]) in _READERS
    ):
        return f"{cells['key'].strip()}: {cells['value']}"
    return line.replace("\t", ": ", 1)


def _synonym(key: str, text: str) -> tuple[str, str]:
    """The key that memfit acts on and its value with the unit, where another word or unit stands; else ""."""
    name, unit = split_label(key)
    word = next((word for word, pattern in _SYNONYMS if pattern.fullmatch(name.strip())), "")
    value = (
        f"{text} {unit}" if unit and re.fullmatch(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?", text.strip()) else text
    )
    if not word or "vs" in text.lower():  # a potential against another one is no voltage of the device
        return "", text
    try:
        parse_quantity(value, _QUANTITIES[word], unit_required=True)
    except UnitError:
        return "", text
    return word, value


def _is_current(text: str) -> bool:
    """Whether a quantity has a unit of current."""
    try:
        parse_quantity(text, "current", unit_required=True)
    except UnitError:
        return False
    return True


def _quantity(key: str) -> Callable[[str], float]:
    """Reader of a quantity in SI units."""
    dimension = _QUANTITIES[key]
    return lambda text: parse_quantity(text, dimension, unit_required=key == "area")


def _amplitude(text: str) -> float:
    """Amplitude of the sine: a voltage or a current."""
    try:
        return parse_quantity(text, "voltage")
    except UnitError:
        return parse_quantity(text, "current")


def _word(words: Mapping[str, str]) -> Callable[[str], float]:
    """Checker of a word."""

    def check(text: str) -> float:
        if text.lower() not in words:
            raise ValueError(f"expected one of {', '.join(dict.fromkeys(words))}; found {text!r}.")
        return 0.0

    return check


_READERS: Mapping[str, Callable[[str], float]] = {
    **{key: _quantity(key) for key in _QUANTITIES},
    "amplitude": _amplitude,
    "compliance": _amplitude,
    "technique": _word(TECHNIQUES),
    "control": _word(CONTROLS),
    "initial": _word(INITIALS),
}


def apply_metadata(table: RawTable, known: Mapping[str, Known]) -> RawTable:
    """The table with what its metadata state."""

    def value(key: str) -> float | None:
        return known[key].value if key in known else None

    def stated(key: str) -> Stated | None:
        return Stated(known[key].value, "the file's metadata") if key in known else None

    return replace(
        table,
        kind=TECHNIQUES[known["technique"].text.lower()] if "technique" in known else table.kind,
        control=CONTROLS[known["control"].text.lower()] if "control" in known else table.control,
        initial=INITIALS[known["initial"].text.lower()] if "initial" in known else table.initial,
        bias=stated("bias") or table.bias,
        bias_current=stated("bias_current") or table.bias_current,
        scan_rate=stated("scan_rate") or table.scan_rate,
        amplitude=value("amplitude") if "amplitude" in known else table.amplitude,
        area=value("area") or table.area,
        compliance=value("compliance") or table.compliance,
    )
