"""Twelve devices of a uniform junction, compared once."""

import pytest
from comparing import wafer

from memfit.analysis.comparison import compare_results


@pytest.fixture(scope="session")
def comparison():
    """Of three areas and four temperatures, with stability."""
    return compare_results(wafer(12, 7, stability=True))
