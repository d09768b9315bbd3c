"""Binary files of oscilloscopes (Rigol, Tektronix, Keysight, Siglent) through RigolWFM, the extra `scope`.

Recognised by their first bytes: Rigol .wfm and .bin, Tektronix .wfm (":WFM#", "LLWFM") and .isf (":CURV"),
Agilent/Keysight .bin ("AG"), Yokogawa .wfm; Siglent and Rohde & Schwarz .bin by the extension. The library
reads from a path and prints: it gets a copy and no screen, and what it returns is checked. LeCroy's .trc has
a reader of its own (`memfit.loaders.formats.lecroy`).
"""

import contextlib
import gc
import io
import re
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import DependencyError, FileFormatError
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import Source

NAME = "oscilloscope binary"
SUFFIXES = frozenset({".wfm", ".isf", ".bin"})

_MAGIC = (
    b"\xa5\xa5\xa4\x01", b"\xa1\xa5\x00\x00", b"\xa5\xa5\x00\x00", b"\xa5\xa5\x38\x00", b"\x01\xff\xff\xff",
    b"RG01", b"RG03", b"AG01", b"AG03", b"AG10",
)  # fmt: skip
_UNITS = {"v": "V", "a": "A"}


def recognises(source: Source) -> bool:
    """True for the first bytes of a maker's binary format."""
    data = source.data
    if data.startswith(_MAGIC) or b"LLWFM" in data[:8] or data[3:7] == b"WFM#" or data[2:7] == b":WFM#":
        return True
    return re.search(rb":CURVE? ?#\d", data[:8192]) is not None


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The channels of a recording.

    Raises
    ------
    DependencyError
        RigolWFM is not installed.
    FileFormatError
        The file is damaged, of another format, or its channels do not fit together.
    """
    try:
        library = import_module("RigolWFM.wfm")
    except ImportError as error:
        raise DependencyError(
            f"{source.name}: reading binary files of oscilloscopes needs RigolWFM (pip install "
            "'memfit[scope]'); or save the recording as CSV."
        ) from error
    found = _parse(library, source)
    channels = {f"CH{channel.channel_number}": channel for channel in found.channels}
    if not channels:
        raise FileFormatError("expected a recording with a channel, found none.", file=source.name)
    times = {name: np.asarray(channel.times, dtype=np.float64) for name, channel in channels.items()}
    time = next(iter(times.values()))
    values: dict[str, FloatArray] = {"time": time}
    for name, channel in channels.items():
        unit = _UNITS.get(str(getattr(channel.unit, "name", "")).lower())
        if unit is None:
            raise FileFormatError(
                f"expected a channel in V or A, found {name} in another unit.", file=source.name
            )
        values[name] = np.asarray(channel.volts, dtype=np.float64)
        _check(source, name, time, times[name], values[name])
    metadata = {"instrument": _plain(found.header_name), "points": str(time.size)}
    return [RawTable(columns=values, channels=True, metadata=metadata, notes=("Read by RigolWFM.",))]


def _parse(library: Any, source: Source) -> Any:
    """The library's view of the file, read from a copy, without a word on the screen."""
    found, reason = None, ""
    silence = io.StringIO()
    with (
        tempfile.TemporaryDirectory(prefix="memfit-") as folder,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(silence),
        contextlib.redirect_stderr(silence),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        path = Path(folder) / f"recording{source.suffix if source.suffix in SUFFIXES else ''}"
        path.write_bytes(source.data)
        try:
            found = library.Wfm.from_file(str(path))
        except Exception as error:  # a foreign parser: whatever it raises means a damaged or unknown file
            reason = type(error).__name__
        if found is None:
            gc.collect()  # the library leaves the copy open when it fails
    if found is None:
        raise FileFormatError(
            "expected a recording of an oscilloscope that RigolWFM reads; found a damaged or another one "
            f"({reason}).",
            file=source.name,
        )
    return found


def _check(source: Source, name: str, time: FloatArray, own: FloatArray, values: FloatArray) -> None:
    """What came back must be finite samples at the same rising times."""
    sound = (
        own.shape == time.shape == values.shape
        and time.ndim == 1
        and time.size >= 3
        and np.isfinite(time).all()
        and np.isfinite(values).all()
        and np.all(np.diff(time) > 0)
        and np.array_equal(own, time)
    )
    if not sound:
        raise FileFormatError(
            f"expected finite samples of {name} at rising times that all channels share; the file is "
            "damaged.",
            file=source.name,
        )


def _plain(text: object) -> str:
    """Printable letters of a name."""
    return re.sub(r"[^ -~]", "", str(text or "")).strip()
