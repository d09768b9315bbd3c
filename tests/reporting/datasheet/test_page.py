"""The data sheet: one row a figure, the files of every format, the words of every figure there."""

import devices
import pytest

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.datasets.standard_protocols import DIMENSIONS
from memfit.model import Parameters
from memfit.reporting.content import ReportOptions
from memfit.reporting.datasheet import page
from memfit.reporting.writers.text import typst_source

SPIKES = Parameters(R_b=1e5, C_m=1e-7, i_c0=4e-5, V_T=0.6, V_m=0.05, tau_d=0.02, tau_k=0.02, R_s=20.0)


@pytest.fixture(scope="module")
def sheet():
    return figures_of_merit(SPIKES, devices.device(p=SPIKES))


def test_every_figure_has_its_words():
    assert set(page._TEXT["names"]) == set(FIGURES_OF_MERIT)
    assert set(page._TEXT["words"]) == set(page._TEXT["units"])
    assert set(DIMENSIONS) - {"rate", "frequency", "cycles"} <= set(page._TEXT["words"])
    assert set(page._TEXT["figure"]) == {"loop", *page._AXES}


def test_one_row_for_each_figure(sheet):
    table = page.main_table(sheet)
    assert [row[0] for row in table.rows] == list(page._TEXT["names"].values())
    by_name = {row[0]: row for row in table.rows}
    assert by_name["set voltage V_set"][2] != "–"  # measured at the conditions asked for
    assert by_name["paired-pulse facilitation A2/A1"][2] == "–"


def test_every_dash_has_its_reason(sheet):
    reasons = {row[0]: row[1:] for row in page._reasons(sheet).rows}
    for row in page.main_table(sheet).rows:
        if row[4] == "–":
            assert reasons[row[0]][1] != "–", row
    for figure, record, _, measured, predicted, _ in page._records(sheet).rows:
        for k, cell in enumerate((measured, predicted)):
            if cell == "–":
                named = figure if figure in reasons and reasons[figure][k] != "–" else f"{figure}, {record}"
                assert len(reasons[named][k]) > 10, named


def test_the_figures_are_on_the_first_page_of_the_pdf(sheet):
    source = typst_source(page.datasheet(sheet))
    first, late = source.split("#set page(columns: 1)")
    assert '#tabular("table-figures_of_merit"' in first
    assert "#long(" not in first
    assert page._TEXT["headings"]["definitions"] not in first  # a heading with nothing below it
    assert late.count("#long(") == 1 + (len(page._records(sheet).rows) >= 45)


def test_all_formats_are_written(sheet, tmp_path):
    options = ReportOptions(formats=("html", "md", "tex", "csv"))
    written = {
        path.relative_to(tmp_path).as_posix() for path in page.write_datasheet(sheet, tmp_path, options)
    }
    assert {"datasheet.html", "datasheet.md", "datasheet.tex", "tables/figures_of_merit.csv"} <= written
    assert {f"figures/merit_{key}.svg" for key in page._TEXT["figure"]} <= written
    text = (tmp_path / "datasheet.html").read_text(encoding="utf-8")
    assert "Data sheet" in text
    assert "no errors are known" in text


def test_words_for_a_terminal(sheet):
    report = page.in_words(sheet)
    assert [section.key for section in report.sections] == ["conditions", "figures", "records"]
    assert "Loops from 0 V" in report.sections[0].blocks[0].items[0]


def test_conditions_in_words():
    assert page.conditions_text({"rate": 0.1, "amplitude": 0.85, "count": 30.0}) == (
        "100 mV/s, to 0.850 V, 30 pulses"
    )
