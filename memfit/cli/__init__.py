"""Commands: read, call the workflow, write. No science."""
