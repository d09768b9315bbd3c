"""Long records: what of them is searched, what is seen in that, and that the whole has the last word."""

from dataclasses import replace

import numpy as np
import pytest
from devices import TRUTH, device, errors, exact, pulses, spectra, sweeps

from memfit.fitting import joint as joint_fit
from memfit.fitting.joint import fit
from memfit.fitting.noise import first_noise
from memfit.fitting.plan import FitPlan
from memfit.fitting.prediction import long_records
from memfit.fitting.prediction.long_records import SETTINGS, telling
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.settling import on_all_samples
from memfit.fitting.uncertainty.refit import rebuild_problem
from memfit.model import steady_current
from memfit.protocols import Drive
from memfit.synthetic.measurements import transient


def train(count, points=20):
    """A train of equal pulses of current, planned."""
    value = float(steady_current(TRUTH, TRUTH.V_T))
    begin = 0.1 * np.arange(count)
    vertices = np.column_stack([begin + 0.02, begin + 0.02, begin + 0.08, begin + 0.08]).ravel()
    values = np.tile([0.0, value, value, 0.0], count)
    end = 0.1 * count + 0.02
    drive = Drive("current", [0.0, *vertices, end], [0.0, *values, 0.0])
    return transient(drive, points=points * count, file="train.csv")


def test_long_records_are_searched_on_few_samples_and_settled_on_all():
    long = device([*spectra(), *pulses(points=20_000)], seed=4)
    assert all(telling(r).points < 0.3 * r.points for r in long.transients)
    sizes = {record.name: record.points for record in long.records}
    found = fit(long)
    assert {item.file: item.points for item in found.result.inputs} == sizes
    assert {item.record.name: item.predicted.size for item in found.fitted} == sizes
    assert max(errors(found.result).values()) < 0.02


def test_short_records_are_searched_whole():
    assert all(telling(record) is record for record in device().records)


def test_samples_beside_a_jump_are_all_kept():
    (record,) = exact(pulses(levels=(1.0,), points=20_000)).records
    few = telling(record)
    for jump in record.drive.jumps:
        first = int(np.searchsorted(record.time, jump))
        beside = record.time[first - SETTINGS.beside : first + SETTINGS.beside]
        assert np.isin(beside, few.time).all()


@pytest.mark.parametrize("planned", [pulses(points=30_000), sweeps(points=30_000), [train(2000)]])
def test_the_noise_is_seen_in_telling_samples(planned):
    for record in device(planned, seed=2).records:
        few = telling(record)
        assert few.points < 0.3 * record.points
        seen, expected = first_noise(few), first_noise(record)
        sizes = np.abs(record.response)
        assert np.median(seen.sigma(sizes) / expected.sigma(sizes)) == pytest.approx(1.0, rel=0.15)


def test_of_a_train_the_beginning_is_searched():
    (record,) = exact([train(2000)]).records
    few = telling(record)
    assert few.drive.time.size <= SETTINGS.vertices + 1
    assert few.time[-1] < few.drive.time[-1]
    assert few.drive.at(few.time) == pytest.approx(record.drive.at(few.time))
    whole = telling(record, begun=False)
    assert whole.drive is record.drive
    assert whole.time[-1] == record.time[-1]


def test_all_of_a_sweep_is_searched_where_its_samples_did_not_tell():
    (record,) = exact(sweeps(rates=(1.0,), points=30_000)).records
    assert telling(record).points < record.points
    assert telling(record, begun=False) is record


def test_a_long_fit_computes_the_whole_few_times(monkeypatch):
    monkeypatch.setattr(long_records, "SETTINGS", replace(SETTINGS, vertices=100, long=1000, groups=100))
    long, points, computed = device([*spectra(), train(100)], seed=3), [], Predictor._computed

    def count(self, *given, **named):
        prediction = computed(self, *given, **named)
        points.append(self.size)
        return prediction

    monkeypatch.setattr(Predictor, "_computed", count)
    result = fit(long).result
    assert max(errors(result).values()) < 0.02
    size = sum(2 * r.points if r.kind == "impedance" else r.points for r in long.records)
    assert 1 <= points.count(size) <= 25


def test_what_the_beginning_did_not_tell_is_searched_on_all_pulses(monkeypatch):
    asked, named = [], telling

    def noted(record, *, begun=True):
        asked.append(begun)
        return named(record, begun=begun)

    monkeypatch.setattr(joint_fit, "telling", noted)
    monkeypatch.setattr(long_records, "SETTINGS", replace(SETTINGS, vertices=40, fewest=100))
    plan, long = FitPlan(model="3d", conflict_test=False), device([*spectra(), train(24)], seed=5)
    assert fit(long, plan).result.status.code == "ok"
    assert all(asked)
    *others, late = long.records
    drifts = np.where(late.time > 0.6 * late.time[-1], 1.2, 1.0)
    changed = replace(long, records=(*others, replace(late, voltage=late.voltage * drifts)))
    assert fit(changed, plan).result.status.code == "poor_fit"
    assert not all(asked)


def test_a_fit_of_all_samples_stays_as_it_is(joint, noisy):
    state = rebuild_problem(joint.result, noisy)
    assert on_all_samples(state, noisy.records, FitPlan()) is state
