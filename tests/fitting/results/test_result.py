"""Results: JSON there and back, and estimates that are sane."""

import json

import numpy as np
import pytest

from memfit.errors import InputError
from memfit.fitting.results.result import SCHEMA, FitResult
from memfit.model import NAMES


def test_json_there_and_back_is_identity(joint):
    text = joint.result.to_json()
    again = FitResult.from_json(text)
    assert again == joint.result
    assert again.to_json() == text


def test_layout_of_the_contract(joint):
    data = json.loads(joint.result.to_json())
    assert data["schema"] == SCHEMA
    assert list(data["parameters"]) == list(NAMES[:8])
    assert set(data["derived"]) == {"tau_m", "A_max"}
    assert {"code", "message"} == set(data["status"])
    assert data["correlation"]["names"] == data["covariance_names"]
    for item in data["inputs"]:
        assert {"file", "sha256", "kind", "points", "used", "bias_V", "control", "warnings"} <= set(item)


def test_estimates_are_sane(joint):
    for name, estimate in {**joint.result.parameters, **joint.result.derived}.items():
        low, high = estimate.ci95
        assert low < estimate.value < high, name
        assert 0 < estimate.stderr < np.inf, name
    assert joint.result.parameters["R_s"].ci95[0] >= 0.0


def test_derived_quantities_are_those_of_the_values(joint):
    p = joint.result.values()
    assert joint.result.derived["tau_m"].value == pytest.approx(p.R_b * p.C_m, rel=1e-12)
    assert joint.result.derived["A_max"].value == pytest.approx(p.R_b * p.i_c0 / (4 * p.V_m), rel=1e-12)


def test_correlation_is_a_correlation(joint):
    matrix = joint.result.correlation
    np.testing.assert_allclose(np.diag(matrix), 1.0, rtol=1e-12)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    assert np.abs(matrix).max() <= 1.0 + 1e-12
    assert np.linalg.eigvalsh(matrix).min() > -1e-10


def test_table_has_a_row_for_each_quantity(joint):
    table = joint.result.to_frame()
    assert list(table.index) == [*NAMES[:8], "tau_m", "A_max"]
    assert table.loc["V_T", "value"] == joint.result.parameters["V_T"].value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1"),
        ("[]", "a list"),
        ('{"schema": "something/2"}', "something/2"),
        (f'{{"schema": "{SCHEMA}"}}', "layout"),
    ],
)
def test_what_is_no_result_is_named(text, words):
    with pytest.raises(InputError, match=words):
        FitResult.from_json(text)


def test_fitted_records_lie_within_their_noise(joint):
    for item in joint.fitted:
        r = np.concatenate([np.real(item.residuals[item.used]), np.imag(item.residuals[item.used])])
        r = r[r != 0]
        assert np.mean(r**2) == pytest.approx(1.0, abs=0.1), item.record.name


def test_a_result_shows_itself_in_a_line(joint):
    shown = repr(joint.result)
    assert shown.startswith("<FitResult of ")
    assert "; R_b = " in shown
    assert shown.count("\n") == 0
