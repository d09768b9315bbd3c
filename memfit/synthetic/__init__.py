"""A device whose truth is known: what to measure, the measurement with its noise, and the files of it.

`measurements` says what an instrument does, `device` does it on the model, `settings` reads PARAMS.toml and
`export` writes the folder.
"""
