"""What papers print of a memristor: figures of merit, measured and predicted, with intervals."""

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions, Stated
from memfit.analysis.figures_of_merit.measured import Value
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, FigureOfMerit
from memfit.analysis.figures_of_merit.sheet import Entry, FigureCurve, FiguresOfMerit

__all__ = [
    "FIGURES_OF_MERIT",
    "Conditions",
    "Entry",
    "FigureCurve",
    "FigureOfMerit",
    "FiguresOfMerit",
    "Stated",
    "Value",
    "figures_of_merit",
]
