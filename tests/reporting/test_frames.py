"""Numbers for programs: nothing rounded away, every point there."""

import numpy as np
import pytest

from memfit.datasets.records import IVSweep
from memfit.fitting.result import FittedRecord
from memfit.reporting.frames import RESIDUAL_COLUMNS, columns_csv, residuals_frame, table_csv
from memfit.reporting.tables import estimates_table


def test_residuals_of_a_quasi_steady_curve_stand_against_voltage():
    sweep = IVSweep(name="iv", voltage=np.array([0.0, 1.0]), current=np.array([0.0, 2.0]))
    item = FittedRecord(
        record=sweep, predicted=np.array([0.5, 1.0]), sigma=np.array([0.5, 0.5]), used=np.array([True, False])
    )
    frame = residuals_frame([item])
    assert tuple(frame.columns) == RESIDUAL_COLUMNS
    assert list(frame["quantity"]) == ["voltage", "voltage"]
    assert list(frame["residual"]) == [-1.0, 2.0]
    assert list(frame["used"]) == [True, False]


def test_columns_of_different_length_stand_side_by_side():
    text = columns_csv({"a, b": np.array([1.0, np.nan]), 'say "c"': np.array([1 / 3])})
    assert text == '"a, b","say ""c"""\n1,0.333333333\n,\n'
    assert columns_csv({}) == "\n"


@pytest.mark.parametrize("key", ["parameters", "derived"])
def test_a_table_for_people_as_csv(result, key):
    estimates = getattr(result, key)
    lines = table_csv(estimates_table(key, estimates)).splitlines()
    assert lines[0] == "Symbol,Value,95 % interval,Status,Quantity"
    assert len(lines) == 1 + len(estimates)
