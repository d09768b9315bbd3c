"""The page of a comparison: what names from files may do to it, many devices, few devices, its words."""

from dataclasses import replace

import html5lib
import numpy as np
import pytest
from comparing import MIDDLE, result_of, wafer
from openpyxl import load_workbook

from memfit.analysis.comparison.compare import compare_results
from memfit.reporting.comparison.csv import frames, workbook
from memfit.reporting.comparison.figures import forest_panels
from memfit.reporting.comparison.page import (
    comparison_report,
    differ_answer,
    drives_answer,
    spiking_answer,
    write_comparison,
)
from memfit.reporting.comparison.tables import differences_table, p_text, spread_text, trends_tables
from memfit.reporting.figures.population import MOST_ROWS, drawn_name, short_names
from memfit.reporting.figures.trends import MOST_CURVES, chosen, nyquist_curves
from memfit.reporting.writers.folder import draw_panels

NASTY = ['=1+1|"cmd"', "$x_1$ \\frac", "<b>&amp;\x07", "名前 🧪 " + "long " * 20]


@pytest.fixture(scope="module")
def found():
    return compare_results(wafer(12, 7, stability=True))


def test_nasty_names(tmp_path):
    results = [
        result_of(name, attributes={"<i>": ["$a$", "=b"][k % 2], "a b": k, "a_b": -k}, stability=True)
        for k, name in enumerate(NASTY)
    ]
    found = compare_results(results)
    write_comparison(found, tmp_path)
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert "<b>&amp;" not in page
    assert "<i>" not in page
    html5lib.HTMLParser(strict=True).parse(page.replace("\x07", ""))


def test_no_text_of_a_workbook_is_a_formula(tmp_path):
    found = compare_results([result_of(name) for name in NASTY])
    (tmp_path / "a.xlsx").write_bytes(workbook(frames(found)))
    sheet = load_workbook(tmp_path / "a.xlsx")["devices"]
    cells = [sheet.cell(row, 1) for row in range(2, 6)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} >= {NASTY[0], NASTY[1], "<b>&amp;"}


def test_names_that_are_drawn():
    assert drawn_name("MAPbI₃ α-7 µ") == "MAPbI₃ α-7 µ"
    assert drawn_name("$\\x$\n名") == "··x···"
    assert len(drawn_name("x" * 99)) == 22
    assert short_names(["MAPbI3 A (synthetic)", "MAPbI3 BB (synthetic)"], 12) == ["A", "BB"]
    assert short_names(["A", "BB"], 12) == ["A", "BB"]
    assert short_names(["same " * 5] * 2, 12) == ["same", "same"]


def test_answers(found):
    said = " ".join(drives_answer(found).sentences)
    assert drives_answer(found).headline == "Area and temperature."
    assert "Exponents of the area: R_b −" in said
    assert "Activation energies: tau_d 0." in said
    assert differ_answer(found).headline
    assert spiking_answer(found).headline


def test_answers_without_anything_to_say():
    found = compare_results([result_of("a", stability=True), result_of("b", stability=True)])
    assert differ_answer(found).headline == "No pair of devices differs in any parameter."
    assert "No parameter spreads" in " ".join(differ_answer(found).sentences)
    assert drives_answer(found).headline.startswith("Nothing is known")


def test_differences_one_by_one_and_as_counts(found):
    assert len(differences_table(found).rows) == 66
    many = compare_results(wafer(13, 7))
    table = differences_table(many)
    assert table.key == "counts"
    assert [row[0] for row in table.rows] == list(many.pairs.names)
    assert table.rows[0][1] == f"{int(many.pairs.differ[:, 0].sum())} of 78"


def test_trends_in_tables(found):
    tables = {table.key: table for table in trends_tables(found)}
    (row,) = [row for row in tables["trends_temperature"].rows if row[0] == "tau_d"]
    assert row[1].endswith(" eV")
    (row,) = [row for row in tables["trends_area"].rows if row[0] == "R_b"]
    assert row[3].startswith("−1 (p = ")


def test_texts():
    assert p_text(1e-9) == "< 0.0001"
    assert p_text(0.0312) == "0.031"
    assert p_text(None) == p_text(float("nan")) == "–"
    quantities = {one.name: one for one in compare_results(wafer(2, 1)).sample.quantities}
    assert spread_text(quantities["R_b"], np.log(2.0)) == "×/÷ 2.00"
    assert spread_text(quantities["R_b"], 0.05) == "± 5.0 %"
    assert spread_text(quantities["V_T"], 0.012) == "± 12 mV"
    assert spread_text(quantities["V_T"], 0.0) == "none"


def test_spectra_end_at_the_dc_resistance_and_are_smooth(found):
    for bias in (-2.0, 0.0, 2.0):
        for curve in nyquist_curves(chosen(found), bias):
            assert curve.x[0] == pytest.approx(1.0, abs=1e-3)
            assert abs(curve.y[0]) < 1e-2
            step = np.hypot(np.diff(curve.x), np.diff(curve.y))
            size = np.hypot(np.ptp(curve.x), np.ptp(curve.y))
            assert step.max() < 0.1 * size


def test_many_devices_are_drawn_in_order_and_evenly():
    results = [
        result_of(f"{k}", MIDDLE.replace(V_m=0.05 + 1e-4 * k), stability=True) for k in range(MOST_ROWS + 5)
    ]
    found = compare_results(results)
    assert len(chosen(found)) == MOST_CURVES
    ranks = [rank for _, rank, _ in chosen(found)]
    assert (ranks[0], ranks[-1]) == (1.0, 0.0)
    panel = forest_panels(found).items[0]
    assert panel.height < 70
    assert "65 devices in the order" in panel.caption
    assert len(comparison_report(found).sections) > 5
    drawn = draw_panels(forest_panels(found).items[:1], {"svg"})
    assert drawn[panel.key].files["svg"].startswith(b"<?xml")


def test_missing_values_say_why(found):
    results = wafer(4, 3)
    open_one = replace(
        results[1].parameters["tau_k"], value=None, stderr=None, ci95=None, status="undetermined"
    )
    results[1] = replace(results[1], parameters={**results[1].parameters, "tau_k": open_one})
    panels = {panel.key: panel for panel in forest_panels(compare_results(results)).items}
    svg = draw_panels([panels["forest_tau_k"]], {"svg"})["forest_tau_k"].files["svg"].decode()
    assert "not determined" in svg
