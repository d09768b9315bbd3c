"""What the data cannot tell: how far parameters can go, what is known all the same, the verdict."""

from memfit.fitting.identifiability.exploration import Exploration, explore
from memfit.fitting.identifiability.verdict import percent_of, with_identifiability

__all__ = [
    "Exploration",
    "explore",
    "percent_of",
    "with_identifiability",
]
