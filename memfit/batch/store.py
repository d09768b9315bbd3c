"""The index of a batch: a table made from the results, which stay files.

index.sqlite is never changed in place. It is made new beside the old one and takes its name in one step, so
that whoever reads has a whole index, and of several who write at once the last one wins with a whole one.
Rows of results that did not change are taken over from the old index.
"""

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from memfit.batch.columns import COLUMNS, ColumnInfo, Row, row_of_merits, row_of_result
from memfit.batch.device import CHECKPOINT, MERITS, REPORT, RESULT, read_checkpoint, read_merits
from memfit.batch.query import Condition, compile_expression
from memfit.errors import InputError, OutputError
from memfit.files import printable, whole_file
from memfit.fitting import EDITED, SCHEMA, parse_result

INDEX = "index.sqlite"

_OF_A_REPORT = ("figures", "tables")
"""Folders of a report, which hold no results."""
_LAYOUT = 2
"""Of the tables; goes up when a column is added."""
_SQL_TYPE = {"number": "REAL", "text": "TEXT", "truth": "INTEGER"}
_NAMES = (*COLUMNS, "stamp", "attributes")
_BUSY_SECONDS = 30.0


def functions() -> dict[str, tuple[int, Callable[..., float | None]]]:
    """Functions that SQLite needs for a condition, by name, with the number of their arguments.

    They give None where there is no value, never an error.
    """

    def log10(value: float | None) -> float | None:
        return math.log10(value) if value is not None and value > 0 else None

    def sqrt(value: float | None) -> float | None:
        return math.sqrt(value) if value is not None and value >= 0 else None

    def power(base: float | None, exponent: float | None) -> float | None:
        if base is None or exponent is None:
            return None
        try:
            found = float(base) ** float(exponent)
        except (OverflowError, ZeroDivisionError):
            return None
        return found if isinstance(found, float) and math.isfinite(found) else None

    return {"memfit_log10": (1, log10), "memfit_sqrt": (1, sqrt), "memfit_power": (2, power)}


@dataclass(frozen=True)
class Indexed:
    """What went into an index."""

    path: Path
    rows: int
    read: int
    """Results read now; the others were known from the index before."""
    unreadable: tuple[str, ...]
    """A sentence for each result that cannot be read."""
    edited: tuple[str, ...] = ()
    """A sentence for each that was edited after it was written."""


def build_index(out: Path) -> Indexed:
    """Make the index of all results under a folder.

    Parameters
    ----------
    out : Path
        Folder with results at any depth; index.sqlite is written into it.

    Raises
    ------
    InputError
        There is no such folder, or no result in it.
    OutputError
        The index cannot be written.
    """
    if not out.is_dir():
        raise InputError(f"{out}: expected a folder with results, found no such folder.")
    rows, read = 0, 0
    unreadable: list[str] = []
    edited: list[str] = []
    columns = [*(f"{name} {_SQL_TYPE[info.kind]}" for name, info in COLUMNS.items()), "stamp TEXT"]
    columns += ["attributes TEXT", "PRIMARY KEY (folder)"]
    try:
        with ExitStack() as stack:
            before = None  # the index as it was, where it can be used
            with suppress(InputError):
                before = stack.enter_context(closing(_open(out / INDEX)))
            draft = stack.enter_context(whole_file(out / INDEX))
            base = stack.enter_context(closing(sqlite3.connect(draft, isolation_level=None)))
            base.execute("PRAGMA journal_mode = OFF")
            base.execute("PRAGMA synchronous = OFF")
            base.execute(f"CREATE TABLE devices ({', '.join(columns)})")
            base.execute(
                "CREATE TABLE attributes (folder TEXT, name TEXT, value, PRIMARY KEY (folder, name))"
            )
            base.execute("BEGIN")
            for folder in result_folders(out):
                values, is_new = _values(folder, folder.relative_to(out).as_posix(), before)
                _insert(base, values)
                rows, read = rows + 1, read + is_new
                message = str(values[_NAMES.index("message")])
                if values[_NAMES.index("state")] == "unreadable":
                    unreadable.append(message)
                elif message.endswith(EDITED):
                    edited.append(f"{printable(str(values[0]))}/{RESULT}: {EDITED}")
            base.execute(f"PRAGMA user_version = {_LAYOUT}")
            base.execute("COMMIT")
            if not rows:
                raise InputError(f"{out}: expected folders with {RESULT}, found none.")
    except sqlite3.Error as problem:
        raise OutputError(f"{out / INDEX}: cannot be written ({problem}).") from problem
    return Indexed(out / INDEX, rows, read, tuple(unreadable), tuple(edited))


