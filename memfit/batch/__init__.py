"""Many devices: scheduling and the store."""
