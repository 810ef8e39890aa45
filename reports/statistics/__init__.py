"""Tests of significance and effect sizes: pure functions over arrays of scores, bigger is better.

`folds`: two models on one data set, over repeated cross-validation. `rows`: two models on one fixed or ordered test
part, by the metrics of `bootstrap_metrics`. `datasets`: many models over many data sets. `bootstrap_ranks`: bootstrap
intervals of ranks, win rates and Elo.
"""