def result_folders(out: Path) -> Iterator[Path]:
    """Every folder at or below `out` with a result, or with the reason why there is none, in order.

    Parameters
    ----------
    out : Path
        Searched at any depth, but for hidden folders and the figures and tables of reports.
    """
    with os.scandir(out) as entries:
        found = {entry.name: entry.is_dir() for entry in entries}
    if RESULT in found or CHECKPOINT in found:
        yield out
    for name in sorted(name for name, is_folder in found.items() if is_folder):
        if not name.startswith(".") and name not in _OF_A_REPORT:
            yield from result_folders(out / name)


def _values(folder: Path, name: str, before: sqlite3.Connection | None) -> tuple[tuple[Any, ...], bool]:
    """A row in the order of the table, and whether it was read: not where the index `before` still holds."""
    stamps = []  # what changes when a result does: time and size of its files
    for file in (RESULT, CHECKPOINT, MERITS):
        try:
            info = (folder / file).stat()
            stamps.append(f"{info.st_mtime_ns}:{info.st_size}:{info.st_ino}")
        except OSError:
            stamps.append("-")
    stamp = " ".join(stamps)
    if before is not None:
        statement = f"SELECT {', '.join(_NAMES)} FROM devices WHERE folder = CAST(? AS TEXT) AND stamp = ?"  # noqa: S608
        with suppress(sqlite3.Error):
            found = before.execute(statement, (_bytes(name), stamp))
            known: tuple[Any, ...] | None = found.fetchone()
            if known is not None:
                return known, False
    row = row_of(folder, name)
    return (*(_storable(row[column], info) for column, info in COLUMNS.items()), stamp, _texts(row)), True


def _texts(row: Row) -> str:
    """The attributes of a row as JSON, which keeps every letter."""
    return json.dumps(row["attributes"])


def _storable(value: Any, info: ColumnInfo) -> Any:
    """A value as SQLite takes it: a damaged checkpoint may hold anything."""
    if value is None or info.kind == "truth":
        return value
    if info.kind == "number":
        known = isinstance(value, int | float) and math.isfinite(value)
        return float(value) if known else None
    return str(value)


def _insert(base: sqlite3.Connection, values: tuple[Any, ...]) -> None:
    """One device with its attributes."""
    marks = ", ".join("CAST(? AS TEXT)" if isinstance(value, str) else "?" for value in values)
    base.execute(f"INSERT INTO devices VALUES ({marks})", [_bytes(value) for value in values])  # noqa: S608
    folder, attributes = _bytes(values[0]), json.loads(values[-1])
    for name, item in attributes.items():
        mark = "CAST(? AS TEXT)" if isinstance(item, str) else "?"
        base.execute(
            f"INSERT OR IGNORE INTO attributes VALUES (CAST(? AS TEXT), CAST(? AS TEXT), {mark})",  # noqa: S608
            (folder, _bytes(name), _bytes(item)),
        )


def _bytes(value: Any) -> Any:
    """A text as bytes, also of a folder whose name is no UTF-8; anything else as it is."""
    if isinstance(value, int) and abs(value) >= 2**63:
        return float(value)
    if not isinstance(value, str):
        return value
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no name of a folder: half a letter out of a file
        return printable(value).encode()


def _text(stored: bytes) -> str:
    """The inverse, for what comes out of SQLite."""
    return stored.decode("utf-8", "surrogateescape")


