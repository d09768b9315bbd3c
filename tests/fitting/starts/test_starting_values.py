"""First values of the times: near the truth on data without noise, distinct, and each with its reason."""

import numpy as np
import pytest
from devices import TRUTH, exact, pulses, spectra, sweeps
from hypothesis import given
from hypothesis import strategies as st

from memfit.fitting.starts.starting_values import (
    Scan,
    StartingValues,
    distinct,
    from_pulses,
    from_spectra,
    from_time,
    guess,
    swapped,
)
from memfit.fitting.starts.steady_start import SteadyCurve
from memfit.model import NEEDED

TIMES = ("C_m", "tau_d", "tau_k")
CURVE = SteadyCurve(TRUTH.V_T, TRUTH.V_m, TRUTH.R_b, TRUTH.i_c0, 0.0, "the truth", TRUTH.R_s)


def _ratio(found, names=TIMES):
    """Largest ratio of a value to the truth, either way."""
    return max(np.exp(abs(np.log(found.values[n] / getattr(TRUTH, n)))) for n in names)


def test_spectra_of_a_known_steady_state_give_its_times():
    records = exact(spectra()).records
    assert min(_ratio(start) for start in from_spectra(records, CURVE, {})) < 1.5
    (known, *_) = from_spectra(records, CURVE, {"tau_d": TRUTH.tau_d, "tau_k": TRUTH.tau_k})
    assert _ratio(known, ("R_b", "i_c0", "C_m")) < 1.01


def test_records_in_time_of_a_known_steady_state_give_its_times():
    records = exact([*sweeps(), *pulses()]).records
    assert _ratio(from_time(records, [CURVE], {})[0]) < 4.0


def test_a_scan_knows_the_truth():
    records = exact([*sweeps(), *pulses()]).records
    scan = Scan.of(records, 16)
    values = TRUTH.as_dict()
    assert scan.misfit(values) < 1e-6
    assert scan.misfit({**values, "tau_d": 3 * TRUTH.tau_d}) > 1e-4
    longest = max(record.time[-1] - record.time[0] for record in records)
    assert np.all((scan.times > 0) & (scan.times <= 3.001 * longest))


def test_pulses_alone_are_drawn_on_their_own_scale():
    starts = from_pulses(exact(pulses(levels=(-1.0, 0.5, 2.0))).records, {"R_s": 40.0})
    assert 1 <= len(starts) <= 8
    assert [s.misfit for s in starts] == sorted(s.misfit for s in starts)
    for start in starts:
        assert start.values["R_s"] == 40.0
        assert start.values["R_b"] > 0
        assert start.values["i_c0"] > 0


@pytest.mark.parametrize("planned", [spectra(), sweeps(), pulses(), [*spectra(), *sweeps(), *pulses()]])
def test_every_guess_is_whole_and_says_why(planned):
    starts = guess(exact(planned).records, {"R_s": 40.0})
    for start in starts:
        assert set(NEEDED) <= set(start.values)
        assert start.values["R_s"] == 40.0
        assert start.reasons["R_s"] == "fixed"
        assert all(start.reasons[name] for name in NEEDED)
    assert guess(exact(planned).records, {"R_s": 40.0}, count=1) == starts[:1]


def test_distinct_values_differ_by_more_than_the_fit_repairs():
    values = {name: getattr(TRUTH, name) for name in (*NEEDED, "tau_k")}
    near, far = {**values, "tau_d": 1.5 * TRUTH.tau_d}, {**values, "V_T": TRUTH.V_T + TRUTH.V_m}
    starts = [StartingValues(v, float(k), {}) for k, v in enumerate((values, near, far))]
    assert distinct(starts, 5) == [starts[0], starts[2]]
    assert distinct(starts, 1) == [starts[0]]


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_exchanged_times_come_back(tau_d, tau_k):
    values = {**TRUTH.as_dict(), "tau_d": tau_d, "tau_k": tau_k}
    again = swapped(swapped(values))
    assert again == pytest.approx(values)
