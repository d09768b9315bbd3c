"""The figures of a report, one function a figure; they and the document know matplotlib."""
