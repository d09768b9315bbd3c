"""The vector of unknowns: there and back, bounds, terms of the instruments."""

import numpy as np
import pytest
from devices import TRUTH, exact, pulses
from hypothesis import given
from hypothesis import strategies as st

from memfit.fitting.minimum.unknowns import (
    Unknown,
    Unknowns,
    initial_unknowns,
    physical_unknowns,
    term_unknown,
)
from memfit.fitting.plan import FitPlan, Term
from memfit.model import NAMES, PARAMETERS

GAIN = term_unknown(Term("gain", instrument="iv"))


@given(st.sampled_from(NAMES), st.floats(0.0, 1.0))
def test_outer_undoes_inner(name, share):
    row = PARAMETERS[name]
    (low, high), logarithmic = row.bounds, row.logarithmic
    unknown = Unknown(name, logarithmic, low, high)
    value = low * (high / low) ** share if logarithmic else low + share * (high - low)
    assert unknown.outer(unknown.inner(value)) == pytest.approx(value, rel=1e-10, abs=1e-15)


@given(st.floats(-1e30, 1e30))
def test_inner_keeps_to_the_bounds(value):
    unknown = Unknown("V_T", False, -5.0, 10.0)
    assert -5.0 <= unknown.inner(value) <= 10.0


def test_parameters_come_back_from_the_vector():
    unknowns = Unknowns(
        physical_unknowns(FitPlan(model="3d"), list(TRUTH.as_dict())), TRUTH.replace(R_b=1.0, V_m=1.0), ["iv"]
    )
    found = unknowns.parameters(unknowns.encode(TRUTH.as_dict()))
    np.testing.assert_allclose(found.as_array(), TRUTH.as_array(), rtol=1e-12)


def test_fixed_values_are_not_in_the_vector_and_stay():
    plan = FitPlan(model="3d", fix={"V_m": 0.1, "R_s": 0.0})
    free = physical_unknowns(plan, NAMES[:8])
    unknowns = Unknowns(free, TRUTH.replace(V_m=0.1, R_s=0.0), ["iv"])
    assert unknowns.names == ("R_b", "C_m", "i_c0", "V_T", "tau_d", "tau_k")
    found = unknowns.parameters(unknowns.encode({}) + 0.3)
    assert (found.V_m, found.R_s) == (0.1, 0.0)


def test_bounds_of_the_plan_are_those_of_the_unknowns():
    (unknown,) = physical_unknowns(FitPlan(model="3d", bounds={"V_m": (0.02, 0.3)}), ["V_m"])
    assert (unknown.lower, unknown.upper) == (0.02, 0.3)
    np.testing.assert_allclose(unknown.inner_bounds, np.log([0.02, 0.3]))


def test_terms_of_instruments_go_where_they_belong():
    kinds = ["impedance", "iv", "iv", "transient"]
    record = exact(pulses(levels=(1.0,))).records[0]
    free = [
        GAIN,
        term_unknown(Term("delay", 3), 0.1),
        *initial_unknowns(3, record.drive.control),
    ]
    unknowns = Unknowns(free, TRUTH, kinds)
    values = {"gain_iv": 1.05, "delay_3": 0.01, "u_0_3": 0.4, "i_0_3": 1e-6, "f_0_3": 0.2}
    terms = unknowns.instrument(unknowns.encode(values))
    np.testing.assert_array_equal(terms.gain, [1.0, 1.05, 1.05, 1.0])
    np.testing.assert_array_equal(terms.delay, [0.0, 0.0, 0.0, 0.01])
    np.testing.assert_allclose(terms.initial[3], [0.4, 1e-6, 0.2])
    assert not np.any(terms.initial[:3])


def test_what_is_not_named_is_ideal():
    unknowns = Unknowns([GAIN, term_unknown(Term("delay", 0), 0.1)], TRUTH, ["iv"])
    assert list(unknowns.encode({})) == [1.0, 0.0]


def test_thresholds_stay_above_zero_where_the_channel_conducts():
    names = ["V_T", "V_Tn", "kappa"]
    free = physical_unknowns(FitPlan(model="3d", parts=("second_polarity", "conductance")), names)
    assert [u.lower > 0.0 for u in free[:2]] == [True, True]
    assert physical_unknowns(FitPlan(model="3d"), ["V_T"])[0].lower < 0.0
