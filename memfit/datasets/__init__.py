"""Measurements as frozen records: what was measured, never how it was read or what explains it."""
