"""Radau IIA collocation, computed from its definition.

The s nodes are the roots of P_s(2x - 1) - P_{s-1}(2x - 1) on (0, 1]; the last one is 1. A step is the
polynomial of degree s through s + 1 points: its start and the s nodes. Everything is formed in shifted
Legendre polynomials, whose Vandermonde matrix is well conditioned, so that double precision is enough.
Source: Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from memfit.arrays import ComplexArray, FloatArray


@dataclass(frozen=True)
class Tableau:
    """Radau IIA with s stages."""

    points: FloatArray
    """(s + 1,) start 0 and collocation nodes of a step of length 1."""
    derivative: FloatArray
    """(s + 1, s + 1) from values at the points to derivatives; [1:, 1:] is the inverse Butcher matrix."""
    eigenvalues: ComplexArray
    """(m,) eigenvalues of the inverse Butcher matrix with imaginary part >= 0."""
    projectors: ComplexArray
    """(m, s, s) spectral projectors E_k, doubled for complex pairs: g(A^-1) = Re sum g(eigenvalue_k) E_k."""
    powers: FloatArray
    """(s + 1, s + 1) from values at the points to coefficients of 1, theta .. theta^s."""
    tail: FloatArray
    """(6, s + 1) from values at the points to shifted Legendre coefficients of degree s to s - 5."""
    barycentric: FloatArray
    """(s + 1,) 1 / product of the distances of each point from the others."""

    def real_basis(self) -> FloatArray:
        """(s, s + 1, s + 1): real and imaginary parts of the projectors, bordered by zeros for the start.

        g(A^-1) is the sum of Re g(eigenvalue) times the first and -Im g(eigenvalue) times the second of each.
        """
        parts = []
        for eigenvalue, projector in zip(self.eigenvalues, self.projectors, strict=True):
            parts.append(projector.real)
            if eigenvalue.imag > 0:
                parts.append(projector.imag)
        return np.pad(np.array(parts), ((0, 0), (1, 0), (1, 0)))


def radau_iia(stages: int) -> Tableau:
    """Tables of the method with the given number of stages (3 or more)."""
    points = np.concatenate([[0.0], _nodes(stages)])
    x = 2.0 * points - 1.0
    coefficients = np.linalg.inv(legendre.legvander(x, stages))
    slopes = np.column_stack([legendre.legval(x, legendre.legder(unit)) for unit in np.eye(stages + 1)])
    derivative = 2.0 * slopes @ coefficients
    eigenvalues, projectors = _spectrum(derivative[1:, 1:])
    distance = points[:, None] - points + np.eye(stages + 1)
    return Tableau(
        points=points,
        derivative=derivative,
        eigenvalues=eigenvalues,
        projectors=projectors,
        powers=np.linalg.inv(points[:, None] ** np.arange(stages + 1)),
        tail=np.ascontiguousarray(coefficients[:-7:-1]),
        barycentric=1.0 / np.prod(distance, axis=1),
    )


def _nodes(stages: int) -> FloatArray:
    """(s,) roots of P_s - P_{s-1} on (0, 1]."""
    difference = np.zeros(stages + 1)
    difference[stages], difference[stages - 1] = 1.0, -1.0
    x = np.sort(np.real(legendre.legroots(difference)))
    for _ in range(3):  # Newton: the companion matrix gives about 13 digits
        x = x - legendre.legval(x, difference) / legendre.legval(x, legendre.legder(difference))
    nodes = 0.5 * (1.0 + x)
    nodes[-1] = 1.0
    return nodes


def _spectrum(matrix: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Eigenvalues with imaginary part >= 0 and their projectors, doubled for complex pairs."""
    eigenvalues, vectors = np.linalg.eig(matrix)
    duals = np.linalg.inv(vectors)
    eigenvalues = np.where(np.abs(eigenvalues.imag) > 1e-9, eigenvalues, eigenvalues.real)
    kept = np.flatnonzero(eigenvalues.imag >= 0.0)
    projectors = np.array(
        [(2.0 if eigenvalues[k].imag > 0.0 else 1.0) * np.outer(vectors[:, k], duals[k]) for k in kept]
    )
    return eigenvalues[kept].astype(np.complex128), projectors.astype(np.complex128)
