"""The first screen in words, for every way a fit can end."""

from dataclasses import replace

import pytest

from memfit.fitting import Estimate, Status
from memfit.fitting.results.findings import Diagnosis, MisfitFound
from memfit.reporting.fit.summary import (
    answers,
    circuit_sentence,
    error_of,
    nearness_sentence,
    next_answer,
    parameters_answer,
    spiking_answer,
    trust_answer,
)


def block(**changes):
    calm = {
        "verdict": "stable",
        "message": "The 2D model has two lags at most and cannot oscillate.",
        "probability_oscillates": 0.2,
        "hopf_points": [],
        "gain_margin_min": 5.25,
        "gain_margin_ci95": [4.858, 5.642],
        "at_u": 0.772,
    }
    return {**calm, **changes}


HOPF = [
    {"u": 0.9, "V": 0.91, "I": 1e-4, "omega": 1.0, "frequency_Hz": 56.3, "criticality": "supercritical"},
    {"u": 1.15, "V": 1.17, "I": 9e-4, "omega": 1.0, "frequency_Hz": 20.0, "criticality": "subcritical"},
]


def test_parameters_are_listed_with_their_errors(result):
    answer = parameters_answer(result)
    assert [name for name, _ in answer.facts] == list(result.parameters)
    assert all("(" in text for _, text in answer.facts)
    assert "8 impedance spectra, 3 I-V sweeps and 3 pulse transients" in answer.sentences[0]


def test_what_is_not_determined_is_named(result):
    nothing = {name: Estimate(value=None, unit="1", status="undetermined") for name in ("tau_d", "tau_k")}
    some = parameters_answer(replace(result, parameters={**result.parameters, **nothing}))
    assert "Not determined by these data: tau_d and tau_k." in some.sentences
    assert "Weakly determined: tau_k." in parameters_answer(result).sentences
    none = parameters_answer(replace(result, parameters=nothing))
    assert (none.headline, none.tone, none.facts) == ("None is determined.", "bad", ())


@pytest.mark.parametrize(
    ("code", "headline", "tone"),
    [
        ("at_bound", "In part: a parameter ended at its bound.", "care"),
        ("not_identifiable", "Not all: the data do not determine every parameter.", "care"),
        ("not_converged", "No: the fit did not converge.", "bad"),
        ("poor_fit", "No: the model does not describe this device.", "bad"),
    ],
)
def test_trust_follows_the_status(result, code, headline, tone):
    answer = trust_answer(replace(result, status=Status(code=code, message="Why.")))
    assert (answer.headline, answer.tone) == (headline, tone)
    assert answer.sentences[0] == "Why."


def test_a_clean_fit_is_trusted_and_a_warning_makes_a_reservation(found, result):
    clean = replace(found.result, warnings=(), excluded=())
    assert (trust_answer(clean).headline, trust_answer(clean).tone) == ("Yes.", "good")
    reserved = trust_answer(result)
    assert (reserved.headline, reserved.tone) == ("Yes, with the reservations below.", "care")
    assert result.warnings[0] in reserved.sentences
    (file,) = {one.file for one in result.excluded}
    assert f"1 point left out as outliers (< 1 %), all of {file}: see the inputs." in reserved.sentences


def test_one_error_is_no_range(result):
    only = {"R_s": replace(result.parameters["R_s"], value=20.0, stderr=1.0, status="weak")}
    sentences = trust_answer(replace(result, parameters=only)).sentences
    assert "The relative standard error of R_s is 5.0 %." in sentences


def test_only_the_first_warnings_stand_on_the_first_screen(result):
    many = replace(result, warnings=tuple(f"Warning {i}." for i in range(5)))
    assert trust_answer(many).sentences[-2:] == ("Warning 2.", "2 more warnings with the inputs.")


def test_a_device_that_oscillates(result):
    circuits = {"current": block(verdict="oscillates", hopf_points=HOPF), "voltage": block()}
    answer = spiking_answer(replace(result, stability=circuits))
    assert answer.headline == "Yes, under current control."
    assert answer.sentences[0] == (
        "Current control: the steady state is unstable from u = 0.900 to 1.150 V (I = 100 to 900 µA); the "
        "oscillation is born with 20.0 to 56.3 Hz. The onset is supercritical. Probability that it "
        "oscillates, given the errors: 20 %."
    )


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        (("stable", "stable"), "No: it is stable under every circuit examined."),
        (("stable", "near"), "Nearly: it is close to the threshold under voltage control through R_s."),
        (("stable", "undetermined"), "The data do not say."),
        (("near", "oscillates"), "Yes, under voltage control through R_s."),
        (("stable", "unheard of"), "No: it is stable under every circuit examined."),
    ],
)
def test_the_most_eager_circuit_decides(result, verdicts, headline):
    circuits = {name: block(verdict=v) for name, v in zip(("current", "voltage"), verdicts, strict=True)}
    assert spiking_answer(replace(result, stability=circuits)).headline == headline


