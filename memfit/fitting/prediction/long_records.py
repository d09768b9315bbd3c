"""Long records: telling samples for the search, the whole for the values and their errors.

A search needs no million samples: it is made on a few thousand, in groups of neighbours, so that the noise
and its correlation are seen as in the whole, and all beside the jumps of the drive. Of a train of many pulses
it needs the first hundreds, for what comes later costs the same integration over and over. The minimum that
it finds is then settled on all samples. Where that shows what the beginning did not, the search is made again
on all pulses.
"""

from dataclasses import dataclass, replace

import numpy as np

from memfit.datasets import ImpedanceSpectrum, IVSweep, PulseTransient, Record


@dataclass(frozen=True)
class Settings:
    """Numbers that steer what is kept for the search."""

    long: int = 6000
    """Samples beyond which a record is long."""
    groups: int = 500
    """Evenly spaced groups of samples that are kept of it ..."""
    together: int = 5
    """... and samples of each: as many as an estimate of noise looks at."""
    jumps: int = 40
    """Jumps of its drive looked after."""
    after: int = 120
    """Samples kept after each of them, ever wider apart."""
    beside: int = 8
    """Samples on either side of a jump that are all kept."""
    vertices: int = 1000
    """Of the drive of a transient: what comes later is left out ..."""
    of_sweep: int = 4000
    """... and of the drive of a sweep."""
    fewest: int = 300
    """Samples before what is left out."""


SETTINGS = Settings()


def telling(record: Record, *, begun: bool = True) -> Record:
    """What a search needs of a record; the record itself where that is all of it.

    Parameters
    ----------
    record : Record
    begun : bool
        Whether the beginning of a long drive is enough; else no time is left out, and nothing of a sweep.
    """
    if isinstance(record, ImpedanceSpectrum):
        return record
    kept = _beginning(record) if begun else record
    if kept.points <= SETTINGS.long or not (begun or isinstance(record, PulseTransient)):
        return kept
    n, chosen = kept.points, np.zeros(kept.points, dtype=bool)
    first = np.linspace(0, n - SETTINGS.together, SETTINGS.groups).astype(int)
    chosen[(first[:, None] + np.arange(SETTINGS.together)).ravel()] = True
    if isinstance(kept, PulseTransient):
        for jump in kept.drive.jumps[: SETTINGS.jumps]:
            at = int(np.searchsorted(kept.time, jump))
            chosen[max(at - SETTINGS.beside, 0) : at + SETTINGS.beside] = True
            if at < n:
                chosen[at + np.geomspace(1, n - at, SETTINGS.after).astype(int) - 1] = True
    return kept.select(chosen, "thinned for the search")


def _beginning(record: IVSweep | PulseTransient) -> IVSweep | PulseTransient:
    """The record as long as its drive has so many vertices."""
    drive, time = record.drive, record.time
    most = SETTINGS.vertices if isinstance(record, PulseTransient) else SETTINGS.of_sweep
    if drive is None or time is None or drive.time.size <= most or time.size <= SETTINGS.fewest:
        return record
    end = max(float(drive.time[most - 1]), float(time[SETTINGS.fewest]))
    vertices = int(np.searchsorted(drive.time, end, side="right"))
    short = record.select(time < end, "its beginning, for the search")
    return replace(short, drive=replace(drive, time=drive.time[:vertices], value=drive.value[:vertices]))
