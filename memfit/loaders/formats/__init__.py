"""One file format a module; each states its `READER`."""
