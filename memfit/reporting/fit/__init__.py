"""The report of one fit: its sections, tables, figures and CSV files."""
