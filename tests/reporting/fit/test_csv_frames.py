"""Numbers for programs: nothing rounded away, every point there."""

import numpy as np
import pytest

from memfit.datasets.records import IVSweep
from memfit.fitting.result import FittedRecord
from memfit.reporting.fit.tables import RESIDUAL_COLUMNS, estimates_csv, estimates_table, residuals_csv
from memfit.reporting.writers.folder import columns_csv, table_csv


def test_residuals_of_a_quasi_steady_curve_stand_against_voltage():
    sweep = IVSweep(name="iv", voltage=np.array([0.0, 1.0]), current=np.array([0.0, 2.0]))
    item = FittedRecord(
        record=sweep, predicted=np.array([0.5, 1.0]), sigma=np.array([0.5, 0.5]), used=np.array([True, False])
    )
    head, *rows = residuals_csv([item]).splitlines()
    assert head.split(",") == list(RESIDUAL_COLUMNS)
    assert rows == ["iv,0,voltage,0,V,current,0,0.5,0.5,-1,True", "iv,1,voltage,1,V,current,2,1,0.5,2,False"]


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


def test_parameters_in_full(result):
    head, *rows = estimates_csv(result).splitlines()
    table = result.to_frame().reset_index()
    assert head.split(",") == list(table.columns)
    for row, (_, known) in zip(rows, table.iterrows(), strict=True):
        fields = row.split(",")
        assert [fields[0], fields[2], fields[6]] == [known["parameter"], known["unit"], known["status"]]
        assert float(fields[1]) == pytest.approx(known["value"], rel=1e-8)


def test_names_are_quoted_where_csv_needs_it():
    sweep = IVSweep(name='a, "b"', voltage=np.array([0.0]), current=np.array([0.0]))
    item = FittedRecord(record=sweep, predicted=np.zeros(1), sigma=np.ones(1), used=np.array([True]))
    assert residuals_csv([item]).splitlines()[1].startswith('"a, ""b""",0,voltage')
