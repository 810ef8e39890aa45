"""What a fit's process pays to open a data set of many strings: pickled as it is, and as the runner prepares it.

Run ``python tests/performance/mapping.py [ROWS]``: seconds and unique memory of fresh processes, for a table with ten
columns of numbers and ten of categories, and for texts.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from bakeoff.datasets import Dataset, load
from bakeoff.planning.staging import write_data_file

OPEN = """
import sys, time
from pathlib import Path
import joblib, psutil
from bakeoff.planning.staging import open_data_file
process = psutil.Process()
before, began = process.memory_full_info().uss, time.perf_counter()
kept = joblib.load(sys.argv[2], mmap_mode="r") if sys.argv[1] == "pickled" else open_data_file(Path(sys.argv[2]))
print(time.perf_counter() - began, (process.memory_full_info().uss - before) / 2**20)
"""


def make_table(n_rows: int) -> Dataset:
    """Make a table with ten columns of numbers and ten of categories."""
    rng = np.random.default_rng(0)
    names = np.array([f"value {place}" for place in range(20)], dtype=object)
    numbers = {f"n{place}": rng.normal(size=n_rows) for place in range(10)}
    words = {f"c{place}": names[rng.integers(0, 20, n_rows)] for place in range(10)}
    return load(pd.DataFrame(numbers | words), rng.integers(0, 2, n_rows), name="table")


def make_texts(n_rows: int) -> Dataset:
    """Make texts of thirty words."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{place}" for place in range(5000)], dtype=object)
    texts = np.array([" ".join(row) for row in words[rng.integers(0, 5000, (n_rows, 30))]], dtype=object)
    return load(texts, rng.integers(0, 2, n_rows), name="texts", kind="text")


def measure(how: str, path: Path) -> tuple[float, float]:
    """Open a file in a new process; return seconds and MiB."""
    done = subprocess.run([sys.executable, "-c", OPEN, how, path], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def main() -> None:
    """Print a line for each kind of data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=200_000)
    n_rows = parser.parse_args().rows
    print("| data | pickled | prepared |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for dataset in (make_table(n_rows), make_texts(n_rows)):
            paths = {how: Path(folder, f"{dataset.name}-{how}") for how in ("pickled", "prepared")}
            joblib.dump((dataset, []), paths["pickled"])
            write_data_file(paths["prepared"], dataset, [])
            figures = [measure(how, path) for how, path in paths.items()]
            shown = " | ".join(f"{seconds:.3g} s, {megabytes:.0f} MiB" for seconds, megabytes in figures)
            print(f"| {dataset.name} | {shown} |")


if __name__ == "__main__":
    main()
