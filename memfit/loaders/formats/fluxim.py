"""Impedance of an ageing series as numpy archive (.npz) from a Fluxim PAIOS.

Arrays freqs (n, Hz), Re and Im (n by m, ohm, true sign), t_hours (m); perhaps jsc, voc, pmax, ff. One
spectrum for each time. Objects that would run code when unpacked are refused.
"""

import io
import zipfile

import numpy as np

from memfit.loaders.raw import DAMAGE, FileSettings, RawTable, Reader, Source

MAX_UNPACKED = 256 * 1024**2
"""Largest sum of the unpacked arrays, in bytes."""


def _read(source: Source, settings: FileSettings) -> list[RawTable]:
    """A table for each time."""
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise source.error(f"expected at most {MAX_UNPACKED // 2**20} MB unpacked.")
        with np.load(io.BytesIO(source.data), allow_pickle=False) as archive:
            parts = {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise source.error(
            "expected an archive of arrays (.npz), found a damaged one; copy the file again."
        ) from error
    arrays = {
        name: part.astype(np.float64)
        for name, part in parts.items()
        if isinstance(part, np.ndarray) and part.dtype.kind in "fiu"  # not bytes
    }
    missing = [name for name in ("freqs", "Re", "Im") if name not in arrays]
    if missing:
        raise source.error(
            f"expected the arrays freqs, Re and Im; missing {', '.join(missing)}, found "
            f"{', '.join(sorted(arrays))}."
        )
    frequency, real, imag = arrays["freqs"], np.atleast_2d(arrays["Re"].T), np.atleast_2d(arrays["Im"].T)
    if frequency.ndim != 1 or real.shape != imag.shape or real.shape[1] != frequency.size:
        raise source.error(
            f"expected Re and Im with a row for each of {frequency.size} frequencies, found "
            f"{arrays['Re'].shape}."
        )
    beside = {
        name: values for name, values in arrays.items()
        if name not in ("freqs", "Re", "Im") and values.ndim == 1 and values.size == real.shape[0]
    }  # fmt: skip
    tables = []
    for i, (re, im) in enumerate(zip(real, imag, strict=True)):
        metadata = {name: repr(float(values[i])) for name, values in beside.items() if np.isfinite(values[i])}
        good = np.isfinite(re) & np.isfinite(im)
        left_out = int(np.count_nonzero(~good))
        hours = metadata.get("t_hours")
        table = RawTable(
            columns={"frequency": frequency[good], "z_real": re[good], "z_imag": im[good]},
            kind="impedance",
            part=f"{float(hours):.4g} h" if hours else f"spectrum {i + 1}",
            metadata=metadata,
            notes=(f"{left_out} empty rows were left out.",) if left_out else (),
        )
        tables.append(table)
    return tables


READER = Reader(
    "Fluxim PAIOS npz",
    lambda s: s.data.startswith(b"PK\x03\x04") and b"freqs.npy" in s.data,
    _read,
)
