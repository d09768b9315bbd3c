"""Measurements as frozen records: what was measured, never how it was read or what explains it."""

from memfit.datasets.device import Device, Extent, extent_of, ranked
from memfit.datasets.duplicates import copies, without_copies
from memfit.datasets.identities import identities
from memfit.datasets.kramers_kronig import estimate_noise, kramers_kronig
from memfit.datasets.programmes import SynapticCurve
from memfit.datasets.records import (
    LABELS,
    QUANTITIES,
    ImpedanceSpectrum,
    IVSweep,
    Kind,
    Origin,
    PulseTransient,
    Record,
    content_digest,
    silent,
)
from memfit.datasets.session import in_session, times_of_session

__all__ = [
    "LABELS",
    "QUANTITIES",
    "Device",
    "Extent",
    "IVSweep",
    "ImpedanceSpectrum",
    "Kind",
    "Origin",
    "PulseTransient",
    "Record",
    "SynapticCurve",
    "content_digest",
    "copies",
    "estimate_noise",
    "extent_of",
    "identities",
    "in_session",
    "kramers_kronig",
    "ranked",
    "silent",
    "times_of_session",
    "without_copies",
]
