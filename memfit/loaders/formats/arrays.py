"""Containers of named arrays: NumPy (.npy, .npz), MATLAB (.mat), HDF5 (.h5), TDMS of LabVIEW.

Whoever wrote such a file chose the names. Arrays of one length that lie together are the columns of a table,
whose labels are their names, with the unit that an attribute states ("unit", "units", TDMS "unit_string"):
from there on it is read as any table. A complex array Z becomes Z_real and Z_imag. An array of several
columns without names needs `columns` in device.toml. Nothing that would run code when unpacked is read.
"""

import io
import logging
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from memfit.errors import DependencyError, FileFormatError
from memfit.loaders.containers import hdf5, matlab
from memfit.loaders.raw import FileSettings, RawTable, Reader
from memfit.loaders.source import DAMAGE, Source
from memfit.loaders.tables import read_text_tables

_MAX_CELLS = 4_000_000
_MAX_UNPACKED = 256 * 1024**2
"""Bytes."""
_HDF5 = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512
"""Bytes before the content of an HDF5 file that MATLAB wrote."""
_FEWEST = 3
_NEARLY = 0.1
"""Share by which an array may be shorter and still belong to the others."""
_DAMAGED = (
    "expected a whole container of arrays, found a cut or damaged one; copy the file again, or save its "
    "arrays as columns of a CSV file."
)
_OBJECTS = (
    "expected arrays of numbers, found Python objects, which would run code when unpacked; save each column "
    "as an array of numbers, or all as a CSV file."
)


@dataclass(frozen=True)
class _Array:
    """One array of a container."""

    path: str
    """With slashes: groups, then its name."""
    values: Any
    unit: str = ""


def _numpy(source: Source) -> Iterator[_Array]:
    """The arrays of an .npy or .npz file."""
    loaded: Any
    if source.data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED:
                raise source.error(f"expected at most {_MAX_UNPACKED // 2**20} MB unpacked.")
        with np.load(io.BytesIO(source.data), allow_pickle=False) as loaded:
            for name in loaded.files:
                yield _Array(name, loaded[name])
        return
    loaded = np.load(io.BytesIO(source.data), allow_pickle=False)
    if loaded.dtype.names:
        for name in loaded.dtype.names:
            yield _Array(name, loaded[name])
    else:
        yield _Array("array", loaded)


def _matlab(source: Source) -> Iterator[_Array]:
    """The variables of a .mat file, those inside structures too."""
    for path, values in matlab.arrays_of(source.data):
        yield _Array(path, values)


def _hdf5(source: Source) -> Iterator[_Array]:
    """The data sets of an HDF5 file."""
    try:
        for path, values, unit in hdf5.arrays_of(source.data):
            yield _Array(path, values, unit)
    except ImportError as error:
        raise _needs(source, "HDF5", "h5py") from error


def _tdms(source: Source) -> Iterator[_Array]:
    """The channels of a TDMS file."""
    try:
        from nptdms import TdmsFile  # noqa: PLC0415 - optional and heavy
        from nptdms.log import log_manager  # noqa: PLC0415
    except ImportError as error:
        raise _needs(source, "TDMS", "npTDMS") from error
    said, console = _Complaints(), log_manager.console_handler
    log, level = logging.getLogger("nptdms"), console.level
    log.addHandler(said)
    console.setLevel(logging.CRITICAL + 1)  # what it complains of is told in one sentence
    try:
        file = TdmsFile.read(io.BytesIO(source.data))
    finally:
        log.removeHandler(said)
        console.setLevel(level)
    if said.any:  # the library reads on where a file is cut
        raise source.error(_DAMAGED)
    for group in file.groups():
        for channel in group.channels():
            unit = channel.properties.get("unit_string", "")
            yield _Array(f"{group.name}/{channel.name}", channel[:], str(unit))


