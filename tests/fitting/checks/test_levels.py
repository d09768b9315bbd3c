"""Conductances seen without a model."""

import numpy as np
import pytest
from devices import device

from memfit.datasets import ImpedanceSpectrum
from memfit.fitting.checks.levels import conductance_level, distances
from memfit.fitting.checks.mistakes import multiplied, stand_out

RECORDS = device().records  # four spectra, two sweeps, two transients


def test_levels_move_with_the_unit():
    for record in RECORDS:
        column = "impedance" if isinstance(record, ImpedanceSpectrum) else "current"
        shift = conductance_level(multiplied(record, column, 1e3)) - conductance_level(record)
        assert abs(shift) == pytest.approx(3.0)


def test_a_conductance_is_compared_at_the_same_voltages():
    away, told = distances(RECORDS)
    assert np.max(np.abs(away)) < 1.0
    assert not stand_out(RECORDS)
    assert told[4:6].all()
    for which, column, factor, decades in ((5, "current", 1e-3, -3.0), (1, "impedance", 1e2, -2.0)):
        records = list(RECORDS)
        records[which] = multiplied(records[which], column, factor)
        away, _ = distances(records)
        assert away[which] == pytest.approx(decades, abs=0.8)
        assert np.argmax(np.abs(away)) == which
        assert stand_out(records)
