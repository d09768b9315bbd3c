"""Fits that several tests look at are made once."""

import devices
import pytest

from memfit.fitting.joint import fit


@pytest.fixture(scope="session")
def noisy():
    """A device of all three kinds with a per cent of noise."""
    return devices.device()


@pytest.fixture(scope="session")
def joint(noisy):
    """Its joint fit."""
    return fit(noisy)
