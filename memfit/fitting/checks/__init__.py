"""What the data say against a fit: misfit, mistakes, contradictions."""
