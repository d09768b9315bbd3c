"""Pictures on axes of one's own: what is drawn is what was measured and what the model says."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import memfit as mf
from memfit.errors import InputError
from memfit.protocols import pulse


def lines_of(axes):
    """Numbers of all lines of more than two points."""
    return [np.asarray(line.get_xydata()) for line in axes.get_lines() if len(line.get_xydata()) > 2]


def test_a_picture_goes_to_the_axes_that_are_given(measured, result):
    others = plt.get_fignums()
    figure, (left, right) = plt.subplots(1, 2)
    assert mf.plot.nyquist(measured, result, ax=left) is left
    assert mf.plot.iv(measured["iv_slow.csv"], result, ax=right) is right
    assert plt.get_fignums() == [*others, figure.number]
    assert "Z′" in left.get_xlabel()
    assert left.get_aspect() == 1.0
    assert len(left.get_legend().get_texts()) == 3


def test_the_model_is_drawn_where_the_data_are(measured, result):
    sweep = measured["iv_slow.csv"]
    axes = mf.plot.iv(sweep, result)
    model = max(lines_of(axes), key=len)
    assert model[:, 0] == pytest.approx(sweep.voltage)
    scale = 1e6 if "µA" in axes.get_ylabel() else 1.0
    assert np.abs(model[:, 1] / scale - sweep.current).max() < 0.05 * np.abs(sweep.current).max()
    assert axes.collections, "a band"
    assert not mf.plot.iv(sweep, result, band=False).collections


def test_a_record_without_a_model(measured):
    for picture, record in (
        (mf.plot.nyquist, measured["eis_0.6.csv"]),
        (mf.plot.modulus, measured["eis_0.6.csv"]),
        (mf.plot.iv, measured["iv_fast.csv"]),
        (mf.plot.transient, measured["pulse.csv"]),
    ):
        axes = picture(record)
        drawn = [one for one in lines_of(axes) if np.isfinite(one).all(axis=1).sum() > 10]
        assert drawn == []
        assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()
    assert mf.plot.iv(measured["iv_fast.csv"], log=True).get_yscale() == "log"


def test_a_record_that_was_not_fitted(measured, result):
    other = measured["iv_slow.csv"].masked(np.arange(61) > 40)
    model = max(lines_of(mf.plot.iv(other, result)), key=len)
    assert len(model) == 41
    with pytest.raises(InputError, match="knows no noise of it"):
        mf.plot.residuals(other, result)


def test_bode_residuals_margins(measured, result):
    upper, lower = mf.plot.bode(measured, result)
    assert (upper.get_yscale(), lower.get_yscale()) == ("log", "linear")
    axes = mf.plot.residuals(measured["eis_0.6.csv"], result)
    assert len(axes.get_lines()) == 2
    spread = np.concatenate([line.get_ydata() for line in axes.get_lines()])
    assert 0.6 < spread.std() < 1.4
    assert mf.plot.residuals(measured["pulse.csv"], result).get_xlabel() == "Time (s)"
    axes = mf.plot.gain_margin(result)
    assert next(text.get_text() for text in axes.get_legend().get_texts()).startswith("current")


def test_a_prediction_with_its_band(measured, result):
    prediction = result.predict(pulse("current", 3e-6, on=0.01, off=0.4, end=0.6))
    axes = mf.plot.forecast(prediction)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Time (s)", "V (V)")
    assert axes.collections
    axes = mf.plot.forecast(result.predict(measured["eis_0.7.csv"]))
    assert axes.get_xlabel() == "Frequency (Hz)"
    assert np.all(prediction.low <= prediction.high)


def test_what_cannot_be_drawn(measured, result):
    for wrong, message in (
        (lambda: mf.plot.nyquist(measured["pulse.csv"]), "Expected impedance spectra, found pulse transient"),
        (lambda: mf.plot.nyquist(list(measured)), "found I-V sweep"),
        (lambda: mf.plot.nyquist([]), "found nothing"),
        (lambda: mf.plot.nyquist(result, measured), "a device first, then its fit"),
        (lambda: mf.plot.iv(result), "a device first, then its fit"),
        (lambda: mf.plot.transient([measured["pulse.csv"]] * 2), "found 2"),
    ):
        with pytest.raises(InputError, match=message):
            wrong()
