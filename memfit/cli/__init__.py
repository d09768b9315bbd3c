"""Commands: read, call the workflow, write. No science.

`parser` knows all words of the command line and imports nothing heavy; `main` imports the file of a command
only once its words have been understood, so that help and mistakes in usage take no time.
"""
