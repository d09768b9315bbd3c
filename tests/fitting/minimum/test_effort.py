"""Evaluations are counted where they are made; data that nothing describes, and a wish to stop, end a fit."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from devices import device, spectra, sweeps

from memfit.fitting import joint as fitting_joint
from memfit.fitting.choice import choice
from memfit.fitting.joint import fit
from memfit.fitting.minimum.effort import SETTINGS, SPENT, Effort, usual_work
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.prediction.predict import Predictor
from memfit.fitting.search import find_minima
from memfit.progress import ended_by


def counted(monkeypatch):
    """Points that are computed from now on, in a list."""
    points = []
    computed = Predictor._computed

    def count(self, *given, **named):
        prediction = computed(self, *given, **named)
        points.append(prediction.work)
        return prediction

    monkeypatch.setattr(Predictor, "_computed", count)
    return points


def noise_instead(measured):
    """Records of the same kind and size, of nothing that the model could be."""
    generator = np.random.default_rng(3)
    spectra = [
        replace(r, impedance=r.impedance * np.exp(0.7 * np.cumsum(generator.standard_normal(r.points))))
        for r in measured.spectra
    ]
    sweeps = [
        replace(r, current=np.max(np.abs(r.current)) * np.sin(40.0 * r.voltage + k))
        for k, r in enumerate(measured.sweeps)
    ]
    return replace(measured, records=(*spectra, *sweeps))


def test_a_part_counts_for_the_whole_and_ends_before_it():
    whole = Effort(100)
    part = whole.part(2.0)
    part.count(150)
    assert (part.used, whole.used, part.over, whole.over) == (1.5, 1.5, "", "")
    part.part(10.0).count(50)
    assert part.over == SPENT
    assert whole.over == ""
    assert part.whole_fit is whole


def test_what_is_counted_is_what_was_computed(monkeypatch):
    points = counted(monkeypatch)
    measured = device([*spectra(), *sweeps()])
    effort = Effort(1)
    find_minima(prepare(measured.records, effort=effort), FitPlan(), free_parameters("3d"))
    assert 0.5 * sum(points) < effort.used <= sum(points)  # places that were asked for without being counted


def test_a_minimum_is_not_computed_again_to_be_judged(joint, noisy, monkeypatch):
    points = counted(monkeypatch)
    records = noisy.records
    fit(noisy)
    whole = sum(2 * r.points if r.kind == "impedance" else r.points for r in records)
    assert sum(points) < 130 * whole


def test_data_that_nothing_describes_end_within_the_budget(monkeypatch):
    points = counted(monkeypatch)
    measured = noise_instead(device([*spectra(), *sweeps()]))
    result = fit(measured).result
    assert result.status.code == "poor_fit"
    assert any("ended after" in sentence for sentence in result.warnings)
    whole = sum(2 * r.points if r.kind == "impedance" else r.points for r in measured.records)
    budget = 2 * SETTINGS.search + SETTINGS.settling + SETTINGS.mistakes  # soon, and at length
    budget += SETTINGS.choice + 2 * SETTINGS.widest  # of parts, and of all parts but dispersion
    assert sum(points) < 2.0 * budget * whole  # closed forms and judgements are beside it


def test_nothing_is_tried_twice_on_data_that_nothing_describes(monkeypatch):
    records = noise_instead(device([*spectra(), *sweeps()])).records
    problem = prepare(records, effort=Effort(usual_work(records), 30.0))
    state = find_minima(problem, FitPlan(), free_parameters("3d"), patient=False, terms=False)[0][0]
    state = replace(state, problem=replace(problem, effort=Effort(usual_work(records), 60.0)))

    offered, with_part = [], choice.with_part

    def offering(state, plan, offer):
        offered.append((*state.parameters.parts, offer.part))
        return with_part(state, plan, offer)

    monkeypatch.setattr(choice, "with_part", offering)
    monkeypatch.setattr(choice._Choice, "rise", lambda *members: 0.0)  # no part helps
    choice.choose_parts(state, FitPlan(), records, widest=False)
    assert offered
    assert len(set(offered)) == len(offered)

    looked = []

    def finding(some, *given, **named):
        looked.append(tuple(record.name for record in some))
        return SimpleNamespace(state=state)  # which describes them no better

    monkeypatch.setattr(fitting_joint, "_find", finding)
    state = replace(state, problem=replace(problem, effort=Effort(usual_work(records))))
    known = fitting_joint._Known()
    for _ in range(2):
        assert fitting_joint._mistake_in(state, records, FitPlan(), "3d", known) is None
    assert looked
    assert len(set(looked)) == len(looked)


@pytest.mark.parametrize("after", [1, 12, 40])
def test_a_fit_that_is_stopped_gives_the_best_so_far(after):
    asked = []

    def stop():
        asked.append(1)
        return "time limit of 1 s" if len(asked) > after else ""

    with ended_by(stop):
        result = fit(device()).result
    assert result.status.code == "not_converged"
    assert result.status.message.count("time limit of 1 s") == 1
    assert "best values so far" in result.status.message
    assert set(result.parameters) >= {"R_b", "C_m"}


@pytest.mark.parametrize("evaluations", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("engine", ["memfit", "lmfit"])
def test_a_minimisation_ends_where_its_effort_does_with_the_lowest_place(engine, evaluations):
    problem = prepare(device([*spectra(), *sweeps()]).records, engine=engine)
    state = find_minima(problem, FitPlan(), free_parameters("3d"))[0][0]
    away = state.x + 0.3
    enough = Effort(problem.predictor.size, evaluations)
    short = minimise(replace(problem, effort=enough), state.unknowns, away)
    start = problem.residuals(state.unknowns).residuals(away)
    assert not short.minimum.converged
    assert short.minimum.message == SPENT
    assert short.minimum.chi2 <= float(start @ start)
