"""How numbers and fields are written: separators, decimal marks, dates, lines that were cut.

Nothing is assumed of a file: the layout is the one in which a few rows hold the most numbers, and a last
line without a line end is judged by those above it.
"""

import csv
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from memfit.errors import UnitError
from memfit.units import parse_number

SEPARATORS = ("\t", ";", ",", " ")
"""In the order tried; " " stands for any white space."""

End = Literal["whole", "half", "doubt"]
"""What is known of a last line without line end."""

SAMPLE = 5
"""Rows that must agree on how numbers are written."""
_ENOUGH = 4
"""Fewest numbers that show how the last one ought to look."""
_ZERO_PADDED = 2
"""Digits of an exponent from which it is written with a fixed number of them: e-05, not e-5."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
"""In a file with decimal commas this is a number of thousands, or is not: nobody can tell."""
_EMPTY = frozenset(
    {"", "nan", "-nan", "+nan", "na", "n/a", "none", "null", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#ind"}
)
_TIME_FORMATS = (
    "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%H:%M:%S",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How the fields of a row are written."""

    separator: str
    decimal: str = "."
    fields: int = 0

    def split(self, line: str) -> list[str]:
        """Fields of a line, without quotes and blanks.

        Parameters
        ----------
        line : str
            Without its end.
        """
        return split_fields(line, self.separator)

    def number(self, text: str) -> float | None:
        """A field as a float: NaN if it is empty, None if it is no number.

        Parameters
        ----------
        text : str
            With the decimal mark of this layout.
        """
        if self.decimal == ",":
            if ("." in text and "," in text) or _GROUPED.fullmatch(text.strip()):
                return None
            text = text.replace(",", ".")
        return number(text)


def split_fields(line: str, separator: str) -> list[str]:
    """Fields of a line; quotes are taken off, a separator inside them does not count.

    Parameters
    ----------
    line : str
    separator : str
        One of `SEPARATORS`.
    """
    if separator == " ":
        return line.split()
    if '"' in line and line.count('"') % 2 == 0 and re.search(r'(^|[\t;,])\s*"', line):
        try:
            fields = next(csv.reader([line.strip("\n")], delimiter=separator, skipinitialspace=True))
        except (csv.Error, StopIteration):
            fields = line.split(separator)
        return [field.strip() for field in fields]
    return [field.strip() for field in line.split(separator)]


def split_labels(line: str) -> list[tuple[str, ...]]:
    """A header line split at each separator that splits it; blanks last, two or more before one.

    Parameters
    ----------
    line : str
    """
    splits = [tuple(split_fields(line, separator)) for separator in SEPARATORS[:3] if separator in line]
    splits.append(tuple(re.split(r"\s{2,}|\t", line.strip())))
    splits.append(tuple(line.split()))
    # "Frequency (Hz) Z' (ohm)": one blank everywhere
    bracketed = re.sub(r"(?<![ \t])[ \t]+(?=[(\[])", "\x00", line)
    if "\x00" in bracketed:
        splits.append(tuple(word.replace("\x00", " ") for word in bracketed.split()))
    trimmed = []
    for fields in splits:
        last = max((i for i, text in enumerate(fields, start=1) if text), default=0)
        if last >= 2:
            trimmed.append(fields[:last])
    return trimmed


def number(text: str) -> float | None:
    """A float written with a decimal point: NaN if empty, None if it is no number.

    Parameters
    ----------
    text : str
        One field, also in the notation "1.5D-3" of Fortran.
    """
    text = text.strip()
    if "\u2212" in text:  # the typographic minus of some programs
        text = text.replace("\u2212", "-")
    if _NUMBER.fullmatch(text):
        return float(text.replace("d", "e").replace("D", "e"))
    if text.lower() in _EMPTY:
        return math.nan
    return math.inf if text.lower().lstrip("+-") in {"inf", "infinity", "1.#inf"} else None


