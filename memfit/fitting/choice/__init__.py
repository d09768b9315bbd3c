"""Which model: the parts that the data ask for, and the limits of the plainest device."""
