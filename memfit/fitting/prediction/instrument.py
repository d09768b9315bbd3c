"""What instruments do to a record: gain, offset, delay, edges between samples, the state it begins in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.plan import Term, TermKind
from memfit.model import NAMES, UNITS, Parameters

INITIAL: tuple[TermKind, ...] = ("u_0", "i_0", "f_0")
"""Terms of the state at the start of a record, in the order of `Instrument.initial`."""


@dataclass(frozen=True)
class Instrument:
    """Terms of the instruments, one entry a record."""

    gain: FloatArray
    """(r,) factor of the measured quantity (of Z for spectra)."""
    drive: FloatArray
    """(r,) factor of the current that was applied, of records under current control."""
    offset: FloatArray
    """(r,) added to what is measured, A or V."""
    delay: FloatArray
    """(r,) s."""
    initial: FloatArray
    """(r, 3) u, i_c, f at the start, for records that begin anywhere."""
    edge: FloatArray
    """(r, e) s, shift of each of the first e jumps of the drive; their derivatives are wanted where e > 0."""

    def undriven(self) -> "Instrument":
        """The same with drives as they say, for devices that make up for them (`driven`)."""
        initial = self.initial.copy()
        initial[:, 1] /= self.drive
        return replace(self, drive=np.ones_like(self.drive), initial=initial)

    def of(self, k: int) -> "Instrument":
        """Those of one record."""
        return Instrument(*(getattr(self, f.name)[k : k + 1] for f in fields(self)))

    @classmethod
    def ideal(cls, records: int, edges: int = 0) -> "Instrument":
        """Gain 1, no offset, no delay, every edge where the drive says."""
        offset, delay = np.zeros((2, records))
        gain, drive = np.ones((2, records))
        return cls(gain, drive, offset, delay, np.zeros((records, 3)), np.zeros((records, edges)))

    @property
    def content(self) -> tuple[bytes, ...]:
        """What tells it from another one of the same records."""
        arrays = (self.gain, self.drive, self.offset, self.delay, self.initial, self.edge)
        return tuple(array.tobytes() for array in arrays)


def instrument_of(values: Mapping[Term, float], kinds: Sequence[str]) -> Instrument:
    """Gains, edges, delays and initial states of some records.

    Parameters
    ----------
    values : mapping of Term to float
        SI; what is not named is ideal.
    kinds : sequence of str
        Kind of each record.
    """
    edges = max((term.index + 1 for term in values if term.index is not None), default=0)
    instrument = Instrument.ideal(len(kinds), edges)
    for term, value in values.items():
        if term.kind == "gain":
            instrument.gain[[kind == term.instrument for kind in kinds]] = value
        elif term.kind == "drive_gain":
            instrument.drive[[kind == term.instrument for kind in kinds]] = value
        elif term.kind == "edge":
            instrument.edge[term.record, term.index] = value
        elif term.kind == "offset":
            instrument.offset[term.record] = value
        elif term.kind == "delay":
            instrument.delay[term.record] = value
        else:
            instrument.initial[term.record, INITIAL.index(term.kind)] = value
    return instrument


_AMPERES = {"A": 1, "F": 1, "ohm": -1, "H": -1}
CURRENT = np.array([_AMPERES.get(UNITS[name], 0) for name in NAMES], dtype=np.float64)
"""Power of the ampere in the unit of each parameter, in the order of `NAMES`."""


def driven(p: Parameters, factor: float) -> tuple[Parameters, FloatArray]:
    """The device that shows the same voltages under a current as another one under `factor` of it.

    All that holds an ampere in its unit is scaled, as if the ampere were another.

    Parameters
    ----------
    p : Parameters
    factor : float

    Returns
    -------
    device : Parameters
    scale : (p,) array
        Its parameters over those of `p`.
    """
    scale = factor**-CURRENT
    values = {name: getattr(p, name) * s for name, s in zip(NAMES, scale.tolist(), strict=True) if s != 1.0}
    return p.replace(**values), scale


def by_drive(p: Parameters, derivatives: FloatArray) -> FloatArray:
    """(n,) derivatives of voltages by the logarithm of the factor on the current, from those by parameters.

    Parameters
    ----------
    p : Parameters
    derivatives : (n, p) array
    """
    values = np.array([getattr(p, name) for name in NAMES])
    weight = -CURRENT * np.where(np.isfinite(values), values, 0.0)
    result: FloatArray = derivatives @ weight
    return result
