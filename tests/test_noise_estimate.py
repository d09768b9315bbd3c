"""Noise without a model: exact on what the polynomial describes, right in size on noise that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.noise_estimate import (
    TO_SIGMA,
    distance_from_neighbours,
    local_roughness,
    noise_of_differences,
    relative_distances,
    typical,
    typical_by_size,
)

LINE, CUBIC = [1.0, -2.0], [1.0, -2.0, 3.0, 0.5]


@pytest.mark.parametrize(("reach", "polynomial"), [(1, LINE), (2, CUBIC)])
@given(seed=st.integers(0, 10_000))
def test_a_polynomial_has_no_noise_wherever_its_points_are(reach, polynomial, seed):
    at = np.sort(np.random.default_rng(seed).uniform(-1.0, 1.0, 40))
    distance = distance_from_neighbours(np.polyval(polynomial, at), at, reach=reach)
    assert np.all(np.isnan(distance[[*range(reach), *range(-reach, 0)]]))
    assert np.nanmax(np.abs(distance)) < 1e-8


@pytest.mark.parametrize("reach", [1, 2])
def test_even_points_need_no_place(reach):
    values = np.random.default_rng(0).standard_normal(50)
    placed = distance_from_neighbours(values, np.arange(50.0), reach=reach)
    np.testing.assert_allclose(distance_from_neighbours(values, reach=reach), placed, rtol=1e-9)


@given(st.integers(0, 10_000))
def test_order_of_the_points_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    at, values = np.sort(rng.uniform(0, 1, 30)), rng.standard_normal(30)
    order = rng.permutation(30)
    mixed = distance_from_neighbours(values[order], at[order])
    np.testing.assert_allclose(mixed, distance_from_neighbours(values, at)[order], rtol=1e-9)


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("quantile", sorted(TO_SIGMA))
def test_typical_distance_is_the_standard_deviation(reach, quantile):
    noise = 0.3 * np.random.default_rng(1).standard_normal(20_000)
    assert typical(distance_from_neighbours(noise, reach=reach), quantile) == pytest.approx(0.3, rel=0.03)


def test_jumps_do_not_count():
    values = np.repeat([0.0, 5.0, -3.0, 8.0], 500) + 0.01 * np.random.default_rng(2).standard_normal(2000)
    assert typical(distance_from_neighbours(values)) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_points_say_nothing(n):
    assert np.all(np.isnan(distance_from_neighbours(np.ones(n))))
    assert typical(distance_from_neighbours(np.ones(n))) == 0.0


def test_noise_around_each_point_follows_it():
    t = np.linspace(0.0, 1.0, 4000)
    sigma = np.where(t < 0.5, 1e-4, 1e-2)
    found = local_roughness(sigma * np.random.default_rng(3).standard_normal(t.size), t, window=101)
    assert np.median(found[t < 0.45]) == pytest.approx(1e-4, rel=0.15)
    assert np.median(found[t > 0.55]) == pytest.approx(1e-2, rel=0.15)


@pytest.mark.parametrize("relative", [1e-3, 0.02])
def test_noise_of_a_spectrum_is_relative_whatever_its_size(relative):
    rng = np.random.default_rng(4)
    frequency = np.geomspace(1e6, 1e-2, 400)
    Z = 10.0 + 1e6 / (1.0 + 2j * np.pi * frequency * 1e-2)
    noisy = Z * (1.0 + relative * (rng.standard_normal(400) + 1j * rng.standard_normal(400)))
    assert typical(relative_distances(frequency, noisy)) == pytest.approx(relative, rel=0.15)
    assert typical(relative_distances(frequency, 1e3 * noisy)) == pytest.approx(relative, rel=0.15)


def test_third_differences_see_the_same_noise():
    t = np.linspace(0.0, 1.0, 5000)
    noise = 0.01 * np.random.default_rng(5).standard_normal((2, t.size))
    assert noise_of_differences(t**2 + noise[0], 1.0 - t + noise[1]) == pytest.approx(0.01, rel=0.05)


def test_noise_that_follows_the_size_is_told_by_size():
    rng = np.random.default_rng(5)
    sizes = 10.0 ** rng.uniform(-9.0, -2.0, 4000)
    sigma = np.hypot(1e-3 * sizes, 1e-9)
    found = typical_by_size(sigma * rng.standard_normal(4000), sizes, 201)
    assert np.max(np.abs(np.log(found / sigma))) < 0.7
    assert np.mean(np.log(found / sigma)) == pytest.approx(0.0, abs=0.05)
