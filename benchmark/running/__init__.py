"""A run of a plan: the fits not yet recorded, through an engine, to their records."""
