"""Errors: covariance, bootstrap, posterior, bands."""
