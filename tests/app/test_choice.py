"""Where the sliders stand, and what it says in [fit]."""

import json
from dataclasses import replace

import pytest

from memfit.app.choice import Choice
from memfit.app.device_file import DeviceFile, checked
from memfit.errors import ParameterError
from memfit.fitting import plan_for
from memfit.model import PARAMETERS


def test_what_the_sliders_say_is_what_a_fit_reads():
    choice = Choice().moved("R_b", 2e5).with_ends("V_m", 0.02, None)
    choice = replace(choice, fixed=frozenset({"R_b"}), parts=("branch",), from_here=True)
    settings = checked(DeviceFile("").with_table("fit", choice.to_toml()).text).fit
    assert settings.fix == {"R_b": 2e5}
    assert settings.bounds == {"V_m": (0.02, PARAMETERS["V_m"].bounds[1])}
    assert settings.options["parts"] == ("branch",)
    assert set(settings.start) == set(choice.names) - {"R_b"}
    again = Choice.of(settings)
    assert again.fixed == choice.fixed
    assert again.parts == choice.parts
    assert again.parameters() == choice.parameters()


def test_nothing_said_is_nothing_written():
    assert DeviceFile("").with_table("fit", Choice().to_toml()).text.strip() in ("", "[fit]")


def test_the_model_is_that_of_the_command_line():
    usual = checked("").fit
    assert Choice.of(usual).model == plan_for(usual).model
    plain = DeviceFile("").with_table("fit", Choice(model="3d").to_toml()).text
    assert plan_for(checked(plain).fit).model == "3d"


def test_a_part_brings_its_parameters_and_a_value_on_the_scale_of_the_rest():
    choice = replace(Choice().moved("R_b", 3e4), parts=("branch",))
    assert {"R_1", "C_1"} <= set(choice.names)
    assert choice.parameters().R_1 == 3e4
    assert not {"R_1", "C_1"} & set(Choice().names)


@pytest.mark.parametrize("model", ["2d", "2d-mirror"])
def test_a_two_lag_model_has_one_time_less(model):
    p = Choice(model=model).parameters()
    assert 0.0 in (p.tau_d, p.tau_k)


def test_values_that_a_device_cannot_have():
    with pytest.raises(ParameterError):
        Choice().moved("R_b", -1.0)
    with pytest.raises(ParameterError, match="below the highest"):
        Choice().with_ends("R_b", 10.0, 1.0)


def test_a_slider_holds_its_value():
    for name in Choice().names:
        low, high = Choice().slider(name)
        assert low <= Choice().value(name) <= high
    low, high = Choice().moved("R_b", 1e11).slider("R_b")
    assert low <= 1e11 <= high


def test_there_and_back():
    choice = replace(Choice().moved("V_T", 0.6).with_ends("R_b", 1e3, 1e6), fixed=frozenset({"V_T"}))
    assert Choice.from_plain(json.loads(json.dumps(choice.to_plain()))) == choice
    assert Choice.from_plain({"values": {"unheard": 1.0}, "model": "9d"}) == Choice()
