"""Tables of the report as cells of text, and the dot plots within them."""
