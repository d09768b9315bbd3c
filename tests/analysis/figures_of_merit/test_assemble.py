"""The whole sheet: measured beside predicted, reasons where there is nothing."""

from dataclasses import replace

import devices
import numpy as np
import pytest

from memfit.analysis.figures_of_merit.assemble import (
    NO_DATA,
    NO_INTERVAL,
    NOT_MEASURED,
    OF_NOISE,
    figures_of_merit,
)
from memfit.analysis.figures_of_merit.conditions import Conditions
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT
from memfit.datasets.standard_protocols import protocol
from memfit.errors import InputError
from memfit.synthetic.measurements import Noise, Recording, loop, simulate_device

P = devices.TRUTH


def test_measured_and_predicted_agree(sheet):
    differences = [e.difference for e in sheet.entries if e.difference is not None]
    assert len(differences) > 20
    assert np.median(np.abs(differences)) < 1.5
    assert max(np.abs(differences)) < 4.0


def test_every_dash_has_its_reason(sheet):
    for e in sheet.entries:
        assert (e.measured is None) == bool(e.measured_reason), e
        assert (e.predicted is None) == bool(e.predicted_reason), e
    assert {e.name for e in sheet.entries} == set(FIGURES_OF_MERIT)
    assert sheet["PPF"].measured_reason == NOT_MEASURED
    assert "Hopf" in sheet["threshold_current"].predicted_reason
    assert "not measured" in sheet["endurance"].measured_reason
    assert "not measured" in sheet["forming"].measured_reason


def test_predictions_hold_the_truth(sheet):
    true = figures_of_merit(
        P,
        conditions=Conditions(
            **{
                name: getattr(sheet.conditions, name)
                for name in (
                    "amplitude",
                    "read",
                    "rate",
                    "depression",
                    "width",
                    "interval",
                    "count",
                    "duration",
                )
            }
        ),
    )
    within = []
    for e in sheet.entries:
        if e.record or e.predicted is None or e.predicted.stderr in (None, 0.0) or e.name == "levels":
            continue
        own = true[e.name].predicted
        if own is not None and e.name != "turnover_frequency":
            within.append(abs(e.predicted.value - own.value) / e.predicted.stderr)
    assert len(within) > 15
    assert np.mean(np.array(within) < 3.0) > 0.9


def test_between_two_loops_the_turnover_is_known_no_better_than_their_rates():
    top, rate = 0.85, figures_of_merit(P)["turnover_rate"].predicted.value
    rates = [rate / 5.0, rate / 2.0, 3.0 * rate]
    planned = [loop([0.0, top, 0.0], one, points=401, file=f"{k}.csv") for k, one in enumerate(rates)]
    entry = figures_of_merit(P, devices.exact(planned))["turnover_rate"]
    assert entry.measured.ci95 == pytest.approx((rates[1], rates[2]), rel=1e-6)
    assert rates[1] < entry.measured.value < rates[2]
    assert rates[1] < entry.predicted.value < rates[2]
    assert entry.difference is None


def test_without_records(fitted):
    bare = figures_of_merit(fitted)
    assert all(e.measured is None and e.measured_reason == NO_DATA for e in bare.entries)
    assert bare["V_set"].predicted.ci95 is not None


def test_what_is_no_device_is_named(fitted):
    with pytest.raises(InputError, match=r"Expected a device as memfit\.load gives it, found <"):
        figures_of_merit(fitted, fitted)


def test_a_model_that_misses_the_data(fitted, measured):
    poor = replace(fitted, status=replace(fitted.status, code="poor_fit"))
    assert "conditional" in figures_of_merit(poor, measured).notes[0]


def test_no_prediction_of_a_fit_is_without_its_interval(fitted, measured):
    wide = tuple(tuple(1e6 * one for one in row) for row in fitted.covariance)
    vague = figures_of_merit(replace(fitted, covariance=wide), measured)
    assert all(e.predicted is None or e.predicted.ci95 is not None for e in vague.entries)
    assert any(e.predicted_reason == NO_INTERVAL for e in vague.entries)


