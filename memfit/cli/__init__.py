"""Commands: read, call the workflow, write. No science.

One file a command, with its options (`add_options`) and what it does (`run`). No file here imports anything
heavy at its top: `run` imports what the command needs once its words have been understood, so that help and
mistakes in usage take no time.
"""
