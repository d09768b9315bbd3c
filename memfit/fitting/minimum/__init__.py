"""A minimum: unknowns, residuals, linear algebra, least squares, and how much work that may take."""
