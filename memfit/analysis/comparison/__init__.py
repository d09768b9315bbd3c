"""Devices side by side: pooled values, differences, trends, who is nearest to oscillation."""

from memfit.analysis.comparison.compare import MOST_LISTED, Comparison, Ranked, compare_results
from memfit.analysis.comparison.devices import AREA_EXPONENTS, ComparedDevice, Omitted, Quantity, Sample
from memfit.analysis.comparison.pairs import BetweenCorrelation
from memfit.analysis.comparison.pooling import Outlying, Pooled, pool
from memfit.analysis.comparison.regression import Covariate, Trend, covariates_of, regressor

__all__ = [
    "AREA_EXPONENTS",
    "MOST_LISTED",
    "BetweenCorrelation",
    "ComparedDevice",
    "Comparison",
    "Covariate",
    "Omitted",
    "Outlying",
    "Pooled",
    "Quantity",
    "Ranked",
    "Sample",
    "Trend",
    "compare_results",
    "covariates_of",
    "pool",
    "regressor",
]