def test_what_holds_for_every_circuit_is_said_once(result):
    unknown = block(verdict="undetermined", message="The data do not determine tau_k.")
    answer = spiking_answer(replace(result, stability={"current": unknown, "voltage": unknown}))
    assert answer.sentences == ("The data do not determine tau_k.",)
    spectrum = "a.csv by itself is the spectrum of a device that is unstable."
    measured = {**unknown, "verdict": "oscillates", "message": f"{spectrum} {unknown['message']}"}
    measured |= {"measured": spectrum, "probability_reason": "By its own spectra."}
    said = replace(result, stability={"current": measured, "voltage": unknown})
    assert len(spiking_answer(said).sentences) == 1
    *_, after = answers(said, (spectrum, "Measure a spectrum: V_T would be known."))
    assert after.headline == "Measure a spectrum."


def test_without_an_analysis_nothing_is_claimed(result):
    assert spiking_answer(replace(result, stability={})).headline == "Not examined."


def test_a_stable_circuit_says_how_far_it_is():
    assert circuit_sentence("current", block(probability_oscillates=None)) == (
        "Current control: stable at every bias; the loop gain would have to grow 5.25(20) times to oscillate "
        "(at u = 0.772 V)."
    )
    assert "grow 14000 times" in circuit_sentence("voltage", block(gain_margin_min=13950.0))


def test_without_a_margin_the_message_of_the_analysis_stands():
    two = block(gain_margin_min=None, probability_oscillates=None)
    assert circuit_sentence("current", two) == f"Current control: {two['message']}"
    unknown = block(verdict="undetermined", message="The data do not determine tau_k.")
    assert circuit_sentence("current", unknown) == "The data do not determine tau_k."
    assert circuit_sentence("a lab's own", {"verdict": "stable"}) == "A lab's own: stable."


def test_the_nearest_threshold_is_told_where_it_is_known():
    ways = {"decades": {"distance": 0.0432}, "standard_errors": {"distance": 3.61}}
    assert nearness_sentence("current", block(nearest_boundary=ways)) == (
        "Under current control the nearest point of the threshold is 0.043 decades away, all parameters "
        "together (a factor of 1.10, were it only one), 3.6 standard errors of the fit away."
    )
    assert nearness_sentence("current", block()) == ""


def test_an_open_interval_has_no_error():
    assert error_of([1.0, 4.92]) == pytest.approx(1.0, rel=1e-4)
    assert error_of([None, 2.0]) is None
    assert error_of(None) is None


def test_what_to_measure_next_in_a_headline():
    answer = next_answer(
        ("Measure a pulse of 45 uA for 66 ms: V_T, now known to 26 uV, would be known.", "More.")
    )
    assert answer.headline == "Measure a pulse of 45 µA for 66 ms."
    assert answer.sentences == ("V_T, now known to 26 µV, would be known.", "More.")
    named = next_answer(("Measure a spectrum: i_c0 would be known.",))
    assert named.sentences == ("i_c0 would be known.",), "a name keeps its first letter"
    assert next_answer(("Nothing is left to measure.",)).headline == "Nothing is left to measure."


def test_what_to_measure_comes_before_the_reason(result):
    """Unless a file may hold a mistake, which is to be settled first."""
    misfit = MisfitFound(certain=True, large=True, probability=0.0, widening=1.0, sentence="misses spectra")
    plan = ("The model does not describe this.", "Measure a.csv again: drift?", "More.")
    poor = replace(result, misfit=misfit, status=Status(code="poor_fit", message="It does not."))
    first, *_, last = answers(poor, plan)
    assert first.headline == "No: the model does not describe this device.", "misfit first"
    assert last.headline == "Measure a.csv again."
    assert last.sentences == ("Drift?", "The model does not describe this.")
    wrong = replace(poor, misfit=replace(misfit, mistake="The unit of a.csv?"))
    assert answers(wrong, plan)[-1].headline == plan[0]


def test_thousands_of_standard_errors_are_said_in_words():
    ways = {"decades": {"distance": 0.13}, "standard_errors": {"distance": 3400.0}}
    said = nearness_sentence("current", block(nearest_boundary=ways))
    assert "0.13 decades away, all parameters together (a factor of 1.35, were it only one)" in said
    assert said.endswith("far more than the errors of the fit allow.")
    ways["standard_errors"]["distance"] = 2.5
    assert nearness_sentence("current", block(nearest_boundary=ways)).endswith(
        "2.5 standard errors of the fit away."
    )


def test_a_part_that_would_change_nothing_to_be_seen_is_not_asked_for(result):
    seen, unseen = (
        Diagnosis(part="leak", chi2_fall=9.0, per_point=pair, sentence=f"chi2 {pair}.")
        for pair in ((4.0, 1.1), (0.953, 0.951))
    )
    sentences = trust_answer(replace(result, diagnosis=(unseen, seen))).sentences
    assert seen.sentence in sentences
    assert unseen.sentence not in sentences
