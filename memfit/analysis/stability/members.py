"""Stability where the data allow several members of the family: by each, and averaged by their weights."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from memfit.analysis.stability.circuit import Circuit
from memfit.fitting import CircuitStability, FitResult
from memfit.fitting.results.findings import Member
from memfit.model import Parameters

Assess = Callable[[Member, Circuit], CircuitStability]
"""The stability of one member in a circuit."""
_LEAST_WEIGHT = 0.01
"""Below which a member does not widen a range."""


def averaged(
    best: Mapping[str, CircuitStability], result: FitResult, circuits: Mapping[str, Circuit], assess: Assess
) -> dict[str, CircuitStability]:
    """The stability of the best member, with the probability and the range over all that the data allow.

    Parameters
    ----------
    best : mapping of str to CircuitStability
        Of the best member, by circuit.
    result : FitResult
    circuits : mapping of str to Circuit
    assess : callable
        Gives the stability of a member in a circuit.
    """
    others = [member for member in result.members[1:] if member.status == "ok"]
    if not others:
        return dict(best)
    found = {}
    for name, known in best.items():
        if known.probability_oscillates is None:
            found[name] = known
            continue
        several = [
            (result.members[0].weight, known),
            *((m.weight, assess(m, circuits[name])) for m in others),
        ]
        told = [(w, s) for w, s in several if s.probability_oscillates is not None]
        weight = sum(w for w, _ in told)
        chance = sum(w * (s.probability_oscillates or 0.0) for w, s in told) / weight
        counted = [s for w, s in told if w >= _LEAST_WEIGHT * weight]
        chances = [s.probability_oscillates or 0.0 for s in counted]
        intervals = [s.gain_margin_ci95 for s in counted if s.gain_margin_ci95 is not None]
        low, high = min(chances), max(chances)
        text = (
            f"{known.message} Over the {len(told)} models that the data allow it oscillates with a "
            f"probability of {chance:.2g}, {low:.2g} to {high:.2g} by model."
        )
        verdict = known.verdict
        if verdict in ("oscillates", "stable") and low < 0.5 < high:
            verdict = "near"
        found[name] = replace(
            known,
            verdict=verdict,
            message=text,
            probability_oscillates=chance,
            probability_range=(low, high),
            gain_margin_ci95=(min(a for a, _ in intervals), max(b for _, b in intervals))
            if intervals
            else known.gain_margin_ci95,
        )
    return found


def with_probabilities(result: FitResult, circuit: Circuit, assess: Assess) -> tuple[Member, ...]:
    """The members of a result, each with its probability of oscillation in a circuit.

    Parameters
    ----------
    result : FitResult
        With its stability.
    circuit : Circuit
    assess : callable
        Gives the stability of a member in a circuit.
    """
    members = []
    for member in result.members:
        chance = assess(member, circuit).probability_oscillates if member.status == "ok" else None
        members.append(replace(member, probability_oscillates=chance))
    return tuple(members)


def parameters_of(member: Member) -> Parameters:
    """The parameters of a member.

    Parameters
    ----------
    member : Member
    """
    return Parameters.from_mapping(member.parameters)
