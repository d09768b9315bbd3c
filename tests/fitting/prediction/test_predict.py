"""The model at the points of the records: layout, gains, and what the instruments add."""

from dataclasses import fields, replace

import numpy as np
import pytest
from devices import TRUTH, device, everything, exact, pulses, spectra, sweeps

from memfit.datasets import ImpedanceSpectrum, IVSweep, SynapticCurve
from memfit.datasets.programmes import PulseProgramme, play, play_pairs
from memfit.errors import InputError
from memfit.fitting.prediction.drives import free_start
from memfit.fitting.prediction.instrument import Instrument
from memfit.fitting.prediction.predict import Predictor, bias_of, measured, modulus
from memfit.model import COLUMN, NAMES, PARAMETERS, impedance, junction_voltage, steady_current
from memfit.model.directions import Direction
from memfit.model.transient import simulate
from memfit.protocols import Drive


def test_spectra_lie_as_real_then_imaginary_parts():
    records = exact(spectra()).records
    predictor = Predictor(records)
    values = predictor(TRUTH).values
    for record, here in zip(records, predictor.slices, strict=True):
        u = float(junction_voltage(TRUTH, "voltage", [record.bias_voltage])[0])
        Z = impedance(TRUTH, record.frequency, u)
        np.testing.assert_allclose(values[here], np.concatenate([Z.real, Z.imag]), rtol=1e-12)


def test_spectrum_at_a_bias_current_is_that_at_its_voltage():
    record = exact(spectra(biases=(0.5,))).records[0]
    u = float(junction_voltage(TRUTH, "voltage", [record.bias_voltage])[0])
    galvanostatic = ImpedanceSpectrum(
        name="g",
        frequency=record.frequency,
        impedance=record.impedance,
        bias_current=float(steady_current(TRUTH, u)),
        control="current",
    )
    values = Predictor([record, galvanostatic])(TRUTH).values
    np.testing.assert_allclose(*np.split(values, 2), rtol=1e-9)


def test_spectrum_without_bias_says_what_to_do():
    record = ImpedanceSpectrum(name="blind", frequency=[1.0], impedance=[1.0])
    with pytest.raises(InputError, match=r"blind.*bias.*device\.toml"):
        bias_of(record)


def test_quasi_steady_sweep_is_the_steady_current():
    V = np.linspace(0, 1.2, 13)
    sweep = IVSweep(name="s", voltage=V, current=V)
    u = junction_voltage(TRUTH, "voltage", V)
    values = Predictor([sweep])(TRUTH).values
    np.testing.assert_allclose(values, steady_current(TRUTH, u), rtol=1e-10)


def test_data_are_what_was_measured_in_the_same_order():
    records = device(everything()).records
    predictor = Predictor(records)
    for record, here in zip(records, predictor.slices, strict=True):
        np.testing.assert_array_equal(predictor.data()[here], measured(record))
        assert predictor.slices[predictor.record_of_point[here.start]] == here
    assert predictor.slices[-1].stop == predictor.size


def test_gain_multiplies_values_and_derivatives_of_its_record_only():
    records = exact([*spectra(biases=(0.0,)), *pulses(levels=(1.0,))]).records
    predictor = Predictor(records)
    plain = predictor(TRUTH)
    terms = Instrument.ideal(2)
    terms.gain[1] = 1.1
    with_gain = predictor(TRUTH, terms)
    first, second = predictor.slices
    np.testing.assert_array_equal(with_gain.values[first], plain.values[first])
    np.testing.assert_allclose(with_gain.values[second], 1.1 * plain.values[second], rtol=1e-12)
    np.testing.assert_allclose(with_gain.derivatives[second], 1.1 * plain.derivatives[second], rtol=1e-12)
    np.testing.assert_allclose(with_gain.bare, plain.values, rtol=1e-12)


def test_delay_shifts_a_record_and_its_derivative_is_the_slope():
    predictor = Predictor(exact(pulses(levels=(1.5,))).records)
    late, early, terms = (Instrument.ideal(1) for _ in range(3))
    shift = 1e-4
    late.delay[0], early.delay[0] = 0.003 + shift, 0.003 - shift
    terms.delay[0] = 0.003
    slope = (predictor(TRUTH, late).values - predictor(TRUTH, early).values) / (2 * shift)
    by_delay = -predictor(TRUTH, terms).by_time
    away = np.abs(np.abs(slope) - np.abs(by_delay)) < 1e-2 * np.abs(slope).max()
    assert np.mean(away) > 0.98  # all but the samples next to the two edges


