"""What a run gives back in Python: frames, and a table that notebooks and terminals show."""

from typing import TYPE_CHECKING, Any

from bakeoff.records.run_folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.engines.options import RunSummary
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
        from bakeoff.reports.run_data.frames import leaderboard, load_run_view

        return leaderboard(load_run_view(self.folder))

    @property
    def fits(self) -> "pd.DataFrame":
        """One row for each planned fit, with its status, metrics and costs."""
        from bakeoff.reports.run_data.frames import fits_frame, load_run_view

        return fits_frame(load_run_view(self.folder))

    @property
    def verdict(self) -> str:
        """The verdict in words, as report and terminal say it: of the run, of each task, of each data set."""
        from bakeoff.reports.run_data.frames import load_run_view
        from bakeoff.reports.sections.task_table import summarise_run

        summary = summarise_run(load_run_view(self.folder))
        return "\n".join([summary.headline, *summary.sentences])

    @property
    def verdicts(self) -> "list[Verdict]":
        """What the outer folds of each data set say of deep against classical, and which model to use."""
        from bakeoff.reports.run_data.frames import load_run_view
        from bakeoff.reports.verdicts.per_dataset import judge_datasets

        return judge_datasets(load_run_view(self.folder))

    @property
    def learning_curves(self) -> "list[LearningCurve]":
        """From how many training rows on deep is ahead of classical, or classical of deep, on each data set."""
        from bakeoff.reports.run_data.frames import load_run_view
        from bakeoff.reports.verdicts.learning_curves import build_learning_curves

        return build_learning_curves(load_run_view(self.folder))

    @property
    def anytime(self) -> "pd.DataFrame":
        """One row for each tuned fit's trial that was better than all before it: seconds, inner and outer score."""
        from bakeoff.reports.run_data.frames import load_run_view
        from bakeoff.reports.sections.anytime import anytime

        return anytime(load_run_view(self.folder))

    @property
    def failures(self) -> "pd.DataFrame":
        """One row for each fit that did not end well, with its reason."""
        from bakeoff.reports.run_data.frames import failures, load_run_view

        return failures(load_run_view(self.folder))

    def as_dict(self) -> dict[str, Any]:
        """Return what the run came to as plain values: its folder, counts, verdict, leaderboard and failures."""
        from bakeoff.reports.run_data.frames import failures, leaderboard, load_run_view
        from bakeoff.reports.sections.verdict_record import build_verdict_record

        view = load_run_view(self.folder)
        done = self.finished
        counts = {"ran": done.ran, "reused": done.reused, "failed": done.failed} if done else {}
        return {
            "folder": self.path,
            "report": str(self.folder.html),
            **counts,
            "verdict": build_verdict_record(view),
            "leaderboard": leaderboard(view).to_dict("records"),
            "failures": failures(view).to_dict("records"),
        }

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
        from bakeoff.reports.run_data.frames import load_run_view

        return render_snippet(load_run_view(self.folder), str(self.folder.html))
