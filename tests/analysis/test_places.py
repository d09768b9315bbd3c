"""Places that the data allow, and what an experiment says at each."""

from dataclasses import replace

import numpy as np
import pytest
from devices import FREQUENCY, NOISE, TRUTH
from scipy.optimize import minimize

from memfit.analysis.design import plan_next
from memfit.analysis.places import Gain, Place, places_of, told_apart
from memfit.fitting.joint import fit
from memfit.model import Parameters
from memfit.synthetic.measurements import loop, simulate_device, spectrum

LEAKY = replace(TRUTH, I_l=1e-9, V_l=0.12)


@pytest.fixture(scope="module")
def unclear():
    """Two spectra of a device with a leak, which a channel that conducts describes as well, and the fit.

    Whether a third, larger device is kept beside these two depends on rounding.
    """
    device = simulate_device(
        LEAKY, [spectrum(b, FREQUENCY, file=f"eis_{b}.csv") for b in (0.6, 0.8)], NOISE, seed=1
    )
    return device, fit(device).result


@pytest.mark.parametrize("seed", range(5))
def test_chi2_between_two_places_is_the_least_that_the_parameters_can_make_of_it(seed):
    """Against a minimiser that knows nothing of triangles."""
    rng = np.random.default_rng(seed)
    count, unknowns = 12, 3
    slopes, sigma = rng.normal(size=(count, unknowns)), rng.uniform(0.5, 2.0, count)
    here, there = rng.normal(size=(2, count))
    root = np.triu(rng.normal(size=(unknowns, unknowns))) + np.eye(unknowns)
    other = rng.uniform(0.5, 2.0, count)
    place = Place(("a", "b", "c"), Parameters.from_mapping(vars_of(TRUTH)), root, np.ones(3), np.zeros(3))

    def chi2(change):
        missed = (here + slopes @ change - there) / other
        return float(missed @ missed + np.sum((root @ change) ** 2))

    least = minimize(chi2, np.zeros(unknowns), tol=1e-12).fun
    gain = Gain(slopes / sigma[:, None], here, sigma)
    assert told_apart(place, gain, Gain(np.zeros((count, 0)), there, other)) == pytest.approx(least, rel=1e-6)


def vars_of(p):
    return {name: value for name, value in p.as_dict().items() if np.isfinite(value)}


def test_what_is_not_known_at_one_of_two_places_says_nothing():
    place = Place(("R_b",), TRUTH, np.eye(1), np.ones(1), np.zeros(1))
    here = Gain(np.zeros((2, 1)), np.array([0.0, 0.0]), np.array([1.0, np.inf]))
    there = Gain(np.zeros((2, 1)), np.array([3.0, 9.0]), np.array([1.0, 1.0]))
    assert told_apart(place, here, there) == pytest.approx(9.0)
    assert told_apart(place, there, here) == pytest.approx(9.0)


def test_other_models_have_places_with_their_own_errors(unclear):
    _, result = unclear
    ((member, place),) = [found for found in places_of(result) if found[0].parts == ("leak",)]
    assert set(place.names) == {n for n in member.covariance_names if n in place.parameters.as_dict()}
    assert place.parameters.parts == member.parts
    information = place.root.T @ place.root
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    stated = np.sqrt(np.diag(np.array(member.covariance)))
    at = [member.covariance_names.index(name) for name in place.names if name in member.logarithmic]
    here = [place.names.index(member.covariance_names[k]) for k in at]
    np.testing.assert_allclose(errors[here], np.minimum(stated[at], errors[here] * 1.01), rtol=0.05)


@pytest.mark.parametrize(
    "third",
    [spectrum(1.2, FREQUENCY, file="third.csv"), loop([0.0, 0.96, 0.0], 40.0, points=80, file="third.csv")],
    ids=["spectrum", "loop"],
)
def test_what_tells_two_models_apart_does_so(unclear, third):
    """Such an experiment as the plan proposes is made on the device; the fit then finds what it is.

    Several tell much, and which comes first depends on rounding.
    """
    device, result = unclear
    assert result.parts == ("conductance",)
    plan = plan_next(result)
    (separation,) = [one for one in plan.separations if one.parts == ("leak",)]
    assert separation.decides
    assert any("a device with a leak" in sentence for sentence in plan.sentences)
    measured = simulate_device(LEAKY, [third], NOISE, seed=5)
    again = fit(replace(device, records=(*device.records, *measured.records))).result
    assert again.parts == ("leak",)
    assert all("leak" in member.parts for member in again.members)
