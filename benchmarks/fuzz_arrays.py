"""The edits of `fuzz_edits.py` for files without lines: containers of arrays, and sessions of PSTrace (JSON).

The arrays of a container are edited as the columns of a table are; a session is edited in the DataValues of
its arrays. A remark is an array of words, or an entry that nobody knows; a short row an array that lacks a
number; a failed cell a number that is not finite, or none; there is no comma half-way.
"""

import copy
import io
import json
import math

import numpy as np
from fuzz_seeds import CURRENT, FREQUENCY, SWEEP, TIME, Z
from scipy.io import savemat

SPECTRA = {
    "frequency_Hz": np.tile(FREQUENCY, 2),
    "Z_real_ohm": np.concatenate([Z.real, 0.5 * Z.real]),
    "Z_imag_ohm": np.concatenate([Z.imag, 0.5 * Z.imag]),
    "bias_V": np.repeat([0.3, 0.5], FREQUENCY.size),
}
LOOP = {"Voltage_V": SWEEP, "Current_A": CURRENT, "Time_s": TIME}


def _numpy(columns):
    packed = io.BytesIO()
    np.savez(packed, **columns)
    return packed.getvalue()


def _matlab(columns):
    packed = io.BytesIO()
    savemat(packed, columns)
    return packed.getvalue()


def _hdf5(columns):
    import h5py  # noqa: PLC0415 - optional

    packed = io.BytesIO()
    with h5py.File(packed, "w", track_order=True) as book:
        for name, values in columns.items():
            book[name] = values
    return packed.getvalue()


def _tdms(columns):
    import nptdms  # noqa: PLC0415 - optional

    packed = io.BytesIO()
    with nptdms.TdmsWriter(packed) as writer:
        writer.write_segment([nptdms.ChannelObject("data", *item) for item in columns.items()])
    return packed.getvalue()


CONTAINERS = {
    "HDF5 arrays": (".h5", _hdf5),
    "MATLAB arrays": (".mat", _matlab),
    "NumPy arrays": (".npz", _numpy),
    "TDMS channels": (".tdms", _tdms),
}


def _moved(columns, rng):
    names = list(columns)
    rng.shuffle(names)
    return {name: columns[name] for name in names}


def _remark(columns, rng):
    more = {"remark": np.array([b"lamp switched off"]), "lamp": np.array([1.0]), "empty": np.zeros(0)}
    name = rng.choice(list(more))
    return {name: more[name], **columns} if rng.random() < 0.5 else {**columns, name: more[name]}


def _nan_block(columns, rng):
    at, size = rng.randrange(_length(columns)), rng.choice((1, 3, 10))
    wanted = list(columns) if rng.random() < 0.3 else [rng.choice(list(columns))]
    return columns | {name: _with(columns[name], slice(at, at + size), math.nan) for name in wanted}


def _short(columns, rng):
    name, at = rng.choice(list(columns)), rng.randrange(_length(columns))
    return columns | {name: np.delete(columns[name], at)}


def _failed(columns, rng):
    name, at = rng.choice(list(columns)), rng.randrange(_length(columns))
    return columns | {name: _with(columns[name], at, rng.choice((math.nan, math.inf, -math.inf)))}


def _copies(columns, rng):
    size = rng.choice((_length(columns), rng.randrange(5, _length(columns) + 1)))
    return {name: np.concatenate([values, values[:size]]) for name, values in columns.items()}


def _length(columns):
    return next(iter(columns.values())).size


def _with(values, place, number):
    changed = values.copy()
    changed[place] = number
    return changed


EDITS = {
    "columns moved": _moved,
    "remark": _remark,
    "NaN block": _nan_block,
    "short row": _short,
    "failed cell": _failed,
    "copies": _copies,
}


def edited_arrays(reader, rng, words):
    """(name, whole file, word, edited file) without end, for a container of arrays."""
    suffix, save = CONTAINERS[reader]
    files = {
        f"{name}{suffix}": (columns, save(columns)) for name, columns in (("eis", SPECTRA), ("iv", LOOP))
    }
    while True:
        for word in words:
            for name, (columns, whole) in files.items():
                if word in EDITS:
                    yield name, whole, word, save(EDITS[word](columns, rng))


def edited_session(data, rng, words):
    """(name, whole file, word, edited file) without end, for a session of PSTrace."""
    whole = json.loads(data.decode("utf-16").strip("\ufeff"))
    while True:
        for word in words:
            if word in EDITS:
                content = copy.deepcopy(whole)
                _edit_session(content, word, rng)
                yield "session.pssession", data, word, json.dumps(content).encode("utf-16")


def _edit_session(content, word, rng):
    """Edit a session in place."""
    measurement = rng.choice(content["Measurements"])
    spectrum = rng.choice(measurement["EISDataList"])
    arrays = spectrum["DataSet"]["Values"]
    values = rng.choice(arrays)["DataValues"]
    at = rng.randrange(len(values))
    if word == "columns moved":
        rng.shuffle(arrays)
    elif word == "remark":
        rng.choice((content, measurement, spectrum, rng.choice(arrays)))["Remark"] = "lamp switched off"
    elif word == "NaN block":
        for value in values[at : at + rng.choice((1, 3, 10))]:
            value["V"] = math.nan
    elif word == "short row":
        del values[at]
    elif word == "failed cell":
        values[at]["V"] = rng.choice((math.nan, math.inf, None, "#NUM!", ""))
    else:
        whole, part = rng.choice(
            ((content["Measurements"], measurement), (measurement["EISDataList"], spectrum))
        )
        whole.append(copy.deepcopy(part))
