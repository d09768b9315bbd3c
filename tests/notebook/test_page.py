"""What a notebook shows: the tables of the report, whose numbers are those of the value."""

from dataclasses import replace

import html5lib

import memfit as mf
from memfit.datasets.programmes import AXES
from memfit.notebook.page import report_of
from memfit.protocols import pulse
from memfit.reporting.comparison.tables import pooled_table, ranking_table
from memfit.reporting.content import KIND, Bullets, Table
from memfit.reporting.fit.intervals import plan_report
from memfit.reporting.fit.summary import circuit_sentence
from memfit.reporting.fit.tables import changes_table, estimates_table, hopf_table


def shown(value) -> str:
    html = value._repr_html_()
    html5lib.HTMLParser(strict=True).parseFragment(html)
    return html


def test_a_device_lists_its_records(measured):
    html = shown(measured)
    for record in measured:
        assert f">{record.name}<" in html
    assert "small R_b &lt;b&gt;" in html, "a name is neither mathematics nor markup"
    assert "0.04 cm²" in html
    assert "Hz to 100 kHz" in html
    assert ">pulse.csv<" in shown(measured["pulse.csv"])


def test_a_result_has_the_table_of_the_report(result):
    html = shown(result)
    for row in estimates_table("parameters", result.parameters).rows:
        for cell in row[1:3]:
            assert str(cell) in html
    assert "Can I trust" in html


def tables_of(report) -> list[Table]:
    return [block for section in report.sections for block in section.blocks if isinstance(block, Table)]


def test_every_kind_of_record_shows_itself(measured):
    reads = mf.SynapticCurve.of_columns(
        "retention",
        {"Time (s)": [1.2, 2.2], AXES["retention"]: [1.0, 2.0], "Current (A)": [2e-6, 1e-6]},
        name="reads.csv",
        drive=pulse("voltage", 0.5, on=0.1, off=0.2, end=3.0),
    )
    for record in (measured["eis_0.4.csv"], measured["iv_slow.csv"], measured["pulse.csv"], reads):
        html = shown(record)
        assert f">{record.name}<" in html
        assert f">{KIND[record.kind]}<" in html
        assert f">{record.points}<" in html


def test_stability_has_the_tables_of_the_report(result):
    value = mf.stability(result)
    wanted = [table for table in (hopf_table(value), changes_table(value)) if table is not None]
    assert wanted
    assert tables_of(report_of(value)) == wanted
    said = report_of(value).sections[0].blocks[0]
    assert said == Bullets(tuple(circuit_sentence(*item) for item in value.items()))
    assert "<table" in shown(value)


def test_a_plan_has_the_table_of_the_report(result):
    value = mf.plan_next(result)
    wanted = tables_of(plan_report(value))
    assert any(table.rows for table in wanted)
    assert tables_of(report_of(value)) == wanted
    assert value.sentences[0].split(":")[0].replace(" u", " µ")[:20] in shown(value)


def test_a_comparison_has_the_tables_of_the_report(result):
    other = replace(result, device={**result.device, "name": "other"})
    value = mf.compare([result, other])
    assert "other" in shown(value)
    wanted = (ranking_table(value, "current"), pooled_table("pooled", value.sample, value.pooled))
    assert tables_of(report_of(value)) == [table for table in wanted if table.rows]


def test_stability_is_still_plain_data(result):
    found = mf.stability(result)
    assert isinstance(found, dict)
    assert list(found) == ["current", "voltage"]
