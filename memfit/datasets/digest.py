"""A fingerprint of what a record holds: equal numbers have equal digests, whatever file they came from."""

from hashlib import sha256

import numpy as np

from memfit.datasets.records import ImpedanceSpectrum, Record

_ARRAYS = ("frequency", "impedance", "voltage", "current", "time")


def content_digest(record: Record) -> str:
    """SHA-256 (hexadecimal) of the numbers a fit sees: kind, control, bias, columns, drive.

    Names, notes and metadata take no part; neither does the file they came from.
    """
    digest = sha256(f"{record.kind} {record.control}".encode())
    if isinstance(record, ImpedanceSpectrum):
        digest.update(f" {record.bias_voltage!r} {record.bias_current!r}".encode())
    for name in _ARRAYS:
        values = getattr(record, name, None)
        if values is not None:
            digest.update(f" {name} ".encode() + np.ascontiguousarray(values).tobytes())
    drive = getattr(record, "drive", None)
    if drive is not None:
        digest.update(f" drive {drive.initial} ".encode() + drive.time.tobytes() + drive.value.tobytes())
    return digest.hexdigest()
