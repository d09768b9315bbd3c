"""The level of confidence is said in one place, and everything follows from it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.stats import chi2, norm

import memfit
from memfit.confidence import CHI2_1, LEVEL, TAILS, Z, chi2_quantile

PACKAGE = Path(memfit.__file__).parent
QUANTILES = (1.96, 3.92, 0.025, 0.975, 3.84, 5.99, 7.81, 2.448)
"""Quantiles at 95 % as people write them, with their digits."""
AT_68 = """
import sys, types
from pathlib import Path
import numpy as np
import memfit
file = Path(memfit.__file__).with_name("confidence.py")
text = file.read_text(encoding="utf-8")
assert "LEVEL = 0.95" in text
module = types.ModuleType("memfit.confidence")
exec(compile(text.replace("LEVEL = 0.95", "LEVEL = 0.6826894921370859"), str(file), "exec"), module.__dict__)
sys.modules["memfit.confidence"] = module
sys.path.insert(0, sys.argv[1])
from linear import linear_state
from memfit.analysis.stability.sampling import interval95
from memfit.fitting.uncertainty.profiles import profile
from memfit.fitting.uncertainty.covariance import covariance_of, estimates
state, covariance = linear_state()
error = np.sqrt(covariance[0, 0])
profiled = profile(state).profiles["R_b"]
linear = estimates(state, covariance_of(state), {})["R_b"]
for interval in (linear.ci95, profiled.ci95, profiled.linear_ci95):
    np.testing.assert_allclose(np.log(interval), state.x[0] + np.array([-error, error]), atol=1e-5)
low, high = interval95(np.random.default_rng(0).standard_normal(100_000))
assert abs(low + 1) < 0.02 and abs(high - 1) < 0.02
"""


def test_quantiles():
    assert norm.cdf(Z) - norm.cdf(-Z) == pytest.approx(LEVEL)
    assert pytest.approx(chi2.ppf(LEVEL, 1)) == CHI2_1
    assert pytest.approx((norm.cdf(-Z), norm.cdf(Z))) == TAILS
    for dof in (1, 2, 3, 7):
        assert chi2_quantile(dof) == pytest.approx(chi2.ppf(LEVEL, dof))
    assert chi2_quantile(2, 0.5) == pytest.approx(chi2.ppf(0.5, 2))


def _quantile_in(node):
    """Whether a number in a source is one of the quantiles, to its digits."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, float)):
        return False
    return any(abs(node.value - q) < 0.6 * 10.0 ** -len(str(q).partition(".")[2]) for q in QUANTILES)


def test_no_other_module_has_a_quantile_of_its_own():
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {ast.unparse(node)}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "confidence.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _quantile_in(node)
    ]
    assert found == []


def test_another_level_is_another_number_there():
    """With one standard deviation in place of 95 % the linear interval, the profile and a sample follow."""
    support = str(Path(__file__).parent / "support")
    subprocess.run([sys.executable, "-c", AT_68, support], check=True)
