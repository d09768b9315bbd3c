"""Current-voltage and tracking files of solar-cell laboratories (HZB, grapa).

HZB: `key: value` lines, a row of asterisks, results, asterisks, labels with units in brackets (one line,
or names and a line of units), rows. Several pixels and directions stand in several columns: with one
voltage for all ("Voltage b_rev b_for ...") or a voltage each ("Voltage (V)_a_Forward_Dark", "Current
Density(mA/cm^2)_a_Forward_Dark"), sections ended by "--". Densities need the active area of the header.
Tracking (.mppt): time, voltage, current density, power; a line of text ends it.
grapa: "NAME_V NAME_J NAME_I NAME_Param NAME_ParamDescr" with the parameters beside the data, or a
two-line head with temperature above "V [mV]";"J [mA/cm^2]".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from memfit.errors import FileFormatError, UnitError
from memfit.loaders.raw import ROLES, FileSettings, RawTable
from memfit.loaders.source import Source
from memfit.loaders.tables.delimited import read_lines
from memfit.loaders.tables.labels import Column, understand
from memfit.units import find_unit, parse_quantity, split_label

NAME_HZB = "HZB solar-cell text"
NAME_GRAPA = "grapa solar-cell text"

_STARS = re.compile(r"^\*{10,}[ \t]*$", re.MULTILINE)
_PIXELS = re.compile(r"^Voltage \(V\)_\w+\tCurrent Density", re.MULTILINE)
_GRAPA = re.compile(r"^(?P<name>\S+?)_V\t(?P=name)_J\t(?P=name)_I\t", re.MULTILINE)
_TWO_HEADS = re.compile(r'^"Time";.*\n[^\n]*\n"V \[m?V\]";"J \[', re.MULTILINE)


def recognises_hzb(source: Source) -> bool:
    """True for rows of asterisks, or for columns named after pixels."""
    return (_STARS.search(source.head) is not None and "[" in source.head) or _PIXELS.search(
        source.head
    ) is not None


def read_hzb(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each pixel and direction.

    Raises
    ------
    FileFormatError
        The labels or the units cannot be read.
    """
    lines = source.lines
    if _PIXELS.search(source.head):
        at = next(i for i, line in enumerate(lines) if _PIXELS.match(line))
        return list(_pixel_pairs(source, at))
    stars = [i for i, line in enumerate(lines[:500]) if _STARS.match(line)]
    at = next((i for i in range(stars[-1] + 1, len(lines)) if lines[i].strip()), len(lines))
    if at >= len(lines):
        raise FileFormatError(
            "expected labels below the last row of asterisks, found none: the file is cut.", file=source.name
        )
    labels, first = _labels(lines, at)
    metadata = _metadata(lines[: stars[-1]])
    table = RawTable(columns={}, metadata=metadata, area=_area(metadata), compliance=_compliance(metadata))
    runs = list(_runs(source, first))
    if not runs:
        raise FileFormatError(
            "expected rows of numbers below the labels, found none.", file=source.name, line=first
        )
    found: list[RawTable] = []
    for number, run in enumerate(runs, start=1):
        part = f"segment {number} of {len(runs)}" if len(runs) > 1 else ""
        found += _hzb_tables(source, labels, run, replace(table, part=part))
    return found


