"""Records: what a fit leaves, and the run folder that holds it; the source of truth for all else."""
