"""The report of a comparison of devices."""
