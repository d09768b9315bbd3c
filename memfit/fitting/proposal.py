"""A multivariate t cut off at the bounds: near to the posterior of many data, drawn from without a chain."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from memfit.arrays import FloatArray
from memfit.fitting.descent import Box, descend, evaluator
from memfit.fitting.restore import row_weights
from memfit.fitting.state import State
from memfit.fitting.uncertainty import covariance_of

_TAILS = 6.0
"""Degrees of freedom of the proposal."""
_SOFTEST = (1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_WIDEST = 1.0
"""Widest standard deviation of the proposal for a logarithm, and for V_T in units of V_m."""
_TRIES = 200


@dataclass(frozen=True)
class Proposal:
    """A multivariate t inside the bounds, proposed without regard to where a walker is."""

    centre: FloatArray
    root: FloatArray
    """(m, m) with root root^T the scale matrix."""
    box: Box

    @classmethod
    def at(cls, state: State) -> "Proposal":
        """The normal approximation at the minimum; narrower where the data leave a direction open."""
        weight = row_weights(state, covariance_of(state).effective)
        box = Box.of(state)
        found = descend(evaluator(state, weight), state.x, box)
        jacobian, r = found.point.jacobian, found.point.r
        length = np.linalg.norm(jacobian, axis=0)
        scale = np.where(length > 0, length, 1.0)
        left, singular, rows = np.linalg.svd(jacobian / scale, full_matrices=False)
        limit = widest(state, box)
        for softest in _SOFTEST:
            soft = np.hypot(singular, softest * singular.max(initial=1e-300))
            root = rows.T / soft / scale[:, None]
            if np.all(np.linalg.norm(root, axis=1) <= limit):
                break
        centre = found.point.x - root @ ((singular / soft) * (left.T @ r))
        return cls(centre, root, box)

    def draw(self, count: int, random: np.random.RandomState) -> FloatArray:
        """(count, m) vectors inside the bounds."""
        x = np.empty((count, self.centre.size))
        missing = np.arange(count)
        for _ in range(_TRIES):
            normal = random.standard_normal((missing.size, self.centre.size))
            chi2 = random.chisquare(_TAILS, size=missing.size) / _TAILS
            x[missing] = self.centre + (normal / np.sqrt(chi2)[:, None]) @ self.root.T
            outside = np.any((x[missing] < self.box.low) | (x[missing] > self.box.high), axis=1)
            missing = missing[outside]
            if missing.size == 0:
                break
        x[missing] = np.nan  # no place inside was met: a proposal that is refused
        return x

    def log_density(self, x: FloatArray) -> FloatArray:
        """(k,) up to a constant, inside the bounds."""
        z = np.linalg.solve(self.root, (x - self.centre).T)
        result: FloatArray = -0.5 * (_TAILS + self.centre.size) * np.log1p(np.sum(z**2, axis=0) / _TAILS)
        return result

    def __call__(self, x: FloatArray, random: Any) -> tuple[FloatArray, FloatArray]:
        """New places for the walkers, and the logarithm of how much likelier the way back is."""
        new = self.draw(len(x), random)
        lost = np.any(np.isnan(new), axis=1)
        new[lost] = x[lost]
        return new, self.log_density(x) - self.log_density(new)


def widest(state: State, box: Box) -> FloatArray:
    """(m,) widest standard deviations of the proposal."""
    width = 0.25 * (box.high - box.low)
    V_m = state.unknowns.parameters(state.x).V_m
    for j, unknown in enumerate(state.unknowns.free):
        if unknown.logarithmic:
            width[j] = min(width[j], _WIDEST)
        elif unknown.name == "V_T":
            width[j] = min(width[j], _WIDEST * V_m)
    return width
