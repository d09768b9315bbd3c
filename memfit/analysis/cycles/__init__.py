"""Self-sustained oscillations: limit cycles and bifurcation diagrams."""
