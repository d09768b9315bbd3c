"""At home in a notebook: values as tables, and the pictures of the reports on axes of one's own."""
