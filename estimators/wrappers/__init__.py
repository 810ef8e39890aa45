"""scikit-learn wrappers: boosting watched and stopped early, averages of fitted models, calibration, thresholds."""
