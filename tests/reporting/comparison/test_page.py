"""The page of a comparison: what names from files may do to it, and its three answers."""

import html5lib
from comparing import result_of

from memfit.analysis.comparison import compare_results
from memfit.reporting.comparison.page import (
    comparison_report,
    differ_answer,
    drives_answer,
    spiking_answer,
    write_comparison,
)

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
