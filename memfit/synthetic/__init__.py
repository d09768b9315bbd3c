"""A device whose truth is known: its measurement with noise, and the files of it.

`measurements` says what an instrument does and does it on the model, `settings` reads PARAMS.toml and
`export` writes the folder.
"""
