"""What the data can and cannot tell, in sentences."""

import numpy as np

from memfit.fitting.knowledge import Combination, Identifiability, OpenParameter
from memfit.model.parameters import UNITS
from memfit.units import format_quantity

_EQUAL = 1.1
"""Ratio of two times below which they are told as one."""


def sentences_of(knowledge: Identifiability) -> list[str]:
    """What is known and what not, in words."""
    if not knowledge.directions:  # all parameters were fixed
        return []
    said = [_counted(knowledge)]
    if knowledge.unordered_pair is not None:
        said.append(_pair_sentence(*knowledge.unordered_pair))
    told = ("tau_d f tau_k", "tau_d + f tau_k") if knowledge.unordered_pair is not None else ()
    said += [_known_sentence(c) for c in knowledge.combinations if not c.text.startswith(told)]
    said += [_open_sentence(name, item) for name, item in knowledge.open.items() if _one_sided(item)]
    return said


def _pair_sentence(first: float, second: float) -> str:
    """Two times of which the order is not known."""
    if second < _EQUAL * first:
        both = format_quantity(np.sqrt(first * second), "s", digits=2)
        return f"tau_d and f tau_k are both near {both}; how near, the data do not tell."
    one, other = (format_quantity(t, "s", digits=3) for t in (first, second))
    return (
        f"The data hold two times, {one} and {other}, but not which is tau_d and which is f tau_k: "
        "exchanging them describes the data as well."
    )


def _counted(knowledge: Identifiability) -> str:
    """How many combinations are known, and which is known least."""
    worst = knowledge.directions[-1]
    parts = sorted(worst.weights.items(), key=lambda item: -abs(item[1]))
    main = [name for name, w in parts if abs(w) > 0.3 * abs(parts[0][1])]
    which = "all" if knowledge.rank == knowledge.size else f"{knowledge.rank} of {knowledge.size}"
    return (
        f"The data fix {which} independent combinations of the parameters to better than a factor e; "
        f"the least known one, made of {', '.join(main)}, {_how_well(worst.stderr)}."
    )


def _how_well(stderr: float) -> str:
    """A standard error of a logarithm in words."""
    if stderr < 0.3:
        return f"is known to {percent_of(stderr)}"
    if stderr < 5.0:
        return f"is known to a factor of {np.exp(stderr):.2g}"
    return "is not known at all"


def percent_of(stderr: float) -> str:
    """A relative error in per cent, two digits."""
    return f"{float(f'{100.0 * stderr:.2g}'):g} %"


def _known_sentence(item: Combination) -> str:
    """What is known of a combination, and what of its counterpart is not."""
    unknown = f"; {item.other} is not" if item.other else ""
    alone = f", {' and '.join((', '.join(item.parameters[:-1]), item.parameters[-1]))} alone are not"
    return f"{item.text} is known to {percent_of(item.stderr)}{unknown or alone}."


def _one_sided(item: OpenParameter) -> bool:
    """Whether there is a limit on one side."""
    return item.reach in ("above", "below") and any(end is not None for end in item.known)


def _open_sentence(name: str, item: OpenParameter) -> str:
    """A limit in words."""
    low, high = item.known
    unit = UNITS[name]
    if low is not None:
        return f"{name} has only a lower limit: it is above {format_quantity(low, unit, digits=2)}."
    if high is not None:
        return f"{name} has only an upper limit: it is below {format_quantity(high, unit, digits=2)}."
    return f"{name} is open."
