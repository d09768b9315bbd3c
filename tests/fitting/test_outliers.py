"""Isolated outliers found and described, structure left in."""

from dataclasses import replace

import numpy as np
import pytest
from devices import device, errors, pulses, spectra, sweeps
from linear import linear_state

from memfit.datasets import Device
from memfit.fitting.joint import fit
from memfit.fitting.outliers import find_outliers
from memfit.fitting.plan import FitPlan


def _with(device_, name, **changes):
    """The device with one record changed."""
    records = tuple(replace(r, **changes) if r.name == name else r for r in device_.records)
    return Device(name=device_.name, records=records)


def _spoiled(noisy):
    """A spectrum point, a sample of a sweep and one of a pulse, far off."""
    by_name = {r.name: r for r in noisy.records}
    Z = by_name["eis_1.csv"].impedance.copy()
    Z[7] *= 1.5
    current = by_name["iv_0.csv"].current.copy()
    current[60] *= 1.4
    voltage = by_name["pulse_1.csv"].voltage.copy()
    voltage[40] += 0.2
    spoiled = _with(noisy, "eis_1.csv", impedance=Z)
    spoiled = _with(spoiled, "iv_0.csv", current=current)
    return _with(spoiled, "pulse_1.csv", voltage=voltage)


@pytest.fixture(scope="module")
def spoiled(noisy):
    return _spoiled(noisy)


def test_outliers_are_left_out_and_described(spoiled):
    result = fit(spoiled).result
    found = {(e.file, e.index): e for e in result.excluded}
    assert {("eis_1.csv", 7), ("iv_0.csv", 60), ("pulse_1.csv", 40)} <= set(found)
    assert len(found) <= 5
    spectrum = next(r for r in spoiled.records if r.name == "eis_1.csv")
    assert found["eis_1.csv", 7].at == f"f = {spectrum.frequency[7]:.6g} Hz"
    assert found["pulse_1.csv", 40].at.startswith("t = ")
    assert "standard deviations" in found["iv_0.csv", 60].reason
    assert max(errors(result).values()) < 0.05
    used = {i.file: (i.points, i.used) for i in result.inputs}
    assert used["eis_1.csv"][1] == used["eis_1.csv"][0] - 1


def test_screening_can_be_switched_off(spoiled):
    assert fit(spoiled, FitPlan(model="3d", screen=False)).result.excluded == ()


def test_points_left_out_before_count_again_where_the_fit_passes_by_them():
    """What a poorer fit took for outliers comes back; what is far from this fit as well does not."""
    state, _ = linear_state(sigma=0.01)
    state.problem.predictor.data()[30] += 0.2
    keep = np.ones(state.problem.predictor.size, dtype=bool)
    keep[[3, 4, 30]] = False
    judged = replace(state, problem=replace(state.problem, keep=keep))
    assert np.flatnonzero(find_outliers(judged)).tolist() == [30]


def test_good_data_lose_next_to_nothing(joint):
    assert len(joint.result.excluded) <= 1


def test_structure_is_not_screened_away(noisy):
    """A run of points that the model misses stays in, and is told."""
    record = next(r for r in noisy.records if r.name == "eis_2.csv")
    bump = 1 + 0.4 * np.exp(-(np.log(record.frequency / 5.0) ** 2) / 4)
    result = fit(_with(noisy, "eis_2.csv", impedance=record.impedance * bump)).result
    assert result.status.code == "poor_fit"
    assert "eis_2.csv" in result.status.message
    assert sum(e.file == "eis_2.csv" for e in result.excluded) <= 1


def test_a_point_that_follows_its_neighbours_is_no_outlier_whatever_the_model():
    """A peak that the model misses: its top is far from the model, and not from the data beside it."""
    state, _ = linear_state(sigma=0.01)
    peak = 0.2 * np.exp(-(((np.arange(state.problem.predictor.size) - 30) / 2.5) ** 2))
    state.problem.predictor.data()[:] += peak
    assert not find_outliers(state).any()


def test_few_points_can_be_left_out_too():
    planned = [*spectra(), *sweeps(rates=(0.1,), points=12), *pulses(levels=(1.0,), points=12)]
    result = fit(device(planned)).result
    assert all(item.used >= 0.5 * item.points for item in result.inputs)
