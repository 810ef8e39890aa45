"""Scores of finished runs beside what papers and public benchmarks report, one line for each that both have.

Run ``bakeoff run examples/suites/KIND.yaml`` for each kind, then ``python tests/performance/classical.py runs/tabular
runs/images runs/series runs/text``. The suites use default parameters and a time limit for each fit. Published figures
are of tuned models on other splits where the table says so: agreement means within the noise of the protocol.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from bakeoff.api import load_run

# data set -> (metric, factor, protocol, model -> published)
PUBLISHED: dict[str, tuple[str, float, str, dict[str, float]]] = {
    "bank_marketing": (
        "accuracy",
        100,
        "with the length of the call, tuned, TALENT (Ye et al. 2024)",
        {"logistic": 90.35, "knn": 89.42, "random_forest": 89.98, "xgboost": 90.60, "mlp": 90.52},
    ),
    "telco_churn": (
        "accuracy",
        100,
        "tuned, TALENT (Ye et al. 2024)",
        {"logistic": 79.84, "knn": 77.15, "rbf_svm": 79.59, "random_forest": 79.65, "xgboost": 80.64, "mlp": 79.36},
    ),
    "insurance": (
        "rmse",
        1,
        "tuned, TALENT (Ye et al. 2024)",
        {"ridge": 6197, "knn": 5525, "random_forest": 4522, "xgboost": 4665, "mlp": 5049},
    ),
    "mnist": (
        "accuracy",
        100,
        "LeCun's table: linear classifier, KNN, Gaussian SVM, boosted trees (Kegl 2009), 800 HU (Simard 2003), LeNet-5",
        {"logistic": 88.0, "knn": 96.91, "rbf_svm": 98.6, "xgboost": 98.47, "mlp": 98.4, "cnn": 99.05},
    ),
    "ucr_ItalyPowerDemand": (
        "accuracy",
        100,
        "UCR archive, fold 0; random_forest: TSF; knn: 1NN-ED",
        {"minirocket": 96.3, "random_forest": 96.5, "knn": 95.5, "cnn": 95.1, "lstm": 96.2},
    ),
    "uea_BasicMotions": (
        "accuracy",
        100,
        "UEA archive, fold 0; minirocket: ROCKET; random_forest: TSF",
        {"minirocket": 100.0, "random_forest": 100.0, "cnn": 100.0},
    ),
    "ucr_PLAID": ("accuracy", 100, "UCR archive; knn: 1NN-ED", {"knn": 73.0}),
    "tser_FloodModeling1": (
        "rmse",
        1,
        "TSER archive, fold 0; minirocket: ROCKET; random_forest: TSF; knn: 5NN-ED",
        {"minirocket": 0.01388, "random_forest": 0.00825, "knn": 0.01619, "ridge": 0.01804, "cnn": 0.01043},
    ),
    "trec6": ("accuracy", 100, "Kim 2014", {"text_cnn": 91.2}),
    "rt_polarity": (
        "accuracy",
        100,
        "10-fold; Wang and Manning 2012, Kim 2014",
        {"multinomial_nb": 79.0, "linear_svm": 77.7, "text_cnn": 76.1},
    ),
    "sms_spam": (
        "accuracy",
        100,
        "Almeida et al. 2011; multinomial_nb: Scientific Reports 2025",
        {"linear_svm": 97.64, "multinomial_nb": 98.5},
    ),
}


def lines(run: Path) -> Iterator[str]:
    """Yield a row of the table for each default model of a run that has a published figure."""
    board = load_run(run).leaderboard
    for row in board[board["variant"] == "default"].to_dict("records"):
        metric, factor, protocol, figures = PUBLISHED.get(row["dataset"], ("", 1, "", {}))
        if row["model"] not in figures:
            continue
        value = row["mean"] if row["metric"] == metric else row.get(f"metrics.{metric}")
        ours = "no score" if value is None or value != value else f"{factor * value:.4g}"
        yield f"| {row['dataset']} | {row['model']} | {metric} | {ours} | {figures[row['model']]:g} | {protocol} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders")
    print("| data | model | figure | ours | published | protocol |\n|---|---|---|---|---|---|")
    for run in parser.parse_args().runs:
        for line in lines(run):
            print(line)


if __name__ == "__main__":
    main()
