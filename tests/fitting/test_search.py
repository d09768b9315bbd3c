"""The search for the global minimum: distinct minima, starts that the seed decides."""

import numpy as np
import pytest
from devices import TRUTH, device, everything, exact, spectra, sweeps

from memfit.datasets import ImpedanceSpectrum, PulseTransient
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.search import (
    SETTINGS,
    _missed_edges,
    _on_edges,
    find_minima,
    physical_start,
    polish,
)
from memfit.fitting.starts.starting_values import StartingValues, guess
from memfit.model import Parameters, junction_voltage
from memfit.model.smallsignal import impedance
from memfit.model.transient import simulate
from memfit.protocols import Drive


def test_minima_are_sorted_and_differ():
    problem = prepare(device([*spectra(biases=(0.0,)), *sweeps()[:1]]).records)
    minima, first = find_minima(problem, FitPlan(model="3d"), free_parameters("3d"))
    chi2 = [state.minimum.chi2 for state in minima]
    assert chi2 == sorted(chi2)
    for k, state in enumerate(minima):
        for other in minima[:k]:
            assert np.max(np.abs(state.x - other.x)) > SETTINGS.same
    assert set(first.values) >= set(free_parameters("3d"))


def test_polishing_brings_values_to_spectra_and_steady_curve():
    records, plan = exact([*spectra(), *sweeps(rates=(1e-3,))]).records, FitPlan(model="3d")
    off = {name: value * 1.2 for name, value in TRUTH.as_dict().items() if name != "L_s"}
    (best, *_) = polish(records, plan, free_parameters("3d"), [StartingValues(off, 0.0, {})])
    for name in ("C_m", "V_T", "V_m", "tau_d"):
        assert best.values[name] == pytest.approx(getattr(TRUTH, name), rel=0.05)


def test_what_is_fixed_is_not_searched():
    plan = FitPlan(model="3d", fix={"tau_k": 0.05})
    (start, *_) = guess(device(everything()).records, plan.fix)
    unknowns = physical_start(plan, free_parameters("3d"), start.values, ["iv"])
    assert "tau_k" not in unknowns.names
    assert unknowns.base.tau_k == 0.05


SPIKING = {
    "R_b": 580571.0, "C_m": 3.14978e-10, "i_c0": 1.964191e-05, "V_T": 0.7918231, "V_m": 0.0865964,
    "tau_d": 0.00698502, "tau_k": 0.1987682, "R_s": 521.247, "C_0": 4.428412e-12, "V_c": 0.1851257,
}  # fmt: skip
BESIDE = {"R_b": 579100.0, "C_m": 3.129e-10, "i_c0": 1.961e-05, "V_T": 0.7918, "V_m": 0.08666}
BESIDE |= {"tau_d": 0.007008, "tau_k": 0.199, "R_s": 519.5, "C_0": 4.728e-12, "V_c": 0.1871}
"""A place where the model falls off its spike a sample too early: the way down the edge is hidden."""


def test_a_jump_a_sample_too_early_is_not_the_end_of_a_search():
    generator, p = np.random.default_rng(0), Parameters(**SPIKING)
    knots = np.array([0, 0.03975, 0.03975, 1.391377, 1.391377, 2.3852])
    drive = Drive("current", knots, 1.98887e-5 * np.array([0, 0, 1, 1, 0, 0]))
    time = np.linspace(0.0, 2.3852, 801)[np.unique(np.arange(0, 800, 8 / 3).astype(int))]
    voltage = simulate(p, drive, time).voltage
    voltage = voltage + 3e-3 * np.ptp(voltage) * generator.normal(size=time.size)
    records = [PulseTransient(name="p", time=time, current=drive.at(time), voltage=voltage, drive=drive)]
    for bias in (0.1, 0.53, 0.8, 1.02, 1.24):
        frequency = np.geomspace(1e7, 0.05, 40)
        Z = impedance(p, frequency, float(junction_voltage(p, "voltage", np.array([bias]))[0]))
        noise = generator.normal(size=40) + 1j * generator.normal(size=40)
        Z = Z + 0.01 * np.abs(Z) * noise
        records.append(ImpedanceSpectrum(name=f"{bias}", frequency=frequency, impedance=Z, bias_voltage=bias))
    plan = FitPlan(model="3d", parts=("capacitance",))
    problem = prepare(records, robust=True, engine=plan.engine)
    names = free_parameters("3d", plan.asked)
    unknowns = physical_start(plan, names, BESIDE, problem.kinds)
    begun = minimise(problem, unknowns, unknowns.encode(BESIDE), near=False, tolerance=SETTINGS.rough)
    truth = minimise(problem, unknowns, unknowns.encode(SPIKING), near=False, tolerance=SETTINGS.rough)
    assert _missed_edges(begun, SETTINGS.missed).any()
    assert not _missed_edges(truth, SETTINGS.met).any()
    assert begun.minimum.chi2 > 1.5 * truth.minimum.chi2
    found = _on_edges(begun, 0)
    assert not _missed_edges(found, SETTINGS.met).any()
    assert found.minimum.chi2 < 1.1 * truth.minimum.chi2
    assert _on_edges(truth, 0) is truth
