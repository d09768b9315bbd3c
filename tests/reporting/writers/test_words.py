"""Names that users gave are written letter by letter, in every format."""

import pytest

from memfit.reporting.content import Answer, Bullets, Column, Paragraph, Report, Section, Table
from memfit.reporting.writers.html import prose, render_html
from memfit.reporting.writers.text import render_latex, render_markdown, typst_source
from memfit.reporting.writers.words import Given, split_symbols

NAMES = ["c2", "C_m 3", "R_b", "tau_d.csv", "a`V_T`b", "u"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_piece_and_no_symbol(name):
    pieces = list(split_symbols(f"In {name}, and {name}: C_m", frozenset({name})))
    assert [piece for piece, _ in pieces if isinstance(piece, Given)] == [name, name]
    assert [symbol.base for _, symbol in pieces if symbol is not None] == ["C"]


def test_the_longest_name_holds():
    pieces = list(split_symbols("C_m 3 and C_m", frozenset({"C_m 3", "C_m"})))
    assert [str(piece) for piece, _ in pieces] == ["C_m 3", " and ", "C_m"]


def test_every_writer_leaves_them_as_they_are():
    said = f"{' and '.join(NAMES)} have tau_k."
    table = Table("t", said, (Column("Note", "prose"), Column("R_s", "symbol")), ((said, "tau_k"),))
    report = Report(
        "R_b", "", (Answer("?", said, (said,), "plain"),),
        (Section("s", "S", (Paragraph(said), Bullets((said,)), table)),), "", frozenset(NAMES),
    )  # fmt: skip
    assert str(prose(said, frozenset(NAMES))).startswith(
        "c2 and C_m 3 and R_b and tau_d.csv and a`V_T`b and u have <var>"
    )
    page = render_html(report, {})
    assert "<var>c</var>" not in page
    assert "<code>" not in page
    assert page.count("<var>τ</var>") == 7
    for text in (render_markdown(report), render_latex(report)):
        assert "C_{" not in text
        assert "\\tau_" in text
    assert 'quantity("C"' not in typst_source(report)
