"""The compiled integrator: collocation steps with exact sensitivities."""
