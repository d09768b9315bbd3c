"""Containers of named arrays: NumPy, MATLAB, HDF5, TDMS."""

import io
import re

import numpy as np
import pytest
from scipy.io import savemat

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source

F = np.geomspace(1e5, 1.0, 12)
Z = 35.0 + 1e5 / (1.0 + 2j * np.pi * F * 1e-3)
NAMED = {"frequency_Hz": F, "Z_real_ohm": Z.real, "Z_imag_ohm": Z.imag}


def numpy_bytes(save, *arrays, **named):
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def structured():
    table = np.zeros(12, dtype=[(name, float) for name in NAMED])
    for name, values in NAMED.items():
        table[name] = values
    return numpy_bytes(np.save, table)


def matlab(content, **how):
    file = io.BytesIO()
    savemat(file, content, **how)
    return file.getvalue()


FILES = {
    "a.npz": numpy_bytes(np.savez, **NAMED),
    "a.npy": structured(),
    "a.mat": matlab(NAMED),
    "b.mat": matlab({"eis": {"frequency_Hz": F, "Z_ohm": Z.real}, "data": NAMED, "comment": "cell 7"}),
}


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.mat"])
def test_named_arrays(name):
    (record,) = read_source(Source(name, FILES[name]), FileSettings(bias=0.5))
    assert record.impedance == pytest.approx(Z, rel=1e-12)
    assert record.bias_voltage == 0.5


@pytest.mark.parametrize("packed", [False, True])
def test_matlab_structures_and_complex_arrays(packed):
    content = {
        "eis": {"frequency_Hz": F, "Z": Z},
        "note": "cell 7",
        "count": 3,
        "cells": np.array([[1, "a"]], dtype=object),
    }
    data = matlab(content, do_compression=packed, oned_as="column")
    with pytest.raises(FileFormatError, match="unit"):
        read_source(Source("a.mat", data))
    content["eis"] = {
        "frequency_Hz": F.astype("f4"),
        "Z_real_ohm": Z.real,
        "Z_imag_ohm": Z.imag,
        "n": np.arange(12),
    }
    (record,) = read_source(Source("a.mat", matlab(content, do_compression=packed)), FileSettings(bias=0.5))
    assert record.impedance == pytest.approx(Z, rel=1e-12)
    assert record.frequency == pytest.approx(F, rel=1e-6)


def test_hdf5_with_units_in_attributes_and_a_complex_impedance():
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as book:
        for bias in (0.5, 0.6):
            group = book.create_group(f"eis {bias} V")
            group.create_dataset("frequency", data=F / 1e3).attrs["units"] = "kHz"
            group.create_dataset("Z", data=Z * bias).attrs["unit"] = "ohm"
        book.create_dataset("comment", data="nothing")
    records = read_source(Source("a.h5", file.getvalue()))
    assert [record.origin.part for record in records] == ["eis 0.5 V", "eis 0.6 V"]
    assert [record.bias_voltage for record in records] == [0.5, 0.6]
    assert records[0].impedance == pytest.approx(0.5 * Z, rel=1e-12)
    assert records[0].frequency == pytest.approx(F, rel=1e-12)
    with pytest.raises(FileFormatError, match="damaged"):
        read_source(Source("a.h5", file.getvalue()[:-900]))


def test_tdms():
    nptdms = pytest.importorskip("nptdms")
    file = io.BytesIO()
    volts = np.linspace(0.0, 1.0, 20)
    with nptdms.TdmsWriter(file) as writer:
        writer.write_segment([
            nptdms.ChannelObject("iv", "Voltage", volts, properties={"unit_string": "V"}),
            nptdms.ChannelObject("iv", "Current", 1e3 * volts, properties={"unit_string": "nA"}),
        ])  # fmt: skip
    (record,) = read_source(Source("a.tdms", file.getvalue()))
    assert record.kind == "iv"
    assert record.current == pytest.approx(1e-6 * volts)
    with pytest.raises(FileFormatError, match="cut or damaged"):
        read_source(Source("a.tdms", file.getvalue()[:-40]))


def test_an_array_without_names_needs_a_header_and_takes_it():
    data = numpy_bytes(np.save, np.column_stack([F, Z.real, Z.imag]))
    with pytest.raises(FileFormatError, match="expected"):
        read_source(Source("a.npy", data))
    settings = FileSettings(columns=("f (Hz)", "Z' (ohm)", "Z'' (ohm)"), bias=0.1)
    (record,) = read_source(Source("a.npy", data), settings)
    assert record.impedance == pytest.approx(Z, rel=1e-12)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.mat"])
