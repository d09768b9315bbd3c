"""Devices side by side: pooled values, ranking, regression on attributes."""
