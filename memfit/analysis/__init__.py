"""What a fitted device means: stability, Hopf points, comparison."""
