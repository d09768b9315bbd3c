"""A small device, fitted once, and its sheet of figures."""

import devices
import pytest

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.fitting.joint import fit


@pytest.fixture(scope="session")
def measured():
    return devices.device()


@pytest.fixture(scope="session")
def fitted(measured):
    return fit(measured).result


@pytest.fixture(scope="session")
def sheet(fitted, measured):
    return figures_of_merit(fitted, measured)