def test_what_the_noise_takes_away_is_not_measured():
    planned = [loop([0.0, 1.05, 0.0], rate, points=81, file=f"{rate}.csv") for rate in (0.5, 2.0, 8.0)]
    rough = simulate_device(P, planned, replace(devices.NOISE, current=0.1), seed=4)
    entries = figures_of_merit(P, rough, names=("V_set", "V_reset", "crossing", "lobes")).entries
    read = [e for e in entries if e.record and e.name != "lobes"]
    assert all(e.measured is None or e.measured.ci95 is not None for e in read)
    assert any(e.measured_reason == OF_NOISE for e in read)
    assert all(e.measured is not None for e in entries if e.record and e.name == "lobes")


def test_pulses_are_measured_although_their_edges_are_a_thousand_times_larger():
    """Relative noise: where samples crowd, the current is that of the charged capacitance."""
    asked = Conditions(amplitude=1.0, read=0.5, width=0.02, interval=0.03, count=8)
    pair = protocol("paired_pulses", amplitude=1.0, width=0.02, interval=0.03)
    planned = [Recording(file="pair.csv", kind="transient", drive=pair.drive, time=pair.time)]
    errors = []
    for seed in range(8):
        measured = simulate_device(P, planned, Noise(current=0.001, current_floor=1e-9), seed=seed)
        (entry,) = (e for e in figures_of_merit(P, measured, asked, names=("PPF",)).entries if e.record)
        assert entry.measured.stderr < 0.002 * entry.measured.value
        errors.append((entry.measured.value - entry.predicted.value) / entry.measured.stderr)
    assert 0.4 < np.sqrt(np.mean(np.square(errors))) < 1.8


def test_conditions_that_the_model_cannot_give(fitted, measured):
    low = figures_of_merit(fitted, measured, Conditions(read=2.0))
    assert low["R_HRS"].predicted is None
    assert "does not reach" in low["R_HRS"].predicted_reason
    assert any("larger than the amplitude" in note for note in low.notes)


def test_another_device_is_measured_as_nothing(fitted):
    other = figures_of_merit(fitted, devices.device(seed=2))
    assert all(e.measured is None for e in other.entries)


def test_parameters_alone():
    bare = figures_of_merit(P, devices.device())
    loops = [e for e in bare.entries if e.name == "loop_area" and e.record]
    assert all(e.measured.stderr > 0.0 and e.predicted.ci95 is None for e in loops)


def test_an_unknown_figure(sheet):
    with pytest.raises(KeyError, match="no figure of merit"):
        sheet["colour"]


def test_wrong_conditions():
    with pytest.raises(InputError, match="above 0"):
        figures_of_merit(P, conditions=Conditions(rate=-1.0))


@pytest.mark.parametrize(
    "names",
    [("V_set", "PPF"), ("turnover_rate",), ("turnover_frequency", "tau_d_rest"), ("energy_per_pulse",),
     ("levels", "endurance"), ("threshold_current", "fading_time")],
)  # fmt: skip
def test_a_few_figures_are_those_of_the_whole_sheet(names, fitted, measured, sheet):
    few = figures_of_merit(fitted, measured, names=names)
    assert {entry.name for entry in few.entries} == set(names)
    assert few.curves == ()
    whole = {(e.name, e.record, tuple(e.conditions.items())): e for e in sheet.entries}
    for entry in few.entries:
        if not entry.record and entry.name == "energy_per_pulse" and "interval" not in entry.conditions:
            continue
        known = whole[entry.name, entry.record, tuple(entry.conditions.items())]
        for one, other in ((entry.predicted, known.predicted), (entry.measured, known.measured)):
            assert (one is None) == (other is None)
            if one is not None:
                assert one.value == pytest.approx(other.value, rel=1e-9)
                assert (
                    one.stderr == pytest.approx(other.stderr, rel=1e-6) or one.stderr is other.stderr is None
                )
