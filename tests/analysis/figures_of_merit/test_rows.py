"""The table of figures, and figures chosen from it."""

import pytest

from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, chosen
from memfit.errors import InputError


def test_figures_are_chosen_by_name():
    assert [row.name for row in chosen(("on_off", "V_set"))] == ["V_set", "on_off"]
    assert chosen(("all",)) == tuple(FIGURES_OF_MERIT.values())
    assert chosen(("none",)) == ()
    assert all(row.usual for row in chosen())
    assert 3 < len(chosen()) < 12


def test_what_was_meant():
    with pytest.raises(InputError, match="did you mean 'V_set'"):
        chosen(("on_off", "V_sett"))