def test_smallest_series_resistance_is_none_on_the_kinks_of_a_sweep():
    """A sample on a kink must not be free to take any current between before and after."""
    predictor = Predictor(exact(sweeps(rates=(1.0,))).records)
    found = [predictor(TRUTH.replace(R_s=R_s)).values for R_s in (1e-12, 1e-11, 1e-10, 1e-8)]
    for values in found[1:]:
        np.testing.assert_allclose(values, found[0], rtol=1e-6, atol=1e-6 * np.ptp(found[0]))


def test_modulus_of_a_spectrum_is_that_of_both_parts():
    record = ImpedanceSpectrum(name="z", frequency=[1.0, 2.0], impedance=[3 + 4j, 5 - 12j])
    np.testing.assert_allclose(modulus(record, measured(record)), [5, 13, 5, 13])


def test_only_records_that_say_so_begin_anywhere():
    pulse = exact(pulses(levels=(1.0,))).records[0]
    assert not free_start(pulse)
    assert not free_start(exact(spectra()).records[0])
    sweep = exact(sweeps(rates=(0.1,))).records[0]
    drive = Drive("voltage", sweep.drive.time, sweep.drive.value, "free")
    anywhere = IVSweep(name="s", voltage=sweep.voltage, current=sweep.current, time=sweep.time, drive=drive)
    assert free_start(anywhere)


def test_derivatives_have_a_column_for_every_parameter():
    predictor = Predictor(exact(everything()).records)
    assert predictor(TRUTH).derivatives.shape == (predictor.size, len(NAMES))


def test_rounding_of_a_voltage_tells_nothing_of_a_vanishing_resistance():
    loop = exact(sweeps(rates=(1.0,))).records[0]
    rounded = replace(loop, drive=replace(loop.drive, value=loop.drive.value * (1 + 1e-9) - 7.4e-11))
    predictor = Predictor([rounded])
    column = [
        predictor(TRUTH.replace(R_s=R_s)).derivatives[:, NAMES.index("R_s")] for R_s in (1e-8, 1e-3, 1.0)
    ]
    for tiny in column[:2]:
        np.testing.assert_allclose(tiny, column[2], atol=2e-3 * np.abs(column[2]).max())


def test_every_value_and_derivative_is_filled_in_for_every_kind_of_record(monkeypatch):
    """Arrays that were never written to would show: fresh memory is NaN here."""

    def fresh(shape, dtype=float):
        return np.full(shape, np.nan) if dtype is float else np.zeros(shape, dtype)

    monkeypatch.setattr(np, "empty", fresh)
    free = replace(exact(pulses(levels=(1.0,))).records[0])
    free = replace(free, drive=replace(free.drive, initial="free"))
    V = np.linspace(0, 1.2, 13)
    quasi_steady = IVSweep(name="s", voltage=V, current=V)
    galvanostatic = ImpedanceSpectrum(name="g", frequency=[1.0], impedance=[1.0], bias_current=1e-5)
    records = [*exact(everything()).records, quasi_steady, galvanostatic, free]
    predictor = Predictor(records)
    terms = Instrument.ideal(len(records), edges=2)
    terms.initial[-1] = 0.1, 1e-6, 0.2
    for gain in (1.0, 1.1):
        terms.gain[:] = gain
        prediction = predictor(TRUTH, terms)
        assert prediction.work > predictor.size
        for field in fields(prediction)[:-1]:
            values = getattr(prediction, field.name)
            assert np.all(np.isfinite(values)), field.name
            assert values.shape[0] == predictor.size
    derivatives, slices = predictor(TRUTH, terms).derivatives, predictor.slices
    for record, here in zip(records, slices, strict=True):
        for k, row in enumerate(PARAMETERS.values()):
            if not row.in_time and not isinstance(record, ImpedanceSpectrum):
                assert not derivatives[here, k].any()


def test_without_slopes_in_time_they_are_not_numbers():
    predictor = Predictor(exact(pulses(levels=(1.0,))).records)
    exactly, values_only = predictor(TRUTH), predictor(TRUTH, slopes_in_time=False)
    np.testing.assert_array_equal(values_only.values, exactly.values)
    assert np.all(np.isnan(values_only.derivatives))


def test_along_an_absent_part_every_record_moves_as_with_a_little_of_it():
    records = exact(everything()).records
    ideal = Instrument.ideal(len(records))
    terms = replace(ideal, gain=np.linspace(0.9, 1.1, len(records)))
    predictor = Predictor(records, tolerance=1e-10)
    none = predictor(TRUTH, terms, slopes_in_time=False).values
    found = predictor.along(TRUTH, [Direction("kappa"), Direction("R_1", {"tau_1": 0.02})], terms)
    assert found.shape == (predictor.size, 2)
    size = 1e-4
    branch = {"R_1": TRUTH.R_b / size, "C_1": 0.02 * size / TRUTH.R_b}
    for column, changes, amplitude in zip(
        found.T, ({"kappa": size}, branch), (size, size / TRUTH.R_b), strict=True
    ):
        once = predictor(TRUTH.replace(**changes), terms, slopes_in_time=False).values - none
        for here in predictor.slices:
            expected = once[here] / amplitude
            assert np.max(np.abs(column[here] - expected)) < 1e-2 * np.abs(expected).max()


