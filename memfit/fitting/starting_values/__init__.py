"""First values of a fit from the data alone, each with its reason."""

from memfit.fitting.starting_values.times import StartingValues, distinct, guess, swapped

__all__ = ["StartingValues", "distinct", "guess", "swapped"]