@pytest.mark.parametrize("cut", [9, 60, 200, -30])
def test_a_damaged_container_is_told(name, cut):
    with pytest.raises(FileFormatError):
        read_source(Source(name, FILES[name][:cut]))


@pytest.mark.parametrize(
    "data",
    [
        numpy_bytes(np.save, np.array([{"a": 1}], dtype=object)),
        numpy_bytes(np.savez, x=F),
        b"\x89HDF\r\n\x1a\n",
    ],
)
def test_what_holds_no_table_is_told(data):
    with pytest.raises(Exception, match=r"expected|h5py"):
        read_source(Source("a.npz", data))


def test_arrays_of_other_lengths_are_named():
    data = numpy_bytes(np.savez, **NAMED, bias=np.zeros(4))
    (record,) = read_source(Source("a.npz", data))
    assert any("Arrays of other lengths were left out: bias" in note for note in record.notes)


WORDS = r"h5py|HDF5 library|scipy|zlib|pickle|Errno|numpy|seek|decod|header|Unable|synchron|segment|\n"


def written(name):
    if name == "a.h5":
        h5py = pytest.importorskip("h5py")
        file = io.BytesIO()
        with h5py.File(file, "w") as book:
            for label, values in NAMED.items():
                book[label] = values
        return file.getvalue()
    if name == "a.tdms":
        nptdms = pytest.importorskip("nptdms")
        file = io.BytesIO()
        with nptdms.TdmsWriter(file) as writer:
            writer.write_segment([nptdms.ChannelObject("eis", *item) for item in NAMED.items()])
        return file.getvalue()
    return matlab(NAMED, do_compression=True) if name == "packed.mat" else FILES[name]


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.mat", "packed.mat", "a.h5", "a.tdms"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "end"])
def test_a_damaged_container_is_told_in_plain_words(name, damage):
    """One sentence of memfit's own; what a library says of its inside helps nobody."""
    data = written(name)
    middle = len(data) // 2
    changed = {
        "cut": data[: -len(data) // 3],
        "flipped": data[:140] + bytes(byte ^ 255 for byte in data[140:middle]) + data[middle:],
        "end": data[:-20],
    }[damage]
    try:
        records = read_source(Source(name, changed))
    except FileFormatError as error:
        said = str(error)
    else:  # what is damaged is no array
        assert records[0].impedance == pytest.approx(Z, rel=1e-6)
        return
    assert "damaged" in said or "expected arrays" in said
    assert not re.search(WORDS, said), said


def test_the_library_of_tdms_writes_nothing_of_its_own(capfd):
    data = written("a.tdms")
    with pytest.raises(FileFormatError, match="damaged"):
        read_source(Source("a.tdms", data[:-20]))
    assert capfd.readouterr() == ("", "")


def test_python_objects_are_told_apart_from_damage():
    data = numpy_bytes(np.savez, allow_pickle=True, **NAMED, notes=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileFormatError, match="found Python objects"):
        read_source(Source("a.npz", data))


@pytest.mark.parametrize("lost", list(NAMED))
def test_an_array_that_lacks_a_number_shifts_no_row(lost):
    with pytest.raises(FileFormatError, match=f"found 11 numbers of {lost} beside 12 of"):
        read_source(Source("a.npz", numpy_bytes(np.savez, **NAMED | {lost: NAMED[lost][1:]})))


@pytest.mark.parametrize(
    "changed",
    [
        {name: values.astype(">f8") for name, values in NAMED.items()},
        {name: values[None, :] for name, values in NAMED.items()},
        {name: values[:, None] for name, values in NAMED.items()},
        dict(reversed(NAMED.items())),
        {"remark": np.array(["lamp off"]), **NAMED, "lamp": np.array(1.0), "empty": np.zeros(0)},
        {name: np.asfortranarray(values) for name, values in NAMED.items()},
    ],
)
@pytest.mark.parametrize("name", ["a.npz", "a.mat", "a.h5"])
def test_edits_that_preserve_the_values_preserve_the_record(name, changed):
    if name == "a.h5":
        h5py = pytest.importorskip("h5py")
        file = io.BytesIO()
        with h5py.File(file, "w") as book:
            for label, values in changed.items():
                book[label] = values.astype("S") if values.dtype.kind == "U" else values
        data = file.getvalue()
    else:
        data = matlab(changed) if name == "a.mat" else numpy_bytes(np.savez_compressed, **changed)
    (record,) = read_source(Source(name, data))
    assert record.impedance == pytest.approx(Z, rel=1e-12)
    assert record.frequency == pytest.approx(F, rel=1e-12)
