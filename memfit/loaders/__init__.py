"""Files in, records out: one file a format."""
