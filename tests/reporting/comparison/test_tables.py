"""The tables of the page of a comparison: what they show of few devices and of many."""

import io

import pandas as pd
import pytest
from comparing import result_of, wafer
from openpyxl import load_workbook

from memfit.analysis.comparison import compare_results
from memfit.reporting.comparison.tables import (
    correlation_tables,
    csv_text,
    devices_table,
    differences_frame,
    differences_table,
    frames,
    per_area_table,
    ranking_table,
    trends_tables,
    workbook,
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


NASTY = ['=1+1|"cmd"', "$x_1$ \\frac", "<b>&amp;\x07", "名前 🧪 " + "long " * 20]


def test_no_text_of_a_workbook_is_a_formula(tmp_path):
    found = compare_results([result_of(name) for name in NASTY])
    (tmp_path / "a.xlsx").write_bytes(workbook(frames(found)))
    sheet = load_workbook(tmp_path / "a.xlsx")["devices"]
    cells = [sheet.cell(row, 1) for row in range(2, 6)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} >= {NASTY[0], NASTY[1], "<b>&amp;"}


def test_files_read_back_as_they_were(comparison):
    tables = frames(comparison)
    assert list(tables) == [
        "devices",
        "pooled",
        "outlying",
        "differences",
        "correlations",
        "trends",
        "left_out",
    ]
    for table in tables.values():
        again = pd.read_csv(io.StringIO(csv_text(table)))
        assert list(again.columns) == list(table.columns)
        assert len(again) == len(table)
    pooled = pd.read_csv(io.StringIO(csv_text(tables["pooled"])))
    assert pooled["mean"].to_numpy() == pytest.approx(tables["pooled"]["mean"].to_numpy(), rel=1e-8)
    assert "R_b per area" in set(pooled["quantity"])


def test_a_trend_by_words_has_a_row_for_each_mean(comparison):
    trends = frames(comparison)["trends"]
    by_words = trends[(trends.covariate == "batch") & (trends.quantity == "R_b")]
    assert list(by_words["word"]) == ["A", "B"]
    assert by_words["slope"].isna().all()
    (by_area,) = trends[(trends.covariate == "area") & (trends.quantity == "R_b")].to_dict("records")
    assert by_area["expected"] == -1.0
    assert by_area["ci95_low"] < by_area["slope"] < by_area["ci95_high"]


def test_a_table_without_rows_keeps_its_titles():
    found = compare_results([result_of("a"), result_of("b")])
    assert list(frames(found)["outlying"].columns) == [
        "device",
        "quantity",
        "deviation_in_scale",
        "score",
        "p_value",
    ]
    assert len(frames(found)["outlying"]) == 0


def test_differences_are_those_of_the_devices():
    found = compare_results(wafer(3, 2))
    table = differences_frame(found)
    value = {one.label: one.parameters["V_T"].value for one in found.devices}
    rows = table[table.quantity == "V_T"]
    assert len(rows) == 3
    for row in rows.itertuples():
        assert row.difference == pytest.approx(value[row.first] - value[row.second])
