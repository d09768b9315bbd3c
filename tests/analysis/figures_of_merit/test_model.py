"""Figures by the model: a vector whose layout stays, roots that are roots, areas that are those of Im Y."""

import devices
import numpy as np
import pytest
from scipy.optimize import brentq

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.model import turnover_frequency
from memfit.analysis.figures_of_merit.spiking import SPIKES
from memfit.model import impedance, junction_voltage

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

    def susceptance(log_frequency):
        return float((1.0 / impedance(P, np.exp([log_frequency]), P.V_T)).imag[0])

    root = np.exp(brentq(susceptance, np.log(0.3), np.log(30.0), xtol=1e-12))
    read = turnover_frequency(frequency, impedance(P, frequency, P.V_T))
    assert read == pytest.approx(root, rel=1e-3)  # from twelve frequencies a decade
    sheet = figures_of_merit(P, conditions=Conditions(amplitude=P.V_T, read=0.3))
    predicted = sheet["turnover_frequency"].predicted.value
    u = float(junction_voltage(P, "voltage", np.array([P.V_T]))[0])
    assert (1.0 / impedance(P, np.array([predicted]), u)).imag[0] == pytest.approx(0.0, abs=1e-12)
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


@pytest.mark.parametrize("names", [("V_set",), ("turnover_frequency",), ("turnover_rate", "PPF"), SPIKES, ()])
def test_some_numbers_are_those_of_the_whole_vector(names):
    spiking = P.replace(i_c0=4e-5, V_m=0.05, tau_d=0.02, tau_k=0.02, R_b=1e5)
    model = figures_of_merit(spiking).model
    whole = model(spiking)
    wanted = np.zeros(whole.size, dtype=bool)
    wanted[: len(model.names)] = [name in names for name, _ in model.names]
    if not names:  # the curves
        wanted[len(model.names) :] = True
    some = model.some(spiking, wanted)
    assert wanted.any()
    np.testing.assert_array_equal(some[wanted], whole[wanted])
    assert np.isnan(some[: len(model.names)][~wanted[: len(model.names)]]).sum() > 3


def test_no_series_resistance_charges_the_capacitance_as_a_small_one_does():
    asked = Conditions(amplitude=1.0, width=0.3)
    energies = [
        figures_of_merit(P.replace(R_s=R_s), conditions=asked, names=("energy_per_pulse",))[
            "energy_per_pulse"
        ]
        for R_s in (1e-8, 1e-2)
    ]
    assert energies[0].predicted.value == pytest.approx(energies[1].predicted.value, rel=1e-3)
