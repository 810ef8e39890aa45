"""scikit-learn wrappers: XGBoost with any labels, callbacks of boosting, the average of fitted models."""
