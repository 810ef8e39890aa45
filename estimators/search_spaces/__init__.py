"""Search spaces: what a trial is asked, finite spaces, best points at an edge."""
