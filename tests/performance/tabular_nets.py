"""How much faster ten folds of TabM and RealMLP train as one program: ours, the authors' packages, fold by fold.

Run ``OMP_NUM_THREADS=1 python tests/performance/tabular_nets.py [--quick]``; it needs tabm and pytabkit. Everybody
trains the same architecture on the same rows in the same batches and epochs, on one thread, without early stopping (all
epochs; pytabkit also looks at its validation rows after each). Printed are medians of three of the process's CPU
seconds for ten folds, ratios to ours, and what share of our time is matrix products.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from series_folds import cpu_seconds
from sklearn.datasets import make_regression
from sklearn.model_selection import KFold
from torch.profiler import ProfilerActivity, profile

from bakeoff.estimators import RealMLPRegressor, TabMRegressor, fit_folds

FOLDS = 10
N_COLUMNS = 8
PRODUCTS = ("aten::bmm", "aten::baddbmm", "aten::mm", "aten::addmm")
STEADY = {"n_iter_no_change": 10**6, "early_stopping": False, "dtype": "float32", "random_state": 0}


@dataclass(frozen=True)
class Case:
    """One size of TabM."""

    n_blocks: int
    width: int
    batch_size: int
    n_rows: int
    epochs: int


CASES = (
    Case(2, 64, 32, 1_100, 4),
    Case(2, 64, 256, 1_100, 12),
    Case(3, 256, 32, 1_100, 2),
    Case(3, 256, 256, 2_200, 2),
)
REALMLP = Case(3, 256, 256, 2_200, 16)


def rows_of(case: Case) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Draw rows, and divide them."""
    X, y = make_regression(case.n_rows, N_COLUMNS, noise=10.0, random_state=0)
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(X))
    return X.astype(np.float32), (y / y.std()).astype(np.float32), folds


def ours(case: Case) -> None:
    """Train all folds of TabM as one program."""
    X, y, folds = rows_of(case)
    net = TabMRegressor(
        hidden_layer_sizes=(case.width,) * case.n_blocks,
        batch_size=case.batch_size,
        max_epochs=case.epochs,
        **STEADY,
    )
    fit_folds(net, X, y, folds)


def authors(case: Case) -> None:
    """Train fold by fold with the package of the authors, in the loop of their example."""
    import tabm

    X, y, folds = rows_of(case)
    for train, _ in folds:
        torch.manual_seed(0)
        inputs, targets = torch.from_numpy(X[train]), torch.from_numpy(y[train])
        model = tabm.TabM.make(
            n_num_features=N_COLUMNS, d_out=1, n_blocks=case.n_blocks, d_block=case.width, dropout=0.1, k=32
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=3e-4)
        model.train()
        for _ in range(case.epochs):
            for index in torch.randperm(len(train)).split(case.batch_size):
                optimizer.zero_grad()
                answers = model(inputs[index]).squeeze(-1)
                loss = torch.nn.functional.mse_loss(answers.flatten(), targets[index].repeat_interleave(32))
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()


def pytabkit(case: Case) -> None:
    """Train fold by fold with the TabM of pytabkit."""
    from pytabkit import TabM_D_Regressor

    X, y, folds = rows_of(case)
    for train, test in folds:
        with tempfile.TemporaryDirectory() as folder:
            model = TabM_D_Regressor(
                device="cpu",
                n_threads=1,
                random_state=0,
                tabm_k=32,
                num_emb_type="none",
                batch_size=case.batch_size,
                n_epochs=case.epochs,
                patience=10**6,
                d_block=case.width,
                n_blocks=case.n_blocks,
                share_training_batches=False,  # with True its regression compares every answer with every target
                tmp_folder=folder,
            )
            model.fit(X[np.r_[train, test]], y[np.r_[train, test]], val_idxs=np.arange(len(train), len(X)))


def our_realmlp(case: Case) -> None:
    """Train all folds of RealMLP as one program."""
    X, y, folds = rows_of(case)
    fit_folds(RealMLPRegressor(max_epochs=case.epochs, **STEADY), X, y, folds)


def their_realmlp(case: Case) -> None:
    """Train fold by fold with the RealMLP of pytabkit."""
    from pytabkit import RealMLP_TD_Regressor

    X, y, folds = rows_of(case)
    for train, test in folds:
        model = RealMLP_TD_Regressor(device="cpu", n_threads=1, random_state=0, n_epochs=case.epochs, batch_size=256)
        model.fit(X[np.r_[train, test]], y[np.r_[train, test]], val_idxs=np.arange(len(train), len(X)))


def share_of_products(train: Callable[[Case], None], case: Case) -> float:
    """Return the share of the time of all operations that is matrix products."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        train(case)
    events = found.key_averages()
    products = sum(event.self_cpu_time_total for event in events if event.key in PRODUCTS)
    return products / sum(event.self_cpu_time_total for event in events)


def compare(what: str, case: Case, trainings: Sequence[Callable[[Case], None]], times: int) -> None:
    """Print one line: our seconds, the others' in multiples of them, and our share of products."""
    mine, *others = (cpu_seconds(train, case, times=times) for train in trainings)
    cells = [
        f"{what} {case.n_blocks} x {case.width}",
        str(case.batch_size),
        f"{mine:.2f}",
        *(f"{seconds / mine:.2f}" for seconds in others),
        *["-"] * (3 - len(trainings)),
        f"{share_of_products(trainings[0], case):.0%}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each once")
    times = 1 if parser.parse_args().quick else 3
    torch.set_num_threads(1)
    print("| net | batch | ours, s | authors' package | pytabkit | products |\n|---|---|---|---|---|---|")
    for case in CASES:
        compare("TabM", case, (ours, authors, pytabkit), times)
    compare("RealMLP", REALMLP, (our_realmlp, their_realmlp), times)


if __name__ == "__main__":
    main()
