"""Quantities in options: a mistake in one names the option."""

from memfit.errors import UnitError
from memfit.units import parse_quantity


def option_quantity(option: str, text: str, dimension: str) -> float:
    """A quantity in SI units.

    Parameters
    ----------
    option : str
        As the user knows it, such as "--load".
    text : str
        With its unit, or an SI number.
    dimension : str
        A key of `memfit.units.DIMENSIONS`.

    Raises
    ------
    UnitError
        It cannot be read.
    """
    try:
        return parse_quantity(text, dimension)
    except UnitError as problem:
        said = str(problem)
        raise UnitError(f"{option}: {said[:1].lower()}{said[1:]}") from problem
