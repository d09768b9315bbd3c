"""What to measure next: promises are kept by the fit that follows, and nothing dangerous is proposed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from devices import FREQUENCY, NOISE, TRUTH, device, spectra, sweeps

from memfit.analysis.design import SETTINGS, plan_next
from memfit.errors import InputError
from memfit.fitting.joint import fit
from memfit.fitting.prediction.predict import Predictor
from memfit.model import NAMES, Parameters
from memfit.synthetic.measurements import simulate_device, spectrum

CORE = NAMES[:7]


@pytest.fixture(scope="module")
def one_bias():
    """A device seen at one bias."""
    return device(spectra(biases=(0.3,)))


@pytest.fixture(scope="module")
def result(one_bias):
    return fit(one_bias).result


@pytest.fixture(scope="module")
def plan(result):
    return plan_next(result)


def _with_spectrum(data, forecast, truth):
    """The device with the proposed spectrum, measured on a device of known parameters."""
    bias = forecast.settings["bias"]
    second = simulate_device(truth, [spectrum(bias, FREQUENCY, file="second.csv")], NOISE, seed=11)
    return replace(data, records=(*data.records, *second.records))


def _spectrum_of(plan):
    return next(f for f in plan.forecasts if f.subject == "bias")


def test_one_bias_asks_for_another_place_than_the_one_that_was_seen(plan):
    """A spectrum at another bias or a loop: which of them comes first depends on rounding."""
    assert plan.undetermined == ("i_c0", "V_T", "V_m", "tau_d", "tau_k")
    assert plan.forecasts[0].subject in ("bias", "scan rate")
    assert set(plan.forecasts[0].settles) <= set(plan.undetermined)
    assert len(plan.forecasts[0].settles) >= 2
    assert abs(_spectrum_of(plan).settings["bias"] - 0.824) > 0.02
    assert plan.sentences[0].startswith(("Measure a spectrum at", "Measure a loop 0 V to"))
    assert plan.worst in plan.undetermined


def test_promise_is_kept_by_the_fit_with_the_proposed_spectrum(one_bias, plan):
    """If the device is as at the minimum: simulated there, the proposed spectrum keeps its promise."""
    forecast = _spectrum_of(plan)
    there = Parameters.from_mapping(plan.values)
    refit = fit(_with_spectrum(one_bias, forecast, there)).result
    assert refit.status.code == "ok"
    sharp = [name for name in CORE if forecast.relative[name] < 0.5 * SETTINGS.settled]
    assert len(sharp) >= 4
    for name in sharp:
        estimate = refit.parameters[name]
        size = refit.parameters["V_m"].value if name == "V_T" else estimate.value
        assert estimate.stderr / size == pytest.approx(forecast.relative[name], rel=0.3), name


def test_proposed_spectrum_settles_the_real_device(one_bias, plan):
    refit = fit(_with_spectrum(one_bias, _spectrum_of(plan), TRUTH)).result
    assert refit.status.code == "ok"
    for name in CORE:
        estimate = refit.parameters[name]
        assert estimate.status in ("determined", "weak")
        assert abs(estimate.value - getattr(TRUTH, name)) < 5 * estimate.stderr, name


def test_promise_for_a_device_that_is_known(tmp_path):
    """One spectrum more on three: the shrinking of every error is foretold."""
    data = device(spectra(biases=(-3.0, 0.0, 1.0)))
    plan = plan_next(fit(data).result)
    assert plan.undetermined == ()
    forecast = _spectrum_of(plan)
    refit = fit(_with_spectrum(data, forecast, TRUTH)).result
    for name in CORE:
        assert refit.parameters[name].stderr == pytest.approx(forecast.stderr[name], rel=0.3), name
        assert forecast.relative[name] <= plan.now[name] * 1.001


def test_more_information_never_hurts(plan):
    for forecast in plan.forecasts:
        for name in CORE:
            low, high = forecast.range[name]
            assert low <= forecast.typical[name] <= high
            assert forecast.typical[name] <= max(plan.now[name], 10.0) * 1.001


def test_loops_alone_are_settled_by_something_fast():
    plan = plan_next(fit(device(sweeps(rates=(0.002,)))).result)
    assert set(plan.undetermined) == {"C_m", "tau_d", "tau_k"}
    assert plan.settled_by["C_m"] is not None
    assert plan.forecasts[0].subject in ("bias", "pulse", "scan rate")
    assert "C_m" in plan.forecasts[0].settles


def test_plan_is_plain_data(plan, one_bias, result):
    text = json.dumps(plan.to_dict(), allow_nan=False)
    assert json.loads(text)["undetermined"] == list(plan.undetermined)
    assert plan_next(result, one_bias).forecasts == plan.forecasts


def test_results_of_older_versions_say_what_is_missing(result, one_bias):
    with pytest.raises(InputError, match="run `memfit fit` again"):
        plan_next(replace(result, minimum=None))
    silent = replace(result, inputs=tuple(replace(item, covers={}) for item in result.inputs))
    with pytest.raises(InputError, match="--data"):
        plan_next(silent)
    assert plan_next(silent, one_bias).forecasts


def test_a_forecast_of_a_spectrum_is_its_fisher_information():
    """Against the normal matrix written by hand for a single bias more."""
    data = device(spectra(biases=(-3.0, 0.0, 1.0)))
    result = fit(data).result
    forecast = _spectrum_of(plan_next(result))
    p = Parameters.from_mapping(result.minimum.places[0].values)
    root = np.array(result.minimum.places[0].information)
    record = replace(data.records[0], bias_voltage=forecast.settings["bias"])
    prediction = Predictor([record])(p)
    size = np.hypot(*np.split(prediction.values, 2))
    sigma = np.tile(np.median([d.noise["relative"] for d in result.goodness.datasets]) * size, 2)
    columns = [NAMES.index(n) for n in result.minimum.names]
    units = [getattr(p, n) if n in result.logarithmic else 1.0 for n in result.minimum.names]
    rows = prediction.derivatives[:, columns] * units / sigma[:, None]
    share = np.median([d.effective_points / (2 * d.points) for d in result.goodness.datasets])
    normal = root.T @ root + min(share, 1.0) * rows.T @ rows
    errors = np.sqrt(np.diag(np.linalg.inv(normal)))
    for name, error, unit in zip(result.minimum.names, errors, units, strict=True):
        if name in CORE:
            assert forecast.stderr[name] == pytest.approx(error * unit, rel=1e-3), name
