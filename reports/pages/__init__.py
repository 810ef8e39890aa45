"""The report as a page: HTML, Markdown, LaTeX."""
