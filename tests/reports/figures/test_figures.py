"""Figures: what they show, that no text of a user is markup, and that every one can be drawn, here and in a file."""

import json
import math
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.protocol.predictions import Predictions
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.drawing.figure import Axis, Figure, Heatmap, Trace, slugify
from bakeoff.reports.drawing.interactive import to_plotly
from bakeoff.reports.drawing.palette import COLOUR_PAIRS, MODELS, colours
from bakeoff.reports.drawing.static import draw_figures
from bakeoff.reports.figures import classification as classes
from bakeoff.reports.figures.predictions import ModelPredictions
from bakeoff.reports.figures.tradeoff import find_pareto_front
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.fits import fits_of, fold_scores
from bakeoff.reports.run_data.leaderboard import leaderboard
from bakeoff.reports.run_data.run import BASELINE, Run, load_run_view
from bakeoff.reports.sections.pairwise import build_pairs_of_folds
from bakeoff.reports.verdicts.per_dataset import judge_datasets

# Machado, Oliveira & Fernandes 2009, A Physiologically-based Model for Simulation of Color Vision Deficiency, Table 1:
# severity 1.0, on linear RGB.
VISIONS = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
ATTACK = "<script>alert(1)</script>"
OKABE_ITO = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


@pytest.fixture(scope="session")
def view(tiny_run: RunFolder) -> Run:
    """Load the tiny run once."""
    return load_run_view(tiny_run)


@pytest.fixture(scope="session")
def figures(view: Run) -> dict[str, Figure]:
    """Build all figures of the tiny run once."""
    return {figure.key: figure for figure in build_page(view).figures}


def linear(colour: str) -> np.ndarray:
    """Turn a colour into linear RGB."""
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Turn linear RGB into OKLab (Ottosson 2020), times 100."""
    cones = np.cbrt(
        np.clip(rgb, 0, 1)
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        100
        * cones
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def least_distance(palette: Any, vision: str) -> float:
    """Return the least distance of two colours as someone with a kind of colour vision sees them."""
    seen = [oklab(linear(colour) @ np.asarray(VISIONS[vision]).T) for colour in palette]
    return min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_colours_of_models_can_be_told_apart(vision: str, page: int) -> None:
    """With any kind of colour vision, ten colours are further apart than the eight of Okabe and Ito at their worst."""
    usual = min(least_distance(OKABE_ITO, each) for each in VISIONS)
    assert least_distance([pair[page] for pair in MODELS], vision) > usual


@pytest.mark.parametrize(("page", "card"), [(0, "#ffffff"), (1, "#1b1f24")], ids=["light", "dark"])
def test_colours_stand_out_from_the_page(page: int, card: str) -> None:
    """Every colour has a contrast of 3:1 against what it is drawn on (WCAG 2.1, 1.4.11)."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    for pair in COLOUR_PAIRS.values():
        dim, bright = sorted(float(linear(colour) @ weights) + 0.05 for colour in (pair[page], card))
        assert bright / dim >= 3


def test_a_model_has_one_colour(view: Run, figures: dict[str, Figure]) -> None:
    """In all figures of a run the traces of a model have its colour; the baseline's is none of a model's."""
    known = colours(view)
    assert known[BASELINE] == "neutral"
    seen = 0
    for figure in figures.values():
        for trace in figure.traces:
            model = trace.name.split(" (")[0]
            if model in known:
                assert trace.colour == known[model]
                seen += 1
    assert seen > 10


def test_front_is_beaten_by_nobody() -> None:
    """A place is on the Pareto front exactly if no other is as cheap and as good and better in one of both."""
    random = np.random.default_rng(0)
    for _ in range(200):
        n = int(random.integers(1, 12))
        costs, scores = random.integers(0, 6, n).tolist(), random.integers(0, 6, n).tolist()
        front = find_pareto_front(costs, scores)
        for one in range(n):
            beaten = any(
                costs[other] <= costs[one]
                and scores[other] >= scores[one]
                and (costs[other] < costs[one] or scores[other] > scores[one])
                for other in range(n)
            )
            twin = any(costs[other] == costs[one] and scores[other] == scores[one] for other in front)
            assert twin != beaten


