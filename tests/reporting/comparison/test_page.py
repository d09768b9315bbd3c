"""The page of a comparison: what names from files may do to it, and its three answers."""

from dataclasses import replace

import html5lib
from comparing import MIDDLE, result_of
from matplotlib.figure import Figure

from memfit.analysis.comparison import compare_results
from memfit.reporting.comparison.page import (
    comparison_report,
    differ_answer,
    drives_answer,
    spiking_answer,
    write_comparison,
)
from memfit.reporting.figures.marks import key
from memfit.reporting.figures.population import short_names

NASTY = ['=1+1|"cmd"', "$x_1$ \\frac", "<b>&amp;\x07", "名前 🧪 " + "long " * 20]


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


QUANTITIES = ["c2", "C_m 3", "R_b", "`V_T`", "tau_d, u", "i_c0 5 V"]


def test_names_of_devices_are_text_whatever_they_look_like(tmp_path):
    results = [
        result_of(name, attributes={"tau_k": k % 2, "kind": ["c1", "V_m"][k % 2]}, stability=True)
        for k, name in enumerate(QUANTITIES)
    ]
    found = compare_results([*results, result_of("c1", error=0.3, stability=True)])
    report = comparison_report(found)
    write_comparison(found, tmp_path)
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    said = [paragraph for answer in report.answers for paragraph in (answer.headline, *answer.sentences)]
    assert any(name in sentence for name in QUANTITIES for sentence in said)
    assert not any(mark in page for mark in ("<var>c</var>", "<sub>m</sub> 3", "<code>V_T", "</var>, <var>"))
    paragraphs = ["".join(one.itertext()).replace("\xa0", " ") for one in tree.iter("p")]
    for sentence in said:
        assert any(sentence in text for text in paragraphs)


def test_a_headline_leaves_the_first_letter_of_a_name(tmp_path):
    spiking = replace(MIDDLE, i_c0=1e-4)
    found = compare_results([result_of(name, spiking, stability=True) for name in ("c1", "c2")])
    assert spiking_answer(found).headline.startswith("c1 and c2")


def test_answers(comparison):
    said = " ".join(drives_answer(comparison).sentences)
    assert drives_answer(comparison).headline == "Area and temperature."
    assert "Exponents of the area: R_b −" in said
    assert "Activation energies: tau_d 0." in said
    assert differ_answer(comparison).headline
    assert spiking_answer(comparison).headline


def test_answers_without_anything_to_say():
    found = compare_results([result_of("a", stability=True), result_of("b", stability=True)])
    assert differ_answer(found).headline == "No pair of devices differs in any parameter."
    assert "No parameter spreads" in " ".join(differ_answer(found).sentences)
    assert drives_answer(found).headline.startswith("Nothing is known")


def test_sections_stand_in_order_and_none_is_empty(comparison):
    report = comparison_report(comparison, "made here")
    keys = [section.key for section in report.sections]
    assert keys[:4] == ["overview", "ranking", "devices", "pooled"]
    assert keys == sorted(keys, key=keys.index)
    assert all(section.blocks for section in report.sections)
    assert (report.title, report.footer) == ("Comparison of 12 devices", "made here")


def test_few_devices_have_no_correlations():
    report = comparison_report(compare_results([result_of(name, stability=True) for name in "ab"]))
    assert not {"trends", "left_out"} & {section.key for section in report.sections}


def test_two_devices_give_no_range_for_others(tmp_path):
    found = compare_results([result_of(name, stability=True) for name in ("one", "two")])
    table = next(table for table in comparison_report(found).tables if table.key == "pooled")
    titles = [column.title for column in table.columns]
    for row in table.rows:
        assert row[titles.index("Another device (95 %)")] == "–"
        assert row[titles.index("95 % interval")] == "–"
    three = compare_results([result_of(name, stability=True) for name in ("one", "two", "three")])
    table = next(table for table in comparison_report(three).tables if table.key == "pooled")
    assert all(row[titles.index("Another device (95 %)")] != "–" for row in table.rows)


def test_measures_of_spread_are_explained_where_they_stand(comparison):
    table = next(table for table in comparison_report(comparison).tables if table.key == "pooled")
    for meaning in ("p how often chance alone would do that", "I² which share of the variance is between"):
        assert meaning in table.caption


def test_a_name_in_a_legend_is_no_symbol():
    axes = Figure().add_subplot()
    key(axes, [("C0", name) for name in short_names(["c2", "R_b"], 20)])
    assert [text.get_text() for text in axes.texts] == ["c2", "R_b"]
