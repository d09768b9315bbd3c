"""Several measurements in one table: parted by what tells them apart, or refused; never merged."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 1, 21)


def impedance(bias, scale=1.0):
    return scale * (20 + 1e4 / (1 + np.exp(3 * bias)) / (1 + 1j * F / 100))


def table(conditions, label="DC bias (V)", *, turns=True, scale=None, keep=None):
    """A spectrum for each condition, by turns or one below the other; the first `keep` rows."""
    numbers = scale or [float(c) for c in conditions]
    rows = [
        (k, j, f"{f:.6g},{condition},{z.real:.7g},{z.imag:.7g}\n")
        for j, (condition, number) in enumerate(zip(conditions, numbers, strict=True))
        for k, (f, z) in enumerate(zip(F, impedance(number), strict=True))
    ]
    rows.sort(key=lambda row: row[:2] if turns else row[1::-1])
    lines = [text for *_, text in rows][:keep]
    return f"Frequency (Hz),{label},Z_real (ohm),Z_imag (ohm)\n" + "".join(lines)


def read(text, **settings):
    return read_source(Source("x.csv", text.encode()), FileSettings(**settings))


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize(
    "biases",
    [
        np.arange(25) * 0.04,
        [0, 0.02, 0.5, 1.0],
        [0.1, 0.101, 0.102],
        [-1, -0.5, 0, 0.5, 1],
        [0.5, 0, 0.25],
        np.arange(41) * 0.025 - 0.5,
        np.arange(60) * 0.01,
    ],
)
def test_biases_of_any_number_and_distance(biases, turns):
    texts = [f"{bias:.3f}" for bias in biases]
    records = read(table(texts, turns=turns))
    assert [record.bias_voltage for record in records] == [float(text) for text in texts]
    for record, bias in zip(records, biases, strict=True):
        np.testing.assert_allclose(record.frequency, F, rtol=1e-5)
        np.testing.assert_allclose(record.impedance, impedance(bias), rtol=1e-6)


@pytest.mark.parametrize("noise", [1e-4, 1e-3])
def test_measured_biases_scatter(noise):
    rng = np.random.default_rng(3)
    text = table([f"{b:.2f}" for b in (0.0, 0.02, 0.5, 1.0)])
    head, *lines = text.splitlines()
    cells = [line.split(",") for line in lines]
    noisy = [[f, f"{float(b) + noise * rng.standard_normal():.6f}", *z] for f, b, *z in cells]
    records = read("\n".join([head, *map(",".join, noisy), ""]))
    assert [record.points for record in records] == [21] * 4
    np.testing.assert_allclose([r.bias_voltage for r in records], [0, 0.02, 0.5, 1.0], atol=noise)


def test_a_digit_of_noise_makes_no_second_bias():
    """Values that flicker between two last digits are one level, alone and among others."""
    rng = np.random.default_rng(5)
    head, *lines = table(["0.300"]).splitlines()
    flicker = [line.replace("0.300", rng.choice(["0.300", "0.301"])) for line in lines]
    assert len(read("\n".join([head, *flicker, ""]))) == 1
    head, *lines = table(["0.300", "0.400", "0.500"]).splitlines()
    flicker = [
        line.replace("00,", rng.choice(["00,", "01,"]), 1) if ",0." in line else line for line in lines
    ]
    assert [record.points for record in read("\n".join([head, *flicker, ""]))] == [21] * 3


@pytest.mark.parametrize("extra", [1, 2])
def test_an_aborted_last_sweep_is_named(extra):
    records = read(table(["0", "0.3", "0.6", "0.9"], turns=False, keep=63 + extra))
    assert [record.bias_voltage for record in records] == [0, 0.3, 0.6]
    assert any("Sweep 4 has" in note and "left out" in note for note in records[0].notes)


@pytest.mark.parametrize("extra", [3, 10])
def test_an_aborted_last_sweep_that_is_long_enough_is_kept(extra):
    records = read(table(["0", "0.3", "0.6", "0.9"], turns=False, keep=63 + extra))
    assert [(r.bias_voltage, r.points) for r in records] == [(0, 21), (0.3, 21), (0.6, 21), (0.9, extra)]


@pytest.mark.parametrize("keep", [81, 82, 83])
def test_an_aborted_round_of_turns(keep):
    records = read(table(["0", "0.3", "0.6", "0.9"], keep=keep))
    assert [record.bias_voltage for record in records] == [0, 0.3, 0.6, 0.9]
    assert sum(record.points for record in records) == keep


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize(
    ("label", "conditions"),
    [
        ("Sample", ["A", "B"]),
        ("Temp (K)", ["280", "300", "320"]),
        ("Light", ["dark", "1 sun"]),
        ("Direction", ["up", "down"]),
        ("Amplitude (mV)", ["5", "10", "20"]),
        ("Humidity (%)", ["12", "55"]),
        ("Cycle", ["1", "2", "3"]),
        ("Pixel no.", ["3", "4", "5", "6"]),
    ],
)
def test_every_column_that_tells_measurements_apart(label, conditions, turns):
    numbers = list(np.linspace(0, 1, len(conditions)))
    records = read(table(conditions, label, turns=turns, scale=numbers))
    assert len(records) == len(conditions)
    assert len({record.name for record in records}) == len(records)
    for record, condition, number in zip(records, conditions, numbers, strict=True):
        np.testing.assert_allclose(record.impedance, impedance(number), rtol=1e-6)
        assert label == "Cycle" or record.metadata[label] == condition


def test_temperatures_are_kept_in_kelvin():
    records = read(table(["7", "27", "47"], "T (°C)", turns=False, scale=[0.1, 0.2, 0.3]))
    assert [record.metadata["temperature"] for record in records] == ["280.15 K", "300.15 K", "320.15 K"]


def test_two_columns_tell_apart_together():
    lines = [
        f"{f:.6g},{sample},{bias},{z.real:.7g},{z.imag:.7g}\n"
        for f_place, f in enumerate(F)
        for sample, scale in (("A", 1.0), ("B", 2.0))
        for bias in (0, 0.02, 0.5)
        for z in [impedance(bias, scale)[f_place]]
    ]
    records = read("Frequency (Hz),Sample,DC bias (V),Z_real (ohm),Z_imag (ohm)\n" + "".join(lines))
    assert len(records) == 6
    for record in records:
        scale = 1.0 if record.metadata["Sample"] == "A" else 2.0
        np.testing.assert_allclose(record.impedance, impedance(record.bias_voltage, scale), rtol=1e-6)


def test_a_range_that_goes_with_the_frequency_tells_nothing_apart():
    ranges = np.where(F > 1e3, "1 mA", "10 uA")
    z = impedance(0.3)
    text = "Frequency (Hz),Range,Err,Z_real (ohm),Z_imag (ohm)\n" + "".join(
        f"{f:.6g},{r},{k % 2},{x.real:.7g},{x.imag:.7g}\n"
        for k, (f, r, x) in enumerate(zip(F, ranges, z, strict=True))
    )
    (record,) = read(text)
    assert record.points == 21
    assert "Not read: the columns 'Range', 'Err'." in record.notes


def test_more_than_twenty_sweeps_up_and_down():
    order = [k if turn % 2 == 0 else 20 - k for turn in range(30) for k in range(21)]
    z = impedance(0.1)
    text = "Frequency (Hz),Z_real (ohm),Z_imag (ohm)\n" + "".join(
        f"{F[k]:.6g},{z[k].real * (1 + 1e-4 * n):.9g},{z[k].imag:.7g}\n" for n, k in enumerate(order)
    )
    records = read(text)
    assert len(records) == 30
    assert sum(record.points for record in records) == len(order)


def capacitance(frequencies, biases):
    return "DC bias (V),Frequency (Hz),Cp (F),Gp (S)\n" + "".join(
        f"{v:.3f},{f:g},{1e-9 * (1 + v / 4):.6e},{1e-6 * (1 + v * v):.6e}\n"
        for v in biases
        for f in frequencies
    )


@pytest.mark.parametrize("frequencies", [[1e3], [1e3, 1e4], [1e3, 1e4, 1e5], [1e3, 1e4, 1e5, 1e6]])
def test_capacitance_against_voltage_is_named_and_can_be_read(frequencies):
    biases = np.linspace(-1, 1, 41)
    text = capacitance(frequencies, biases)
    with pytest.raises(
        FileFormatError, match=r"capacitance-voltage data: 41 biases at .*kind = \"impedance\""
    ):
        read(text)
    records = read(text, kind="impedance")
    assert [record.points for record in records] == [len(frequencies)] * 41
    np.testing.assert_allclose([record.bias_voltage for record in records], biases, atol=1e-9)
    admittance = 1 / records[0].impedance
    np.testing.assert_allclose(admittance.imag / (2 * np.pi * np.array(frequencies)), 0.75e-9, rtol=1e-5)


def test_capacitance_without_a_frequency_is_named():
    with pytest.raises(FileFormatError, match="found capacitance-voltage data without a column of the freq"):
        read("DC bias (V),Cp (F),Gp (S)\n" + "".join(f"{k / 10},1e-9,1e-6\n" for k in range(30)))


def test_rows_at_one_frequency_are_no_spectrum():
    with pytest.raises(FileFormatError, match="found 50 rows at 1 frequency"):
        read("Frequency (Hz),Z_real (ohm),Z_imag (ohm)\n" + "1000,50,-20\n" * 25 + "1000,51,-21\n" * 25)


V = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0, 20)])


def sweeps(conditions, label, *, turns):
    rows = [
        (k, j, f"{v:.6g},{condition},{(1 + j) * 1e-6 * v * v:.6g}\n")
        for j, condition in enumerate(conditions)
        for k, v in enumerate(V)
    ]
    rows.sort(key=lambda row: row[:2] if turns else row[1::-1])
    return f"Voltage (V),{label},Current (A)\n" + "".join(text for *_, text in rows)


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize(
    ("label", "conditions"),
    [
        ("Sample", ["A", "B"]),
        ("Temp (K)", ["280", "300", "320"]),
        ("Light", ["dark", "sun"]),
        ("Pixel no", ["3", "4"]),
    ],
)
def test_loops_of_several_samples_or_temperatures(label, conditions, turns):
    records = read(sweeps(conditions, label, turns=turns))
    assert len(records) == len(conditions)
    for j, (record, condition) in enumerate(zip(records, conditions, strict=True)):
        np.testing.assert_allclose(record.voltage, V, atol=1e-6)
        np.testing.assert_allclose(record.current, (1 + j) * 1e-6 * V**2, rtol=1e-5)
        assert record.metadata[label] == condition


def test_a_temperature_that_drifts_parts_no_pulse():
    time = np.arange(60) * 0.1
    text = "# control: voltage\nTime (s),Voltage (V),Current (A),Temp (K)\n" + "".join(
        f"{t:g},{0.5 if 1 < t < 3 else 0},{1e-6 if 1 < t < 3 else 1e-9},{300 + 0.02 * t:.2f}\n" for t in time
    )
    (record,) = read(text)
    assert record.points == 60


LOOP = np.concatenate([np.linspace(0, 1, 31), np.linspace(1, 0, 31)[1:]])


def lines_of(header, *columns):
    cells = np.array(columns).T.tolist()
    return header + "\n" + "".join(",".join(f"{x:.9g}" for x in row) + "\n" for row in cells)


def test_a_column_of_scan_rates_parts_loops_and_gives_their_times():
    v, rate = np.tile(LOOP, 2), np.repeat([50.0, 100.0], LOOP.size)
    slow, fast = read(lines_of("Scan rate (mV/s),Voltage (V),Current (A)", rate, v, 1e-6 * v**2))
    assert (slow.time[-1], fast.time[-1]) == pytest.approx((40, 20))
    assert (slow.scan_rate, fast.scan_rate) == pytest.approx((0.05, 0.1))
    assert not any("Not read" in note for note in (*slow.notes, *fast.notes))
    text = lines_of(
        "Scan rate (mV/s),T (K),Voltage (V),Current (A)", *[0 * LOOP + x for x in (50, 295)], LOOP, LOOP**2
    )
    (one,) = read(text)
    assert one.scan_rate == pytest.approx(0.05)
    assert [note for note in one.notes if "Not read" in note] == ["Not read: the columns 'T (K)'."]


def test_loops_keep_what_differs_between_them():
    v, gate = np.tile(LOOP, 2), np.repeat([0.0, 1.0], LOOP.size)
    records = read(lines_of("Vgs (V),Voltage (V),Current (A)", gate, v, (1 + gate) * 1e-6 * v**2))
    assert [record.metadata["Vgs (V)"] for record in records] == ["0", "1"]


def test_runs_of_a_clock_keep_what_differs_between_them():
    time, v = np.arange(60) * 0.1, np.where(np.arange(60) > 9, 0.5, 0.1)
    rows = np.tile([time, v, 1e-6 * v * (1 + time)], 2)
    text = lines_of("Time (s),Voltage (V),Current (A),Flow (sccm)", *rows, np.repeat([5.0, 9.0], 60))
    assert [record.metadata["Flow (sccm)"] for record in read(text)] == ["5", "9"]


def test_a_condition_that_comes_again_on_one_clock_leaves_no_gap_in_a_record():
    time = np.arange(60) * 0.1
    rows = [f"{t:.1f},0.2,{1e-6 * (1 + t):.6g},{'on' if 2 <= t < 4 else 'off'}\n" for t in time]
    records = read("Time (s),Voltage (V),Current (A),Light\n" + "".join(rows))
    assert [(record.points, record.metadata["Light"]) for record in records] == [
        (20, "off"),
        (20, "on"),
        (20, "off"),
    ]
    assert all(np.diff(record.time).max() == pytest.approx(0.1) for record in records)
    turns = [f"{t:.1f},0.2,{1e-6 * (1 + t):.6g},{'AB'[k % 2]}\n" for k, t in enumerate(time)]
    records = read("Time (s),Voltage (V),Current (A),Sample\n" + "".join(turns))
    assert [record.points for record in records] == [30, 30]
