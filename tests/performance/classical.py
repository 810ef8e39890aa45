"""Scores of finished runs beside what papers and public benchmarks report, one line for each that both have.

Run ``bakeoff run examples/suites/KIND.yaml`` for each kind and for ``tuned``, then ``python
tests/performance/classical.py runs/*``. Protocols differ, as the notes below the table say.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bakeoff.api import load_run


@dataclass(frozen=True)
class Published:
    """What others report on a data set: a metric, in which unit, by which protocol, for which models."""

    metric: str
    factor: float
    source: str
    figures: dict[str, float]


TALENT = "Ye et al. 2024 (TALENT): tuned, mean of 15 random splits 64/16/20"
PUBLISHED = {
    "bank_marketing_with_duration": Published(
        "accuracy",
        100,
        TALENT,
        {"logistic": 90.35, "knn": 89.42, "rbf_svm": 90.19, "random_forest": 89.98, "xgboost": 90.60, "mlp": 90.52},
    ),
    "telco_churn": Published(
        "accuracy",
        100,
        TALENT,
        {"logistic": 79.84, "knn": 77.15, "rbf_svm": 79.59, "random_forest": 79.65, "xgboost": 80.64, "mlp": 79.36},
    ),
    "california_housing_raw": Published(
        "rmse",
        1,
        TALENT + "; without the distance to the ocean",
        {"ridge": 70140, "knn": 60000, "random_forest": 52470, "xgboost": 47970, "mlp": 52000},
    ),
    "insurance": Published(
        "rmse", 1, TALENT, {"ridge": 6197, "knn": 5525, "random_forest": 4522, "xgboost": 4665, "mlp": 5049}
    ),
    "mnist": Published(
        "accuracy",
        100,
        "LeCun's table: linear, KNN, Gaussian SVM, boosted trees (Kegl 2009), 800 units (Simard 2003), LeNet-5",
        {"logistic": 88.0, "knn": 96.91, "rbf_svm": 98.6, "xgboost": 98.47, "mlp": 98.4, "cnn": 99.05},
    ),
    "ucr_ItalyPowerDemand": Published(
        "accuracy",
        100,
        "UCR archive, its own split: MiniRocket, TSF, 1-NN, CNN, LSTM-FCN",
        {"minirocket": 96.3, "random_forest": 96.5, "knn": 95.5, "cnn": 95.1, "lstm": 96.2},
    ),
    "uea_BasicMotions": Published(
        "accuracy",
        100,
        "UEA archive, its own split: ROCKET, TSF, ResNet",
        {"minirocket": 100.0, "random_forest": 100.0, "cnn": 100.0},
    ),
    "ucr_PLAID": Published("accuracy", 100, "UCR archive, its own split: 1-NN", {"knn": 73.0}),
    "tser_FloodModeling1": Published(
        "rmse",
        1,
        "TSER archive, its own split: ROCKET, TSF, 5-NN, tuned ridge, CNN",
        {"minirocket": 0.01388, "random_forest": 0.00825, "knn": 0.01619, "ridge": 0.01804, "cnn": 0.01043},
    ),
    "sms_spam": Published(
        "accuracy",
        100,
        "Almeida et al. 2011: SVM, 30 % for training; multinomial naive Bayes: Scientific Reports 2025",
        {"linear_svm": 97.64, "multinomial_nb": 98.5},
    ),
    "trec6": Published("accuracy", 100, "Kim 2014: CNN-rand, its own split", {"text_cnn": 91.2}),
    "rt_polarity": Published(
        "accuracy",
        100,
        "Wang and Manning 2012: multinomial naive Bayes and SVM on pairs of words; Kim 2014: CNN-rand; 10 folds",
        {"multinomial_nb": 79.0, "linear_svm": 77.7, "text_cnn": 76.1},
    ),
}
Scores = dict[tuple[str, str, str], str]


def read_scores(runs: Iterable[Path]) -> Scores:
    """Read (data set, model, variant) -> the published metric, where there is one."""
    scores: Scores = {}
    for run in runs:
        for row in load_run(run).leaderboard.to_dict("records"):
            known = PUBLISHED.get(row["dataset"])
            if known is None:
                continue
            value = row["mean"] if row["metric"] == known.metric else row.get(f"metrics.{known.metric}")
            found = (
                "no score"
                if value is None or value != value
                else f"{known.factor * value:{'.0f' if value > 1000 else '.4g'}}"
            )
            scores[row["dataset"], row["model"], row["variant"]] = found
    return scores


def lines(scores: Scores) -> Iterator[str]:
    """Yield the table, and where its published figures are from."""
    yield "| data | figure | model | default | tuned | published |"
    yield "|---|---|---|---|---|---|"
    for dataset, known in PUBLISHED.items():
        figure = f"{known.metric} %" if known.factor == 100 else known.metric
        for model, published in known.figures.items():
            ours = [scores.get((dataset, model, variant), "") for variant in ("default", "tuned")]
            if any(ours):
                yield f"| {dataset} | {figure} | {model} | {ours[0]} | {ours[1]} | {published:g} |"
    yield ""
    yield from (f"- {dataset}: {known.source}." for dataset, known in PUBLISHED.items())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders")
    for line in lines(read_scores(parser.parse_args().runs)):
        print(line)


if __name__ == "__main__":
    main()
