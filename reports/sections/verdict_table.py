"""The verdicts in a table and in sentences."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import stdev

from bakeoff.reports.cells.strip_plots import Axis, build_strip_plot, build_symmetric_axis
from bakeoff.reports.cells.tables import Cell, Column, Table, plain_columns
from bakeoff.reports.formats import NO_VALUE, decimals_for, format_difference, format_value
from bakeoff.reports.run_data.run import FAMILIES
from bakeoff.reports.statistics.folds import Difference, Posterior
from bakeoff.reports.verdicts.per_dataset import ALPHA, POSTERIOR_THRESHOLD, Answer, Verdict
from bakeoff.reports.verdicts.selection import SelectedModel, format_selection

DEEP_FIRST = tuple(reversed(FAMILIES))
TIMES = "\N{MULTIPLICATION SIGN}"
MIDDLE_DOT = "\N{MIDDLE DOT}"
ANSWERS: dict[Answer, str] = {
    "deep": "deep is better",
    "classical": "classical is better",
    "equivalent": "practically equivalent",
    "can't tell": "can't tell",
    "no comparison": "no comparison",
}


def build_verdicts(verdicts: Sequence[Verdict], signs: Sequence[int]) -> Table:
    """Build the table of verdicts, one row for each data set; `signs` are those of their metrics."""
    return Table(
        caption="Deep against classical on each data set: champions chosen by inner folds, compared on outer folds",
        columns=(
            *plain_columns("Data set", "Verdict", "Use"),
            Column(
                title="Deep ahead by",
                numeric=True,
                hint="mean of the fold-by-fold differences with its 95 % interval, corrected for folds that share "
                "rows; on a fixed or ordered split from drawing test rows anew",
            ),
            Column(title="Fold by fold", is_picture=True),
            Column(
                title="Cost",
                numeric=True,
                hint="CPU seconds of the deep champion over those of the classical one; of a GPU where it held one",
            ),
            *plain_columns("Deep champion", "Classical champion"),
        ),
        rows=tuple(_row(one, sign) for one, sign in zip(verdicts, signs, strict=True)),
    )


def render_verdict(verdict: Verdict) -> str:
    """Say in a sentence or two what the folds of a data set say."""
    head = f"{verdict.dataset}: {ANSWERS[verdict.answer]}"
    if verdict.difference is None:
        return " ".join(f"{part}." for part in (f"{head}: {verdict.why}", _render_recommendation(verdict)) if part)
    reason = verdict.why or _format_evidence(verdict)
    said = f"{head}: {_render_leader(verdict)} ({reason})"
    parts = (
        said,
        _render_scope(verdict),
        _render_more_folds(verdict),
        _render_cost(verdict),
        _render_recommendation(verdict),
    )
    return " ".join(f"{part}." for part in parts if part)


def render_headline(verdicts: Iterable[Verdict]) -> str:
    """Say in one sentence on how many data sets which answer holds."""
    answers = [verdict.answer for verdict in verdicts]
    counted = [(ANSWERS[answer], answers.count(answer)) for answer in ANSWERS if answer in answers]
    if len(answers) == 1:
        return f"{counted[0][0].capitalize()}."
    return f"Of {len(answers)} data sets: " + ", ".join(f"{words} on {number}" for words, number in counted) + "."


def _row(verdict: Verdict, sign: int) -> tuple[Cell, ...]:
    decimals = _decimals_of(verdict)
    ahead = verdict.difference.mean if verdict.difference else math.nan
    family = verdict.answer if verdict.answer in FAMILIES else ""
    return (
        Cell(text=verdict.dataset, note=verdict.metric),
        Cell(text=ANSWERS[verdict.answer], family=family, note=verdict.why or _format_evidence(verdict)),
        _champion_cell(verdict.use, "", decimals, sign),
        Cell(
            text=format_difference(ahead, decimals),
            value=ahead,
            note=format_interval(verdict.difference, decimals).strip(),
        ),
        _folds_cell(verdict, decimals),
        Cell(text=format_ratio(verdict.cost_ratio), value=verdict.cost_ratio, note=_format_cost_units(verdict)),
        *(_champion_cell(verdict.selected.get(side), side, decimals, sign) for side in DEEP_FIRST),
    )


def _champion_cell(champion: SelectedModel | None, family: str, decimals: int, sign: int) -> Cell:
    if champion is None:
        return Cell(text=NO_VALUE)
    model, variant = champion.most_chosen
    mean = champion.mean * sign
    often, folds = champion.times_chosen
    share = "" if often == folds else f" {MIDDLE_DOT} on {often} of {folds} folds"
    return Cell(text=model, family=family, note=f"{variant} {MIDDLE_DOT} {format_value(mean, decimals)}{share}")


def _folds_cell(verdict: Verdict, decimals: int) -> Cell:
    """Draw the differences around zero, each in the colour of whom it favours."""
    differences = verdict.differences
    axis = build_symmetric_axis(differences)
    listed = ", ".join(format_difference(value, decimals) for value in differences)
    strip = build_strip_plot(
        differences,
        axis,
        mean=verdict.difference.mean if verdict.difference else math.nan,
        label=f"{verdict.dataset}, deep ahead on each fold by {listed}",
        family_of=lambda difference: FAMILIES[int(difference > 0)] if difference else "",
    )
    return Cell(strip=strip, note=_format_folds(differences, axis))


def _format_folds(differences: tuple[float, ...], axis: Axis | None) -> str:
    if axis is None:
        return ""
    ahead, equal = sum(value > 0 for value in differences), sum(value == 0 for value in differences)
    same = f", equal on {equal}" if equal else ""
    return f"deep better on {ahead} of {len(differences)}{same} {MIDDLE_DOT} axis ±{axis.high_text}"


def _render_leader(verdict: Verdict) -> str:
    """Say who is ahead by how much, seen from the leader's side."""
    assert verdict.difference is not None  # the caller looked
    decimals, found = _decimals_of(verdict), verdict.difference
    if round(found.mean, decimals) == 0:
        return f"level in {verdict.metric}{format_interval(found, decimals)}"
    if found.mean < 0:
        found = replace(found, mean=-found.mean, low=-found.high, high=-found.low)
    leader = FAMILIES[int(verdict.difference.mean > 0)]
    return f"{leader} ahead by {format_value(found.mean, decimals)} {verdict.metric}{format_interval(found, decimals)}"


