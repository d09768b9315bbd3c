"""What a fit found: frozen records, JSON and back, and what follows from them."""
