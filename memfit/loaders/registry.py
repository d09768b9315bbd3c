"""Which reader reads which file: by content, then by extension, the generic table last.

A laboratory plugs its own reader in through the entry-point group `memfit.readers`: each entry is a
`Reader`. Plug-ins are asked first, in the order of their names.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

from memfit.datasets.records import Record
from memfit.errors import DependencyError, FileFormatError, InputError
from memfit.loaders import tidy
from memfit.loaders.assemble import make_records
from memfit.loaders.formats import (
    biologic,
    biologic_binary,
    chinstruments,
    easyexpert,
    fluxim,
    gamry,
    ivium,
    keithley,
    keithley_4200,
    keithley_readings,
    keysight_impedance,
    knowm,
    labone,
    lecroy,
    lvm,
    nottingham,
    nova,
    oscilloscope,
    palmsens,
    parquet,
    points,
    relaxis,
    scope,
    solar,
    versastudio,
    workbook,
    zahner,
    zplot,
)
from memfit.loaders.manifest import apply_settings
from memfit.loaders.raw import NO_SETTINGS, FileSettings, RawTable, Reading
from memfit.loaders.source import DAMAGE, Source, open_source
from memfit.loaders.tables import read as tables

ENTRY_POINTS = "memfit.readers"


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read."""

    name: str
    """Shown to users: "BioLogic EC-Lab text"."""
    recognises: Callable[[Source], bool]
    """True if the bytes are of this format."""
    read: Callable[[Source, FileSettings], list[RawTable]]
    """Tables of the file."""
    suffixes: frozenset[str] = frozenset()
    """Extensions (".mpt") by which a file is taken for this format if no reader recognises it."""


GENERIC = Reader(tables.NAME, lambda source: source.is_text, tables.read_text_tables)

READERS: tuple[Reader, ...] = (
    Reader(biologic.NAME, biologic.recognises, biologic.read, frozenset({".mpt"})),
    Reader(biologic_binary.NAME, biologic_binary.recognises, biologic_binary.read, frozenset({".mpr"})),
    Reader(gamry.NAME, gamry.recognises, gamry.read, frozenset({".dta"})),
    Reader(zplot.NAME, zplot.recognises, zplot.read, frozenset({".z"})),
    Reader(zplot.NAME_AUTOLAB, zplot.recognises_autolab, zplot.read),
    Reader(nova.NAME, nova.recognises, nova.read),
    Reader(points.NAME_DFR, points.recognises_dfr, points.read_dfr, frozenset({".dfr"})),
    Reader(points.NAME_I2B, points.recognises_i2b, points.read_i2b, frozenset({".i2b"})),
    Reader(points.NAME_P00, points.recognises_p00, points.read_p00, frozenset({".p00"})),
    Reader(chinstruments.NAME, chinstruments.recognises, chinstruments.read),
    Reader(versastudio.NAME, versastudio.recognises, versastudio.read, frozenset({".par"})),
    Reader(ivium.NAME, ivium.recognises, ivium.read, frozenset({".idf"})),
    Reader(palmsens.NAME_TEXT, palmsens.recognises_text, palmsens.read_text),
    Reader(
        palmsens.NAME_SESSION, palmsens.recognises_session, palmsens.read_session, frozenset({".pssession"})
    ),
    Reader(zahner.NAME, zahner.recognises, zahner.read, frozenset({".ism"})),
    Reader(relaxis.NAME, relaxis.recognises, relaxis.read),
    Reader(fluxim.NAME, fluxim.recognises, fluxim.read, frozenset({".npz"})),
    Reader(keithley.NAME, keithley.recognises, keithley.read),
    Reader(keithley_readings.NAME, keithley_readings.recognises, keithley_readings.read),
    Reader(nottingham.NAME, nottingham.recognises, nottingham.read),
    Reader(knowm.NAME, knowm.recognises, knowm.read),
    Reader(solar.NAME_HZB, solar.recognises_hzb, solar.read_hzb),
    Reader(solar.NAME_GRAPA, solar.recognises_grapa, solar.read_grapa),
    Reader(keysight_impedance.NAME, keysight_impedance.recognises, keysight_impedance.read),
    Reader(lvm.NAME, lvm.recognises, lvm.read, frozenset({".lvm"})),
    Reader(labone.NAME, labone.recognises, labone.read),
    Reader(easyexpert.NAME, easyexpert.recognises, easyexpert.read),
    Reader(lecroy.NAME, lecroy.recognises, lecroy.read, frozenset({".trc"})),
    Reader(scope.NAME, scope.recognises, scope.read, scope.SUFFIXES),
    Reader(oscilloscope.NAME, oscilloscope.recognises, oscilloscope.read),
    Reader(keithley_4200.NAME, keithley_4200.recognises, keithley_4200.read),
    Reader(parquet.NAME, parquet.recognises, parquet.read, frozenset({".parquet"})),
    Reader("XLS workbook", workbook.recognises_old, workbook.read_old, frozenset({".xls"})),
    Reader(workbook.NAME, workbook.recognises, workbook.read, frozenset({".xlsx", ".xlsm"})),
)
"""The readers of memfit, the more specific ones first; the generic table is asked last."""


