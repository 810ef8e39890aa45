"""A job's model on rows of its data set: built, fitted, asked."""
