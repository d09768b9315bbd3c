"""Profiles and samples in the report: tables, figures, bands."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from memfit.confidence import CHI2_1
from memfit.fitting import Convergence, Profile, SampleEstimate, SampleSet
from memfit.fitting.uncertainty.refit import with_bands
from memfit.reporting.content import Panels
from memfit.reporting.fit.curves import band_of, by_frequency, model_curve, nyquist_band
from memfit.reporting.fit.intervals import (
    convergence_table,
    interval_blocks,
    intervals_table,
    linear_curve,
    profile_curve,
    profile_figure,
    quantity_label,
)
from memfit.reporting.fit.report import report_of
from memfit.reporting.fit.tables import csv_files
from memfit.reporting.writers.folder import draw_panels


def parabola(best=2.0, error=0.1, **changes):
    """The profile of a linear problem."""
    value = best + error * np.array([-2.4, -1.2, 0.0, 1.2, 2.4])
    return Profile(
        **{
            "unit": "V",
            "best": best,
            "ci95": (best - 1.96 * error, best + 1.96 * error),
            "linear_ci95": (best - 1.96 * error, best + 1.96 * error),
            "kind": "determined",
            "threshold": 3.84,
            "logarithmic": False,
            "value": tuple(value),
            "rise": tuple(((value - best) / error) ** 2),
            "slope": tuple(2 * (value - best) / error**2),
            "linear_error": error,
            "complete": True,
            "agrees": True,
            "message": "The profile is closed on both sides, as the linear interval says.",
            **changes,
        }
    )


def sample(kind, names=("R_b", "V_T"), **changes):
    rows = ((12e3, 0.95), (12.1e3, 0.951), (12.2e3, 0.952))
    estimates = {
        "R_b": SampleEstimate(unit="ohm", median=12.1e3, stderr=80.0, ci95=(12.0e3, 12.2e3)),
        "V_T": SampleEstimate(unit="V", median=0.951, stderr=0.001, ci95=(0.95, 0.952)),
    }
    fields = {
        "kind": kind,
        "status": "ok",
        "message": "3 refits.",
        "seed": 0,
        "requested": 3,
        "failed": 0,
        "names": names,
        "samples": rows,
        "estimates": estimates,
    }
    return SampleSet(**{**fields, **changes})


@pytest.fixture(scope="module")
def with_intervals(result):
    open_above = parabola(
        kind="bounded_below",
        ci95=(1.8, None),
        agrees=False,
        message="The data give a lower limit only; above chi2 levels off below the threshold.",
    )
    chain = sample(
        "posterior",
        acceptance=0.5,
        walkers=32,
        convergence={
            "R_b": Convergence(autocorrelation_time=4.2, r_hat=1.003, effective_samples=2100.4),
            "V_T": Convergence(autocorrelation_time=5.0, r_hat=1.001, effective_samples=1800.0),
        },
    )
    return replace(
        result,
        profiles={"V_T": parabola(0.95, 0.001), "current.u_low": parabola(), "current.u_high": open_above},
        bootstrap=sample("residual"),
        posterior=chain,
    )


def test_intervals_stand_side_by_side(with_intervals):
    table = intervals_table(with_intervals)
    assert [c.title for c in table.columns] == [
        "Symbol",
        "Linear",
        "Profile",
        "Bootstrap",
        "Posterior",
        "The profile is",
    ]
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["V_T"][1:] == (
        "0.94804 to 0.95196 V",
        "0.95000 to 0.95200 V",
        "0.95000 to 0.95200 V",
        "closed",
    )
    assert rows["R_b"][1] == "–"
    assert rows["R_b"][2] == "12.000 to 12.200 kΩ"
    assert rows["upper Hopf u, current control"][1] == "above 1.80 V"
    assert rows["upper Hopf u, current control"][4] == "open above"


def test_only_what_was_asked_for_has_a_column(result, with_intervals):
    assert intervals_table(result) is None
    assert interval_blocks(result) == ()
    only = replace(with_intervals, profiles={}, posterior=None)
    assert [c.title for c in intervals_table(only).columns] == ["Symbol", "Linear", "Bootstrap"]
    assert convergence_table(only.posterior) is None


def test_convergence(with_intervals):
    rows = convergence_table(with_intervals.posterior).rows
    assert rows[0] == ("R_b", "4.2", "1.003", "2100")


def test_names_of_what_is_profiled():
    assert quantity_label("tau_k") == "tau_k"
    assert quantity_label("current.gain_margin") == "gain margin, current control"
    assert quantity_label("voltage.u_low") == "lower Hopf u, voltage control"


def test_the_curve_of_a_parabola_is_a_parabola():
    p = parabola()
    value, rise = profile_curve(p)
    np.testing.assert_allclose(rise, ((value - 2.0) / 0.1) ** 2, atol=1e-9)
    np.testing.assert_allclose(linear_curve(p, value), rise, rtol=1e-3)
    logarithmic = parabola(logarithmic=True, slope=(0.0,) * 5)
    assert np.all(np.diff(profile_curve(logarithmic)[0]) > 0)
    assert linear_curve(parabola(linear_error=None), value) is None


def test_every_profile_is_drawn(with_intervals):
    panels = next(b for b in interval_blocks(with_intervals) if isinstance(b, Panels)).items
    assert [panel.key for panel in panels] == [
        "profile_V_T",
        "profile_current_u_low",
        "profile_current_u_high",
    ]
    drawn = draw_panels(panels, {"svg"})
    for panel in panels:
        root = ET.fromstring(drawn[panel.key].files["svg"])
        assert root.tag.endswith("svg")
        assert panel.data["computed_value"].size == 5
    assert "levels off" in panels[2].caption


def test_the_report_has_a_section_of_its_own(with_intervals, fitted):
    report = report_of(with_intervals, fitted)
    keys = [section.key for section in report.sections]
    assert keys.index("intervals") == keys.index("parameters") + 1
    assert {table.key for table in report.tables} >= {"intervals", "convergence"}


def test_tables_for_programs(with_intervals, result):
    files = {name: text.splitlines() for name, text in csv_files(with_intervals, ()).items()}
    assert list(files) == ["parameters.csv", "residuals.csv", "profiles.csv", "samples.csv"]
    assert files["profiles.csv"][0] == "quantity,unit,value,chi2_rise,slope,threshold"
    assert len(files["profiles.csv"]) == 1 + 15
    head, *rows = files["samples.csv"]
    assert head == "kind,R_b,V_T"
    assert [row.split(",")[0] for row in rows] == ["residual"] * 3 + ["posterior"] * 3
    assert list(csv_files(result, ())) == ["parameters.csv", "residuals.csv"]


def test_bands_hold_the_model(result, fitted):
    for item in with_bands(result, fitted):
        if item.record.kind == "impedance":
            frequency, Z = model_curve(item, result.values())
            low, high = nyquist_band(item, frequency, Z)
            width = np.abs(high - low)
            assert np.all(np.abs(0.5 * (low + high) - Z) < 0.2 * width + 1e-9 * np.abs(Z))
            at, predicted, curves = by_frequency(item)
            assert np.all(np.diff(at) > 0)
            spread = np.std(curves - predicted, axis=0)
            assert np.all(np.interp(np.log(at), np.log(frequency), width) < 4.2 * spread)
        else:
            low, high = band_of(item)
            inside = (low <= item.predicted) & (item.predicted <= high)
            assert np.mean(inside) > 0.95
            # noise of single points is several times larger than the error of the whole curve
            assert np.median(high - low) < np.median(item.sigma)


def test_a_record_without_curves_has_no_band(fitted):
    assert band_of(fitted[-1]) is None
    assert nyquist_band(fitted[0], np.array([1.0, 2.0]), np.array([1.0, 1.0j])) is None


COMPUTED = slice(None, None, 39)


def profile(value, rise, slope, **more):
    given = {
        "unit": "ohm",
        "best": 2.0,
        "ci95": (1.0, None),
        "linear_ci95": None,
        "kind": "bounded_below",
        "threshold": CHI2_1,
        "logarithmic": False,
        "linear_error": 0.5,
        "complete": True,
        "agrees": True,
        "message": "",
    }
    return Profile(value=tuple(value), rise=tuple(rise), slope=tuple(slope), **{**given, **more})


@pytest.mark.parametrize("logarithmic", [False, True])
def test_the_curve_goes_through_the_computed_points(logarithmic):
    c = np.array([-1.0, 0.0, 0.4, 1.0])
    value = np.exp(c) if logarithmic else c
    x, y = profile_curve(profile(value, c**2, 2 * c, logarithmic=logarithmic))
    np.testing.assert_allclose(x[COMPUTED], value)
    np.testing.assert_allclose(y[COMPUTED], c**2, atol=1e-12)
    inner = np.log(x) if logarithmic else x
    np.testing.assert_allclose(y, inner**2, atol=1e-12)


def test_a_cubic_that_would_overshoot_is_a_straight_line():
    x, y = profile_curve(profile([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], [90.0, 0.0, -1.0]))
    np.testing.assert_allclose(y[:40], x[:40], atol=1e-12)
    assert not np.allclose(y[40:], 2.0 - x[40:])


def test_the_parabola_of_the_linear_fit_meets_the_threshold_at_its_interval():
    one = profile([1.0, 2.0, 3.0], [4.0, 0.0, 4.0], [-8.0, 0.0, 8.0])
    ends = np.array([2.0 - 1.96 * 0.5, 2.0 + 1.96 * 0.5])
    np.testing.assert_allclose(linear_curve(one, ends), CHI2_1, rtol=1e-4)
    assert linear_curve(profile([1.0, 2.0], [1.0, 0.0], [0.0, 0.0], linear_error=None), ends) is None


def test_an_open_interval_is_shaded_to_the_edge():
    figure = Figure()
    profile_figure(figure, profile([1.0, 2.0, 3.0], [4.0, 0.0, 1.0], [-8.0, 0.0, 0.1]), "R_b")
    (axes,) = figure.axes
    (shade,) = axes.collections
    box = shade.get_paths()[0].get_extents()
    scale = axes.get_xlim()[1] / 3.0
    assert (box.x0, box.x1) == pytest.approx((1.0 * scale, axes.get_xlim()[1]))
