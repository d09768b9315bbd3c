"""What a notebook shows: the tables of the report, whose numbers are those of the value."""

from dataclasses import replace

import html5lib
import pytest

import memfit as mf
from memfit.reporting.fit.tables import estimates_table


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


@pytest.mark.parametrize("make", [mf.stability, mf.plan_next], ids=["stability", "plan"])
def test_what_follows_from_a_result(result, make):
    value = make(result)
    assert '<div class="memfit">' in shown(value)


def test_a_comparison(result):
    other = replace(result, device={**result.device, "name": "other"})
    assert "other" in shown(mf.compare([result, other]))


def test_stability_is_still_plain_data(result):
    found = mf.stability(result)
    assert isinstance(found, dict)
    assert list(found) == ["current", "voltage"]
