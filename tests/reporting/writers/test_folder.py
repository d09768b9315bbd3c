"""The report as files: what is written, that it stands alone, is valid, and comes out the same twice."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import html5lib
import matplotlib as mpl
import numpy as np
import pytest

from memfit.errors import InputError, OutputError
from memfit.fitting import Estimate, FittedRecord, Status
from memfit.reporting.content import ReportOptions
from memfit.reporting.fit.report import report_of, write_report
from memfit.reporting.writers.folder import columns_csv
from memfit.reporting.writers.html import prose

VOID = {"meta", "link", "br", "img", "hr", "input"}
NASTY = "\"><script>alert('x')</script>&amp;<b>$x^2$ {{7*7}} Ω漢\u202e" + "n" * 200


class Strict(HTMLParser):
    """Tags in order, with the faults a validator would name: unclosed tags, images without text."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.faults, self.tags, self.texts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if len(attributes) != len(attrs):
            self.faults.append(f"<{tag}> repeats an attribute")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "svg" and not (attributes.get("role") == "img" and attributes.get("aria-label")):
            self.faults.append("an image without words")
        if tag == "th" and attributes.get("scope") not in ("col", "row"):
            self.faults.append("a header without scope")
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.texts.append(data)


def parse(text):
    parser = Strict()
    parser.feed(text)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def written(result, fitted, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    return out, write_report(result, fitted, out)


@pytest.fixture(scope="module")
def page(written):
    return (written[0] / "report.html").read_text(encoding="utf-8")


def test_every_promised_file_is_written_and_nothing_else(written):
    out, files = written
    names = {str(path.relative_to(out)) for path in files}
    assert {"report.html", "parameters.csv", "residuals.csv", "figures/nyquist.svg"} <= names
    assert names == {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def test_the_page_is_well_formed_and_accessible(page):
    parser = parse(page)
    assert parser.faults == []
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    assert [tag for tag, _ in parser.tags].count("h1") == 1
    assert ("html", {"lang": "en"}) in parser.tags
    assert page.startswith("<!DOCTYPE html>")


def test_the_page_is_valid_html(page):
    html5lib.HTMLParser(strict=True).parse(page)


def test_every_reference_inside_the_page_has_its_target(page):
    ids = set(parse(page).ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= ids


def test_the_page_stands_alone(page):
    parser = parse(page)
    loaded = [
        value
        for tag, attributes in parser.tags
        for name, value in attributes.items()
        if name in ("src", "data") or (name in ("href", "xlink:href") and tag != "a")
    ]
    assert all(value.startswith("#") for value in loaded)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_the_same_fit_gives_the_same_bytes(written, result, fitted, tmp_path):
    files = written[1]
    again = write_report(result, fitted, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_the_page_stays_below_three_megabytes(written):
    assert (written[0] / "report.html").stat().st_size < 3e6


def test_every_record_has_its_figure(page, fitted):
    assert all(item.record.name in page for item in fitted)
    figures = re.findall(r'<figure id="figure-([^"]+)"', page)
    assert sum(key.startswith("nyquist_each_") for key in figures) == 8
    assert sum(re.fullmatch(r"iv_\d", key) is not None for key in figures) == 3
    assert sum(re.fullmatch(r"transient_\d", key) is not None for key in figures) == 3


def test_residuals_hold_every_point_in_full(written, fitted):
    with (written[0] / "residuals.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    points = sum(item.record.points * (2 if item.record.kind == "impedance" else 1) for item in fitted)
    assert len(rows) == points
    spectrum = fitted[0]
    own = [row for row in rows if row["record"] == spectrum.record.name and row["component"] == "Z_imag"]
    assert [float(row["residual"]) for row in own] == pytest.approx(spectrum.residuals.imag, rel=1e-6)
    assert [row["used"] == "True" for row in own] == list(spectrum.used)
    assert {row["coordinate"] for row in own} == {f"{f:.9g}" for f in spectrum.record.frequency}


def renamed(fitted, name):
    return [
        FittedRecord(
            record=replace(item.record, name=f"{place} {name}"),
            predicted=item.predicted,
            sigma=item.sigma,
            used=item.used,
        )
        for place, item in enumerate(fitted)
    ]


def test_nasty_names_are_shown_and_do_no_harm(result, of_kind, tmp_path):
    few = list(of_kind.values())
    nasty = replace(
        result,
        device={"name": NASTY, "attributes": {NASTY: NASTY}},
        warnings=(NASTY,),
        inputs=tuple(replace(item, file=NASTY, warnings=(NASTY,)) for item in result.inputs[:1]),
        excluded=tuple(replace(item, file=NASTY, at=NASTY, reason=NASTY) for item in result.excluded[:1]),
        alternatives=tuple(replace(item, note=NASTY) for item in result.alternatives),
        plan={NASTY: NASTY},
        status=Status(code="ok", message=NASTY),
    )
    write_report(nasty, renamed(few, NASTY), tmp_path, ReportOptions(formats=("html", "md", "tex", "csv")))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    parser = parse(text)
    assert parser.faults == []
    assert [tag for tag, _ in parser.tags].count("script") == 1
    assert not any(tag == "b" for tag, _ in parser.tags)
    assert "".join(parser.texts).count(NASTY) >= 10
    assert all("alert" not in path.name for path in (tmp_path / "figures").iterdir())


def test_a_fit_without_records_still_has_a_report(result, tmp_path):
    files = write_report(result, [], tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert parse(text).faults == []
    assert 'id="parameters"' in text
    assert 'id="impedance"' not in text
    assert (tmp_path / "residuals.csv").read_text().count("\n") == 1
    assert tmp_path / "figures" / "gain_margin.svg" in files


def test_an_undetermined_parameter_is_named_and_no_curves_are_drawn(result, fitted, tmp_path):
    parameters = {**result.parameters, "tau_k": Estimate(value=None, unit="s", status="undetermined")}
    open_one = replace(
        result,
        parameters=parameters,
        stability={},
        status=Status(code="not_identifiable", message="Only the product of tau_d and tau_k is determined."),
    )
    write_report(open_one, fitted[:2], tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Not determined by these data: <var>τ</var><sub>k</sub>." in text
    assert 'id="voltage"' not in text
    assert "NaN" not in text


def test_a_failed_fit_says_so_first(result, fitted, tmp_path):
    failed = replace(result, status=Status(code="not_converged", message="It did not converge."))
    write_report(failed, fitted[:1], tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.index("No: the fit did not converge.") < text.index('id="overview"')


def test_extreme_values_draw_without_a_warning(result, of_kind, tmp_path):
    spectrum, sweep, transient = (of_kind[kind] for kind in ("impedance", "iv", "transient"))
    tiny = FittedRecord(
        record=replace(sweep.record, current=np.zeros(sweep.record.points)),
        predicted=np.zeros(sweep.record.points),
        sigma=sweep.sigma,
        used=sweep.used,
    )
    huge = FittedRecord(
        record=replace(spectrum.record, impedance=spectrum.record.impedance * 1e12),
        predicted=spectrum.predicted * 1e-9,
        sigma=spectrum.sigma,
        used=np.zeros_like(spectrum.used),
    )
    one = FittedRecord(
        record=transient.record.select(np.arange(transient.record.points) < 1),
        predicted=transient.predicted[:1],
        sigma=transient.sigma[:1],
        used=transient.used[:1],
    )
    write_report(result, [tiny, huge, one], tmp_path)
    assert parse((tmp_path / "report.html").read_text(encoding="utf-8")).faults == []


def test_figures_come_as_png_and_pdf_on_request(result, tmp_path):
    write_report(result, [], tmp_path, ReportOptions(figures=("png", "pdf")))
    assert (tmp_path / "figures" / "gain_margin.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figures" / "gain_margin.pdf").read_bytes().startswith(b"%PDF")
    assert not list((tmp_path / "figures").glob("*.svg"))


def test_figures_fill_a_column_or_a_page(result, tmp_path):
    for width, points in (("single", 85 / 25.4 * 72), ("double", 175 / 25.4 * 72)):
        write_report(result, [], tmp_path / width, ReportOptions(width=width))
        found = re.search(
            r'<svg[^>]* width="([\d.]+)pt"', (tmp_path / width / "figures/gain_margin.svg").read_text()
        )
        assert float(found[1]) == pytest.approx(points, abs=0.01)
    assert (tmp_path / "single/report.html").read_bytes() == (tmp_path / "double/report.html").read_bytes()


@pytest.mark.parametrize(
    ("settings", "found"), [({"figures": ("gif",)}, "'gif'"), ({"width": "triple"}, "'triple'")]
)
def test_a_look_that_is_none(settings, found):
    with pytest.raises(InputError, match=found):
        ReportOptions(**settings)


def test_colours_follow_the_cycle_of_a_style(result, tmp_path):
    style = tmp_path / "mine.mplstyle"
    style.write_text("axes.prop_cycle: cycler('color', ['112233', '445566'])\n", encoding="utf-8")
    write_report(result, [], tmp_path / "out", ReportOptions(style=style))
    assert "#112233" in (tmp_path / "out" / "figures" / "gain_margin.svg").read_text()


def test_notes_stand_first(result, tmp_path):
    write_report(result, [], tmp_path, notes=("2 of 14 records are <gone>.",))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.index("2 of 14 records are &lt;gone&gt;.") < text.index('id="figure-')


def test_a_style_of_ones_own_is_laid_over(result, tmp_path):
    style = tmp_path / "mine.mplstyle"
    style.write_text("axes.labelcolor: ff0000\n", encoding="utf-8")
    write_report(result, [], tmp_path / "out", ReportOptions(style=style))
    assert "#ff0000" in (tmp_path / "out" / "figures" / "gain_margin.svg").read_text()


def test_a_broken_style_is_named(result, tmp_path):
    with pytest.raises(InputError, match=r"missing\.mplstyle: expected a matplotlib style file"):
        write_report(result, [], tmp_path / "out", ReportOptions(style=tmp_path / "missing.mplstyle"))
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_is_refused_before_anything_is_written(result, tmp_path):
    with pytest.raises(InputError, match="found 'docx'"):
        write_report(result, [], tmp_path / "out", ReportOptions(formats=("docx",)))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(result, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(result, [], blocked)
    assert blocked.read_text() == "in the way"


def test_the_map_of_a_style_grades_the_spectra(result, of_kind, tmp_path):
    colours = {}
    for name in ("viridis", "cividis"):
        style = tmp_path / f"{name}.mplstyle"
        style.write_text(f"image.cmap: {name}\n", encoding="utf-8")
        write_report(result, [of_kind["impedance"]], tmp_path / name, ReportOptions(style=style))
        figure = (tmp_path / name / "figures" / "nyquist.svg").read_text()
        colours[name] = mpl.colors.to_hex(mpl.colormaps[name](0.0)) in figure
    assert colours == {"viridis": True, "cividis": True}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("below 0.01 % and 0.647 V", "below 0.01\u00a0% and 0.647\u00a0V"),
        ("chance: < 1 %.", "chance: &lt;\u00a01\u00a0%."),
        ("220.013(36) kΩ to 3 records", "220.013(36)\u00a0kΩ to 3 records"),
        ("8 Volta piles", "8 Volta piles"),
    ],
)
def test_a_number_and_its_unit_stay_on_one_line(text, kept):
    assert prose(text) == kept


def test_pulses_stand_in_a_row_and_their_logarithmic_views_in_the_next(result, fitted):
    pulses = [item for item in fitted if item.record.kind == "transient"]
    assert len(pulses) == 3
    for number, blocks in ((1, [2]), (3, [3, 3])):
        sections = {section.key: section for section in report_of(result, pulses[:number]).sections}
        assert [len(block.items) for block in sections["transients"].blocks] == blocks


def test_columns_of_different_length_stand_side_by_side():
    text = columns_csv({"a, b": np.array([1.0, np.nan]), 'say "c"': np.array([1 / 3])})
    assert text == '"a, b","say ""c"""\n1,0.333333333\n,\n'
    assert columns_csv({}) == "\n"


def test_every_figure_has_its_numbers(result, fitted):
    panels = report_of(result, fitted).panels
    assert all(panel.data for panel in panels)
    assert len({panel.key for panel in panels}) == len(panels)
