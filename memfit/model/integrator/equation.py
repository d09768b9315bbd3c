"""The model as the compiled integrator sees it, the tables of its collocation, and the memory of a run.

Under current control the unknown is x = u, the junction voltage; under voltage control x = I, the terminal
current that is measured. Both obey one linear equation, with u in the same breath:

    eps x' = s(t) - kappa x + sigma i_c,     u = a(t) + b x

    current: eps = C_m,      s = I(t),                  kappa = 1/R_b,        sigma = -1,  a = 0,     b = 1
    voltage: eps = R_s C_m,  s = C_m V'(t) + V(t)/R_b,  kappa = 1 + R_s/R_b,  sigma = 1,   a = V(t),  b = -R_s

so R_s = 0 (eps = 0) needs no other code, and what is measured is integrated itself, not a small difference.

The collocation is Radau IIA: the s nodes are the roots of P_s(2x - 1) - P_{s-1}(2x - 1) on (0, 1], the last
one is 1. A step is the polynomial of degree s through s + 1 points: its start and the s nodes. Everything is
formed in shifted Legendre polynomials, whose Vandermonde matrix is well conditioned, so that double precision
is enough. Source: Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.5.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.polynomial import legendre

from memfit.arrays import ComplexArray, FloatArray
from memfit.model.parameters import IN_TIME


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


STAGES = 7
"""Order 13 at the ends of steps; 7 stages were the fastest of 5, 7 and 9 at tolerances of 1e-6 to 1e-10."""
POINTS = STAGES + 1
TABLEAU = radau_iia(STAGES)
_D = TABLEAU.derivative

BLOCK = max(len(IN_TIME), 3)
"""Derivatives come in blocks of columns: by the parameters, and by the initial u, i_c, f (rest unused)."""
PARAMETERS, INITIAL = 0, 1
"""The blocks."""
R_B, C_M, I_C0, V_T, V_M, TAU_D, TAU_K, R_S = map(
    IN_TIME.index, ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")
)
"""Columns of what the compiled step depends on; derivatives by any other parameter in time stay 0."""

_MATRICES = ("P", "Q", "G", "M")
_VALUES = ("x", "c", "f", "u", "x_free", "c_free", "drift", "offset", "f_ss", "slope", "f_rate", "delta")
_MORE_VALUES = ("x_rate", "c_rate", "f_powers", "weights")
_TANGENTS = ("x_p", "c_p", "f_p")
_SCALARS = ("h", "h_matrices", "h_known", "stale")

WORK = np.dtype(
    [(name, np.float64, (POINTS, POINTS)) for name in _MATRICES]
    + [(name, np.float64, (POINTS,)) for name in _VALUES + _MORE_VALUES]
    + [(name, np.float64, (2, POINTS, BLOCK)) for name in _TANGENTS]
    + [("right", np.float64, (POINTS, BLOCK)), ("shares", np.float64, (3, STAGES))]
    + [(name, np.float64) for name in _SCALARS]
)
"""Memory of one run: a record of arrays whose sizes the compiler knows, 7 kB.

x, c, f: values at the points of the step. P, Q, G, M: matrices [i, j], of point j on point i. h: next step,
s; h_matrices, h_known: those of P, Q, G and of the last polynomial of f (`f_powers`); stale: how far M is
from the accepted stages.
"""


def compile_part(function: Any) -> Any:
    """Compile as part of an entry, which alone is kept on disk.

    Division is NumPy's (no exception), multiplication and addition may fuse; NaN and infinity keep their
    meaning.
    """
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)


def inline_part(function: Any) -> Any:
    """Compile into the body of its one caller, so that the whole is not optimised again at every level."""
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, inline="always")(function)


class Equation(NamedTuple):
    """Coefficients of the model as the step needs them."""

    voltage: bool
    R_b: float
    C_m: float
    i_c0: float
    V_T: float
    V_m: float
    tau_d: float
    tau_k: float
    R_s: float
    eps: float
    kappa: float
    sigma: float
    b: float


@compile_part
def equation(p: FloatArray, voltage: bool) -> Equation:
    """Coefficients for one control mode; p has the parameters `IN_TIME`."""
    R_b, C_m, R_s = p[R_B], p[C_M], p[R_S]
    if voltage:
        eps, kappa, sigma, b = R_s * C_m, 1.0 + R_s / R_b, 1.0, -R_s
    else:
        eps, kappa, sigma, b = C_m, 1.0 / R_b, -1.0, 1.0
    return Equation(voltage, R_b, C_m, p[I_C0], p[V_T], p[V_M], p[TAU_D], p[TAU_K], R_s, eps, kappa, sigma, b)


@compile_part
def activation(eq: Equation, u: float) -> tuple[float, float]:
    """f_ss(u) and df_ss/du without overflow or cancellation."""
    z = (u - eq.V_T) / eq.V_m
    e = math.exp(-abs(z))
    large = 1.0 / (1.0 + e)
    small = e * large
    return (large if z >= 0 else small), large * small / eq.V_m


@compile_part
def source(eq: Equation, level: float, slope: float) -> float:
    """The source s of the equation of x, at a drive `level` (A or V) that rises with `slope`."""
    return eq.C_m * slope + level / eq.R_b if eq.voltage else level


@compile_part
def linearise(eq: Equation, h: float, w: Any) -> None:
    """Set u, f_ss and df/dt at the stages for the present f; `delta` is minus the residual, M its slope."""
    for i in range(1, POINTS):
        x, rate = w.x_free[i], 0.0
        for j in range(1, POINTS):
            rise = w.f[j] - w.f[0]
            x += w.G[i, j] * rise
            rate += _D[i, j] * rise
        rate /= h
        u = w.offset[i] + eq.b * x
        f_ss, slope = activation(eq, u)
        w.u[i], w.f_ss[i], w.slope[i], w.f_rate[i] = u, f_ss, slope, rate
        w.delta[i] = f_ss - w.f[i] - eq.tau_k * f_ss * rate
        gain = (1.0 - eq.tau_k * rate) * slope * eq.b
        inertia = eq.tau_k * f_ss / h
        for j in range(POINTS):
            w.M[i, j] = inertia * _D[i, j] - gain * w.G[i, j]
        w.M[i, i] += 1.0


@compile_part
def factor(M: FloatArray) -> None:
    """LU factors in place, the inverse of U's diagonal on the diagonal.

    Rows are not exchanged: in 4000 steps of random devices elements grew less than 8 times (2 times in steps
    that were accepted), and with its rows scaled M has condition numbers below 20.
    """
    for c in range(1, POINTS):
        inverse = 1.0 / M[c, c]
        M[c, c] = inverse
        for i in range(c + 1, POINTS):
            m = M[i, c] * inverse
            M[i, c] = m
            for j in range(c + 1, POINTS):
                M[i, j] -= m * M[c, j]


@compile_part
def solve(M: FloatArray, right: FloatArray) -> None:
    """Solve in place with the factors of M."""
    for i in range(2, POINTS):
        total = right[i]
        for j in range(1, i):
            total -= M[i, j] * right[j]
        right[i] = total
    for i in range(STAGES, 0, -1):
        total = right[i]
        for j in range(i + 1, POINTS):
            total -= M[i, j] * right[j]
        right[i] = total * M[i, i]
