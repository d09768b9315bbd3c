"""Data sets of HDF5 files, read in a process of their own."""

import io

import numpy as np
import pytest

from memfit.loaders.containers.hdf5 import arrays_of


def written():
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as book:
        book.create_dataset("group/x", data=np.arange(3.0)).attrs["units"] = "mV"
        book.create_dataset("words", data="no numbers")
        book.create_dataset("z", data=np.array([1 + 2j]))
    return file.getvalue()


def test_arrays_come_back_with_their_units():
    found = {path: (values.tolist(), unit) for path, values, unit in arrays_of(written())}
    assert found == {"group/x": ([0.0, 1.0, 2.0], "mV"), "z": ([1 + 2j], "")}


@pytest.mark.parametrize("cut", [9, 300, -200])
def test_a_damaged_file_ends_in_a_sentence(cut):
    with pytest.raises(ValueError, match=r"\w"):
        list(arrays_of(written()[:cut]))


def test_without_h5py_it_says_so():
    try:
        import h5py  # noqa: F401, PLC0415
    except ImportError:
        with pytest.raises(ImportError, match="h5py"):
            list(arrays_of(b""))


def test_nothing_beside_the_data_is_imported(tmp_path, monkeypatch):
    data = written()
    for name in ("numpy", "h5py", "json", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'EXECUTED')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ".")
    assert len(list(arrays_of(data))) == 2
    assert not (tmp_path / "EXECUTED").exists()
