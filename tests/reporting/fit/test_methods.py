"""The methods section of a paper: each sentence is true of the result it stands in."""

from dataclasses import replace

from memfit.fitting.results.findings import Member, MisfitFound, PartFound
from memfit.reporting.fit.methods import methods_text


def test_a_plain_fit_says_what_was_fitted_and_how(result):
    first = replace(result.inputs[0], used=result.inputs[0].used - 1)
    result = replace(result, inputs=(first, *result.inputs[1:]))
    text = methods_text(result)
    points = sum(item.used for item in result.inputs)
    assert text.startswith(f"8 impedance spectra, 3 I-V sweeps and 3 pulse transients ({points} points) were")
    assert "J. Phys. Chem. Lett. 2022, 13, 3789" in text
    assert "extended" not in text
    assert "No further part" in text
    assert "1 point left out" in text
    assert "the Jacobian at the minimum" in text
    assert "does not describe" not in text


def test_what_was_chosen_and_what_else_is_allowed(result):
    found = PartFound(part="branch", bic_fall=517.4, misfit=(36.0, 1.2), sentence="")
    other = Member(parts=("leak",), bic=3.0, weight=0.18, status="ok")
    parted = replace(
        result,
        parts=("branch",),
        parts_found=(found,),
        members=(Member(parts=("branch",), bic=0.0, weight=0.82, status="ok"), other),
    )
    text = methods_text(parted)
    assert ", extended by: ionic branch." in text
    assert "ionic branch (BIC falls by 517)" in text
    assert "models with leak that grows with voltage (18 %)" in text
    given = methods_text(replace(parted, parts_found=()))
    assert "These parts were given" in given
    assert "score tests" not in given


def test_a_model_that_fails_is_said_to(result):
    large = MisfitFound(
        certain=True, large=True, probability=0.0, widening=3.0, sentence="misses the spectra by 45 % of |Z|"
    )
    text = methods_text(replace(result, misfit=large))
    assert "does not describe the data: it misses the spectra by 45 % of |Z|" in text
    assert "chi2 a point" not in text
