"""How far a batch is, how fast it goes, and how long it will take."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field

from memfit.batch.jobs import Outcome

_REMEMBERED = 512
"""Outcomes whose times give the rate."""
_WINDOW = 60.0
"""Seconds that the rate is taken over."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The state of a batch after one more device."""

    done: int
    total: int
    fitted: int
    unchanged: int
    failed: int
    rate: float | None
    """Devices per second of late; None at the beginning."""
    seconds_left: float | None
    last: Outcome


@dataclass
class Pace:
    """Counts outcomes as they come."""

    total: int
    counts: Counter[str] = field(default_factory=Counter)
    _times: deque[float] = field(default_factory=lambda: deque([time.monotonic()], _REMEMBERED))

    def note(self, outcome: Outcome) -> Progress:
        """One more device is done."""
        self.counts[outcome.state] += 1
        self._times.append(time.monotonic())
        while self._times[-1] - self._times[0] > _WINDOW and len(self._times) > 2:
            self._times.popleft()
        done, span = self.counts.total(), self._times[-1] - self._times[0]
        rate = (len(self._times) - 1) / span if span > 0 else None
        return Progress(
            done=done,
            total=self.total,
            fitted=self.counts["fitted"],
            unchanged=self.counts["unchanged"],
            failed=self.counts["failed"],
            rate=rate,
            seconds_left=(self.total - done) / rate if rate else None,
            last=outcome,
        )
