"""What the data can and cannot tell."""
