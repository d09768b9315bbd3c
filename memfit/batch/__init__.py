"""Many devices: each fitted in a process that can be killed, here or on a cluster, and a store to ask.

What is done with one device (load, fit, report) is handed in from above, so that this room knows folders,
processes and results, but neither figures nor the composition of a fit.
"""
