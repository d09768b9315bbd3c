"""Tables as people write them: headers, units, separators, several sweeps in one file."""
