"""The tables of the page of a comparison: what they show of few devices and of many."""

from comparing import result_of, wafer

from memfit.analysis.comparison import compare_results
from memfit.reporting.comparison.tables import (
    correlation_tables,
    devices_table,
    differences_table,
    per_area_table,
    ranking_table,
    trends_tables,
)
from memfit.reporting.content import Graded


def test_differences_one_by_one_and_as_counts(comparison):
    assert len(differences_table(comparison).rows) == 66
    many = compare_results(wafer(13, 7))
    table = differences_table(many)
    assert table.key == "counts"
    assert [row[0] for row in table.rows] == list(many.pairs.names)
    assert table.rows[0][1] == f"{int(many.pairs.differ[:, 0].sum())} of 78"


def test_trends_in_tables(comparison):
    tables = {table.key: table for table in trends_tables(comparison)}
    (row,) = [row for row in tables["trends_temperature"].rows if row[0] == "tau_d"]
    assert row[1].endswith(" eV")
    (row,) = [row for row in tables["trends_area"].rows if row[0] == "R_b"]
    assert row[3].startswith("−1 (p = ")


def test_every_device_has_a_row_with_every_quantity(comparison):
    table = devices_table(comparison)
    assert [row[0] for row in table.rows] == [device.label for device in comparison.devices]
    titles = [column.title for column in table.columns]
    assert titles == ["Device", "Fit", "Area", "Temperature", *comparison.sample.names]
    assert table.rows[0][titles.index("V_T")].endswith(" V")
    scaled = per_area_table(comparison.normalised)
    assert [column.title for column in scaled.columns][2:] == ["R_b", "C_m", "i_c0"]


def test_more_devices_than_rows_are_told():
    many = compare_results([result_of(f"{k}", stability=True) for k in range(61)])
    table = devices_table(many)
    assert len(table.rows) == 60
    assert table.caption.endswith("The first 60 of 61 are shown; devices.csv has all.")


def test_the_ranking_begins_with_the_smallest_margin(comparison):
    table = ranking_table(comparison, "current")
    margins = [one.gain_margin for one in comparison.ranking if one.circuit == "current"]
    assert [row[0] for row in table.rows] == [str(k) for k in range(1, 13)]
    assert margins == sorted(margins)
    assert table.caption.startswith("Devices under current control")


def test_matrices_are_symmetric_with_ones_on_the_diagonal(comparison):
    between, within, strongest = correlation_tables(comparison)
    for table in (between, within):
        cells = [row[1:] for row in table.rows]
        texts = [[cell.text if isinstance(cell, Graded) else cell for cell in row] for row in cells]
        assert texts == [list(column) for column in zip(*texts, strict=True)]
        assert all(texts[k][k] == "1" for k in range(len(texts)))
    assert len(strongest.rows) == 12
