"""One fit from end to end: tune on inner folds, refit, score the outer test part once."""