def _labels(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """Labels with their units, from one line or two, and the index of the first row."""
    labels = [label.strip() for label in lines[at].split("\t")]
    units = [word.strip() for word in lines[at + 1].split("\t")] if at + 1 < len(lines) else []
    first = at + 1
    if any(units) and all(re.fullmatch(r"\[.*\]|", word) for word in units):
        units += [""] * (len(labels) - len(units))
        labels = [
            f"{label} {unit}" if label and unit else label for label, unit in zip(labels, units, strict=False)
        ]
        first = at + 2
    while labels and not labels[-1]:
        labels.pop()
    return labels, first


def _runs(source: Source, first: int) -> Iterator[tuple[int, int]]:
    """Runs of rows, which lines of text ("max. average power ...") divide."""
    lines = source.lines
    start = None
    for i in range(first, len(lines)):
        text = re.match(r"\s*[A-Za-z].*:", lines[i]) is not None
        if not text and lines[i].strip() and start is None:
            start = i
        elif text and start is not None:
            yield start, i
            start = None
    if start is not None:
        yield start, len(lines)


def _hzb_tables(
    source: Source, labels: Sequence[str], rows: tuple[int, int], table: RawTable
) -> Iterator[RawTable]:
    """One table, or one for each column of current beside one voltage."""
    columns = [understand(label, index) for index, label in enumerate(labels)]
    voltage = next((column for column in columns if column is not None and column.role == "voltage"), None)
    time = next((column for column in columns if column is not None and column.role == "time"), None)
    if voltage is None:
        raise FileFormatError(
            f"expected a column of the voltage, found {', '.join(labels[:8])}.",
            file=source.name,
            line=rows[0],
        )
    named = [c for c in columns if c is not None and c.role in ("current", "current_density")]
    currents = named[:1] or [
        Column(index, label, "current_density", unit)
        for index, label in enumerate(labels)
        if (unit := find_unit(split_label(label)[1] or "", "current_density")) is not None
    ]
    if not currents:
        raise FileFormatError(
            f"expected a column of the current, found {', '.join(labels[:8])}.",
            file=source.name,
            line=rows[0],
        )
    lines = source.lines[rows[0] : rows[1]]
    for current in currents:
        wanted = [column for column in (time, voltage, current) if column is not None]
        _check(wanted, source, rows[0])
        block = read_lines(source, wanted, labels, lines, rows[0])
        pixel = split_label(current.label)[0] if len(currents) > 1 else ""
        part = ", ".join(word for word in (table.part, pixel) if word)
        yield replace(
            table, columns=block.columns, notes=block.notes, part=part, control="voltage",
            kind="transient" if time is not None else "iv",
        )  # fmt: skip


def _check(columns: Sequence[Column], source: Source, line: int) -> None:
    for column in columns:
        if column.unit is None or column.problem:
            raise FileFormatError(
                f"expected a unit of {ROLES[column.role].replace('_', ' ')} in {column.label!r}.",
                file=source.name,
                line=line,
            )


def _pixel_pairs(source: Source, at: int) -> Iterator[RawTable]:
    """Pairs of columns, a voltage and a density for each pixel, direction and light."""
    lines = source.lines
    labels = [label.strip() for label in lines[at].split("\t")]
    metadata = _metadata(lines[:at])
    areas = re.findall(r"[\d.]+", metadata.get("Cell area(cm^2)", ""))
    end = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == "--"), len(lines))
    pixels = sorted({label.split("_")[1] for label in labels if label.startswith("Voltage (V)_")})
    for index, label in enumerate(labels):
        name = label.removeprefix("Voltage (V)_")
        if name == label or index + 1 >= len(labels) or not labels[index + 1].endswith(f"_{name}"):
            continue
        unit = find_unit((re.search(r"\((.*?)\)", labels[index + 1]) or ["", ""])[1], "current_density")
        if unit is None:
            raise FileFormatError(
                f"expected a density in {labels[index + 1]!r}.", file=source.name, line=at + 1
            )
        columns = [
            Column(index, label, "voltage", find_unit("V")),
            Column(index + 1, labels[index + 1], "current_density", unit),
        ]
        block = read_lines(source, columns, labels, lines[at + 1 : end], at + 1)
        pixel = pixels.index(name.split("_")[0])
        area = float(areas[pixel]) * 1e-4 if pixel < len(areas) else None
        yield RawTable(
            columns=block.columns, kind="iv", control="voltage", part=name, area=area, metadata=metadata,
            notes=block.notes,
        )  # fmt: skip


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """`key: value` and `key<tab>value` lines."""
    found: dict[str, str] = {}
    for line in lines:
        key, mark, value = line.partition("\t")
        if not mark:
            key, mark, value = line.partition(":")
        key = key.strip().rstrip(":")
        if mark and key and value.strip():
            found.setdefault(key, " ".join(value.split()))
    return found