def test_a_drift_holds_through_a_record_and_grows_from_one_to_the_next():
    records = [replace(r, session=100.0 * k) for k, r in enumerate(exact(everything()).records)]
    predictor, d_i = Predictor(records, tolerance=1e-10), 2e-4
    drifting = TRUTH.replace(d_i=d_i)
    found = predictor(drifting)
    for record, here in zip(records, predictor.slices, strict=True):
        alone = TRUTH.replace(i_c0=TRUTH.i_c0 * np.exp(d_i * record.session))
        np.testing.assert_allclose(found.values[here], Predictor([record], 1e-10)(alone).values, rtol=1e-9)
    for p in (drifting, TRUTH, TRUTH.replace(d_i=d_i, i_c0n=TRUTH.i_c0, V_Tn=TRUTH.V_T, V_mn=TRUTH.V_m)):
        up, down = (predictor(p.replace(d_i=p.d_i + step)).values for step in (1e-7, -1e-7))
        column = predictor(p).derivatives[:, COLUMN["d_i"]]
        for here in predictor.slices:
            scale = np.abs(column[here]).max() + 1e-30
            np.testing.assert_allclose(column[here] / scale, (up - down)[here] / 2e-7 / scale, atol=1e-4)


def test_a_series_resistance_that_is_seen_is_not_raised_however_short_its_charging():
    sweep = exact(sweeps(rates=(0.05,))).records[0]
    predictor = Predictor([sweep])
    for C_m in (1e-9, 1e-13, 1e-16):
        p = TRUTH.replace(R_s=700.0, C_m=C_m, i_c0=1e-12)
        middle = sweep.points // 4
        total = sweep.voltage[middle] / predictor(p).values[middle]
        assert total == pytest.approx(p.R_b + p.R_s, rel=1e-3)


def curves():
    """Reads of potentiation and paired pulses, whose values are those of the device."""
    reads = {"width": (0.02,), "read": 0.9, "read_width": 0.005, "delay": 0.005}
    train = PulseProgramme(**{**reads, "width": (0.02, 0.02)}, pulse=(1.2, 0.5), count=(4, 4), period=0.1)
    played = (
        play(train, 8),
        play_pairs(PulseProgramme(pulse=(1.2,), **reads), np.array([0.02, 0.1, 0.5])),
    )
    found = []
    for one in played:
        shared = {"kind": one.kind, "time": one.time, "against": one.against, "drive": one.drive}
        ones = np.ones(one.time.size)
        response = (
            {"current": ones} if one.first is None else {"current": None, "ratio": ones, "first": one.first}
        )
        found.append(SynapticCurve(name=one.kind, voltage=None, **shared, **response))
    return found


def test_paired_pulses_are_the_second_response_over_the_first():
    reads, pairs = curves()
    predictor = Predictor([reads, pairs], 1e-9)
    drawn = [simulate(TRUTH, pairs.drive, at, tolerance=1e-9).current for at in (pairs.first, pairs.time)]
    ratio = predictor(TRUTH).values[predictor.slices[1]]
    np.testing.assert_allclose(ratio, drawn[1] / drawn[0], rtol=1e-9)
    assert ratio[0] > 1.01


@pytest.mark.parametrize("name", ["R_b", "i_c0", "V_T", "V_m", "tau_d", "tau_k"])
def test_derivatives_of_ratios_and_reads_are_differences(name):
    predictor, step = Predictor(curves(), 1e-10), 1e-4 * getattr(TRUTH, name)
    above, below = (
        predictor(TRUTH.replace(**{name: getattr(TRUTH, name) + s}), slopes_in_time=False).values
        for s in (step, -step)
    )
    exact_ones = predictor(TRUTH).derivatives[:, COLUMN[name]]
    for here in predictor.slices:
        size = np.max(np.abs(exact_ones[here]))
        np.testing.assert_allclose((above - below)[here] / (2 * step), exact_ones[here], atol=2e-5 * size)


def test_along_an_absent_part_a_ratio_moves_as_with_a_little_of_it():
    predictor, little = Predictor(curves(), 1e-10), 1e-4
    along = predictor.along(TRUTH, [Direction("kappa")])[:, 0]
    more = predictor(TRUTH.replace(kappa=little), slopes_in_time=False).values
    moved = (more - predictor(TRUTH, slopes_in_time=False).values) / little
    for here in predictor.slices:
        np.testing.assert_allclose(along[here], moved[here], atol=2e-2 * np.max(np.abs(moved[here])))
