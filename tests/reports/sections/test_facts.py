"""What the report says of the run as such."""

from dataclasses import replace

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
