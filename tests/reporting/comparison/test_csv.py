"""Tables of a comparison for other programs: columns, one row a mean, texts that are no formulas."""

import io

import pandas as pd
import pytest
from comparing import result_of, wafer
from openpyxl import load_workbook

from memfit.analysis.comparison import compare_results
from memfit.reporting.comparison.csv import csv_text, differences_frame, frames, workbook

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
