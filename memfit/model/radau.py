"""Radau IIA collocation, computed from its definition.

The s nodes are the roots of P_s(2x - 1) - P_{s-1}(2x - 1) on (0, 1]; the last one is 1. The matrix A integrates
the polynomial through values at the nodes from 0 to each node. Everything is formed in shifted Legendre
polynomials, whose Vandermonde matrix is well conditioned, so that double precision is enough.
Source: Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from memfit.arrays import ComplexArray, FloatArray


@dataclass(frozen=True)
class Tableau:
    """Radau IIA with s stages."""

    nodes: FloatArray
    """(s,) collocation points c in (0, 1]."""
    inverse: FloatArray
    """(s, s) inverse of the Butcher matrix A."""
    eigenvalues: ComplexArray
    """(m,) eigenvalues of the inverse with imaginary part >= 0."""
    projectors: ComplexArray
    """(m, s, s) spectral projectors E_k, doubled for complex pairs: g(A^-1) = Re sum_k g(eigenvalue_k) E_k."""
    powers: FloatArray
    """(s, s): coefficients of theta^1..theta^s of the step's polynomial from its increments at the nodes."""
    tail: FloatArray
    """(4, s): its shifted Legendre coefficients of degree s to s-3 from the increments."""

    def real_basis(self) -> FloatArray:
        """(s, s*s): real and imaginary parts of the projectors, flat.

        g(A^-1) is the sum of Re g(eigenvalue) times the first and -Im g(eigenvalue) times the second of each.
        """
        rows = []
        for eigenvalue, projector in zip(self.eigenvalues, self.projectors, strict=True):
            rows.append(projector.real.ravel())
            if eigenvalue.imag > 0:
                rows.append(projector.imag.ravel())
        return np.array(rows)


def radau_iia(stages: int) -> Tableau:
    """Tables of the method with the given number of stages (2 or more)."""
    difference = np.zeros(stages + 1)
    difference[stages], difference[stages - 1] = 1.0, -1.0
    nodes = np.sort(0.5 * (1.0 + np.real(legendre.legroots(difference))))
    for _ in range(3):  # Newton: the companion matrix gives about 13 digits
        x = 2.0 * nodes - 1.0
        nodes = nodes - 0.5 * legendre.legval(x, difference) / legendre.legval(x, legendre.legder(difference))
    nodes[-1] = 1.0
    x = 2.0 * nodes - 1.0
    values = legendre.legvander(x, stages - 1)
    integrals = 0.5 * np.column_stack(
        [legendre.legval(x, legendre.legint(np.eye(stages)[n], lbnd=-1.0)) for n in range(stages)]
    )
    inverse = values @ np.linalg.inv(integrals)
    eigenvalues, vectors = np.linalg.eig(inverse)
    duals = np.linalg.inv(vectors)
    kept = [k for k in range(stages) if eigenvalues[k].imag >= -1e-9]
    projectors = np.array(
        [(2.0 if eigenvalues[k].imag > 1e-9 else 1.0) * np.outer(vectors[:, k], duals[k]) for k in kept]
    )
    return Tableau(
        nodes=nodes,
        inverse=inverse,
        eigenvalues=np.where(np.abs(eigenvalues.imag) > 1e-9, eigenvalues, eigenvalues.real)[kept].astype(np.complex128),
        projectors=projectors.astype(np.complex128),
        powers=_increments_to_powers(nodes),
        tail=_increments_to_tail(nodes),
    )


def _increments_to_powers(nodes: FloatArray) -> FloatArray:
    """(s, s) matrix from increments at the nodes to coefficients of theta..theta^s."""
    return np.linalg.inv(nodes[:, None] ** np.arange(1, nodes.size + 1))


def _increments_to_tail(nodes: FloatArray) -> FloatArray:
    """(4, s) rows of the Legendre coefficients of degree s to s-3 (zero increment at theta = 0)."""
    points = 2.0 * np.concatenate([[0.0], nodes]) - 1.0
    coefficients = np.linalg.inv(legendre.legvander(points, nodes.size))[:, 1:]
    return np.ascontiguousarray(coefficients[:-5:-1])
