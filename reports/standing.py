"""Where deep and classical stand: the best of each family on each data set, in a table and in sentences."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bakeoff.reports.formats import NONE, decimals_for, format_difference, format_value
from bakeoff.reports.sheets import Cell, Column, Sheet, plain_columns, rows_of
from bakeoff.reports.strips import Axis, build_even_axis, build_strip
from bakeoff.reports.tables import FAMILIES

DEEP_FIRST = tuple(reversed(FAMILIES))
MIDDLE_DOT = "\N{MIDDLE DOT}"
NOT_TESTED = "Picked on outer scores, not tested"


def build_standing(standings: pd.DataFrame) -> Sheet:
    """Build the table of the best deep against the best classical cell of each data set."""
    hint = "mean of the fold-by-fold differences; below zero, classical is ahead"
    return Sheet(
        caption="The best model of each family on each data set",
        columns=(
            Column(title="Data set"),
            Column(title="Deep ahead by", numeric=True, hint=hint),
            Column(title="Fold by fold", is_picture=True),
            *plain_columns("Best deep", "Best classical"),
        ),
        rows=tuple(_standing_row(row) for row in rows_of(standings)),
    )


def say_standing(row: Mapping[str, Any]) -> str:
    """Say in one sentence where deep and classical stand on a data set."""
    decimals = _decimals_of(row)
    sides = ", ".join(_say_champion(row, family, decimals) for family in DEEP_FIRST)
    if not row["differences"]:
        return f"{row['dataset']}: {sides}"
    difference = f"{format_difference(row['difference'], decimals)} {row['metric']} ({_say_leader(row)})"
    return f"{row['dataset']}: {sides}; difference {difference}. {NOT_TESTED}"


def leader_of(row: Mapping[str, Any]) -> str:
    """Return the family that is ahead at the digits shown; "level" if none, "" if a family is missing."""
    if not row["differences"]:
        return ""
    shown = round(row["difference"], _decimals_of(row))
    return "level" if shown == 0 else FAMILIES[int(shown > 0)]


def _standing_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    decimals, leader = _decimals_of(row), leader_of(row)
    return (
        Cell(text=row["dataset"], note=row["metric"]),
        Cell(
            text=format_difference(row["difference"], decimals),
            value=row["difference"],
            family=leader if leader in FAMILIES else "",
            note=_say_leader(row),
        ),
        _folds_cell(row, decimals),
        *(_champion_cell(row, family, decimals) for family in DEEP_FIRST),
    )


def _folds_cell(row: Mapping[str, Any], decimals: int) -> Cell:
    """Draw the differences around zero, each in the colour of whom it favours."""
    axis = build_even_axis(row["differences"])
    listed = ", ".join(format_difference(value, decimals) for value in row["differences"])
    strip = build_strip(
        row["differences"],
        axis,
        mean=row["difference"],
        label=f"{row['dataset']}, deep ahead on each fold by {listed}",
        family_of=_family_ahead,
    )
    return Cell(strip=strip, note=_say_folds(row["differences"], axis))


def _family_ahead(difference: float) -> str:
    return FAMILIES[int(difference > 0)] if difference else ""


def _say_leader(row: Mapping[str, Any]) -> str:
    leader = leader_of(row)
    return f"{leader} better" if leader in FAMILIES else leader


def _say_folds(differences: tuple[float, ...], axis: Axis | None) -> str:
    if axis is None:
        return ""
    ahead, equal = sum(value > 0 for value in differences), sum(value == 0 for value in differences)
    same = f", equal on {equal}" if equal else ""
    return f"deep better on {ahead} of {len(differences)}{same} {MIDDLE_DOT} axis ±{axis.high_text}"


def _champion_cell(row: Mapping[str, Any], family: str, decimals: int) -> Cell:
    if row[f"{family}_missing"]:
        return Cell(text=NONE, note=row[f"{family}_missing"])
    tied = f" {MIDDLE_DOT} {row[f'{family}_tied']} tied" if row[f"{family}_tied"] else ""
    note = f"{row[f'{family}_variant']} {MIDDLE_DOT} {format_value(row[f'{family}_mean'], decimals)}{tied}"
    return Cell(text=row[f"{family}_model"], family=family, note=note)


def _say_champion(row: Mapping[str, Any], family: str, decimals: int) -> str:
    if row[f"{family}_missing"]:
        return str(row[f"{family}_missing"])
    mean = format_value(row[f"{family}_mean"], decimals)
    return f"best {family} {row[f'{family}_model']} ({row[f'{family}_variant']}) {mean}"


def _decimals_of(row: Mapping[str, Any]) -> int:
    spread = pd.Series(row["differences"], dtype=float).std(ddof=1)
    return decimals_for([row[f"{family}_mean"] for family in FAMILIES], [float(spread)])