@lru_cache(maxsize=1)
def plugged_in() -> tuple[Reader, ...]:
    """Readers that other packages registered.

    Raises
    ------
    DependencyError
        An entry of the group cannot be imported or is no `Reader`.
    """
    found = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            reader = entry.load()
        except (ImportError, AttributeError) as error:
            raise DependencyError(
                f"The plug-in {entry.name!r} of {ENTRY_POINTS} cannot be loaded: {error}."
            ) from error
        if not isinstance(reader, Reader):
            raise DependencyError(
                f"The plug-in {entry.name!r} of {ENTRY_POINTS} is no memfit.loaders.registry.Reader."
            )
        found.append(reader)
    return tuple(found)


def find_reader(source: Source) -> Reader:
    """The reader of a file.

    Raises
    ------
    FileFormatError
        Nobody reads it.
    """
    known = (*plugged_in(), *READERS)
    for reader in known:
        if reader.recognises(source):
            return reader
    for reader in known:
        if source.suffix in reader.suffixes:
            return reader
    return GENERIC


def read_tables(source: Source, settings: FileSettings = NO_SETTINGS) -> tuple[Reader, list[RawTable]]:
    """The reader of a file and the tables that it finds, in SI units.

    Raises
    ------
    FileFormatError
        The file cannot be read.
    """
    reader = find_reader(source)
    try:
        found = reader.read(source, settings)
    except InputError:
        raise
    except DAMAGE as error:
        raise FileFormatError(
            f"expected a file of the format {reader.name!r}; found a damaged or a different one "
            f"({type(error).__name__}: {error}).",
            file=source.name,
        ) from error
    if not found:
        raise FileFormatError(
            f"expected measurements in this {reader.name} file, found none.", file=source.name
        )
    return reader, found


def _refuse_stand_ins(source: Source) -> None:
    """Refuse what was saved in place of the file: a pointer of Git LFS, a web page."""
    start = source.data[:200].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise FileFormatError(
            "expected measurements, found a pointer of Git LFS, which stands for the file: fetch the file "
            "itself (`git lfs pull`).",
            file=source.name,
        )
    if start.startswith((b"<!doctype html", b"<html")):
        raise FileFormatError(
            "expected measurements, found a web page: download the file itself (the raw file).",
            file=source.name,
        )


def read_source(source: Source, settings: FileSettings = NO_SETTINGS) -> tuple[Record, ...]:
    """All records of a file that is in memory.

    Raises
    ------
    FileFormatError
        The file cannot be read as measurements.
    """
    _refuse_stand_ins(source)
    if tidy.recognises(source):
        return (apply_settings(tidy.read_record(source), settings),)
    reader, found = read_tables(source, settings)
    records: list[Record] = []
    for table in found:
        records += make_records(Reading(table, source, settings, reader.name))
    return tuple(_unique(records))


def read_file(
    path: Path, settings: FileSettings | None = None, *, name: str | None = None
) -> tuple[Record, ...]:
    """All records of a file.

    Parameters
    ----------
    path : Path
    settings : FileSettings, optional
        What device.toml says of the file.
    name : str, optional
        The name for the records and for messages, by default the file's.

    Raises
    ------
    FileFormatError
        The file cannot be read as measurements.
    """
    return read_source(open_source(path, name), settings or NO_SETTINGS)


def _unique(records: list[Record]) -> Iterator[Record]:
    """Records whose names tell them apart: the part is added where a file has several."""
    counts = Counter(record.name for record in records)
    seen: Counter[str] = Counter()
    for record in records:
        if counts[record.name] == 1:
            yield record
            continue
        part = record.origin.part or "part"
        name = f"{record.name} [{part}]"
        seen[name] += 1
        yield replace(record, name=name if seen[name] == 1 else f"{name[:-1]} ({seen[name]})]")
