"""Run a suite from Python, and ask it: which model, is the difference real, what does it cost, what failed."""

from bakeoff import load_run, run_suite

suite = {
    "name": "two-data-sets",
    "datasets": ["wine", "diabetes"],
    "models": ["dummy", "logistic", "ridge", "mlp"],
    "variants": ["default"],
    "score_defaults": True,  # inner scores, by which champions are chosen without a look at the outer folds
    "outer_folds": 3,
    "inner_folds": 2,
    "caps": {"epochs": 10},
    "importance": True,  # which columns matter to each model
}
run_suite(suite, out="runs/two", tracking=False)  # the same command again runs only what is missing

result = load_run("runs/two")
print(result.verdict)  # in words; `result.verdicts` has the numbers
print(result.leaderboard[["dataset", "rank", "model", "mean", "std", "cpu_s"]].to_string(index=False))
print(f"{len(result.failures)} fits failed")
print(f"open {result.folder.html} in a browser")