def format_interval(difference: Difference | None, decimals: int) -> str:
    """Return an interval in brackets after a blank; "" if there is none."""
    if difference is None or not math.isfinite(difference.low):
        return ""
    low, high = (format_difference(value, decimals) for value in (difference.low, difference.high))
    return f" [{low}, {high}]"


def _format_evidence(verdict: Verdict) -> str:
    """Give the p-value, and the probabilities of a difference that matters."""
    if verdict.difference is None or verdict.posterior is None:
        return ""
    test = f", {verdict.test}" if verdict.is_of_rows else ""
    return f"p {format_p_value(verdict.difference.p_value)}{test} {MIDDLE_DOT} {format_posterior(verdict.posterior)}"


def format_posterior(known: Posterior) -> str:
    """Give the probability that either family is better by more than the region of equivalence, or neither."""
    better, equivalent, worse = map(_format_probability, (known.better, known.equivalent, known.worse))
    return f"deep {better}, equivalent {equivalent}, classical {worse}"


def _format_probability(chance: float) -> str:
    """Give a probability in percent; one just short of what counts as sure is not rounded up to it."""
    return f"{chance:.1%}" if chance < POSTERIOR_THRESHOLD <= round(chance, 2) else f"{chance:.0%}"


def format_p_value(p_value: float) -> str:
    """Return a p-value with its sign of equality."""
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.3f}"


def _render_scope(verdict: Verdict) -> str:
    if not verdict.is_of_rows:
        return ""
    return "It speaks of these fitted models on these test rows, not of other training parts"


def _render_more_folds(verdict: Verdict) -> str:
    """Say how much more would tell, where nothing can be told."""
    if verdict.answer != "can't tell" or verdict.why or verdict.is_of_rows:
        return ""
    if verdict.more_folds is None:
        return f"If it went on alike, no number of repeats would separate them at the {ALPHA:.0%} level"
    return f"If it went on alike, {verdict.more_folds} folds in all would separate them"


def _render_cost(verdict: Verdict) -> str:
    ratio = format_ratio(verdict.cost_ratio)
    deep, classical = verdict.cost_units
    if ratio == NO_VALUE:
        return ""
    if deep == classical:
        return f"Deep costs {ratio} the {deep} time"
    return f"Deep takes {ratio.removesuffix(TIMES)} {deep} seconds for each {classical} second of classical"


def _format_cost_units(verdict: Verdict) -> str:
    """Name what was divided by what, unless it is the usual CPU time."""
    units = dict.fromkeys(verdict.cost_units)
    return "" if set(units) <= {"CPU", ""} else f"{' s / '.join(units)} s"


def format_ratio(ratio: float) -> str:
    """Return a ratio of costs: 3.1×."""
    if not math.isfinite(ratio):
        return NO_VALUE
    return f"{ratio:.2g}{TIMES}" if ratio < 99.5 else f"{ratio:.0f}{TIMES}"


def _render_recommendation(verdict: Verdict) -> str:
    return f"Use {format_selection(verdict.use)}" if verdict.use else ""


def _decimals_of(verdict: Verdict) -> int:
    return decimals_for([side.mean for side in verdict.selected.values()], [_spread_of(verdict)])


def _spread_of(verdict: Verdict) -> float:
    """Return how much the differences vary over folds, or for one fold half of what the interval reaches."""
    if len(verdict.differences) > 1:
        return stdev(verdict.differences)
    return (verdict.difference.high - verdict.difference.low) / 4 if verdict.difference else 0.0
