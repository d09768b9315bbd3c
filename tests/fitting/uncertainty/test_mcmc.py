"""Draws from the posterior against a Gaussian whose truth is known."""

from importlib.util import find_spec

import numpy as np
import pytest
from linear import linear_state

from memfit.errors import InputError
from memfit.fitting.uncertainty.mcmc import Proposal, sample_posterior, split_r_hat
from memfit.fitting.uncertainty.refit import Checkpoint

needs_emcee = pytest.mark.skipif(find_spec("emcee") is None, reason="emcee is not installed")


@needs_emcee
def test_of_a_linear_problem_the_posterior_is_the_normal_of_the_covariance():
    state, covariance = linear_state()
    found = sample_posterior(state, seed=3)
    logs = np.log(np.array(found.samples))
    error = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(logs.mean(axis=0), state.x, atol=0.15 * error.max())
    np.testing.assert_allclose(np.cov(logs.T), covariance, rtol=0.15, atol=0.05 * covariance.max())
    low, high = np.log(found.estimates["C_m"].ci95)
    np.testing.assert_allclose(
        [low, high], state.x[1] + 1.96 * error[1] * np.array([-1, 1]), atol=0.2 * error[1]
    )
    assert found.status == "ok"
    assert found.failed == 0
    assert 0.3 < found.acceptance < 1.0
    for item in found.convergence.values():
        assert 0.99 < item.r_hat < 1.02
        assert item.effective_samples > 1000
        assert item.autocorrelation_time < 8


@needs_emcee
def test_a_bound_cuts_the_posterior():
    """A normal cut off at its centre has the mean sqrt(2/pi) standard deviations beyond."""
    open_state, covariance = linear_state()
    centre = float(np.exp(open_state.x[0]))
    state, _ = linear_state(bounds={"R_b": (centre, 1e6)})
    found = sample_posterior(state, seed=1)
    logs = np.log(found.column("R_b"))
    error = np.sqrt(covariance[0, 0])
    assert logs.min() >= np.log(centre) - 1e-9
    assert np.mean(logs) - np.log(centre) == pytest.approx(np.sqrt(2 / np.pi) * error, rel=0.1)


@needs_emcee
def test_too_short_a_chain_says_so():
    state, _ = linear_state()
    found = sample_posterior(state, steps=30)
    assert found.status == "not_converged"
    assert "has not converged" in found.message
    assert found.requested == 30


@needs_emcee
def test_an_interrupted_chain_goes_on_to_the_same_numbers(tmp_path):
    state, _ = linear_state()
    whole = sample_posterior(state, seed=9, steps=100)
    path = tmp_path / "unfinished.json"
    kept = Checkpoint(path, {})

    def stop(what, done, total):
        kept._pause = -1.0  # write at every turn
        if done == 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_posterior(state, seed=9, steps=100, progress=stop, checkpoint=kept)
    told = []
    again = sample_posterior(
        state, seed=9, steps=100, progress=lambda *t: told.append(t), checkpoint=Checkpoint(path, {})
    )
    assert told[0][1] == 50
    assert again == whole


def test_without_emcee_one_sentence(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr("memfit.fitting.uncertainty.mcmc.import_module", absent)
    state, _ = linear_state()
    with pytest.raises(InputError, match=r'pip install "memfit\[mcmc\]"'):
        sample_posterior(state)


def test_walkers_that_disagree_are_seen():
    random = np.random.default_rng(2)
    together = random.standard_normal((400, 8, 2))
    apart = together + np.array([[[3.0, 0.0]]]) * (np.arange(8)[None, :, None] > 3)
    np.testing.assert_allclose(split_r_hat(together), 1.0, atol=0.01)
    assert split_r_hat(apart)[0] > 1.5
    assert split_r_hat(apart)[1] < 1.01
    assert split_r_hat(np.zeros((10, 4, 1))) == 1.0


def test_the_proposal_knows_its_density():
    """Importance weights between proposal and a normal give back the normal's variance."""
    state, covariance = linear_state()
    proposal = Proposal.at(state)
    x = proposal.draw(20000, np.random.RandomState(0))
    away = x - state.x
    log_target = -0.5 * np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away)
    weight = np.exp(log_target - proposal.log_density(x))
    variance = np.average(away[:, 0] ** 2, weights=weight)
    assert variance == pytest.approx(covariance[0, 0], rel=0.05)
