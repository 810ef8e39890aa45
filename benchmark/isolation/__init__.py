"""One call in one process of its own, under limits; whatever happens to it is data."""
