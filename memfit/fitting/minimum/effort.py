"""How much work a fit takes, and may take: evaluations, budgets of what is hopeless, a stop from outside.

An evaluation is the model, with its derivatives, at all points of the device; one of some of its records
counts as their share of the points, and one whose integrator takes many steps, as it does where a model
oscillates wildly, as the points that take as long. Data that the model describes end a search by themselves.
Where nothing describes them, more starts, more steps and fits without some of the records would go on for
ever; there each part of the work has a budget, and ends with the best it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memfit.datasets import Record
from memfit.fitting.prediction.drives import drive_of
from memfit.progress import stopped


@dataclass(frozen=True)
class Settings:
    """Evaluations that may be spent where nothing describes the data, and (the last) whatever they are."""

    search: float = 400.0
    """On all starts together."""
    settling: float = 120.0
    """On the terms of the instruments, on noise and outliers, and on what leaving out records does."""
    choice: float = 1800.0
    """On the choice of parts, ..."""
    widest: float = 1500.0
    """... and on a search of the widest model."""
    closed: float = 8.0
    """Times as many of both where there are spectra alone, whose model has a closed form."""
    some: float = 100.0
    """On one fit without some of the records ..."""
    mistakes: float = 450.0
    """... and on all of them."""
    all_samples: float = 30.0
    """On all samples of long records, after a search on few."""
    explored: float = 2000.0
    """On what the data allow beside the minimum: usual are 20, and 300 to 850 where they leave much open."""


SETTINGS = Settings()
_USUAL_STEPS = 15
"""Of the integrator between two kinks of a drive; each counts as two points."""
SPENT = "the evaluations for data that nothing describes were spent"


class Effort:
    """What a fit, or a part of it, has used, and whether it may go on.

    Parameters
    ----------
    points : int
        Of the device: what one evaluation computes (`usual_work`).
    most : float
        Evaluations that may be used.
    whole : Effort, optional
        What this is a part of.
    said : str
        Why no further evaluation may be made once they are used.
    """

    def __init__(
        self, points: int = 1, most: float = np.inf, whole: "Effort | None" = None, said: str = SPENT
    ) -> None:
        self.points, self.most, self.whole, self.said = points, most, whole, said
        self.used = 0.0
        self._stopped = ""

    def part(self, most: float = np.inf, points: int | None = None, said: str = SPENT) -> "Effort":
        """A part of this with a budget of its own, and with evaluations of as many points, or other ones."""
        return Effort(points or self.points, most, self, said)

    def count(self, points: float) -> None:
        """So many points, or what takes as long, were computed."""
        evaluations = points / self.points
        self.used += evaluations
        if self.whole is not None:
            self.whole.count(evaluations * self.whole.points)

    @property
    def whole_fit(self) -> "Effort":
        """Of which all parts are."""
        return self if self.whole is None else self.whole.whole_fit

    @property
    def stopped(self) -> str:
        """Why the whole fit is to stop; "" where it may go on. Once it is said, it stays."""
        if self.whole is not None:
            return self.whole.stopped
        self._stopped = self._stopped or stopped()
        return self._stopped

    @property
    def over(self) -> str:
        """Why no further evaluation may be made; "" where one may."""
        if reason := self.stopped:
            return reason
        if self.used >= self.most:
            return self.said
        return self.whole.over if self.whole is not None else ""


def usual_work(records: Sequence[Record]) -> int:
    """Points that one evaluation of all records counts as.

    Parameters
    ----------
    records : sequence of Record
    """
    drives = [drive for record in records if (drive := drive_of(record)) is not None]
    pieces = sum(drive.time.size - 1 for drive in drives)
    points = sum(2 * r.points if r.kind == "impedance" else r.points for r in records)
    return points + 2 * _USUAL_STEPS * pieces
