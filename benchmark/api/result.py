"""What a run gives back in Python: frames, and a table that notebooks and terminals show."""

from typing import TYPE_CHECKING, Any

from bakeoff.records.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.engines.options import RunSummary
    from bakeoff.reports.run_data.run import Run
    from bakeoff.reports.verdicts.learning_curves import LearningCurve
    from bakeoff.reports.verdicts.per_dataset import Verdict

COLUMNS = ["dataset", "rank", "model", "family", "variant", "metric", "mean", "std", "folds"]


class RunResult:
    """A run, finished or not, as frames.

    Parameters
    ----------
    folder : RunFolder
    finished : RunSummary, optional
        What the run that just ended did; None for a run that was loaded.
    """

    def __init__(self, folder: RunFolder, finished: "RunSummary | None" = None) -> None:
        self.folder = folder
        self.finished = finished

    @property
    def path(self) -> str:
        """The run folder."""
        return str(self.folder.path)

    @property
    def leaderboard(self) -> "pd.DataFrame":
        """One row for each data set x model x variant, ranked within its data set."""
        from bakeoff.reports.run_data.leaderboard import leaderboard

        return leaderboard(self._read()).copy()

    @property
    def fits(self) -> "pd.DataFrame":
        """One row for each planned fit, with its status, metrics and costs."""
        from bakeoff.reports.run_data.fits import fits_frame

        return fits_frame(self._read()).copy()

    @property
    def verdict(self) -> str:
        """The verdict in words, as report and terminal say it: of the run, of each task, of each data set."""
        from bakeoff.reports.sections.task_table import summarise_run

        summary = summarise_run(self._read())
        return "\n".join([summary.headline, *summary.sentences])

    @property
    def verdicts(self) -> "list[Verdict]":
        """What the outer folds of each data set say of deep against classical, and which model to use."""
        from bakeoff.reports.verdicts.per_dataset import judge_datasets

        return list(judge_datasets(self._read()))

    @property
    def learning_curves(self) -> "list[LearningCurve]":
        """From how many training rows on deep is ahead of classical, or classical of deep, on each data set."""
        from bakeoff.reports.verdicts.learning_curves import build_learning_curves

        return list(build_learning_curves(self._read()))

    @property
    def anytime(self) -> "pd.DataFrame":
        """One row for each tuned fit's trial that was better than all before it: seconds, inner and outer score."""
        from bakeoff.reports.sections.anytime import anytime

        return anytime(self._read())

    @property
    def failures(self) -> "pd.DataFrame":
        """One row for each fit that did not end well, with its reason."""
        from bakeoff.reports.run_data.fits import failures

        return failures(self._read()).copy()

    def as_dict(self) -> dict[str, Any]:
        """Return what the run came to as plain values: its folder, counts, verdict, leaderboard and failures."""
        from bakeoff.reports.sections.verdict_record import build_verdict_record

        done = self.finished
        counts = {"ran": done.ran, "reused": done.reused, "failed": done.failed} if done else {}
        return {
            "folder": self.path,
            "report": str(self.folder.html),
            **counts,
            "verdict": build_verdict_record(self._read()),
            "leaderboard": self.leaderboard.to_dict("records"),
            "failures": self.failures.to_dict("records"),
        }

    def _read(self) -> "Run":
        """Read the folder, unless nothing in it has changed; what comes of it is shared, and copied for the user."""
        from bakeoff.reports.run_data.run import load_current_run

        return load_current_run(self.folder)

    def _shown(self) -> "pd.DataFrame":
        frame = self.leaderboard
        folds = frame["n_ok"].astype(str) + "/" + frame["n_folds"].astype(str)
        frame = frame.assign(folds=folds, rank=frame["rank"].astype("Int64"))
        return frame[COLUMNS]

    def __repr__(self) -> str:
        """Return the ranked table as text, and where the report lies."""
        table = self._shown().to_string(index=False, float_format="{:.4g}".format, na_rep="-")
        return f"{table}\nreport: {self.folder.html}"

    def _repr_html_(self) -> str:
        """Return what notebooks show: the verdict, the ranked tables, the failures."""
        from bakeoff.reports.pages.html import render_snippet

        return render_snippet(self._read(), str(self.folder.html))