def find_layout(rows: Sequence[str], fields: int | None = None) -> Layout | None:
    """The layout in which some rows hold the most numbers, equally many fields in each, or None.

    Parameters
    ----------
    rows : sequence of str
        A few data lines.
    fields : int, optional
        Number of fields that the header has; rows may lack or add empty ones at the end.
    """
    best: tuple[int, Layout] | None = None
    for separator in SEPARATORS:
        for decimal in ".,":
            if decimal == separator:
                continue
            layout = Layout(separator, decimal)
            counts = [_count_fields(layout, row, fields) for row in rows]
            sizes = {size for size, _ in counts}
            numbers = sum(count for _, count in counts)
            if len(sizes) == 1 and 0 not in sizes and (best is None or numbers > best[0]):
                best = numbers, Layout(separator, decimal, sizes.pop())
    return best[1] if best else None


def _count_fields(layout: Layout, row: str, wanted: int | None) -> tuple[int, int]:
    """Number of fields and of numbers in a row; (0, 0) if it is no row of numbers in this layout."""
    fields = layout.split(row)
    while fields and not fields[-1] and (wanted is None or len(fields) > wanted):
        fields.pop()
    if len(fields) < 2 or (wanted is not None and len(fields) != wanted):
        return 0, 0
    values = [layout.number(text) for text in fields]
    numbers = sum(value is not None and not math.isnan(value) for value in values)
    enough = numbers >= 2 or (numbers >= 1 and len(fields) == 2 and wanted is not None)
    if not enough or (wanted is None and None in values):
        return 0, 0
    return len(fields), numbers


def settled(layout: Layout, lines: Iterable[str]) -> Layout:
    """The layout with the decimal mark that later rows show, where the first ones have whole numbers only.

    Parameters
    ----------
    layout : Layout
        Found in the first rows.
    lines : iterable of str
        The rows from the first one on; some thousands are enough.
    """
    if layout.separator == "," or layout.decimal == ",":
        return layout
    for line in lines:
        fields = layout.split(line)
        if any("." in text for text in fields if number(text) is not None):
            return layout
        commas = Layout(layout.separator, ",", layout.fields)
        if any("," in text and commas.number(text) is not None for text in fields):
            return commas
    return layout


_DURATION = re.compile(r"(?:(\d{1,4}) ?d(?:ays?)? +)?(\d{1,5}):([0-5]\d):([0-5]\d)")


def seconds(text: str) -> float | None:
    """A date and time, or a time of day, in seconds since 1970 or midnight (no time zone).

    Parameters
    ----------
    text : str
        One field, such as "2024-12-24 10:00:00.5" or "10:00:00".

    Returns
    -------
    float or None
        s; None if it is no time.
    """
    main, mark, fraction = text.strip().partition(".")
    suffix = ""
    if mark and main.count(".") == 0 and ":" not in main:  # 24.12.2024 10:00:00[.5]
        head, _, tail = text.strip().rpartition(" ")
        main, mark, fraction = tail.partition(".")
        main = f"{head} {main}"
    if mark and not fraction.isdecimal():
        digits, _, suffix = fraction.partition(" ")
        if not digits.isdecimal():
            return None
        fraction, suffix = digits, f" {suffix}"
    duration = _DURATION.fullmatch(main)
    if duration is not None and not suffix:  # of a cycler, perhaps of days
        days, hours, minutes, rest = (int(text or 0) for text in duration.groups())
        return (
            86400.0 * days
            + 3600.0 * hours
            + 60.0 * minutes
            + rest
            + (float(f"0.{fraction}") if fraction else 0.0)
        )
    for pattern in _TIME_FORMATS:
        try:
            moment = datetime.strptime(main + suffix, pattern)
        except ValueError:
            continue
        origin = datetime(1900, 1, 1) if pattern == "%H:%M:%S" else datetime(1970, 1, 1)
        return (moment - origin).total_seconds() + (float(f"0.{fraction}") if fraction else 0.0)
    return None