def test_every_kind_of_figure_is_there(figures: dict[str, Figure]) -> None:
    """A run of a classification and a regression, tuned, with nets, has all figures of a data set."""
    wanted = {
        *(f"{dataset}-{part}" for dataset in ("wine", "diabetes") for part in ("tuning", "epochs")),
        *(f"wine-{part}" for part in ("roc", "precision-recall", "calibration", "score-and-memory")),
        *(f"diabetes-score-and-{part}" for part in ("training-time", "latency")),
        "wine-confusion-mlp",
        "diabetes-residuals-mlp",
    }
    assert wanted <= set(figures)


def test_confusion_counts_the_test_rows(view: Run, figures: dict[str, Figure]) -> None:
    """The counts of a confusion matrix add up to the rows of the outer test parts, the right ones on its diagonal."""
    heat = figures["wine-confusion-logistic"].heat
    assert heat is not None
    counts = np.array(heat.texts, dtype=int)
    assert counts.sum() == 178
    accuracy = [
        record.metrics["accuracy"] * record.diagnostics["test_rows"]
        for record in view.records.values()
        if record.model == "logistic" and record.variant == _shown(figures, "wine-confusion-logistic")
    ]
    assert counts.trace() == pytest.approx(sum(accuracy))


def _shown(figures: dict[str, Figure], key: str) -> str:
    return figures[key].title.split("(")[1].rstrip(")")


def test_roc_encloses_the_recorded_area(view: Run, figures: dict[str, Figure]) -> None:
    """The area under the mean curve is the recorded AUC, up to the grid."""
    for trace in figures["wine-roc"].traces:
        model, variant = trace.name.rstrip(")").split(" (")
        recorded = [
            record.metrics["roc_auc"]
            for record in view.records.values()
            if (record.model, record.variant, record.dataset) == (model, variant, "wine")
        ]
        assert np.trapezoid(trace.y, trace.x) == pytest.approx(np.mean(recorded), abs=0.01)


def test_calibration_is_drawn_over_the_bins_of_its_error(view: Run, figures: dict[str, Figure]) -> None:
    """The gaps between the points and the diagonal, by the rows of each bin, add up to the error in the legend."""
    for trace in figures["wine-calibration"].traces:
        rows = np.array([int(text.split(": ")[1].split()[0]) for text in trace.texts])
        assert rows.sum() == 178
        gaps = np.abs(np.subtract(trace.x, trace.y)) @ rows / rows.sum()
        assert gaps == pytest.approx(float(trace.name.split("ECE ")[1]), abs=5e-4)


def test_pairs_share_the_verdicts_region(view: Run) -> None:
    """What counts as practically equal between two models is what it is in the verdict, for errors, too."""
    (rope,) = (verdict.rope for verdict in judge_datasets(view) if verdict.dataset == "diabetes")
    assert rope > 0
    table = build_pairs_of_folds(view, "diabetes")
    assert table is not None
    board = leaderboard(view)
    models = [row[0].text for row in table.rows]
    scores = {}
    for row in table.rows:
        cell = board[(board["dataset"] == "diabetes") & (board["model"] == row[0].text)].iloc[0]
        scores[row[0].text] = -fold_scores(fits_of(view, "diabetes"), cell["model"], cell["variant"], "rmse").to_numpy()
    for row in table.rows:
        for other, cell in zip(models, row[1:], strict=True):
            if other != row[0].text:
                ahead = scores[row[0].text] - scores[other]
                assert cell.text == f"{(ahead > rope).sum()}/{(abs(ahead) <= rope).sum()}/{(ahead < -rope).sum()}"


