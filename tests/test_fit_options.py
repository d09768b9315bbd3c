"""An option of a fit is in the plan, in the signature of `fit`, in its help, in its types."""

import inspect
from dataclasses import fields

import pytest

import memfit as mf
from memfit.errors import ParameterError
from memfit.fit_options import FitKeywords, FitOptions, FitSettings

PLAN = {one.name for one in fields(mf.FitPlan)}


def test_the_plan_has_every_option():
    assert {one.name for one in fields(FitOptions)} < PLAN
    assert {one.name for one in fields(FitSettings)} - {"options"} < PLAN


def test_the_signature_and_the_help_have_every_setting():
    own = {"device", "plan", "parameters", "progress", "time_limit"}
    assert set(inspect.signature(mf.fit).parameters) - PLAN == own
    assert set(FitKeywords.__annotations__) == PLAN
    assert {name for name in PLAN if name not in mf.fit.__doc__} == set()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"gains": "of"}, 'gains is one of "on", "off", "auto"; found \'of\''),
        ({"engine": "scipy"}, 'engine is one of "memfit", "lmfit"'),
        ({"screen": "off"}, "screen is True or False; found 'off'"),
        ({"robust": 1}, "robust is True or False; found 1"),
    ],
)
def test_a_word_that_an_option_does_not_take(setting, said):
    with pytest.raises(ParameterError, match=said):
        mf.fit(mf.Device(name="a", records=()), **setting)
    with pytest.raises(ParameterError, match=said):
        mf.fit(mf.Device(name="a", records=()), mf.FitPlan(**setting))


def test_a_setting_that_is_none_is_answered_with_the_nearest():
    device = mf.Device(name="a", records=())
    for wrong, meant in (("sead", "seed"), ("bound", "bounds"), ("star", "start")):
        with pytest.raises(ParameterError, match=f"unknown setting '{wrong}': did you mean '{meant}'"):
            mf.fit(device, **{wrong: 1})
