"""Fits that several tests look at are made once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # devices.py
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))  # recovery.py

import devices

from memfit.fitting.joint import fit


@pytest.fixture(scope="session")
def noisy():
    """A device of all three kinds with a per cent of noise."""
    return devices.device()


@pytest.fixture(scope="session")
def joint(noisy):
    """Its joint fit."""
    return fit(noisy)
