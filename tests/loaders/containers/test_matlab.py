"""Numeric arrays of MAT files, as scipy writes them."""

import io

import numpy as np
import pytest
from scipy.io import savemat

from memfit.loaders.containers.matlab import arrays_of

CONTENT = {
    "a": np.arange(6.0).reshape(2, 3),
    "z": np.array([1 + 2j, 3 - 4j]),
    "n": np.array([[7]], dtype=np.int16),
    "s": {"x": np.arange(3.0), "deep": {"y": np.arange(4, dtype=np.uint8)}, "text": "no"},
    "text": "no",
}


def written(**how):
    file = io.BytesIO()
    savemat(file, CONTENT, **how)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_come_back(packed):
    found = dict(arrays_of(written(do_compression=packed)))
    assert list(found) == ["a", "z", "n", "s/x", "s/deep/y"]
    np.testing.assert_array_equal(found["a"], CONTENT["a"])
    np.testing.assert_array_equal(np.ravel(found["z"]), CONTENT["z"])
    np.testing.assert_array_equal(np.ravel(found["s/deep/y"]), np.arange(4))


@pytest.mark.parametrize("cut", [100, 127, 140, 200, -1, -50])
def test_a_cut_file_is_told_or_gives_whole_arrays_only(cut):
    try:
        found = dict(arrays_of(written()[:cut]))
    except (ValueError, IndexError):
        return
    for name, values in found.items():
        if name in CONTENT:
            np.testing.assert_array_equal(np.ravel(values), np.ravel(CONTENT[name]))
