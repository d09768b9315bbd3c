"""A document as HTML, LaTeX, Markdown, text, PDF, and as a folder of files."""
