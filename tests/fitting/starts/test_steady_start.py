"""The steady state read off data without noise is that of the device."""

import numpy as np
import pytest
from devices import TRUTH, exact, pulses, spectra, sweeps

from memfit.fitting.starts.steady_start import (
    plateaus,
    rough_curve,
    series_resistances,
    slowest_sweep,
    steady_curves,
    steady_rows,
    steady_states,
)
from memfit.model import steady_current

SLOW = sweeps(rates=(1e-4, 1.0))
LONG = [-1.0, 0.5, 1.5]


def test_series_resistance_is_the_intercept_of_the_spectra():
    fast = np.geomspace(3e6, 0.05, 60)
    ((value, reason),) = series_resistances(exact(spectra(frequency=fast)).records)
    assert value == pytest.approx(TRUTH.R_s, rel=0.02)
    assert "intercept" in reason


def test_without_spectra_it_may_be_zero_or_the_jump_of_the_pulses():
    device = TRUTH.replace(C_m=1e-5, R_s=5e3)
    found = series_resistances(exact(pulses(device, points=2000), device).records)
    assert found[0][0] == 0.0
    assert found[1][0] == pytest.approx(device.R_s, rel=0.1)
    assert series_resistances(exact(SLOW).records) == [(0.0, "not seen at a glance")]


def test_the_slowest_sweep_gives_the_steady_curve():
    records = exact(SLOW).records
    assert slowest_sweep(records).name == "iv_0.csv"
    (best, *_) = steady_curves(steady_rows(records, TRUTH.R_s))
    u = np.linspace(0.1, 1.0, 20)
    found = TRUTH.replace(R_b=best.R_b, i_c0=best.i_c0, V_T=best.V_T, V_m=best.V_m)
    largest = float(np.max(steady_current(TRUTH, u)))
    np.testing.assert_allclose(steady_current(found, u), steady_current(TRUTH, u), atol=0.05 * largest)
    assert "slowest sweep (iv_0.csv)" in best.source


def test_curves_that_are_kept_differ():
    curves = steady_curves(steady_rows(exact(SLOW).records, 0.0))
    for k, one in enumerate(curves):
        for other in curves[:k]:
            far = abs(one.V_T - other.V_T) > 1.5 * max(one.V_m, other.V_m)
            assert far or abs(np.log(one.V_m / other.V_m)) > 0.5


def test_plateaus_lie_on_the_steady_curve():
    ends = plateaus(exact(pulses(levels=LONG, points=400)).records, TRUTH.R_s)
    settled = ends.weight > 0.5 * ends.weight.max()
    np.testing.assert_allclose(steady_current(TRUTH, ends.u[settled]), ends.value[settled], rtol=0.02)
    assert plateaus(exact(SLOW).records, 0.0) is None


def test_low_frequencies_show_the_slope_of_the_steady_curve():
    low = np.geomspace(1e3, 1e-4, 40)
    biases = np.linspace(-3.0, 3.0, 9)
    rows = steady_rows(exact(spectra(biases=biases, frequency=low)).records, TRUTH.R_s)
    assert rows.slope.all()
    u = TRUTH.V_T + biases * TRUTH.V_m
    f = 1.0 / (1.0 + np.exp(-biases))
    expected = 1.0 / TRUTH.R_b + TRUTH.i_c0 * f * (1.0 - f) / TRUTH.V_m
    np.testing.assert_allclose(rows.value, expected, rtol=0.05)
    np.testing.assert_allclose(rows.u, u, atol=0.02)


def test_what_is_known_is_put_in():
    fix = {"V_T": 0.7, "R_s": 12.0}
    for curve in steady_states(exact(SLOW).records, fix):
        assert (curve.V_T, curve.R_s) == (0.7, 12.0)
        assert curve.values()["V_T"] == 0.7


def test_a_rough_curve_has_the_size_of_the_data():
    curve = rough_curve(exact(SLOW).records)
    assert 0.3 < curve.V_T < 1.2
    assert curve.i_c0 == pytest.approx(max(np.abs(r.current).max() for r in exact(SLOW).records))
