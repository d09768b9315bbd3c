"""Names of quantities inside sentences, and sentences put together."""

import pytest

from memfit.reporting.content import (
    FIGURE_WORDS,
    SYMBOLS,
    counted,
    distinct,
    listed,
    meaning,
    on_axis,
    without_mathematics,
)
from memfit.reporting.writers.words import split_symbols


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("R_b and tau_d.", ["R_b", "tau_d"]),
        ("tau_d x tau_k", ["tau_d", "tau_k"]),
        ("R_b/R_a, (C_m)", ["R_b", "R_a", "C_m"]),
        ("at u = 3", ["u"]),
        ("R_b_test.csv, my R_b.csv, xR_b, c05, du, u.", ["u"]),
        ("eis_u.csv", []),
    ],
)
def test_names_are_found_where_they_stand_alone(text, symbols):
    pieces = list(split_symbols(text))
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, symbol in pieces if symbol is not None] == symbols


def test_numbers_and_lists_in_sentences():
    assert counted(1, "record") == "1 record"
    assert counted(0, "record") == "0 records"
    assert counted(2, "spectrum", "spectra") == "2 spectra"
    assert [listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_labels_that_repeat_are_numbered():
    assert distinct(["1 V", "2 V", "1 V"]) == ["1 V #1", "2 V", "1 V #2"]
    assert distinct([]) == []


def test_every_parameter_of_the_model_has_words():
    assert all(meaning(name) for name in ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s", "L_s"))
    assert meaning("gain of the lab's own") == ""


def test_quantities_of_instruments_are_told_with_their_records():
    assert meaning("gain_iv") == "gain of the instrument of the I-V sweeps, relative to the reference"
    assert (
        meaning("edge_1_0", ["a.csv", "b.csv"])
        == "time of jump 1 of b.csv, counted from the first sample after it"
    )
    assert meaning("u_0_0", ["a.csv"]) == "first voltage across the junction in a.csv"
    assert meaning("edge_7_0", ["a.csv"]) == ""


def test_the_symbols_of_the_paper_are_there():
    assert set(SYMBOLS) >= {"tau_m", "A_max"}


def test_every_figure_has_a_caption_and_a_description():
    assert all(
        words.caption.endswith((".", "{says}", "{conditions}")) and words.alt.endswith(".")
        for words in FIGURE_WORDS.values()
    )


def test_a_phase_beyond_half_a_turn_is_explained():
    assert "without jumps of 360°, so that it may leave ±180°" in FIGURE_WORDS["bode"].caption


def test_symbols_on_axes_are_plain_for_the_pointer():
    assert on_axis("tau_d") == "$τ_{d}$"
    assert without_mathematics(f"{on_axis('V_m')} (mV)") == "Vm (mV)"
    assert without_mathematics("anneal_time {1} (min)") == "anneal_time {1} (min)"
    assert without_mathematics(r"cost_per_cm2 (\$)") == "cost_per_cm2 ($)"
