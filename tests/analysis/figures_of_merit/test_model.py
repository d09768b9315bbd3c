"""Figures by the model: a vector whose layout stays, roots that are roots, areas that are those of Im Y."""

import devices
import numpy as np
import pytest

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.model import turnover_frequency
from memfit.model import impedance

P = devices.TRUTH


@pytest.fixture(scope="module")
def bare():
    return figures_of_merit(P)


def test_the_layout_is_that_of_the_names(bare):
    model = bare.model
    numbers = model(P)
    scalars, curves = model.split(numbers)
    assert scalars.size == len(model.names)
    assert model.logarithmic.size == numbers.size
    assert {key: part.size for key, part in curves.items()} == {c.key: c.x.size for c in model.curves}


def test_the_area_vanishes_at_the_turnover_rate(bare):
    rate = bare["turnover_rate"].predicted.value
    area = next(curve for curve in bare.curves if curve.key == "area")
    below, above = area.value[area.x < rate], area.value[area.x > rate]
    assert below[-1] < 0.0 < above[0]


def test_the_turnover_frequency_is_where_the_susceptance_vanishes():
    frequency = np.geomspace(1e3, 1e-2, 61)
    found = turnover_frequency(frequency, impedance(P, frequency, P.V_T))
    Y = 1.0 / impedance(P, np.array([found * 0.98, found * 1.02]), P.V_T)
    assert Y[0].imag < 0.0 < Y[1].imag
    closed = turnover_frequency(frequency, impedance(P, frequency, P.V_T - 12 * P.V_m))
    assert np.isnan(closed)
    assert np.isnan(turnover_frequency(frequency[:4], impedance(P, frequency[:4], P.V_T)))


def test_facilitation_fades_with_the_interval(bare):
    ppf = next(curve for curve in bare.curves if curve.key == "ppf")
    assert ppf.value[0] > 1.002
    assert ppf.value[-1] == pytest.approx(1.0, abs=1e-3)


def test_a_member_has_figures_too():
    member = figures_of_merit(P.replace(R_1=2e5, C_1=1e-6, kappa=0.3))
    known = [entry for entry in member.entries if entry.predicted is not None]
    assert len(known) > 25
    near = figures_of_merit(P.replace(kappa=1e-9))
    assert near["V_set"].predicted.value == pytest.approx(
        figures_of_merit(P)["V_set"].predicted.value, abs=1e-5
    )
