"""What was not measured: curves against the model itself, bands against exact derivatives."""

from dataclasses import replace

import devices
import numpy as np
import pytest

import memfit as mf
from memfit.confidence import Z
from memfit.errors import InputError
from memfit.fitting.results import forecast
from memfit.fitting.results.forecast import predict
from memfit.fitting.results.propagation import knowledge_of
from memfit.model.transient import DriveSet, simulate
from memfit.protocols import SmallSignal, pulse, sweep
from memfit.synthetic.measurements import spectrum

P = devices.TRUTH
LOOP = sweep("voltage", [0.0, 1.0, 0.0], rate=0.3)


@pytest.fixture(scope="module")
def fitted(joint):
    return joint.result


def test_the_curve_is_that_of_the_model(fitted):
    found = predict(fitted, LOOP)
    course = simulate(fitted.values(), LOOP, found.at)
    np.testing.assert_allclose(found.values, course.current, rtol=1e-7)
    assert found.quantity == "current"
    assert found.method == "linear"
    np.testing.assert_allclose(found.applied, LOOP.at(found.at))


def test_the_band_is_that_of_exact_derivatives(fitted):
    found = predict(fitted, LOOP)
    known = knowledge_of(fitted)
    response = DriveSet([LOOP], [found.at]).respond(known.best, sensitivities=True)
    names = known.uncertainty.names
    unit = [1.0 if n in known.uncertainty.additive else getattr(known.best, n) for n in names]
    by = response.by_parameters[:, [response.names.index(n) for n in names]] * unit
    exact = np.sqrt(np.einsum("ni,ij,nj->n", by, known.uncertainty.covariance, by))
    largest = exact.max()
    np.testing.assert_allclose((found.high - found.values) / Z, exact, atol=0.01 * largest)


def test_records_are_predicted_at_their_points(fitted, noisy):
    for record in noisy.records:
        found = predict(fitted, record)
        data = record.impedance if record.kind == "impedance" else record.response
        misses = np.abs(found.values - data) / np.ptp(np.abs(data))
        assert found.values.shape == data.shape
        assert np.median(misses) < 0.02


def test_a_small_signal(fitted):
    frequency = np.geomspace(1e3, 0.1, 9)
    found = predict(fitted, SmallSignal("voltage", 0.8, frequency))
    np.testing.assert_allclose(found.values, mf.impedance(fitted.values(), frequency, 0.8), rtol=1e-12)
    assert np.all(found.high.real > found.low.real)
    assert list(found.to_frame())[:3] == ["at", "applied", "value_real"]


def test_parameters_alone_have_no_band():
    found = predict(P, pulse("current", 1e-5, on=0.1, off=0.5, end=1.0), [0.0, 0.2, 0.6])
    assert np.all(np.isnan(found.low))
    assert "no intervals" in found.notes[0]
    assert list(found.to_frame()["at"]) == [0.0, 0.2, 0.6]


def test_a_model_that_misses_the_data_says_so(fitted):
    poor = replace(fitted, status=replace(fitted.status, code="poor_fit"))
    assert "conditional" in predict(poor, LOOP).notes[0]


def test_what_is_no_protocol_or_no_result_is_named(fitted, noisy):
    with pytest.raises(InputError, match=r"Expected a record, or a protocol as `pulse`.*found 'text'"):
        predict(fitted, "text")
    with pytest.raises(InputError, match="Expected a result of a fit, or parameters, found <Device"):
        predict(noisy, noisy.records[0])


def test_a_free_start_is_refused(fitted):
    with pytest.raises(InputError, match="initial state"):
        predict(fitted, replace(LOOP, initial="free"))


def test_a_band_that_is_not_known_is_told(fitted, monkeypatch):
    plain = forecast.propagate

    def lost(*args, **options):
        found = plain(*args, **options)
        return replace(found, low=np.full(found.low.shape, np.nan), high=np.full(found.high.shape, np.nan))

    assert not any("no band" in note for note in predict(fitted, LOOP).notes)
    monkeypatch.setattr(forecast, "propagate", lost)
    assert sum("no band" in note for note in predict(fitted, LOOP).notes) == 1


@pytest.mark.parametrize("seed", [1, 5])
def test_what_open_parameters_leave_open_is_in_the_band(seed):
    """Two spectra below the threshold know 1/R_a at one bias and hardly where the threshold is."""
    truth = mf.Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1, tau_k=0.02, R_s=40.0)
    frequency = np.geomspace(1e5, 0.1, 40)
    specs = [spectrum(bias, frequency) for bias in (0.55, 0.276)]
    one = mf.simulate_device(truth, specs[:1], seed=seed)
    result = mf.fit(mf.simulate_device(truth, specs, seed=seed), start=mf.fit(one))
    assert result.status.code == "not_identifiable"
    protocol = pulse("current", 3e-6, on=0.05, off=0.6, end=1.0)
    found = predict(result, protocol)
    course = simulate(truth, protocol, found.at).voltage
    assert np.mean((found.low <= course) & (course <= found.high)) > 0.9
    for place in result.minimum.places:
        there = simulate(mf.Parameters.from_mapping(place.values), protocol, found.at).voltage
        assert np.all((found.low <= there + 1e-9) & (there <= found.high + 1e-9))
