"""What is said of devices that are not the model, by the model that is held and by the one that is chosen."""

import pytest
import wrong_devices as made
from paths import REPOSITORY
from wrong_devices import OSCILLATING, VOLTAGE_PULSES

from memfit.cli.text_output import fit_text
from memfit.fitting import FitPlan
from memfit.fitting.uncertainty.refit import rebuild_problem
from memfit.workflow.fitting import fit_records
from memfit.workflow.reading import load
from memfit.workflow.reports import write_fit

BOTH = pytest.mark.parametrize("model", ["auto", "3d"])


@pytest.fixture(scope="session")
def said():
    """The result of a device by its name in `wrong_devices`, each fitted once by each model."""
    found = {}

    def fitted(name, model):
        if (name, model) not in found:
            device = getattr(made, name)()
            found[name, model] = fit_records(device, FitPlan(model=model)).result
        return found[name, model]

    return fitted


def first_line(result):
    """What the terminal says first, below the name of the device."""
    return fit_text(result).splitlines()[1]


def none_determined(result):
    return not {e.status for e in result.parameters.values()} & {"determined", "weak"}


def near(result, **truth):
    """Whether all values are within four standard errors, and known to a few per cent."""
    return all(
        abs(result.parameters[n].value - v) < max(4.0 * result.parameters[n].stderr, 2e-3 * v)
        and result.parameters[n].stderr < 0.1 * v
        for n, v in truth.items()
    )


@BOTH
def test_a_channel_that_conducts_is_not_said_to_oscillate(said, model):
    result = said("conductance", model)
    chance = result.stability["current"].probability_oscillates
    assert chance is None or chance < 0.1
    assert result.stability["current"].verdict in ("stable", "undetermined")
    if model == "3d":
        assert first_line(result) == "Can I trust them? No: the model does not describe this device."
        assert none_determined(result)


def test_the_law_of_the_time_is_found_and_with_it_the_verdict(said):
    result = said("bell_time", "auto")
    assert result.status.code == "ok"
    assert near(result, R_b=OSCILLATING.R_b, tau_d=OSCILLATING.tau_d, tau_k=OSCILLATING.tau_k, p_k=0.5)
    assert result.stability["current"].verdict == "oscillates"
    constant = said("constant_time", "auto")
    assert near(constant, R_b=OSCILLATING.R_b, tau_d=OSCILLATING.tau_d, tau_k=OSCILLATING.tau_k)


def test_a_wrong_law_of_the_time_gives_no_verdict(said):
    for name in ("constant_time", "bell_time"):
        result = said(name, "3d")
        assert result.status.code == "poor_fit"
        assert none_determined(result)
        assert result.stability["current"].probability_oscillates is None


def test_a_spectrum_that_is_unstable_goes_before_the_model(said):
    result = said("bell_time", "3d")
    (alone,) = result.spectra_alone
    assert (alone.file, alone.unstable) == ("eis_2.csv", True)
    block = result.stability["current"]
    assert block.verdict == "oscillates"
    assert block.message.startswith("eis_2.csv by itself is the spectrum of a device that is unstable")
    assert first_line(result) == "Will it spike? Yes, by its own spectra, under current control."
    assert not result.stability["voltage"].measured


@BOTH
def test_voltage_pulses_without_series_resistance(said, model):
    p, result = VOLTAGE_PULSES, said("voltage_pulses", model)
    assert near(result, R_b=p.R_b, i_c0=p.i_c0, V_T=p.V_T, V_m=p.V_m, tau_d=p.tau_d, tau_k=p.tau_k)
    assert result.parameters["R_s"].value < 20.0


@BOTH
def test_two_devices_in_one_folder(said, model):
    result = said("two_devices", model)
    assert first_line(result) == "Can I trust them? No: the records do not go together."
    assert "b_eis_0.csv" in result.status.message.split("contradict each other")[0]
    assert none_determined(result)
    assert result.stability["current"].probability_oscillates is None


@BOTH
def test_two_spectra_that_contradict_each_other(said, model):
    result = said("two_resistances", model)
    assert first_line(result) == "Can I trust them? No: the records do not go together."
    assert none_determined(result)
    assert any("R at 1 Hz rises by a factor 2" in text for text in result.warnings)


