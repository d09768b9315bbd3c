"""Repeats that differ and values that move are named with size; what agrees, and what a law does, is not."""

from dataclasses import replace

import numpy as np
import pytest
import wrong_devices
from devices import TRUTH, device, spectra, sweeps

from memfit.datasets import Device
from memfit.fitting.checks.contradictions import moving_values, repeats_that_differ
from memfit.fitting.minimum.least_squares import minimise
from memfit.fitting.noise import prepare
from memfit.fitting.plan import FitPlan, free_parameters
from memfit.fitting.search import physical_start


def twice(change=1.0, noise_seed=2):
    """A device whose sweeps and spectra were taken twice, the second time of another i_c0."""
    planned = [*spectra(biases=(-1.0, 1.0)), *sweeps(rates=(0.05,))]
    again = device(planned, TRUTH.replace(i_c0=change * TRUTH.i_c0), seed=noise_seed)
    later = [replace(record, name=f"again_{record.name}") for record in again.records]
    made = device(planned)
    return replace(made, records=(*made.records, *later))


def test_repeats_that_agree_within_their_noise_are_not_told():
    assert repeats_that_differ(twice()) == ()
    assert repeats_that_differ(device()) == ()


def test_every_measurement_that_did_not_come_out_again_is_told():
    said = repeats_that_differ(twice(1.4))
    assert len(said) == 3
    assert "eis_1.csv and again_eis_1.csv, both at" in said[1]
    assert "times the noise" in said[1]
    assert said[2].startswith("iv_0.csv and again_iv_0.csv, under one drive, differ by")


def test_a_resistance_that_falls_is_told_with_factor_and_time():
    (said,) = repeats_that_differ(wrong_devices.ageing())
    assert "5 spectra of one measurement (eis_0.csv to eis_4.csv), all at 300 mV" in said
    assert "R at 1 Hz falls by a factor 9 over 24 h" in said


def test_times_go_before_the_order_of_files():
    made = wrong_devices.ageing()
    backward = replace(made, records=made.records[::-1])
    assert "(eis_0.csv to eis_4.csv)" in repeats_that_differ(backward)[0]


def drifting(spread, order):
    """Spectra of a device whose tau_d moves from record to record, at biases in some order."""
    biases = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, -2.5, -1.5, -0.5, 0.5])[order]
    records = []
    for k, bias in enumerate(biases):
        p = TRUTH.replace(tau_d=TRUTH.tau_d * float(np.exp(spread * k / 9)))
        (record,) = device(spectra(p, biases=(bias,)), p, seed=k).records
        start = f"2026-11-28T{10 + k}:00:00"
        records.append(replace(record, name=f"eis_{k}.csv", metadata={"start": start}))
    return Device(name="drifts", records=tuple(records))


def minimum(records):
    problem = prepare(records)
    unknowns = physical_start(
        FitPlan(), free_parameters("3d", ()), TRUTH.as_dict(), [r.kind for r in records]
    )
    return minimise(problem, unknowns, unknowns.encode(TRUTH.as_dict()))


SHUFFLED = [6, 3, 0, 8, 5, 1, 9, 2, 7, 4]


@pytest.mark.parametrize(("spread", "said"), [(1.4, "tau_d rises by a factor 2"), (-0.6, "tau_d falls by 2")])
def test_a_value_that_moves_with_time_is_named(spread, said):
    made = drifting(spread, SHUFFLED)
    (text,) = moving_values(minimum(made.records), made, minimum)
    assert text.startswith(said)
    assert "from the earlier to the later half of the records, of 9 h in all" in text


def test_what_goes_with_the_bias_is_no_drift():
    made = drifting(1.4, [0, 6, 1, 7, 2, 8, 3, 9, 4, 5])
    assert moving_values(minimum(made.records), made, minimum) == ()


def test_a_wrong_law_is_no_drift():
    """Its misfit is the same in both halves."""
    made = drifting(0.0, SHUFFLED)
    bent = [replace(r, impedance=r.impedance * (r.frequency / 10.0) ** -0.1) for r in made.records]
    made = replace(made, records=tuple(bent))
    assert moving_values(minimum(made.records), made, minimum) == ()


def test_nothing_is_said_where_no_time_is_known():
    made = replace(drifting(1.4, SHUFFLED), ordered=False)
    silent = replace(made, records=tuple(replace(r, metadata={}) for r in made.records))
    assert moving_values(minimum(silent.records), silent, minimum) == ()
