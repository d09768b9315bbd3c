"""What parts promise without a refit, against what a refit brings; shapes of parts scaled."""

import math

import numpy as np
import pytest
from made_members import PARTS, PLAIN, device

from memfit.fitting.choice.diagnosis import ASKS, PROBES, Reach, promises, scaled
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.minimum.unknowns import Unknowns, physical_unknowns
from memfit.fitting.noise import noise_without_model, prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.prediction.predict import measured, modulus
from memfit.model import EXTENSIONS, PARAMETERS, Parameters


def plainest(made):
    """The plainest model at its minimum, from the truth."""
    problem = prepare(made.records)
    unknowns = Unknowns(
        physical_unknowns(FitPlan(), free_parameters("3d")), Parameters(**PLAIN), problem.kinds
    )
    return minimise(problem, unknowns, unknowns.encode(PLAIN))


def offers(state):
    records = state.problem.predictor.records
    noise = [noise_without_model(r).sigma(modulus(r, measured(r))) for r in records]
    share = np.ones(state.problem.predictor.size)
    return promises(state, share, np.concatenate(noise), list(PROBES))


def tenth(truth):
    """A tenth of a part."""
    return scaled(truth, 0.1)


@pytest.mark.parametrize("part", PARTS)
def test_the_part_that_is_there_promises_most(part):
    best, *_ = offers(plainest(device(noise=0.003, **tenth(PARTS[part]))))
    assert best.part == part
    assert best.fall > 100.0
    assert best.sentence.startswith("The ")
    assert best.asks in best.sentence


def test_a_promise_is_kept_by_the_refit():
    truth = tenth(PARTS["conductance"])
    state = plainest(device(noise=0.003, **truth))
    best = offers(state)[0]
    unknowns = state.unknowns.plus(physical_unknowns(FitPlan(), EXTENSIONS["conductance"]))
    start = {**state.unknowns.values(state.x), **best.values}
    wider = minimise(state.problem, unknowns, unknowns.encode(start))
    count = state.points
    brought = count * math.log(state.minimum.chi2 / wider.minimum.chi2)
    assert best.fall == pytest.approx(brought, rel=0.1)
    assert best.values["kappa"] == pytest.approx(truth["kappa"], rel=0.3)


def test_nothing_is_promised_of_a_device_that_is_plain():
    falls = [one.fall for one in offers(plainest(device()))]
    assert max(falls) < 20.0


def test_a_scaled_part_keeps_its_shape():
    assert scaled({"R_1": 10.0, "C_1": 2.0}, 0.5) == {"R_1": 20.0, "C_1": 1.0}
    assert scaled({"n": 0.9}, 2.0)["n"] == pytest.approx(0.8)
    assert scaled({"I_l": 1.0, "V_l": 0.3}, 3.0) == {"I_l": 3.0, "V_l": 0.3}
    assert scaled({"p_k": 0.9, "q_k": 0.1}, 0.0) == {"p_k": 1.0, "q_k": 0.0}


def test_every_part_has_shapes_and_words():
    p, reach = Parameters(**PLAIN), Reach(-1.0, 1.0, 1.0, 1e6, True)
    for part in set(EXTENSIONS) - {"drift"}:
        tried = list(PROBES[part](p, reach))
        assert tried
        assert part in ASKS
        for probe in tried:
            assert set(probe.values) == set(EXTENSIONS[part])
            assert p.replace(**probe.values).parts == (part,)
            assert not any(PARAMETERS[name].complaint(v) for name, v in probe.values.items())


def test_what_was_not_applied_cannot_be_asked():
    p = Parameters(**PLAIN)
    assert not list(PROBES["second_polarity"](p, Reach(0.0, 1.0, 1.0, 1e6, True)))
    assert not list(PROBES["branch"](p, Reach(-1.0, 1.0, 1.0, 1.0, True)))
    assert not list(PROBES["photocurrent"](p, Reach(-1.0, 1.0, 1.0, 1e6, False)))
    assert not list(PROBES["conductance"](p.replace(V_T=-0.1), Reach(-1.0, 1.0, 1.0, 1e6, True)))
