"""What the run folder holds, as frames: pure functions, each computed once."""
