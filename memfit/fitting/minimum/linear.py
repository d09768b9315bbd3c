"""Linear algebra of a fit: triangles in place of thousands of rows, and a loss that grows slowly."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

from memfit.arrays import FloatArray

_BLOCK = 96
"""Rows factored at a time, or twice as many as unknowns, so that every round halves them at least."""


UNSEEN = 1e-30
"""Length of a column of the Jacobian below which nothing in the data depends on the unknown."""
PENALTY = 1e3
"""Residual, in standard deviations, of a point that could not be computed."""
_FARTHEST = 1e100
"""Residual beyond which none is larger: its square, and sums of squares, are numbers."""
_RANK = 1e-12
"""Singular values below this share of the largest are none."""
_MANY, _SURELY = 32, 1e-6
"""Unknowns from which a triangle is much less work than singular values, and its diagonal, of the largest,
with which they are determined beyond doubt."""
_NEW = 1e-9
"""Share of a column, outside of what is known, that is none."""


def soften(r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Residuals whose squares are the soft L1 loss 2 (sqrt(1 + r^2) - 1), and their slopes.

    Small residuals stay as they are; the square of a large one grows only linearly.
    """
    root = np.sqrt(1.0 + r**2)
    soft = r * np.sqrt(2.0 / (1.0 + root))
    slope = np.sqrt(0.5 * (1.0 + root)) / root
    return soft, slope


def divided_by_sigma(r: FloatArray, j: FloatArray, weight: FloatArray) -> bool:
    """Divide the rows of a Jacobian by sigma, in place; whether some could not be computed: penalties.

    No residual is larger than its square can be told, and no slope of one that is cut.

    Parameters
    ----------
    r : (k,) array
        Residuals, which were divided before.
    j : (k, m) array
    weight : (k,) array
        1/sigma.
    """
    j *= weight[:, None]
    lost = ~(np.isfinite(r) & np.isfinite(j).all(axis=1))
    r[lost], j[lost] = PENALTY, 0.0
    if r.size and max(r.max(), -r.min()) > _FARTHEST:
        far = np.abs(r) > _FARTHEST
        r[far], j[far] = np.clip(r[far], -_FARTHEST, _FARTHEST), np.clip(j[far], -_FARTHEST, _FARTHEST)
    return bool(lost.any())


def marginal_root(jacobian: FloatArray, wanted: Sequence[int]) -> FloatArray:
    """(n, n) triangular root of the information on some unknowns, all others marginalised.

    With [A B] = Q [R11 R12; 0 R22] for the unwanted columns A and the wanted ones B, the information on the
    wanted ones is R22^T R22.

    Parameters
    ----------
    jacobian : (k, m) array
    wanted : sequence of int
        n columns, in the order of the root.
    """
    rest = [j for j in range(jacobian.shape[1]) if j not in wanted]
    length = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(length > 0, length, 1.0)
    root = triangle(scaled[:, [*rest, *wanted]])[len(rest) :, len(rest) :]
    result: FloatArray = root * length[list(wanted)]
    return result


def triangle(rows: FloatArray) -> FloatArray:
    """(k, k) triangular factor R of rows (n, k) = Q R, without Q.

    The rows are factored block by block, the triangles stacked and factored again (Demmel et al., SIAM J.
    Sci. Comput. 2012, 34, A206): small blocks stay in the cache and wake no threads.
    """
    k = rows.shape[1]
    block = max(_BLOCK, 2 * k)
    while rows.shape[0] > 2 * block:
        missing = -rows.shape[0] % block
        padded = np.concatenate([rows, np.zeros((missing, k))])
        rows = np.asarray(np.linalg.qr(padded.reshape(-1, block, k), mode="r")).reshape(-1, k)
    missing = max(k - rows.shape[0], 0)
    return np.asarray(np.linalg.qr(np.concatenate([rows, np.zeros((missing, k))]), mode="r"))


def least_squares(rows: FloatArray, target: FloatArray, rank: float) -> FloatArray:
    """(m,) shortest solution of rows x = target in the sense of least squares.

    Parameters
    ----------
    rows : (k, m) array
    target : (k,) array
    rank : float
        Singular values below this share of the largest are none.
    """
    size = rows.shape[1]
    if size > _MANY and rows.shape[0] >= size:
        root = np.asarray(np.linalg.qr(np.column_stack([rows, target]), mode="r"))[:size]
        diagonal = np.abs(np.diag(root))
        if np.min(diagonal) > _SURELY * np.max(diagonal):
            return np.asarray(solve_triangular(root[:, :-1], root[:, -1]))
    return np.asarray(np.linalg.lstsq(rows, target, rcond=rank)[0])


def falls_of_chi2(r: FloatArray, known: FloatArray, offered: Sequence[FloatArray]) -> list[float]:
    """Fall of chi2 that the linearised problem promises for each group of columns, with the known ones.

    The known columns are taken out of everything once; then each group is a small problem by itself.

    Parameters
    ----------
    r : (k,) array
    known : (k, m) array
        Columns that are there anyway.
    offered : sequence of (k, n) arrays
    """
    length = np.linalg.norm(known, axis=0)
    base, sizes, _ = np.linalg.svd(known / np.where(length > 0, length, 1.0), full_matrices=False)
    base = base[:, sizes > _RANK * float(np.max(sizes, initial=0.0))]
    left = r - base @ (base.T @ r)
    falls = []
    for columns in offered:
        size = np.linalg.norm(columns, axis=0)
        scaled = columns / np.where(size > 0, size, 1.0)
        rest = scaled - base @ (base.T @ scaled)
        new = np.linalg.norm(rest, axis=0) > _NEW
        remaining = left - rest[:, new] @ np.linalg.lstsq(rest[:, new], left, rcond=_RANK)[0]
        falls.append(float(r @ r - remaining @ remaining))
    return falls
