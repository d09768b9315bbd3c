"""Tables without a line of labels, or with labels that say too little: read where nothing is left to guess.

Three columns whose first is a sweep of frequencies are a spectrum; but where the third may be an angle, only
if Z' and Z'' obey Kramers and Kronig and modulus and phase do not. Anything else is asked for.
"""

import re
from collections.abc import Sequence

import numpy as np

from memfit.arrays import ComplexArray, FloatArray
from memfit.datasets import ImpedanceSpectrum, kramers_kronig
from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.tables.choice import choose_columns, hint, listed, no_impedance
from memfit.loaders.tables.header import Header
from memfit.loaders.tables.labels import understand_header
from memfit.loaders.tables.layout import SAMPLE, Layout, find_layout, settled, split_fields, split_labels
from memfit.loaders.tables.rows import Rows, is_failed_row


def first_rows(lines: Sequence[str], fields: int | None = None) -> tuple[int, Layout] | None:
    """Index and layout of the first rows of numbers."""
    for i, line in enumerate(lines):
        near = lines[i : i + 2 * SAMPLE]
        rows = [row for row in near if row.strip() and not row.lstrip().startswith("#")][:SAMPLE]
        if (
            line.strip()
            and not line.lstrip().startswith("#")
            and len(rows) >= min(3, len([row for row in lines[i:] if row.strip()]))
        ):
            layout = find_layout(rows, fields)
            if layout is not None:
                return i, settled(layout, lines[i:])
    return None


def headerless_header(lines: Sequence[str], source: Source) -> Header:
    """Three columns without a header, which may be a spectrum; anything else is refused."""
    first = first_rows(lines)
    if first is None:
        for i, line in enumerate(lines[:200]):  # labels that say too little, where rows have words, too
            rows = [row for row in lines[i + 1 : i + 5] if row.strip()]
            if len(rows) < 3 or len(line) > 2000:
                continue
            for labels in split_labels(line):
                words = [text for text in labels if re.search(r"[A-Za-z]", text)]
                if len(words) == len(labels) and find_layout(rows, len(labels)) is not None:
                    raise _unknown_labels(labels, source, i + 1)
        raise FileFormatError(
            "expected a table: a header such as Time (s), Voltage (V), Current (A) and rows of "
            "numbers; found text without rows of two numbers or more.",
            file=source.name,
            line=1,
        )
    index, layout = first
    _check_above(lines, index, layout, source.name)
    above = next((i for i in range(index - 1, -1, -1) if lines[i].strip(" \t,;")), None)
    if above is not None and not lines[above].lstrip().startswith("#"):
        head = lines[above].lstrip("%/! \t")
        labels = tuple(split_fields(head, layout.separator))
        if layout.separator == " " or len(labels) < 2:  # the split by which most labels are understood
            splits = split_labels(head) or [(head.strip(),)]
            labels = max(splits, key=lambda split: (len(understand_header(split)), len(split)))
        if any(re.search(r"[A-Za-z]", label) for label in labels):
            choose_columns(understand_header(labels), labels, source.name, above + 1)
            if len(labels) == layout.fields:
                raise _unknown_labels(labels, source, above + 1)
            raise FileFormatError(
                f"expected a header with one label for each of the {layout.fields} columns of the rows; "
                f"found {len(labels)}: {listed(labels)}.",
                file=source.name,
                line=above + 1,
            )
    if layout.fields != 3:
        more = ", ".join(f'"label {i}"' for i in range(3, layout.fields + 1))
        raise FileFormatError(
            f"expected a header line that names the quantities and units of the {layout.fields} columns, "
            "found none; add one, or give one label for each in device.toml, as in columns = "
            f'["Voltage (V)", "Current (A)"{f", {more}" if more and layout.fields <= 8 else ""}].',
            file=source.name,
            line=index + 1,
        )
    while index and lines[index - 1].strip(" ") and not lines[index - 1].strip(" \t,;"):
        index -= 1  # rows that are empty are told
    return Header(("Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)"), 0, index + 1, layout)


_COMPLEX = re.compile(r"\d ?[-+] ?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*\*?\s*[ijJI]\b")
_LEAST_TURNED = 5
"""Numbers behind a label that are more than the rows of a table have."""


def question_of_layout(source: Source) -> str:
    """What to ask of a text that is no table: its cells are complex, or it is turned; "" for others.

    Parameters
    ----------
    source : Source
    """
    lines = source.head.split("\n")
    if any(map(_COMPLEX.search, lines)):
        return (
            "expected real numbers, found complex ones in a cell; write their real and imaginary parts as "
            "two columns, such as Z_real (ohm), Z_imag (ohm)."
        )
    split = (re.split(r"[,;\t]", line) for line in lines)
    turned = [
        cells[0]
        for cells in split
        if len(cells) > _LEAST_TURNED
        and understand_header(cells[:1])
        and all(Layout(",", ".").number(cell) is not None for cell in cells[1 : 1 + _LEAST_TURNED])
    ]
    if len(turned) < 2:
        return ""
    named = ", ".join(map(repr, turned[:3]))
    return f"expected a column for each quantity, found them in lines ({named}): turn the table."


