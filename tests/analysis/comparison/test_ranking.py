"""The order of nearness to oscillation, and the map where the boundary is the diagonal."""

import numpy as np
import pytest
from comparing import wafer
from numpy.testing import assert_allclose

from memfit.analysis.comparison.compare import compare_results


@pytest.fixture(scope="module")
def found():
    return compare_results(wafer(24, 1, stability=True))


def test_the_map_of_stability(found):
    """On the map the gain margin is the ratio of both axes, and below 8 nothing oscillates."""
    margins = {r.device: r.gain_margin for r in found.ranking if r.circuit == "current"}
    plane = found.plane
    assert_allclose(plane.gain_margin, [margins[int(i)] for i in plane.device], rtol=1e-9)
    assert np.all(plane.needed >= 8.0)
    ratio = np.array([-1.0, 1.0])
    for device, C in zip(plane.device, plane.covariance, strict=True):
        low, high = next(
            r.gain_margin_ci95 for r in found.ranking if r.device == device and r.circuit == "current"
        )
        width = 2 * 1.96 * np.sqrt(ratio @ C @ ratio)
        assert np.log(high / low) == pytest.approx(width, rel=0.1)


def test_ranking_by_gain_margin(found):
    ranked = [r for r in found.ranking if r.circuit == "current"]
    margins = [r.gain_margin for r in ranked]
    assert margins == sorted(margins)
    assert [r.rank for r in ranked] == list(range(1, 25))
    chances = [r.probability_oscillates for r in ranked]
    assert chances[0] >= chances[-1]
