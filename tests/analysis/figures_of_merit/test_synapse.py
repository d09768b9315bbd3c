"""Figures of pulses against pulses whose figures are known."""

import numpy as np
import pytest

from memfit.analysis.figures_of_merit import synapse
from memfit.datasets.standard_protocols import protocol
from memfit.protocols import Drive, pulse


def test_pulses_and_reads_of_the_standard_protocols():
    pair = synapse.train_of(protocol("paired_pulses", amplitude=1.0, width=0.1, interval=0.2).drive)
    assert (len(pair.pulses), len(pair.reads)) == (2, 0)
    settings = {"depression": -0.5, "width": 0.1, "period": 0.4, "count": 5, "read": 0.1}
    train = synapse.train_of(protocol("potentiation_depression", amplitude=1.0, **settings).drive)
    assert (len(train.pulses), len(train.reads)) == (10, 10)
    assert synapse.alternating(train.pulses) == (5, 5)
    settings = {"width": 0.1, "read": 0.1, "read_width": 0.01, "duration": 10.0}
    kept = synapse.train_of(protocol("retention", amplitude=1.0, **settings).drive)
    assert len(kept.pulses) == 1
    assert len(kept.reads) > 10


def test_pieces_that_noise_parted_are_one():
    drive = Drive("current", [0, 1, 1, 2, 2, 3, 3, 4], [0, 0, 1.0, 1.0, 1.0001, 1.0001, 0, 0])
    (piece,) = synapse.train_of(drive).pulses
    assert (piece.start, piece.end) == (1.0, 3.0)
    assert synapse.train_of(Drive("current", [0, 1], [0, 0])).pulses == ()


def test_paired_pulses():
    t = np.linspace(0.0, 1.0, 1001)
    first, second = synapse.Piece(0.2, 0.4, 1.0), synapse.Piece(0.6, 0.8, 1.0)
    response = 0.5 + np.where((t >= 0.2) & (t < 0.4), 1.0, 0.0) + np.where((t >= 0.6) & (t < 0.8), 1.3, 0.0)
    a1, a2 = synapse.paired(t, response, first, second)
    assert (a1, a2) == pytest.approx((1.0, 1.3))


def test_energy_of_a_pulse():
    t = np.linspace(0.0, 1.0, 101)
    drive = pulse("voltage", 2.0, on=0.2, off=0.7, end=1.0)
    (piece,) = synapse.train_of(drive).pulses
    assert synapse.energy(t, drive.at(t), drive.at(t) / 4.0, piece) == pytest.approx(0.5)
    assert np.isnan(synapse.energy(t[::40], t[::40], t[::40], piece))


@pytest.mark.parametrize("alpha", [-3.0, 0.5, 1.0, 2.5])
def test_non_linearity_comes_back(alpha):
    w = np.linspace(0.0, 1.0, 30)
    G = (2.0**alpha + (7.0**alpha - 2.0**alpha) * w) ** (1.0 / alpha)
    assert synapse.non_linearity(1e-6 * G) == pytest.approx(alpha, rel=1e-4)
    assert synapse.non_linearity(1e-6 * G[::-1]) == pytest.approx(alpha, rel=1e-4)


def test_non_linearity_of_what_has_none():
    assert np.isnan(synapse.non_linearity(np.ones(10)))
    assert np.isnan(synapse.non_linearity(np.linspace(-1.0, 1.0, 10)))


def test_levels():
    G = np.linspace(1.0, 2.0, 30)
    assert synapse.levels(G, 0.05) == pytest.approx(1.0 + 1.0 / 0.2)
    assert synapse.levels(G, 1e-6) == 30.0
    assert np.isnan(synapse.levels(G, np.nan))


def test_times_of_fading():
    t = np.linspace(0.0, 10.0, 60)
    assert synapse.time_to_fade(t, np.exp(-t / 2.0), 0.5) == pytest.approx(2.0 * np.log(2.0))
    assert np.isnan(synapse.time_to_fade(t, np.ones(60), 0.5))
