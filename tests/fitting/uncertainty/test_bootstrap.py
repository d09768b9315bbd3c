"""Bootstrap against the covariance, its determinism, and going on after an interruption."""

import numpy as np
import pytest
from linear import linear_state

from memfit.fitting.uncertainty.bootstrap import (
    Settings,
    _autoregression,
    _Resampler,
    block_length,
    bootstrap,
)
from memfit.fitting.uncertainty.refit import Checkpoint, rebuild_problem


@pytest.mark.parametrize("kind", ["residual", "parametric"])
def test_of_a_linear_problem_the_scatter_is_the_covariance(kind):
    state, covariance = linear_state()
    found = bootstrap(state, 2000, kind=kind, seed=1)
    logs = np.log(np.array(found.samples))
    np.testing.assert_allclose(np.mean(logs, axis=0), state.x, atol=4 * np.sqrt(covariance.max() / 2000))
    measured = 40 / 38 * covariance if kind == "parametric" else None
    if kind == "residual":  # its noise level is that of these residuals
        r, _ = state.linearised()
        measured = covariance * float(np.sum((r - r.mean()) ** 2)) / 38
    else:
        measured = covariance
    np.testing.assert_allclose(np.cov(logs.T), measured, rtol=0.12, atol=0.05 * covariance.max())
    assert (found.kind, found.status, found.failed) == (kind, "ok", 0)
    low, high = found.estimates["R_b"].ci95
    assert np.mean((np.exp(logs[:, 0]) > low) & (np.exp(logs[:, 0]) < high)) == pytest.approx(0.95, abs=0.002)


def test_standard_errors_agree_with_the_covariance(joint, noisy):
    state = rebuild_problem(joint.result, noisy)
    found = bootstrap(state, 150, seed=2)
    for name, e in joint.result.parameters.items():
        if name != "R_s":
            assert found.estimates[name].stderr == pytest.approx(e.stderr, rel=0.35), name


def test_the_number_of_workers_does_not_matter(joint, noisy):
    state = rebuild_problem(joint.result, noisy)
    one, three = (bootstrap(state, 12, seed=5, workers=workers) for workers in (1, 3))
    assert one == three
    assert one != bootstrap(state, 12, seed=6)
    assert bootstrap(state, 6, seed=5).samples == one.samples[:6]


def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path):
    state, _ = linear_state()
    whole = bootstrap(state, 30, seed=4)
    path = tmp_path / "out" / "unfinished.json"

    def stop(what, done, total):
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bootstrap(state, 30, seed=4, progress=stop, checkpoint=Checkpoint(path, {}))
    told = []
    again = Checkpoint(path, {})
    assert bootstrap(state, 30, seed=4, progress=lambda *t: told.append(t), checkpoint=again) == whole
    assert told[0] == ("bootstrap", 11, 30)
    again.remove()
    assert not path.exists()
    path.write_text('{"belongs_to": "cut sh')
    assert not Checkpoint(path, {}).resumed


def test_refits_that_do_not_converge_are_counted(monkeypatch):
    state, _ = linear_state()
    never = Settings(most=0, enough=-1.0)
    monkeypatch.setattr("memfit.fitting.uncertainty.bootstrap.SETTINGS", never)
    found = bootstrap(state, 5)
    assert (found.status, found.failed, found.samples, found.estimates) == ("not_converged", 5, (), {})
    assert "too few" in found.message


def test_blocks_grow_with_the_correlation():
    lengths = [block_length(1000, rho) for rho in (-0.5, 0.0, 0.2, 0.6, 0.95)]
    assert lengths[:2] == [1, 1]
    assert lengths == sorted(lengths)
    assert 1 < lengths[2] < lengths[4] <= 250


def test_noise_made_anew_is_correlated_as_the_residuals_are():
    generator = np.random.default_rng(0)
    made = _autoregression(generator.standard_normal((1, 20000)), 0.6)[0]
    assert np.std(made) == pytest.approx(1.0, abs=0.05)
    assert np.corrcoef(made[1:], made[:-1])[0, 1] == pytest.approx(0.6, abs=0.03)
    resampler = _Resampler("residual", (np.arange(20000),), made[None, :], 0.6)
    drawn = resampler.draw(generator)[0]
    assert 0.5 < np.corrcoef(drawn[1:], drawn[:-1])[0, 1] < 0.62
    assert set(drawn) <= set(made)
