"""Where data meet the model: the drive of a record, its instrument, what the model says of it."""