@BOTH
def test_a_wrong_unit_leaves_the_other_records_in_peace(said, model):
    p, result = made.TRUTH, said("wrong_unit", model)
    assert result.status.message.startswith("iv_0.csv looks 1000 times too small in current")
    assert first_line(result) == "Can I trust them? No: the records do not go together."
    assert result.left_out == ("iv_0.csv",)
    assert {item.file for item in result.goodness.datasets if item.where} == {"iv_0.csv"}
    assert near(result, R_b=p.R_b, C_m=p.C_m, i_c0=p.i_c0, V_T=p.V_T, tau_d=p.tau_d, tau_k=p.tau_k)
    assert {result.parameters[n].status for n in ("R_b", "V_T")} == {"conditional"}
    assert result.stability["current"].probability_oscillates is None


@BOTH
def test_a_zero_error_of_a_sweep_is_a_term(said, model):
    p, result = OSCILLATING, said("offset_sweep", model)
    assert near(result, R_b=p.R_b, C_m=p.C_m, i_c0=p.i_c0, V_T=p.V_T, V_m=p.V_m)
    assert any("a constant -2." in text and "iv_0.csv" in text for text in result.warnings)


@BOTH
def test_reversed_leads(said, model):
    result = said("reversed_leads", model)
    assert "are the leads reversed?" in result.status.message.split(".")[0]
    assert first_line(result) == "Can I trust them? No: the records do not go together."
    assert none_determined(result)


@BOTH
def test_a_rectifying_leak_is_not_determined(said, model):
    result = said("rectifying_leak", model)
    e = result.parameters["R_b"]
    assert result.status.code == "poor_fit" or e.ci95[0] <= made.TRUTH.R_b <= e.ci95[1]
    assert result.status.code != "poor_fit" or none_determined(result)


@BOTH
def test_of_a_resistor_the_sum_is_said(said, model):
    (sum_,) = [one for one in said("resistor", model).known if one.expression == "R_b + R_s"]
    assert abs(sum_.value - 1e4) < 10.0
    assert sum_.stderr < 10.0
    assert "R_b + R_s = 10" in fit_text(said("resistor", model))


@BOTH
def test_what_ages_is_said_with_its_size(said, model):
    result = said("ageing", model)
    assert result.status.code == "poor_fit"
    assert "R at 1 Hz falls by a factor 9 over 24 h" in result.status.message
    assert none_determined(result)


def test_a_record_that_is_left_out_stands_in_the_report_and_stays_out(tmp_path):
    device = made.wrong_unit()
    joint = fit_records(device, FitPlan(model="3d"))
    write_fit(joint.result, joint.fitted, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "iv_0.csv looks 1000 times too small in current" in page
    state = rebuild_problem(joint.result, device)
    assert not state.problem.keep[state.problem.predictor.slices[4]].any()


CASES = REPOSITORY.parent / "shared" / "cases" / "misfit"


@pytest.fixture(scope="session")
def real():
    """The result of the plainest model on a real device, each fitted once."""

    def fitted(name):
        if not (CASES / name).is_dir():
            pytest.skip(f"{name} of ../shared/cases/misfit is not here")
        return fit_records(load(CASES / name), FitPlan(model="3d")).result

    return fitted


@pytest.mark.parametrize("name", ["hem_bias_series", "switchbox_loops", "perovskite_inductive_loop"])
def test_nothing_is_determined_of_a_real_device_that_the_model_misses(real, name):
    result = real(name)
    assert first_line(result) == "Can I trust them? No: the model does not describe this device."
    assert none_determined(result)
    assert result.stability["current"].probability_oscillates is None


def test_the_better_minimum_of_a_real_diode_is_found(real):
    result = real("zahner_missed_minimum")
    for name, value in (("R_b", 15.9e3), ("C_m", 3.5e-9), ("V_m", 25.3e-3)):
        assert result.parameters[name].value == pytest.approx(value, rel=0.15)
    assert max(item.misfit_percent for item in result.goodness.datasets) < 8.0
    assert none_determined(result)
