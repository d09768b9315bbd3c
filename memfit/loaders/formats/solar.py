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

from memfit.errors import UnitError
from memfit.loaders.raw import ROLES, FileSettings, RawTable, Reader, Source
from memfit.loaders.tables import Column, labels_of, read_block, understand
from memfit.units import find_unit, parse_quantity, split_label

_STARS = re.compile(r"^\*{10,}[ \t]*$", re.MULTILINE)
_PIXELS = re.compile(r"^Voltage \(V\)_\w+\tCurrent Density", re.MULTILINE)
_GRAPA = re.compile(r"^(?P<name>\S+?)_V\t(?P=name)_J\t(?P=name)_I\t", re.MULTILINE)
_TWO_HEADS = re.compile(r'^"Time";.*\n[^\n]*\n"V \[m?V\]";"J \[', re.MULTILINE)


def _recognises_hzb(source: Source) -> bool:
    """True for rows of asterisks, or for columns named after pixels."""
    stars = _STARS.search(source.head) is not None and "[" in source.head
    return stars or _PIXELS.search(source.head) is not None


def _read_hzb(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each pixel and direction."""
    lines = source.lines
    if _PIXELS.search(source.head):
        return list(_pixel_pairs(source, next(i for i, line in enumerate(lines) if _PIXELS.match(line))))
    stars = [i for i, line in enumerate(lines[:500]) if _STARS.match(line)]
    at = next((i for i in range(stars[-1] + 1, len(lines)) if lines[i].strip()), len(lines))
    if at >= len(lines):
        raise source.error("expected labels below the last row of asterisks, found none: the file is cut.")
    labels = [label.strip() for label in lines[at].split("\t")]
    units = [word.strip() for word in lines[at + 1].split("\t")] if at + 1 < len(lines) else []
    first = at + 1
    if any(units) and all(re.fullmatch(r"\[.*\]|", word) for word in units):
        units += [""] * (len(labels) - len(units))
        labels = [
            f"{label} {unit}" if label and unit else label for label, unit in zip(labels, units, strict=False)
        ]
        first = at + 2
    labels = labels_of("\t".join(labels), "\t")
    metadata = _metadata(lines[: stars[-1]])
    runs, start = [], None
    for i in range(first, len(lines)):  # lines of text ("max. average power ...") divide the rows
        text = re.match(r"\s*[A-Za-z].*:", lines[i]) is not None
        if not text and lines[i].strip(" ") and start is None:  # a row of tabs is empty, and told
            start = i
        elif text and start is not None:
            runs.append((start, i))
            start = None
    if start is not None:
        runs.append((start, len(lines)))
    if not runs:
        raise source.error("expected rows of numbers below the labels, found none.", line=first)
    table = RawTable(
        columns={},
        metadata=metadata,
        area=_first(metadata, r"active area", "area"),
        compliance=_first(metadata, r"compliance|current limit", "current"),  # where it is no density
    )
    return [
        made
        for number, run in enumerate(runs, start=1)
        for made in _hzb_tables(
            source,
            labels,
            run,
            replace(table, part=f"segment {number} of {len(runs)}" if len(runs) > 1 else ""),
        )
    ]


def _hzb_tables(
    source: Source, labels: Sequence[str], rows: tuple[int, int], table: RawTable
) -> Iterator[RawTable]:
    """One table, or one for each column of current beside one voltage."""
    columns = [c for i, label in enumerate(labels) if (c := understand(label, i)) is not None]
    voltage = next((column for column in columns if column.role == "voltage"), None)
    time = next((column for column in columns if column.role == "time"), None)
    stated = sorted((c for c in columns if c.role in ("current", "current_density")), key=lambda c: c.role)
    currents = stated[:1] or [
        Column(index, label, "current_density", unit)
        for index, label in enumerate(labels)
        if (unit := find_unit(split_label(label)[1] or "", "current_density")) is not None
    ]
    if voltage is None or not currents:
        raise source.error(
            f"expected a column of the {'voltage' if voltage is None else 'current'}, found "
            f"{', '.join(labels[:8])}.",
            line=rows[0],
        )
    for current in currents:
        wanted = [column for column in (time, voltage, current) if column is not None]
        _check(wanted, source, rows[0])
        block = read_block(source, wanted, labels, *rows, also=[column.index for column in currents])
        pixel = split_label(current.label)[0] if len(currents) > 1 else ""
        yield replace(
            table, columns=block.columns, others=block.others, notes=block.notes, control="voltage",
            part=", ".join(filter(None, (table.part, pixel))), kind="transient" if time is not None else "iv",
        )  # fmt: skip


def _check(columns: Sequence[Column], source: Source, line: int) -> None:
    for column in columns:
        if column.unit is None or column.problem:
            raise source.error(
                f"expected a unit of {ROLES[column.role].replace('_', ' ')} in {column.label!r}.", line=line
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
        if name == label:
            continue
        place = next(
            (i for i, other in enumerate(labels) if i != index and other.endswith(f")_{name}")), None
        )
        if place is None:
            raise source.error(f"expected a column of the current beside {label!r}.", line=at + 1)
        beside = labels[place]
        unit = find_unit((re.search(r"\((.*?)\)", beside) or ["", ""])[1], "current_density")
        if unit is None:
            raise source.error(f"expected a density in {beside!r}.", line=at + 1)
        columns = [
            Column(index, label, "voltage", find_unit("V")),
            Column(place, beside, "current_density", unit),
        ]
        columns.sort(key=lambda column: column.index)
        block = read_block(source, columns, labels, at + 1, end, also=range(len(labels)))
        pixel = pixels.index(name.split("_")[0])
        yield RawTable(
            columns=block.columns, others=block.others, kind="iv", control="voltage", part=name,
            metadata=metadata,
            area=float(areas[pixel]) * 1e-4 if pixel < len(areas) else None, notes=block.notes,
        )  # fmt: skip


def _metadata(lines: Sequence[str]) -> dict[str, str]:
    """`key: value` and `key<tab>value` lines."""
    stated: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition("\t" if "\t" in line else ":")
        key = key.strip().rstrip(":")
        if key and value.strip():
            stated.setdefault(key, " ".join(value.split()))
    return stated


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


def _read_grapa(source: Source, settings: FileSettings) -> list[RawTable]:
    """The sweep of the file.

    Columns V (V), J (A/cm^2 or mA/cm^2 is not said), I (mA is not said either) beside parameters: the area
    among them and V, I, J decide. J area must be I in the same prefix, so that the program's habit (mA/cm^2
    and mA) is checked as far as the file allows.
    """
    lines = source.lines
    metadata: dict[str, str] = {}
    if _TWO_HEADS.match(source.head):
        labels = [label.strip('"') for label in lines[2].split(";")]
        keys = [label.strip('"') for label in lines[0].split(";")]
        metadata = dict(zip(keys, lines[1].split(";"), strict=False))
        columns = [column for i, label in enumerate(labels) if (column := understand(label, i)) is not None]
        _check(columns, source, 3)
        block = read_block(source, columns, labels, 3)
        return [
            RawTable(
                columns=block.columns,
                others=block.others,
                kind="iv",
                control="voltage",
                metadata=metadata,
                notes=block.notes,
            )
        ]
    at = next(i for i, line in enumerate(lines) if _GRAPA.match(line))
    rows = []
    for line in lines[at + 1 :]:
        fields = line.split("\t")
        rows.append("\t".join(fields[:3]))
        if len(fields) >= 5 and fields[4].strip():
            metadata[fields[4].strip()] = fields[3].strip()
    area = _first(metadata, "cell area", "area")
    columns = [
        Column(0, "V", "voltage", find_unit("V")),
        Column(1, "J", "current_density", find_unit("mA/cm^2")),
        Column(2, "I", "current", find_unit("mA")),
    ]
    block = read_block(source, columns, ("V", "J", "I"), at + 1, lines=rows)
    density, current = block.columns["current_density"], block.columns["current"]
    if area is None or not (abs(density * area - current) <= 1e-3 * abs(current) + 1e-12).all():
        raise source.error(
            "expected J times the cell area to be I, as in grapa files with mA/cm^2 and mA; found something "
            "else.",
            line=at + 1,
        )
    return [
        RawTable(
            columns={"voltage": block.columns["voltage"], "current": current},
            kind="iv",
            control="voltage",
            area=area,
            metadata=metadata,
            notes=("The header states no units; V, mA/cm^2 and mA were taken, as in grapa.", *block.notes),
        )
    ]


READERS = (
    Reader("HZB solar-cell text", _recognises_hzb, _read_hzb),
    Reader(
        "grapa solar-cell text",
        lambda s: _GRAPA.search(s.head) is not None or _TWO_HEADS.match(s.head) is not None,
        _read_grapa,
    ),
)
