"""Tables of a comparison: correlations between devices, and of the errors in their fits."""

from typing import Any

from memfit.analysis.comparison_correlation import BetweenCorrelation
from memfit.analysis.comparison_record import Comparison
from memfit.reporting.comparisoncells import LEVEL, p_text, titled
from memfit.reporting.comparisonwords import CAPTIONS
from memfit.reporting.content import Cell, Column, Graded, Table
from memfit.reporting.numbers import MISSING, fixed

_MOST_CORRELATIONS = 12
_LEVELS = 4


def between_table(found: Comparison) -> Table:
    """Correlations between devices, shaded where they are beyond chance."""
    return _matrix("between", found, _between_cell)


def within_table(found: Comparison) -> Table:
    """Mean correlations of the errors in the fits."""
    return _matrix("within", found, lambda one: Graded(fixed(one.within, 2), round(one.within * _LEVELS)))


def _between_cell(one: BetweenCorrelation) -> Cell:
    """A correlation between devices, in brackets where it may be chance."""
    if one.between is None:
        return MISSING
    sure = one.p_value is not None and one.p_value < LEVEL
    text = fixed(one.between, 2)
    return Graded(text if sure else f"({text})", round(one.between * _LEVELS) if sure else 0)


def _matrix(key: str, found: Comparison, cell: Any) -> Table:
    """A symmetric table of the quantities that are paired."""
    known = {(one.first, one.second): one for one in found.correlations}
    names = [name for name in found.sample.names if any(name in pair for pair in known)]
    rows: list[tuple[Cell, ...]] = []
    for a in names:
        cells = [known.get((a, b)) or known.get((b, a)) for b in names]
        rows.append(
            (
                a,
                *(
                    "1" if a == b else MISSING if one is None else cell(one)
                    for b, one in zip(names, cells, strict=True)
                ),
            )
        )
    columns = (Column("", "symbol"), *(Column(name, "symbol") for name in names))
    return Table(f"correlation_{key}", CAPTIONS[key], columns, tuple(rows))


def strongest_table(found: Comparison) -> Table:
    """The strongest correlations with their intervals."""
    known = [one for one in found.correlations if one.between is not None]
    known.sort(key=lambda one: (one.p_value if one.p_value is not None else 1.0, -abs(one.between or 0.0)))
    rows = tuple(
        (
            f"{one.first}, {one.second}",
            fixed(one.between, 2),
            MISSING if one.ci95 is None else f"{fixed(one.ci95[0], 2)} to {fixed(one.ci95[1], 2)}",
            p_text(one.p_value),
            fixed(one.observed, 2),
            fixed(one.within, 2),
        )
        for one in known[:_MOST_CORRELATIONS]
    )
    columns = titled(
        ("quantity", "prose"),
        ("between", "number"),
        ("between_ci95", "number"),
        ("p_outlying", "number"),
        ("observed", "number"),
        ("within", "number"),
    )
    return Table("strongest", CAPTIONS["strongest"], columns, rows)