class _Complaints(logging.Handler):
    """Whether a library warned."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.any = False

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - the name is that of the parent
        """Note it.

        Parameters
        ----------
        record : LogRecord
        """
        self.any = True


def _needs(source: Source, what: str, package: str) -> DependencyError:
    """What is missing to read a container."""
    return DependencyError(
        f"{source.name}: reading {what} needs {package} (pip install {package}); or save the arrays as CSV."
    )


def _columns(arrays: Iterator[_Array], settings: FileSettings) -> dict[str, dict[str, Any]]:
    """Columns by label, group by group."""
    groups: dict[str, dict[str, Any]] = {}
    for array in arrays:
        values = np.asarray(array.values)
        path = PurePosixPath(array.path)
        group = "" if str(path.parent) == "." else str(path.parent)
        if values.dtype.names:
            for name in values.dtype.names:
                groups.setdefault(str(path), {})[name] = np.ravel(values[name])
            continue
        values = np.squeeze(values)
        unit = f" ({array.unit})" if array.unit else ""
        if values.dtype.kind not in "fiuc" or values.ndim not in (1, 2) or len(values) < _FEWEST:
            continue
        if values.ndim == 2:
            given = settings.columns if isinstance(settings.columns, tuple) else ()
            rows = values if values.shape[0] >= values.shape[1] else values.T
            labels = (
                given
                if len(given) == rows.shape[1]
                else [f"{path.name} {i + 1}" for i in range(rows.shape[1])]
            )
            groups.setdefault(str(path), {}).update(zip(labels, rows.T, strict=True))
        elif values.dtype.kind == "c":
            label = path.name if path.name.lower() not in ("z", "impedance") else "Z"
            groups.setdefault(group, {})[f"{label}_real{unit}"] = values.real
            groups.setdefault(group, {})[f"{label}_imag{unit}"] = values.imag
        else:
            groups.setdefault(group, {})[f"{path.name}{unit}"] = values
    return groups


def _tables(source: Source, arrays: Iterator[_Array], settings: FileSettings) -> list[RawTable]:
    """The tables of a container; a group that cannot be read is an error."""
    try:
        groups = _columns(arrays, settings)
    except FileFormatError:
        raise
    except DAMAGE as error:
        raise source.error(_OBJECTS if "allow_pickle" in str(error) else _DAMAGED) from error
    tables: list[RawTable] = []
    for group, columns in groups.items():
        length = max(map(len, columns.values()))
        together = {label: values for label, values in columns.items() if len(values) == length}
        if len(together) < 2:
            continue
        near = next((x for x in columns if 0 < length - len(columns[x]) <= _NEARLY * length), "")
        if near:
            raise source.error(
                f"expected arrays of one length, found {len(columns[near])} numbers of {near} beside "
                f"{length} of {next(iter(together))}: numbers are lost, and nobody knows which; mend it, or "
                "leave it out."
            )
        if length * len(together) > _MAX_CELLS:
            raise source.error(f"expected at most {_MAX_CELLS} numbers, found more; thin the arrays first.")
        labels = [
            "".join(sign for sign in label if sign.isprintable() and sign != "\t") for label in together
        ]
        rows = zip(*(values.tolist() for values in together.values()), strict=True)
        text = "\n".join(["\t".join(labels), *("\t".join(map(repr, row)) for row in rows), ""])
        as_text = replace(source, name=source.name, data=text.encode("utf-8", errors="replace"))
        # the labels are columns already, whatever a header in device.toml says of an array without names
        known = replace(settings, columns=()) if isinstance(settings.columns, tuple) else settings
        others = [label for label in columns if label not in together]
        left = (f"Arrays of other lengths were left out: {', '.join(others)}.",) if others else ()
        try:
            read = read_text_tables(as_text, known)
        except FileFormatError as error:
            where = f"the arrays {', '.join(labels[:8])}" + (f" of {group}" if group else "")
            raise FileFormatError(f"{where}: {error}") from error
        part = group if len(groups) > 1 else ""
        tables += [
            replace(t, part=", ".join(filter(None, (part, t.part))), notes=(*t.notes, *left)) for t in read
        ]
    if not tables:
        found = ", ".join(label for columns in groups.values() for label in columns) or "none"
        raise source.error(
            "expected arrays of one length with names such as frequency_Hz, Z_real_ohm, Z_imag_ohm, found "
            f"{found}; save them as columns of a CSV file."
        )
    return tables


def _reader(
    name: str,
    recognises: Callable[[Source], bool],
    arrays: Callable[[Source], Iterator[_Array]],
    *suffixes: str,
) -> Reader:
    """The reader of a container."""
    return Reader(
        name,
        recognises,
        lambda source, settings: _tables(source, arrays(source), settings),
        frozenset(suffixes),
    )


def _is_hdf5(source: Source) -> bool:
    """True for HDF5, with or without the words of MATLAB before it."""
    return source.data.startswith(_HDF5) or source.data[_USER_BLOCK : _USER_BLOCK + len(_HDF5)] == _HDF5


READERS = (
    _reader(
        "NumPy arrays",
        lambda s: (
            s.data.startswith((b"\x93NUMPY",)) or (s.data.startswith(b"PK") and b".npy" in s.data[:200])
        ),
        _numpy,
        ".npy",
        ".npz",
    ),
    _reader("HDF5 arrays", _is_hdf5, _hdf5, ".h5", ".hdf5"),
    _reader("MATLAB arrays", lambda s: s.data.startswith(b"MATLAB 5.0"), _matlab, ".mat"),
    _reader("TDMS channels", lambda s: s.data.startswith(b"TDSm"), _tdms, ".tdms"),
)
