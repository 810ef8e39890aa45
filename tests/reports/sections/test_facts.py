"""What the report says of the run as such."""

from dataclasses import replace
from typing import Any

from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.pages.page import build_page
from bakeoff.reports.run_data.run import load_run_view


def test_nets_that_ran_out_of_epochs_are_named(tiny_run: RunFolder) -> None:
    """Two epochs are too few for the nets of the tiny run: their records and the report say so."""
    view = load_run_view(tiny_run)
    capped = [record for record in view.records.values() if "epoch_cap" in record.diagnostics]
    assert capped
    assert {record.family for record in capped} == {"deep"}
    assert {record.diagnostics["epoch_cap"] for record in capped} == {2}
    told = [line for line in build_page(view).warnings if "stopped at the cap of 2 epochs while improving" in line]
    assert len(told) == len({(record.model, record.variant, record.dataset) for record in capped})
    assert all("lower bound" in line for line in told)
    fine = {
        fit: replace(record, diagnostics={k: v for k, v in record.diagnostics.items() if k != "epoch_cap"})
        for fit, record in view.records.items()
    }
    assert not [line for line in build_page(replace(view, records=fine)).warnings if "cap of" in line]


def test_boosting_that_ran_out_of_rounds_is_named(tiny_run: RunFolder) -> None:
    """Boosting whose last round was its best on held-out rows has a score that is a lower bound."""
    view = load_run_view(tiny_run)
    fit, record = next(iter(view.records.items()))
    boosted = replace(record, model="xgboost", variant="bagged", diagnostics={**record.diagnostics, "round_cap": 1000})
    told = "\n".join(build_page(replace(view, records={**view.records, fit: boosted})).warnings)
    assert f"xgboost (bagged) on {record.dataset}: 1 fit stopped at the cap of 1000 rounds while improving" in told
    assert "caps.trees" in told


def test_scores_of_one_seed_are_named(tiny_run: RunFolder) -> None:
    """A net with one fit was drawn once: the report says that other seeds would score otherwise."""
    view = load_run_view(tiny_run)
    first = {fit: record for fit, record in view.records.items() if (record.repeat, record.fold) == (0, 0)}
    shallow = {fit: record for fit, record in first.items() if record.family != "deep"}
    assert len(first) > len(shallow) > 0

    def told(records: dict[str, Any]) -> list[str]:
        return [line for line in build_page(replace(view, records=records)).warnings if "one seed" in line]

    assert not told(dict(view.records))
    assert not told(shallow)
    assert len(told(first)) == 1
    assert all(name in told(first)[0] for name in view.plan["datasets"])
