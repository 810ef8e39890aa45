"""From a suite to the fits that will run, and the data sets that they read."""
