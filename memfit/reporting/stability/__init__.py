"""The part of a report on self-sustained oscillation."""
