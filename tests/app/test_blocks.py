"""Blocks of the reports as parts of the page."""

from memfit.app.blocks import blocks, pictures, symbol, words
from memfit.reporting.content import Bullets, Panel, Panels, Paragraph, table_of


def text_of(component):
    """The words of a component."""
    if component is None or isinstance(component, str):
        return component or ""
    if isinstance(component, list):
        return "".join(map(text_of, component))
    return text_of(component.children)


def test_names_become_symbols():
    assert text_of(words("R_b and tau_d grow; a_b does not")) == "Rb and τd grow; a_b does not"
    assert symbol("tau_d").title == "relaxation time of the channel current"
    assert symbol("nothing") == "nothing"


def test_words_and_tables():
    found = table_of("alternatives", ("symbol",), [("R_b",)], caption="R_b")
    made = blocks([None, Paragraph("V_T is known."), Bullets(("one", "two")), found, Paragraph("")])
    assert [text_of(one) for one in made[:2]] == ["VT is known.", "onetwo"]
    assert len(made) == 3
    assert text_of(made[2]).endswith("Rb")


def test_figures_are_those_of_the_report():
    panel = Panel(key="x", draw=lambda figure: figure.add_axes((0, 0, 1, 1)), caption="C", alt="A")
    (figure,) = pictures([Panels((panel,))])
    image, caption = figure.children
    assert image.src.startswith("data:image/svg+xml;base64,")
    assert image.alt == "A"
    assert text_of(caption) == "C"
    assert pictures([None, Bullets(())]) == []
