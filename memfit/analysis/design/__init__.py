"""What to measure next."""

from memfit.analysis.design.plan import Forecast, NextMeasurements, plan_next

__all__ = ["Forecast", "NextMeasurements", "plan_next"]
