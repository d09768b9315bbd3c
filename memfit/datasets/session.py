"""When the records of a device were measured, counted from the first: what a drift goes by."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.device import ORDER, Device
from memfit.errors import InputError

START = "start"
"""Key of the metadata under which a file says when it began, as in `# start: 2026-11-28T20:15:00`."""
_BY_ORDER = "No file says when it began: the drift d_i counts per record, in their order, not per second."


def in_session(device: Device) -> Device:
    """The device with the time of each record: s where all say when they began, else their order.

    Parameters
    ----------
    device : Device

    Raises
    ------
    InputError
        Some say when they began and others do not, or the order of the records is not known.
    """
    records = device.records
    stated = [record.metadata.get(START, "") for record in records]
    if all(stated):
        began = [_moment(text, record.name) for text, record in zip(stated, records, strict=True)]
        first = min(began)
        times = [moment - first for moment in began]
    elif any(stated):
        silent = next(record.name for record, text in zip(records, stated, strict=True) if not text)
        raise InputError(
            f"{device.name}: a drift needs to know when each record began, and {silent} does not say it; "
            f"write a line '# {START}: 2026-11-28T20:15:00' above its table, or in no file at all and list "
            "the files in device.toml in the order of measuring."
        )
    elif device.ordered:
        times = [float(record.metadata.get(ORDER, k)) for k, record in enumerate(records)]
    else:
        raise InputError(
            f"{device.name}: a drift needs the order of the records; list the files as [[measurement]] in "
            f"device.toml in the order of measuring, or write '# {START}: 2026-11-28T20:15:00' into each."
        )
    kept = tuple(replace(record, session=t) for record, t in zip(records, times, strict=True))
    said = () if all(stated) else (_BY_ORDER,)
    return replace(device, records=kept, notes=(*device.notes, *said))


def times_of_session(device: Device) -> tuple[FloatArray, str] | None:
    """When each record began, as far as that is known; nothing is refused.

    Parameters
    ----------
    device : Device

    Returns
    -------
    (r,) array, and "s", or "records" where their order alone is known; None where nothing is
    """
    try:
        known = in_session(device)
    except InputError:
        return None
    times = np.array([record.session for record in known.records])
    return times, "s" if START in known.records[0].metadata else "records"


def _moment(text: str, name: str) -> float:
    """Seconds since 1970."""
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError as problem:
        raise InputError(
            f"{name}: expected the start as in 2026-11-28T20:15:00 (ISO 8601); found {text!r}."
        ) from problem
