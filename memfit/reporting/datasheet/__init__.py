"""The data sheet of a device: figures of merit, measured and predicted, with the figures of the field."""
