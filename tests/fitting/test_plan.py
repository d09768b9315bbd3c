"""Plans: what they refuse, and there and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memfit.errors import ParameterError
from memfit.fit_options import FitSettings
from memfit.fitting.plan import FitPlan, Term, free_parameters, model_of, plan_for, unit_of, unit_of_length
from memfit.model import PARAMETERS


def values(*names):
    """Values within the bounds of the table, for some of the names."""
    within = {name: st.just(None) | st.floats(*PARAMETERS[name].bounds) for name in names}
    return st.fixed_dictionaries(within).map(lambda all_: {k: v for k, v in all_.items() if v is not None})


@given(
    st.builds(
        FitPlan,
        model=st.sampled_from(["2d", "3d", "auto"]),
        fix=values("R_b", "C_m", "R_s"),
        start=values("tau_d", "V_T"),
        bounds=st.dictionaries(st.sampled_from(["V_m", "tau_k"]), st.just((2e-3, 1.0))),
        seed=st.integers(0, 2**31),
        robust=st.booleans(),
        screen=st.booleans(),
        inductance=st.sampled_from(["auto", "on", "off"]),
    )
)
def test_json_there_and_back_is_identity(plan):
    assert FitPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_unknown_keys_of_a_newer_program_are_ignored():
    assert FitPlan.from_dict({"model": "2d", "colour": "blue"}) == FitPlan(model="2d")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "4d"}, ["model", "'4d'"]),
        ({"fix": {"R_x": 1.0}}, ["unknown parameter R_x", "did you mean 'R_s'?"]),
        ({"fix": {"C_m": -1e-9}}, ["C_m", "greater than 0 F", "-1e-09"]),
        ({"start": {"tau_d": 0.0}}, ["tau_d", "greater than 0 s"]),
        ({"bounds": {"V_m": (0.3, 0.02)}}, ["bounds of V_m", "0.3 and 0.02"]),
        ({"fix": {"R_b": 1e300}}, ["R_b", "1e+14 ohm", "1e+300"]),
        ({"start": {"V_m": 1e-300}}, ["V_m", "0.002 and 3 V"]),
        ({"bounds": {"R_b": (1e290, 1e300)}}, ["bounds of R_b", "1e+14"]),
        ({"bounds": {"V_T": (0.5, 0.8)}, "start": {"V_T": 2.0}}, ["V_T", "0.5 and 0.8 V"]),
        ({"bounds": {"V_m": (0.1, 0.1 + 2e-17)}}, ["bounds of V_m"]),
        ({"bounds": {"V_m": (0.1, 0.1 + 2e-9)}}, ["bounds of V_m", "no width"]),
        ({"bounds": {"V_T": (float("nan"), 0.8)}, "fix": {"R_b": float("inf")}}, ["V_T", "R_b"]),
        ({"gains": "of"}, ['gains is one of "on", "off", "auto"', "'of'"]),
        ({"fix": {"V_m": 0.1}, "bounds": {"V_m": (0.02, 0.3)}}, ["V_m", "not both"]),
    ],
)
def test_mistakes_are_named(changes, words):
    with pytest.raises(ParameterError) as caught:
        FitPlan(**changes)
    for word in words:
        assert word in str(caught.value)


def test_all_mistakes_come_at_once():
    with pytest.raises(ParameterError, match=r"4d.*R_x"):
        FitPlan(model="4d", fix={"R_x": 1.0})


def test_the_device_asks_and_the_caller_decides():
    settings = FitSettings(model="2d", fix={"R_s": 20.0}, bounds={"V_m": (0.02, 0.3), "V_T": (0.1, 1.0)})
    settled = plan_for(settings, fix={"V_m": 0.1}, seed=3)
    assert settled.model == "2d"
    assert settled.fix == {"R_s": 20.0, "V_m": 0.1}
    assert settled.bounds == {"V_T": (0.1, 1.0)}
    assert settled.seed == 3
    asked = FitSettings(start={"tau_d": 1e-3}, options={"gains": "off", "seed": 2, "robust": True})
    settled = plan_for(asked, seed=3)
    assert (settled.start, settled.gains, settled.robust, settled.seed) == ({"tau_d": 1e-3}, "off", True, 3)


@pytest.mark.parametrize(
    "term",
    [
        Term("gain", instrument="iv"),
        Term("delay", 12),
        Term("edge", 3, 1),
        *(Term(kind, 0) for kind in ("u_0", "i_0", "f_0")),
    ],
)
def test_terms_come_back_from_their_names(term):
    assert Term.from_name(term.name) == term


@pytest.mark.parametrize("name", ["R_b", "edge_3", "delay_1_2", "gain_", "gain_margin_min", "u_0", "chi2"])
def test_other_names_are_no_terms(name):
    assert Term.from_name(name) is None


def test_names_of_terms_are_those_of_results():
    names = [Term("gain", instrument="iv").name, Term("edge", 3, 1).name, Term("f_0", 2).name]
    assert names == ["gain_iv", "edge_3_1", "f_0_2"]
    units = {"delay_1": "s", "edge_0_0": "s", "u_0_1": "V", "i_0_1": "A", "f_0_1": "", "gain_iv": ""}
    assert {name: unit_of(name) for name in units} == units
    assert unit_of("R_b") == "ohm"


def test_lengths_are_a_factor_e_or_V_m_or_the_unit_itself():
    assert unit_of_length("V_T", 0.08) == 0.08
    assert {unit_of_length(name, 0.08) for name in ("R_b", "tau_k", "R_s", "delay_1")} == {1.0}


def test_an_option_that_came_later_is_written_only_where_it_is_used():
    assert "engine" not in FitPlan(model="3d").to_dict()
    plan = FitPlan(model="3d", engine="lmfit")
    assert plan.to_dict()["engine"] == "lmfit"
    assert FitPlan.from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize("model", ["3d", "2d", "2d-mirror"])
def test_a_model_is_known_by_its_parameters(model):
    assert model_of(free_parameters(model)) == model
    assert "L_s" not in free_parameters(model)


def test_texts_with_units_are_as_good_as_numbers():
    texts = FitPlan(fix={"R_s": "42 ohm"}, bounds={"tau_d": ("1 ms", "1 s")}, start={"C_m": "250 nF"})
    numbers = FitPlan(fix={"R_s": 42.0}, bounds={"tau_d": (1e-3, 1.0)}, start={"C_m": 250e-9})
    assert texts.fix == numbers.fix
    assert texts.bounds == numbers.bounds
    assert texts.start["C_m"] == pytest.approx(250e-9, rel=1e-12)
    with pytest.raises(ParameterError, match="R_s"):
        FitPlan(fix={"R_s": "42 nF"})


def test_parts_are_a_list_or_a_text():
    assert FitPlan(parts="branch, leak").parts == ("branch", "leak")
    with pytest.raises(ParameterError, match=r"^parts: unknown part nonsense; expected one of branch, .*\.$"):
        FitPlan(parts="branch,nonsense")


def test_a_tie_to_a_part_that_is_not_there_is_refused():
    FitPlan(ties={"R_s": "0.1 * R_1"}, parts=("branch",))
    with pytest.raises(
        ParameterError, match="ties of R_s: R_1 belongs to the part branch, which the plan does not name"
    ):
        FitPlan(ties={"R_s": "0.1 * R_1"})


@pytest.mark.parametrize("parts", [None, 3, (4,)])
def test_parts_that_are_no_names_are_told(parts):
    with pytest.raises(ParameterError, match=r"^parts: (expected names of parts, found|unknown part)"):
        FitPlan(parts=parts)


@pytest.mark.parametrize(
    "asked", [{"parts": ("activation_time",)}, {"fix": {"p_k": 0.5}}, {"start": {"q_k": 0.5}}]
)
def test_a_law_of_a_time_that_the_model_is_without_is_refused(asked):
    with pytest.raises(ParameterError, match="law of tau_k, which the model 2d is without"):
        FitPlan(model="2d", **asked)
