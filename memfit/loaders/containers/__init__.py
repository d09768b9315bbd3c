"""Containers of named arrays taken apart safely: what a damaged one holds must not end the process."""