def test_damaged_details_leave_figures_out(tiny_run: RunFolder, tmp_path: Path) -> None:
    """Without readable predictions, trials and curves there are fewer figures, and no error."""
    folder = RunFolder(Path(shutil.copytree(tiny_run.path, tmp_path / "run")))
    for part in ("predictions", "trials", "curves"):
        for path in (folder.path / part).iterdir():
            path.write_bytes(b"{]")
    left = {figure.key for figure in build_page(load_run_view(folder)).figures}
    assert left
    assert not [key for key in left if "roc" in key or "tuning" in key or "epochs" in key]


def test_text_of_users_is_no_markup() -> None:
    """Names reach plotly, which reads some HTML, escaped."""
    hostile = Figure(
        key=slugify(ATTACK),
        title=ATTACK,
        caption=ATTACK,
        x=Axis(title=ATTACK, names=(ATTACK,)),
        y=Axis(title=ATTACK),
        traces=(Trace(name=ATTACK, x=[0.0], y=[1.0], texts=[ATTACK]),),
        heat=Heatmap(values=[[0.5]], texts=[[ATTACK]]),
    )
    text = json.dumps(to_plotly(hostile))
    assert "<" not in text
    assert "alert(1)" in text
    assert slugify(ATTACK).replace("-", "").isalnum()


def test_numbers_that_json_lacks_become_null(figures: dict[str, Figure]) -> None:
    """What the page gets is valid JSON without NaN and infinities."""
    gaps = Figure(
        key="x",
        title="",
        caption="",
        x=Axis(),
        y=Axis(),
        traces=(Trace(x=[1.0, 2.0, 3.0], y=[math.nan, math.inf, 3.0]),),
    )
    assert json.loads(json.dumps(to_plotly(gaps), allow_nan=False))["data"][0]["y"] == [None, None, 3.0]
    for figure in figures.values():
        json.loads(json.dumps(to_plotly(figure), allow_nan=False))


def test_figures_become_files(figures: dict[str, Figure], tmp_path: Path) -> None:
    """Each figure is an SVG with its title as text and a PNG; two of the same name do not overwrite each other."""
    chosen = [*figures.values()][:6]
    written = draw_figures([*chosen, chosen[0]], tmp_path / "figures")
    assert len(written) == 2 * 7 == len(set(written))
    for path in written:
        assert path.stat().st_size > 2000
        if path.suffix == ".svg":
            assert "<text" in path.read_text(encoding="utf-8")


def test_names_with_dollars_are_drawn(tmp_path: Path) -> None:
    """A name is never read as mathematics."""
    figure = Figure(
        key="x", title="$\\broken{$", caption="", x=Axis(title="a$b$"), y=Axis(), traces=(Trace(x=[1.0], y=[1.0]),)
    )
    assert len(draw_figures([figure], tmp_path)) == 2


def test_curves_are_those_of_scikit_learn() -> None:
    """On scores with ties and weights, a fold's curves lie where scikit-learn's functions put them."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    random = np.random.default_rng(0)
    for _ in range(20):
        y, weights = random.integers(0, 2, 40), random.random(40) + 0.1
        scores = np.round(random.normal(size=40) + y, 1)
        fold = Predictions(
            y_true=y,
            y_pred=y,
            classes=np.arange(2),
            positive=1,
            scores=np.column_stack([-scores, scores]),
            weights=weights,
        )
        (((false, true),),) = classes._count(
            ModelPredictions(model="m", variant="default", family="deep", folds=(fold,))
        )
        fpr, tpr, _ = roc_curve(y, scores, sample_weight=weights)
        np.testing.assert_allclose(classes._roc(false, true), np.interp(classes.GRID, fpr, tpr))
        precision, recall, _ = precision_recall_curve(y, scores, sample_weight=weights)
        best = [precision[recall >= place - 1e-12].max() for place in classes.GRID]
        np.testing.assert_allclose(classes._precision_recall(false, true), best)
