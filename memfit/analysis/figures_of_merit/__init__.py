"""What papers print of a memristor: figures of merit, measured and predicted, with intervals.

`assemble.figures_of_merit` makes them all; the table of figures is in `rows`. Each is imported by its own
name, so that what only needs the table waits for nothing else.
"""
