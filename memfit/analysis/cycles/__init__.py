"""Self-sustained oscillations: limit cycles, bifurcation diagrams, oscillation in measured traces."""

from memfit.analysis.cycles.bifurcation import (
    BifurcationDiagram,
    LimitCycle,
    MeasuredOscillation,
    bifurcation_diagram,
    cycles_at,
    find_oscillation,
    from_rest,
    growth_time,
    start_up_time,
)

__all__ = [
    "BifurcationDiagram",
    "LimitCycle",
    "MeasuredOscillation",
    "bifurcation_diagram",
    "cycles_at",
    "find_oscillation",
    "from_rest",
    "growth_time",
    "start_up_time",
]