def _open(index: Path) -> sqlite3.Connection:
    """An index to read from, with the functions of a query that SQLite may lack."""
    advice = f"make it with `memfit index {index.parent}`."
    if not index.is_file():
        raise InputError(f"{index}: expected the index of a batch, found none; {advice}")
    try:
        base = sqlite3.connect(
            f"file:{quote(str(index.resolve()), errors='surrogateescape')}?mode=ro",
            uri=True,
            timeout=_BUSY_SECONDS,
        )
    except sqlite3.Error as problem:
        raise InputError(f"{index}: cannot be opened ({problem}); {advice}") from problem
    base.text_factory = _text
    for name, (count, function) in functions().items():
        base.create_function(name, count, function, deterministic=True)
    try:
        layout = base.execute("PRAGMA user_version").fetchone()[0]
        base.execute("SELECT folder FROM devices LIMIT 1").fetchone()
    except sqlite3.Error as problem:
        base.close()
        raise InputError(f"{index}: this is no index of results ({problem}); {advice}") from problem
    if layout != _LAYOUT:
        base.close()
        raise InputError(f"{index}: the index was made by another version of memfit; {advice}")
    return base


def read_rows(out: Path, expression: str = "") -> list[Row]:
    """Rows of the index for which an expression holds; all without one.

    Parameters
    ----------
    out : Path
        Folder with an index.
    expression : str
        As in `memfit.batch.query`.

    Raises
    ------
    InputError
        There is no index, or the expression cannot be understood.
    """
    return select(out, expression)[0]


def select(out: Path, expression: str = "") -> tuple[list[Row], tuple[str, ...]]:
    """As `read_rows`, with the names that the expression speaks of.

    Parameters
    ----------
    out : Path
        Folder with an index.
    expression : str
        As in `memfit.batch.query`; all rows without one.

    Returns
    -------
    rows : list of Row
    names : tuple of str
        Columns and attributes, each once.
    """
    with closing(_open(out / INDEX)) as base:
        attributes = [name for (name,) in base.execute("SELECT DISTINCT name FROM attributes ORDER BY name")]
        condition = compile_expression(expression, attributes) if expression else _EVERYTHING
        return list(_rows(base, condition)), condition.names


def each_row(out: Path) -> Iterator[Row]:
    """All rows one by one, so that there may be millions.

    Parameters
    ----------
    out : Path
        Folder with an index.
    """
    with closing(_open(out / INDEX)) as base:
        yield from _rows(base, _EVERYTHING)


_EVERYTHING = Condition("1", (), ())


def _rows(base: sqlite3.Connection, condition: Condition) -> Iterator[Row]:
    """Rows for which a condition holds, by folder."""
    statement = (
        f"SELECT {', '.join((*COLUMNS, 'attributes'))} FROM devices "  # noqa: S608 - names of this package
        f"WHERE {condition.sql} ORDER BY folder"
    )
    try:
        for values in base.execute(statement, condition.values):
            row: Row = dict(zip(COLUMNS, values, strict=False))
            row |= {name: bool(row[name]) for name, info in COLUMNS.items() if info.kind == "truth"}
            yield {**row, "attributes": json.loads(values[-1])}
    except (sqlite3.Error, OverflowError) as problem:
        raise InputError(
            f"The expression cannot be evaluated ({problem}); say it in a simpler way."
        ) from problem


def row_of(folder: Path, name: str) -> Row:
    """The row of a result folder; what cannot be read is said in the row.

    Parameters
    ----------
    folder : Path
        Holds result.json, or the checkpoint.json of a device without a result.
    name : str
        What the index calls it.
    """
    row: Row = {**dict.fromkeys(COLUMNS), "folder": name, "device": name, "attributes": {}}
    row |= {"usable": False, "report": (folder / REPORT).exists()}
    if not (folder / RESULT).exists():
        known = read_checkpoint(folder)
        if known is None:
            reason = f"{folder.name}: there is no checkpoint that can be read."
            return {**row, "state": "unreadable", "message": reason}
        told = ("cause", "message", "seconds", "memfit_version")
        return {**row, "state": "failed", **{key: getattr(known, key) for key in told}}
    try:
        data = parse_result((folder / RESULT).read_text(encoding="utf-8"))
        return {**row, **row_of_result(data, printable(name)), **row_of_merits(read_merits(folder))}
    except (OSError, UnicodeDecodeError) as problem:
        reason = f"{name}/{RESULT} cannot be read ({problem}). Fit the device again."
    except InputError as problem:
        reason = f"{name}/{RESULT} cannot be read: {problem}"
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        reason = f"{name}/{RESULT} does not have the layout {SCHEMA} ({type(problem).__name__}: {problem})."
    return {**row, "state": "unreadable", "message": reason}