def _area(metadata: Mapping[str, str]) -> float | None:
    """Active area (m^2) of the header."""
    return _first(metadata, r"active area", "area")


def _compliance(metadata: Mapping[str, str]) -> float | None:
    """Limit of the current (A) of the header, where it is no density."""
    return _first(metadata, r"compliance|current limit", "current")


def _first(metadata: Mapping[str, str], name: str, dimension: str) -> float | None:
    """First number of an entry `name [unit]`, in SI; None if the unit is of something else."""
    for key, value in metadata.items():
        words = re.fullmatch(rf"({name}).*?[\[(](?P<unit>[^\])]*)[\])]", key, re.IGNORECASE)
        if words is None:
            continue
        try:
            return parse_quantity(f"{value.split()[0]} {words['unit']}", dimension) or None
        except UnitError:
            return None
    return None


def recognises_grapa(source: Source) -> bool:
    """True for the columns NAME_V, NAME_J, NAME_I or the two heads."""
    return _GRAPA.search(source.head) is not None or _TWO_HEADS.match(source.head) is not None


def read_grapa(source: Source, settings: FileSettings) -> list[RawTable]:
    """The sweep of the file.

    Raises
    ------
    FileFormatError
        A row is broken.
    """
    lines = source.lines
    if _TWO_HEADS.match(source.head):
        labels = [label.strip('"') for label in lines[2].split(";")]
        keys = [label.strip('"') for label in lines[0].split(";")]
        metadata = dict(zip(keys, lines[1].split(";"), strict=False))
        columns = [column for i, label in enumerate(labels) if (column := understand(label, i)) is not None]
        _check(columns, source, 3)
        block = read_lines(source, columns, labels, lines[3:], 3)
        return [
            RawTable(
                columns=block.columns, kind="iv", control="voltage", metadata=metadata, notes=block.notes
            )
        ]
    return [_with_parameters(source)]


def _with_parameters(source: Source) -> RawTable:
    """Columns V (V), J (A/cm^2 or mA/cm^2 is not said), I (mA is not said either) beside parameters.

    The area among the parameters and V, I, J decide: J area must be I in the same prefix, so that the
    program's habit (mA/cm^2 and mA) is checked as far as the file allows.
    """
    lines = source.lines
    at = next(i for i, line in enumerate(lines) if _GRAPA.match(line))
    rows, metadata = [], {}
    for line in lines[at + 1 :]:
        fields = line.split("\t")
        rows.append("\t".join(fields[:3]))
        if len(fields) >= 5 and fields[4].strip():
            metadata[fields[4].strip()] = fields[3].strip()
    area = _first(metadata, "cell area", "area")
    labels = ("V", "J", "I")
    columns = [
        Column(0, "V", "voltage", find_unit("V")),
        Column(1, "J", "current_density", find_unit("mA/cm^2")),
        Column(2, "I", "current", find_unit("mA")),
    ]
    block = read_lines(source, columns, labels, rows, at + 1)
    density, current = block.columns["current_density"], block.columns["current"]
    if area is None or not all(
        abs(j * area - i) <= 1e-3 * abs(i) + 1e-12 for j, i in zip(density, current, strict=True)
    ):
        raise FileFormatError(
            "expected J times the cell area to be I, as in grapa files with mA/cm^2 and mA; found something "
            "else.",
            file=source.name, line=at + 1,
        )  # fmt: skip
    found = {"voltage": block.columns["voltage"], "current": current}
    notes = ("The header states no units; V, mA/cm^2 and mA were taken, as in grapa.", *block.notes)
    return RawTable(columns=found, kind="iv", control="voltage", area=area, metadata=metadata, notes=notes)
