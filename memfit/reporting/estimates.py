"""An estimate as text: the one place that decides when its error and its interval mean something."""

from memfit.fitting.result import Estimate
from memfit.reporting.numbers import MISSING, interval, quantity, rounded_to_error


def value_text(e: Estimate) -> str:
    """The value with its standard error; at a bound without, where a linear approximation means nothing."""
    write = rounded_to_error if e.status == "at_bound" else quantity
    return write(e.value, e.unit or "1", e.stderr)


def interval_text(e: Estimate) -> str:
    """The 95 % interval; a dash at a bound."""
    return MISSING if e.status == "at_bound" else interval(e.ci95, e.unit or "1", e.stderr)