def end_notes(judged: End, line: int) -> list[str]:
    """What is said of a last line without line end."""
    return {
        "whole": [],
        "half": [f"The last line ({line}) has no line end and looks incomplete; it was left out."],
        "doubt": [
            f"The last line ({line}) has no line end; if the file was cut, its last number may be cut, too."
        ],
    }[judged]


def judge_last(text: str, others: Sequence[str], layout: Layout) -> End:
    """Whether the last field of a file is whole, judged by others of its kind.

    Numbers with the same count of decimals, or with exponents of two digits or more, cannot be cut and
    keep their form; of others it is in doubt unless there is too little of them. Times of day are equally
    long.

    Parameters
    ----------
    text : str
        The last field.
    others : sequence of str
        Fields above it.
    layout : Layout
    """
    if not text:
        return "half" if all(others) else "whole"
    value = layout.number(text)
    if value is None:
        if seconds(text) is None or len(text) < min(map(len, others), default=0):
            return "half"
        alike = len(others) >= _ENOUGH and len({len(text), *map(len, others)}) == 1
        return "whole" if alike else "doubt"
    if math.isnan(value):
        return "whole"
    numbers = [other for other in others if layout.number(other) is not None]
    if len(numbers) < _ENOUGH:
        return "doubt"
    if text.endswith(layout.decimal) and not any(other.endswith(layout.decimal) for other in numbers):
        return "half"
    digits, decimals, exponent = _number_parts(text, layout.decimal)
    parts = [_number_parts(other, layout.decimal) for other in numbers]
    exponents = {size for _, _, size in parts if size}
    if exponents or exponent:
        outlying = abs(value) > 100 * max(abs(layout.number(other) or 0.0) for other in numbers)
        if exponent < min(exponents, default=_ZERO_PADDED) or outlying:
            return "half"
        return "whole" if exponents == {exponent} and exponent >= _ZERO_PADDED else "doubt"
    places = {count for _, count, _ in parts}
    if len(places) == 1 and len(parts) > _ENOUGH and max(places) > 0:
        return "half" if decimals < max(places) else ("whole" if decimals == max(places) else "doubt")
    return "half" if digits < min(count for count, _, _ in parts) else "doubt"


def _number_parts(text: str, mark: str) -> tuple[int, int, int]:
    """Counts of significant digits, of decimals and of digits of the exponent."""
    mantissa, _, exponent = text.lower().replace("d", "e").partition("e")
    digits = "".join(letter for letter in mantissa if letter.isdigit()).lstrip("0")
    return len(digits), len(mantissa.partition(mark)[2]), len(exponent.lstrip("+-"))


def labels_of(line: str, separator: str) -> list[str]:
    """Labels of a header line, without empty ones at its end.

    Parameters
    ----------
    line : str
        Without its end.
    separator : str
        Between the fields.
    """
    labels = [label.strip() for label in line.split(separator)]
    while labels and not labels[-1]:
        labels.pop()
    return labels


def header_values(lines: Iterable[str], mark: str, around: str | None = None) -> dict[str, str]:
    """`key: value` lines of a header, the first of each key, without empty values.

    Parameters
    ----------
    lines : iterable of str
    mark : str
        Between key and value.
    around : str, optional
        Characters to take off both, by default blanks.
    """
    values: dict[str, str] = {}
    for line in lines:
        key, found, value = line.partition(mark)
        if found and value.strip(around):
            values.setdefault(key.strip(), value.strip(around))
    return values


def optional_number(text: str | None) -> float | None:
    """A finite number with a decimal point or comma; None if it is absent or no number."""
    try:
        return None if text is None else parse_number(text)
    except UnitError:
        return None


def count_note(what: str, announced: int | None, counted: int) -> tuple[str, ...]:
    """A word where a file has fewer or more rows than it announces.

    Parameters
    ----------
    what : str
        How the sentence begins, with {announced} and {counted} for the numbers.
    announced, counted : int
    """
    if announced is None or announced == counted:
        return ()
    return (what.format(announced=announced, counted=counted),)
