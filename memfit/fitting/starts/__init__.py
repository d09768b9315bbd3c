"""First values, from the data alone."""
