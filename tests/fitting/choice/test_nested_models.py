"""3D, 2D or mirror image: the rule, its probability, and devices that are one of them."""

import numpy as np
import pytest
from devices import NOISE, TRUTH, device, spectra, sweeps

from memfit.fitting.choice.nested_models import choose, probability
from memfit.fitting.joint import fit
from memfit.fitting.plan import FitPlan
from memfit.fitting.results.findings import ModelCandidate
from memfit.fitting.results.result import FitResult


def _candidates(rise_2d, rise_mirror, points=1000):
    """Three models; chi2 of the 2D ones above that of the 3D one."""
    base, free = 900.0, 8
    made = [("3d", base, free), ("2d", base + rise_2d, free - 1), ("2d-mirror", base + rise_mirror, free - 1)]
    return [
        ModelCandidate(
            model=name,
            chi2=chi2,
            free=k,
            aic=chi2 + 2 * k,
            bic=chi2 + k * np.log(points),
            probability=None if name == "3d" else probability(chi2 - base),
        )
        for name, chi2, k in made
    ]


@pytest.mark.parametrize(
    ("rise_2d", "rise_mirror", "chosen", "certain"),
    [
        (0.0, 500.0, "2d", True),
        (2.0, 500.0, "2d", True),
        (5.0, 500.0, "2d", False),
        (50.0, 500.0, "3d", True),
        (500.0, 0.5, "2d-mirror", True),
        (0.0, 0.0, "2d", False),
        (3.0, 1.0, "2d", False),
        (9.0, 0.0, "2d-mirror", False),
        (500.0, 500.0, "3d", True),
    ],
)
def test_rule(rise_2d, rise_mirror, chosen, certain):
    choice = choose(_candidates(rise_2d, rise_mirror))
    assert (choice.chosen, choice.certain) == (chosen, certain)
    assert choice.sentence.endswith(".")
    assert "BIC" in choice.sentence or chosen == "3d"


def test_probability_is_that_of_a_boundary():
    """Half of it sits at zero, the rest is chi-square with one degree of freedom."""
    generator = np.random.default_rng(3)
    falls = np.maximum(generator.standard_normal(200_000), 0.0) ** 2
    for rise in (0.5, 2.706, 6.0):
        assert probability(rise) == pytest.approx(np.mean(falls > rise), rel=0.05)
    assert probability(0.0) == probability(-1.0) == 1.0


FLAT, MIRROR = TRUTH.replace(tau_k=0.0), TRUTH.replace(tau_d=0.0)


@pytest.mark.parametrize(
    ("truth", "model"), [(TRUTH, "3d"), (FLAT, "2d"), (MIRROR, "2d-mirror")], ids=["3d", "2d", "mirror"]
)
def test_a_device_is_given_its_model(truth, model):
    result = fit(device([*spectra(truth), *sweeps(truth)], truth), FitPlan(model="simplest")).result
    assert result.model == result.model_choice.chosen == model
    assert result.model_choice.certain
    assert result.status.code == "ok"
    assert {c.model for c in result.model_choice.candidates} == {"3d", "2d", "2d-mirror"}
    assert result.model_choice.sentence in result.warnings
    p = result.values()
    assert p.tau_d == pytest.approx(truth.tau_d, rel=0.05)
    assert p.tau_k == pytest.approx(truth.tau_k, rel=0.05)
    assert FitResult.from_json(result.to_json()) == result
    assert FitPlan.from_dict(result.plan).model == "simplest"


def test_one_bias_does_not_tell_which_time_is_missing():
    result = fit(device(spectra(FLAT, biases=(0.3,)), FLAT), FitPlan(model="simplest")).result
    assert result.model == "2d"
    assert not result.model_choice.certain
    chi2 = {c.model: c.chi2 for c in result.model_choice.candidates}
    assert chi2["2d"] == pytest.approx(chi2["2d-mirror"], abs=1e-3)
    assert "do not rule out the mirror" in result.model_choice.sentence


def test_a_fixed_time_is_not_left_out():
    plan = FitPlan(model="simplest", fix={"tau_k": TRUTH.tau_k})
    result = fit(device([*spectra(), *sweeps()]), plan).result
    assert {c.model for c in result.model_choice.candidates} == {"3d", "2d-mirror"}
    assert result.model == "3d"


def test_the_mirror_model_on_request():
    result = fit(device([*spectra(MIRROR), *sweeps(MIRROR)], MIRROR), FitPlan(model="2d-mirror")).result
    assert result.model == "2d-mirror"
    assert "tau_d" not in result.parameters
    assert result.values().tau_d == 0.0
    assert result.parameters["tau_k"].value == pytest.approx(MIRROR.tau_k, rel=0.05)


def test_correlated_noise_makes_no_third_time():
    """Residuals that follow each other are not evidence for tau_k, however many there are."""
    noise = type(NOISE)(impedance=0.01, current=0.01, voltage=0.004, correlation=0.6)
    planned = [*spectra(FLAT), *sweeps(FLAT)]
    for seed in range(3):
        result = fit(device(planned, FLAT, noise, seed), FitPlan(model="simplest")).result
        assert result.model == "2d"
