"""How a result was made, as the methods section of a paper says it."""

from memfit.fitting import FitResult
from memfit.reporting.content import (
    KINDS,
    MODEL,
    PART,
    SENTENCES,
    TEXT_OF_METHODS,
    composition,
    counted,
    listed,
)
from memfit.reporting.fit.summary import records_of
from memfit.reporting.numbers import percent, quantity_digits
from memfit.units import two_digits

_WORTH_SAYING = 0.01
"""Share of the probability of another model below which it is not said."""


def methods_text(result: FitResult) -> str:
    """One paragraph: data, model, how it was chosen, weights, minimum, intervals; true of this result alone.

    Parameters
    ----------
    result : FitResult
    """
    said = [_data_and_model(result), _choice(result), _others(result), _weights(result)]
    said += [TEXT_OF_METHODS["minimum"], _intervals(result), _misfit(result)]
    return " ".join(sentence for sentence in said if sentence)


def _data_and_model(result: FitResult) -> str:
    """What was fitted with what."""
    return TEXT_OF_METHODS["data"].format(
        records=records_of(result),
        points=sum(item.used for item in result.inputs),
        version=result.memfit_version,
        model=MODEL.get(result.model, result.model),
        extended=TEXT_OF_METHODS["extended"].format(parts=composition(result.parts)) if result.parts else "",
    )


def _choice(result: FitResult) -> str:
    """How the parts came to be there."""
    if result.parts_found:
        found = [
            f"{PART.get(one.part, one.part)} (BIC falls by {quantity_digits(one.bic_fall, '1', 3)})"
            for one in result.parts_found
        ]
        return TEXT_OF_METHODS["found"].format(parts=listed(found))
    if result.parts:
        return SENTENCES["parts_given"]
    return TEXT_OF_METHODS["plainest"] if result.members else ""


def _others(result: FitResult) -> str:
    """Other models that the data allow."""
    others = [one for one in result.members[1:] if one.weight >= _WORTH_SAYING]
    if not others:
        return ""
    models = [f"{composition(one.parts) or 'no further part'} ({percent(one.weight)})" for one in others]
    return TEXT_OF_METHODS["others"].format(models=listed(models))


def _weights(result: FitResult) -> str:
    """What the points counted for, by kind of data."""
    noise: list[str] = []
    for kind in KINDS:
        seen = [item.noise_model_free or item.noise for item in result.goodness.datasets if item.kind == kind]
        sizes = [noise["relative"] for noise in seen]
        if sizes and max(sizes) > 0.0:
            ends = (two_digits(100.0 * size) for size in (min(sizes), max(sizes)))
            noise.append(f"{' to '.join(dict.fromkeys(ends))} % of the {KINDS[kind]}")
    out = sum(item.points - item.used for item in result.inputs)
    left = TEXT_OF_METHODS["left_out"].format(points=counted(out, "point")) if out else ""
    return TEXT_OF_METHODS["weights"].format(
        noise=f" (noise seen without a model: {listed(noise)})" if noise else "", left_out=left
    )


def _intervals(result: FitResult) -> str:
    """How intervals were found."""
    ways = [TEXT_OF_METHODS["linear"]] if result.covariance else []
    ways += [TEXT_OF_METHODS["profiles"]] if result.profiles else []
    ways += (
        [TEXT_OF_METHODS["bootstrap"].format(number=result.bootstrap.requested)] if result.bootstrap else []
    )
    ways += [TEXT_OF_METHODS["posterior"]] if result.posterior else []
    return TEXT_OF_METHODS["intervals"].format(ways=listed(ways)) if ways else ""


def _misfit(result: FitResult) -> str:
    """How well the model describes the data."""
    if result.misfit is not None and result.misfit.large:
        return TEXT_OF_METHODS["fails"].format(misfit=result.misfit.sentence)
    chi2 = result.goodness.chi2_reduced_model_free
    return TEXT_OF_METHODS["describes"].format(chi2=quantity_digits(chi2, "1", 2)) if chi2 else ""
