"""The report of a fit as a whole: what stands first, and captions true of their pictures."""

from dataclasses import replace

import numpy as np
from drawing import P, fitted_spectrum

from memfit.datasets import identities
from memfit.fitting import Status
from memfit.model import impedance
from memfit.reporting.content import MARKS, Bullets
from memfit.reporting.figures.spectra import spectra_of
from memfit.reporting.fit.report import _marks, report_of, write_report

NEXT = "Measure a pulse of 45 uA: V_T would be known."


def test_what_to_measure_next_is_on_the_first_screen(result, fitted, tmp_path):
    write_report(result, fitted[:1], tmp_path, following=[NEXT])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    first = page[: page.index('id="overview"')]
    assert "What to measure next?" in first
    assert "Measure a pulse of 45 µA." in first.replace("\xa0", " ").replace("\u202f", " ")


def test_a_misfit_comes_before_what_was_found(result, fitted):
    def keys(one):
        return [section.key for section in report_of(one, fitted[:1]).sections]

    poor = replace(result, status=Status(code="poor_fit", message="It misses the spectra."))
    assert keys(poor)[:2] == ["overview", "residuals"]
    assert keys(result).index("residuals") > keys(result).index("parameters")
    assert set(keys(poor)) == set(keys(result))


def test_a_caption_tells_what_lies_outside_its_frame():
    far = spectra_of([fitted_spectrum(0.8215, np.logspace(-1, 5, 7))], P)
    calm = spectra_of([fitted_spectrum(0.5, np.geomspace(1e4, 0.1, 60))], P)
    frequency, biases = np.geomspace(1e4, 0.1, 60), P.V_T - 1.62 * P.V_m + P.V_m * np.linspace(-1.0, 1.0, 21)
    sharpest = max(biases, key=lambda u: float(np.abs(impedance(P, frequency, u)).max()))
    sharp = spectra_of([fitted_spectrum(sharpest, frequency)], P)
    for spectra, whole, said in (
        (far, True, MARKS["curve_beyond"]),
        (calm, False, ""),
        (sharp, False, "far beyond the others lie outside the frame, the inset shows all of them"),
    ):
        words = _marks([one.fitted for one in spectra], bands=False, spectra=spectra, whole=whole)
        assert words.endswith(said) if said else words == ""


def test_every_picture_has_its_caption_filled_in(result, fitted):
    panels = report_of(result, fitted).panels
    assert len(panels) > 20
    for panel in panels:
        assert panel.caption.endswith("."), panel.key
        assert not any(mark in panel.caption + panel.alt for mark in "{}"), panel.key


def test_hard_words_are_explained_where_they_stand(result, fitted):
    """Singular vectors come after what they mean."""
    (directions,) = [table for table in report_of(result, fitted).tables if table.key == "directions"]
    assert directions.caption.index("product of powers") < directions.caption.index("singular vectors")
    assert "the relative error to which they know it" in directions.caption


def test_records_are_held_against_each_other_without_the_model(result, fitted):
    (voltage,) = [section for section in report_of(result, fitted).sections if section.key == "voltage"]
    told = [text for block in voltage.blocks if isinstance(block, Bullets) for text in block.items]
    assert told == [one.sentence for one in identities([item.record for item in fitted])]
    assert any("they agree" in text for text in told)
