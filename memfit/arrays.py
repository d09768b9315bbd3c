"""Names for the arrays of memfit: one-dimensional unless said otherwise, float64 or complex128, SI units."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

Interval = tuple[float, float]
"""Lower and upper limit."""


def frozen_floats(values: npt.ArrayLike) -> FloatArray:
    """Copy of `values` as a read-only float64 array."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def frozen_complex(values: npt.ArrayLike) -> ComplexArray:
    """Copy of `values` as a read-only complex128 array."""
    array = np.array(values, dtype=np.complex128)
    array.setflags(write=False)
    return array
