"""The collocation tables against what defines them."""

import numpy as np
import pytest

from memfit.model.integrator.equation import radau_iia

STAGES = (3, 5, 7, 9)


@pytest.mark.parametrize("stages", STAGES)
def test_quadrature_is_exact_to_degree_2s_minus_2(stages):
    tableau = radau_iia(stages)
    weights = np.linalg.inv(tableau.derivative[1:, 1:])[-1]
    for degree in range(2 * stages - 1):
        assert weights @ tableau.points[1:] ** degree == pytest.approx(1.0 / (degree + 1), rel=1e-11)


def test_three_stages_are_those_of_the_textbook():
    # Hairer & Wanner II, Table IV.5.6
    root = np.sqrt(6.0)
    assert radau_iia(3).points == pytest.approx([0.0, (4 - root) / 10, (4 + root) / 10, 1.0], abs=1e-15)


@pytest.mark.parametrize("stages", STAGES)
def test_tables_differentiate_and_expand_polynomials(stages):
    tableau = radau_iia(stages)
    theta = tableau.points
    for degree in range(stages + 1):
        slope = degree * theta ** max(degree - 1, 0)
        assert tableau.derivative @ theta**degree == pytest.approx(slope, abs=1e-10)
        unit = np.eye(stages + 1)[degree]
        assert tableau.powers @ theta**degree == pytest.approx(unit, abs=1e-8)


@pytest.mark.parametrize("stages", [7, 9])
def test_the_tail_sees_high_degrees_only(stages):
    tableau = radau_iia(stages)
    assert tableau.tail @ tableau.points ** (stages - 6) == pytest.approx(np.zeros(6), abs=1e-11)
    assert (tableau.tail @ tableau.points**stages)[0] > 0


@pytest.mark.parametrize("stages", STAGES)
def test_functions_of_the_matrix_come_from_its_spectrum(stages):
    tableau = radau_iia(stages)
    W = tableau.derivative[1:, 1:]
    basis = tableau.real_basis()
    rows = iter(basis)
    resolvent = np.zeros_like(basis[0])
    for eigenvalue in tableau.eigenvalues:
        value = 1.0 / (0.3 * eigenvalue + 2.0)
        resolvent += value.real * next(rows)
        if eigenvalue.imag > 0:
            resolvent -= value.imag * next(rows)
    expected = np.linalg.inv(0.3 * W + 2.0 * np.eye(stages))
    assert resolvent[1:, 1:] == pytest.approx(expected, abs=1e-9)
    assert not resolvent[0].any()
    assert not resolvent[:, 0].any()


def test_barycentric_weights_interpolate():
    tableau = radau_iia(7)
    theta = 0.37
    weights = tableau.barycentric / (theta - tableau.points)
    values = np.exp(tableau.points)
    assert weights @ values / weights.sum() == pytest.approx(np.exp(theta), rel=1e-8)
