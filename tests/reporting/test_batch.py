"""The overview of a batch: answers, links, and what happens to thousands of devices."""

import pytest

from memfit.batch.columns import COLUMNS
from memfit.reporting import batch as overview
from memfit.reporting.batch import overview_report
from memfit.reporting.content import Link
from memfit.reporting.writers.html import render_html


def row(folder, **known):
    return {**dict.fromkeys(COLUMNS), "folder": f"devices/{folder}", "device": folder, "state": "fitted",
            "status": "ok", "usable": True, "report": True, "attributes": {}, **known}  # fmt: skip


ROWS = [
    row("a", verdict="oscillates", gain_margin_min=0.5, gain_margin_low=0.4, gain_margin_high=0.6,
        probability_oscillates=1.0, hopf_frequency_low=2.0, hopf_frequency_high=5.0, R_b=1e4,
        R_b_stderr=20.0),
    row("b/c d", verdict="near", gain_margin_min=1.1, status="at_bound", report=False, R_b=1e4,
        R_b_status="at_bound", R_b_stderr=1.0),
    row("e", verdict=None, status="not_identifiable", usable=False),
    row("f", state="failed", status=None, usable=False, cause="time", message="It was not done <in time>."),
]  # fmt: skip


def table(report, key):
    return next(item for item in report.tables if item.key == key)


def test_answers():
    usable, spiking, failures = overview_report("wafer", ROWS).answers
    assert (usable.headline, usable.tone) == ("2 of 4.", "care")
    assert usable.sentences == ("1 good, 1 at a bound and 1 not identifiable.",)
    assert spiking.headline == "1 device under current control, 1 more is near."
    assert spiking.sentences == ("Oscillating: a.", "Near: b/c d.")
    assert (failures.headline, failures.sentences) == ("1 device.", ("Reasons: time limit (1).",))


def test_devices_and_links():
    report = overview_report("wafer", ROWS)
    first, second, third = table(report, "devices").rows
    assert first[1:] == ("a", "good", "oscillates", "0.500", "0.400 to 0.600", "> 99 %", "2.00 to 5.00 Hz")
    assert isinstance(second[0], Link)
    assert second[0].href == "devices/b/c%20d/result.json"
    assert third[3:] == ("–",) * 5
    assert table(report, "estimates").rows[0][1] == "10.000(20) kΩ"
    assert table(report, "estimates").rows[1][1] == "10 kΩ"
    page = render_html(report, {})
    assert '<a href="devices/a/report.html"><bdi>a</bdi></a>' in page
    assert "It was not done &lt;in time&gt;." in page


def test_names_that_are_shared_are_told_by_folder():
    rows = [row("x", device="same", verdict="near"), row("y", device="same", verdict="near")]
    assert overview_report("wafer", rows).answers[1].sentences == ("Near: x and y.",)


def test_thousands(monkeypatch):
    monkeypatch.setattr(overview, "_MOST", 3)
    rows = [row(f"d{number}", gain_margin_min=float(number)) for number in range(9, -1, -1)]
    report = overview_report("wafer", rows)
    assert [cells[1] for cells in table(report, "devices").rows] == ["d0", "d1", "d2"]
    assert "Of 10, 3 are shown" in report.sections[0].blocks[0].text


@pytest.mark.parametrize(
    ("rows", "keys"), [([], []), (ROWS[3:], ["failures"]), (ROWS[:1], ["devices", "parameters"])]
)
def test_only_sections_that_say_something(rows, keys):
    report = overview_report("wafer", rows)
    assert [section.key for section in report.sections] == keys
    assert render_html(report, {})


def test_figures_of_merit_have_a_table_and_their_distributions():
    rows = [
        row(f"d{k}", V_set=0.6 + 0.01 * k, V_set_stderr=0.001, V_set_low=0.598, V_set_high=0.7,
            attributes={"x": float(k), "y": 0.0})
        for k in range(3)
    ]  # fmt: skip
    report = overview_report("wafer", [*rows, *ROWS])
    merits = table(report, "merits")
    assert [column.title for column in merits.columns[1:]] == ["V_set"]
    assert merits.rows[2][1] == "0.6000(10) V"
    assert [panel.key for panel in report.panels] == ["distribution_V_set", "wafer_V_set"]
    assert "suggest" in merits.caption
    assert overview_report("wafer", ROWS).panels == ()
