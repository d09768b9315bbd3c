"""What a device is made of: its circuit, the parts that the data asked for, and the models they allow."""

from functools import partial

import numpy as np

from memfit.fitting import FitResult
from memfit.model import PARAMETERS
from memfit.reporting.content import (
    FIGURE_WORDS,
    PART,
    SENTENCES,
    SYMBOLS,
    Block,
    Bullets,
    Panel,
    Panels,
    Table,
    composition,
    table_of,
)
from memfit.reporting.figures.device_circuit import Element, Label, device_circuit_figure
from memfit.reporting.numbers import MISSING, percent, quantity_digits

_COLUMNS = (
    ("memory", "second_polarity"),
    ("diode", "leak"),
    ("light", "photocurrent"),
    ("series", "branch"),
)
"""Symbols of parts that have a column of their own."""
_WORTH_SHOWING = 0.005
"""Share of the probability below which a model is not listed."""


def device_blocks(result: FitResult) -> tuple[Block | None, ...]:
    """The circuit with its parts, the evidence for each, and the models that the data allow.

    Parameters
    ----------
    result : FitResult
    """
    told = [found.sentence for found in result.parts_found]
    if not told and result.members:
        missed = result.misfit is not None and result.misfit.large
        told = [SENTENCES["no_part_helps" if missed else "plainest_suffices"]]
        told = [SENTENCES["parts_given"]] if result.parts else told
    asked = [found.sentence for found in result.diagnosis if found.shows]
    left = [SENTENCES["still_asked"], *asked] if asked else []
    return (
        _circuit_panel(result),
        Bullets(tuple(told)),
        _found_table(result),
        _members_table(result),
        Bullets(tuple(left)),
    )


def _circuit_panel(result: FitResult) -> Panels:
    """The circuit."""
    parts = set(result.parts)
    if not result.fitted_values:
        return Panels(())

    def label(name: str) -> Label:
        estimate, symbol = result.parameters.get(name), SYMBOLS[name]
        if estimate is None or estimate.value is None:
            return Label(symbol.base, symbol.index)
        return Label(symbol.base, symbol.index, quantity_digits(estimate.value, estimate.unit or "1", 3))

    capacitor = "constant phase" if "dispersion" in parts else "capacitor"
    channel = "memory conductance" if "conductance" in parts else "memory"
    columns = [("resistor", ("resistance",)), (capacitor, ("membrane", "dispersion", "capacitance"))]
    columns += [(channel, ("channel", "activation", "conductance", "activation_time"))]
    columns += [(symbol, (part,)) for symbol, part in _COLUMNS if part in parts]
    elements = []
    for symbol, own in columns:
        there = [name for name, row in PARAMETERS.items() if row.part in own and name in result.fitted_values]
        elements.append(Element(symbol, tuple(label(name) for name in there)))
    drawn = [name for name in (*result.parameters,) if result.parameters[name].value is not None]
    data = {name: np.array([result.parameters[name].value]) for name in drawn}
    words, width = FIGURE_WORDS["device"], 34.0 + 24.0 * len(elements)
    draw = partial(device_circuit_figure, series=label("R_s"), elements=elements)
    return Panels(
        (
            Panel(
                key="device",
                draw=draw,
                caption=words.caption,
                alt=words.alt,
                width=width,
                height=42.0,
                data=data,
            ),
        )
    )


def _found_table(result: FitResult) -> Table | None:
    """The parts that were found."""
    if not result.parts_found:
        return None
    rows = [
        (
            PART.get(one.part, one.part),
            quantity_digits(one.bic_fall, "1", 3),
            *(quantity_digits(value, "1", 2) for value in one.misfit),
        )
        for one in result.parts_found
    ]
    return table_of("parts_found", ("part", "bic_fall", "misfit_before", "misfit_after"), rows)


def _members_table(result: FitResult) -> Table | None:
    """The models that the data allow; None where there is one."""
    listed_ones = [m for m in result.members if m.weight >= _WORTH_SHOWING]
    if len(listed_ones) < 2:
        return None
    rows = [
        (
            composition(one.parts) or "the plainest device",
            quantity_digits(one.bic, "1", 2),
            percent(one.weight),
            MISSING if one.probability_oscillates is None else percent(one.probability_oscillates),
        )
        for one in listed_ones
    ]
    return table_of("members", ("member", "bic_rise", "weight", "oscillates"), rows)
