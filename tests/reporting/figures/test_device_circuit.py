"""The drawn circuit holds every label once, inside the figure."""

import pytest
from matplotlib.figure import Figure

from memfit.reporting.figures.device_circuit import _SYMBOLS, Element, Label, device_circuit_figure


@pytest.mark.parametrize("count", [3, 7])
def test_every_label_is_drawn_inside(count):
    symbols = [*_SYMBOLS][:count]
    elements = [
        Element(symbol, (Label("R", f"a{k}", f"{k} ohm"), Label("C", f"b{k}")))
        for k, symbol in enumerate(symbols)
    ]
    figure = Figure(figsize=((34 + 24 * count) / 25.4, 42 / 25.4))
    device_circuit_figure(figure, Label("R", "s"), elements)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts if text.get_text()]
    for element in elements:
        assert all(texts.count(label.index) == 1 for label in element.labels)
        assert all(label.value in texts for label in element.labels if label.value)
    assert "s" in texts
    low, high = axes.get_xlim()
    assert all(low <= text.get_position()[0] <= high for text in axes.texts)