def _check_above(lines: Sequence[str], first: int, layout: Layout, file: str) -> None:
    """Refuse a line of numbers above the first row that is no row: a cell is missing."""
    for i, line in enumerate(lines[:first]):
        if is_failed_row(line, layout):
            raise FileFormatError(
                f"expected {layout.fields} numbers as in the rows below, found "
                f"{line.strip()[:40]!r}; mend or remove the line.",
                file=file,
                line=i + 1,
            )
        fields = [text for text in layout.split(line) if text]
        if len(fields) > 1 and all(layout.number(text) is not None for text in fields):
            raise FileFormatError(
                f"expected {layout.fields} fields as in the rows below, found {len(fields)}; mend the line.",
                file=file,
                line=i + 1,
            )


def _unknown_labels(labels: Sequence[str], source: Source, line: int) -> FileFormatError:
    columns = understand_header(labels)
    against_frequency = any(column.role == "frequency" for column in columns)
    message = no_impedance(labels) if against_frequency else ""
    return FileFormatError(
        message
        or "expected labels that name the quantities with their units, such as Time (s), Voltage (V), "
        f"Current (A); found {listed(labels)}{hint(labels, columns)}.",
        file=source.name,
        line=line,
    )


_LARGEST_ANGLE, _LARGEST_GAIN, _SEEN_GAIN = 1080.0, 200.0, 1.0
"""Degrees of a phase that was unwrapped; largest dB, and dB or degrees without which a gain is none."""
_OBEYS, _PLAINLY = 0.05, 5.0
"""Relative residual up to which columns may be Z' and Z'', and how many times more modulus and phase need."""


def _check_angles(rows: Rows, source: Source) -> None:
    """Ask where the columns behind the frequency may be modulus (or gain) and phase.

    Raises
    ------
    FileFormatError
        Says how to tell it.
    """
    frequency, second, third = rows.columns
    if np.max(np.abs(third)) > _LARGEST_ANGLE:
        return
    moduli = [second] if np.all(second >= 0) else []
    sizes = np.max(np.abs(second)), np.max(np.abs(third))
    moduli += [10 ** (second / 20)] if sizes[0] <= _LARGEST_GAIN and max(sizes) > _SEEN_GAIN else []
    cartesian = _misfit(frequency, second + 1j * third)
    polar = [
        _misfit(frequency, modulus * np.exp(1j * third * unit))
        for modulus in moduli
        for unit in (np.pi / 180, 1.0)
    ]
    if cartesian < _OBEYS and cartesian * _PLAINLY < min(polar, default=np.inf):
        return
    raise FileFormatError(
        "expected a header line; the columns behind the frequency may be Z' and Z'', modulus and phase, or "
        "gain and phase: add one, or say in device.toml which, as in "
        """columns = ["Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)"] or ["Frequency (Hz)", "|Z| (ohm)", """
        '"Phase (deg)"].',
        file=source.name,
        line=int(rows.lines[0]),
    )


def _misfit(frequency: FloatArray, impedance: ComplexArray) -> float:
    """Relative residual of the Kramers-Kronig test; infinite where it cannot be made."""
    if not (np.isfinite(impedance).all() and np.all(impedance != 0)):
        return np.inf
    verdict = kramers_kronig(ImpedanceSpectrum(name="", frequency=frequency, impedance=impedance))
    return np.inf if verdict.status == "too few points" else verdict.rms


def check_headerless(rows: Rows, source: Source) -> None:
    """Without a header the first column must be an ordered sweep of frequencies over a decade or more.

    Equal steps in the logarithm, or a span of two decades, cannot be a time or a voltage by accident.
    """
    frequency = rows.columns[0]
    steps = np.zeros(1)
    if frequency.size >= 5 and np.all(frequency > 0):
        signs = np.sign(np.diff(frequency))
        if abs(signs.sum()) == frequency.size - 1:
            steps = np.diff(np.log10(frequency))
    if not (np.ptp(steps) < 0.5 * abs(np.median(steps)) and abs(steps.sum()) >= 1.0):
        raise FileFormatError(
            "expected a header line that names the quantities and units of the 3 columns, found none, and "
            "the first column is no sweep of frequencies; add one, or give "
            '`columns = ["Time (s)", ...]` in device.toml.',
            file=source.name,
            line=int(rows.lines[0]) if rows.lines.size else 1,
        )
    _check_angles(rows, source)
