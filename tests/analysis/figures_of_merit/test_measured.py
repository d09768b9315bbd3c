"""Measured figures: unbiased, with errors of the size of their scatter."""

from dataclasses import replace

import devices
import numpy as np
import pytest

from memfit.analysis.figures_of_merit.conditions import Conditions, stated
from memfit.analysis.figures_of_merit.measured import (
    NoiseOfRecord,
    in_record,
    normal,
    of_cycles,
    of_forming,
    with_noise,
)
from memfit.analysis.figures_of_merit.subjects import of_records
from memfit.confidence import Z
from memfit.synthetic.measurements import loop, simulate_device

P = devices.TRUTH
FULL = stated(Conditions(), P, ())


def test_scatter_over_seeds_is_the_stated_error():
    top = P.V_T + 3 * P.V_m
    planned = [loop([0.0, top, 0.0], 1.0, points=200, file="loop.csv")]
    exact = next(of_records(devices.exact(planned).records, FULL))
    true = exact.evaluate(exact.drive.at(exact.time), exact.record.response)
    found = {}
    for seed in range(12):
        (subject,) = of_records(simulate_device(P, planned, devices.NOISE, seed=seed).records, FULL)
        noise = NoiseOfRecord(0.01, 5e-4 * float(np.max(exact.record.current)), 1.0)
        for name, value in in_record(subject, noise, exact.record.response).items():
            if value is not None and value.stderr:
                found.setdefault(name, []).append((value.value - true[name]) / value.stderr)
    for name in ("V_set", "R_HRS", "R_LRS", "on_off", "loop_area", "hysteresis_index"):
        z = np.array(found[name])
        assert abs(np.mean(z)) < 1.0, name
        assert 0.4 < np.std(z) < 1.8, name


def test_noise_is_that_of_the_fit(fitted, measured):
    record = measured.records[-1]
    noise = NoiseOfRecord.of(fitted, record)
    assert noise.sigma(record.response)[0] == pytest.approx(0.004, rel=0.6)
    assert NoiseOfRecord.of(None, record).floor == pytest.approx(0.004, rel=0.5)
    assert NoiseOfRecord.of(None, measured.records[0]).relative == pytest.approx(0.01, rel=0.5)


def test_a_figure_without_a_number_is_none():
    found = with_noise(
        lambda y: {"V_set": np.nan, "loop_area": float(y.sum())}, np.ones(4), np.ones(4), np.ones(4)
    )
    assert found["V_set"] is None
    assert found["loop_area"].stderr == pytest.approx(2.0, rel=0.4)


def test_records_of_one_length_do_not_share_the_error_of_their_standard_errors():
    rng = np.random.default_rng(3)
    errors = []
    for _ in range(100):
        data = rng.standard_normal(50)
        value = with_noise(lambda y: {"loop_area": float(y.sum())}, data, np.zeros(50), np.ones(50))
        errors.append(value["loop_area"].stderr / np.sqrt(50.0))
    assert np.mean(errors) == pytest.approx(1.0, abs=0.05)  # 0.12 of one, 0.012 of the mean
    assert np.std(errors) == pytest.approx(0.12, abs=0.04)


def test_positive_figures_have_intervals_of_a_factor():
    value = normal("R_HRS", 100.0, 10.0, "noise of the record")
    assert value.ci95 == pytest.approx((100.0 * np.exp(-0.1 * Z), 100.0 * np.exp(0.1 * Z)))
    assert normal("V_set", 1.0, 0.1, "noise of the record").ci95 == pytest.approx((1 - 0.1 * Z, 1 + 0.1 * Z))


def test_cycles_of_one_record():
    top = P.V_T + 3 * P.V_m
    planned = [loop([0.0, *[top, 0.0] * 5], 1.0, points=900, file="loop.csv")]
    (subject,) = of_records(simulate_device(P, planned, devices.NOISE, seed=1).records, FULL)
    found = of_cycles([subject], FULL.read)
    assert 0.0 < found["cycle_to_cycle"].value < 0.1
    assert found["endurance"].value == pytest.approx(1.0, abs=0.1)
    assert of_cycles([], FULL.read) == {}


def _session(above, cycles=5):
    """Loops one after the other, the threshold of the first so far above that of the others."""
    top = P.V_T + 3 * P.V_m
    planned = [loop([0.0, top, 0.0], 1.0, points=300, file="loop.csv")]
    each = [P, *[replace(P, V_T=P.V_T - above)] * (cycles - 1)]
    made = [simulate_device(p, planned, devices.NOISE, seed=k).records[0] for k, p in enumerate(each)]
    return list(of_records(made, FULL))


def test_forming_is_seen_and_not_seen():
    formed = of_forming(_session(3.0 * P.V_m))
    assert formed.value == pytest.approx(3.0 * P.V_m, rel=0.3)
    assert formed.ci95[0] > 0.0
    none = of_forming(_session(0.0))
    assert none.ci95[0] < 0.0 < none.ci95[1]
    assert of_forming(_session(0.0)[:2]) is None
    assert of_forming([]) is None


def test_what_noise_alone_enlarges_is_made_smaller():
    rng = np.random.default_rng(1)
    base, sigma = np.linspace(1.0, 1.2, 60), np.full(60, 0.1)
    errors = []
    for _ in range(40):
        data = base + sigma * rng.standard_normal(60)
        value = with_noise(lambda y: {"dynamic_range": float(y.max() / y.min())}, data, base, sigma)
        errors.append((value["dynamic_range"].value - 1.2) / value["dynamic_range"].stderr)
    plain = np.mean([np.ptp(base + sigma * rng.standard_normal(60)) for _ in range(40)])
    assert plain > 0.45  # of 0.2
    assert abs(np.mean(errors)) < 0.5


def test_noise_is_no_more_than_the_model_leaves():
    top = P.V_T + 3 * P.V_m
    exact = next(
        of_records(devices.exact([loop([0.0, top, 0.0], 1.0, points=200, file="loop.csv")]).records, FULL)
    )
    model = exact.record.response
    size = 1e-3 * float(np.max(np.abs(model)))
    noisy = model + size * np.random.default_rng(2).standard_normal(model.size)
    subject = replace(exact, record=replace(exact.record, current=noisy))
    right = in_record(subject, NoiseOfRecord(0.0, size, 1.0), model)["loop_area"].stderr
    rough = in_record(subject, NoiseOfRecord(0.0, 5.0 * size, 1.0), model)["loop_area"].stderr
    assert rough == pytest.approx(right, rel=0.4)  # each from draws of its own; five times as large before
