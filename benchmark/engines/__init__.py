"""Where fits run and in which order: this machine, Dask, or any executor."""
