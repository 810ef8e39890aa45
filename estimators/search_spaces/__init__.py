"""Search spaces: what a trial is asked, the grid of a finite space, best points at its bounds."""
