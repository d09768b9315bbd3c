"""Files of reads: what was applied stands in device.toml or above the table; the model fits them."""

import numpy as np
import pytest

import memfit as mf
from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source
from memfit.model import Parameters
from memfit.model.transient import simulate

TRUTH = Parameters(R_b=2e5, C_m=5e-8, i_c0=2e-5, V_T=0.5, V_m=0.08, tau_d=0.3, tau_k=0.05, R_s=50.0)
PROTOCOL = (
    'protocol = { pulse = "0.8 V", width = "50 ms", read = "0.2 V", read_width = "20 ms", delay = "30 ms", '
    'period = "200 ms", count = 12 }\n'
)


def folder_of(tmp_path, text, protocol=PROTOCOL, name="reads.csv"):
    (tmp_path / name).write_text(text)
    (tmp_path / "device.toml").write_text(f'[[measurement]]\nfile = "{name}"\n{protocol}')
    return tmp_path


def table(label, values, first=1):
    rows = "".join(f"{first + k},{value!r}\n" for k, value in enumerate(np.asarray(values).tolist()))
    return f"Pulse number,{label}\n{rows}"


CURRENTS = 1e-6 * (1 + np.arange(12) / 5)


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("Current (uA)", 1e6 * CURRENTS),
        ("Conductance (uS)", 1e6 * CURRENTS / 0.2),
        ("G [S]", CURRENTS / 0.2),
        ("Resistance (kohm)", 0.2 / CURRENTS / 1e3),
        ("Resistance(Ohm)", 0.2 / CURRENTS),
    ],
)
def test_reads_become_currents(tmp_path, label, values):
    (record,) = load_device(folder_of(tmp_path, table(label, values))).records
    assert record.kind == "transient"
    assert record.metadata["technique"] == "potentiation"
    assert record.current == pytest.approx(CURRENTS)
    assert record.drive.at(record.time) == pytest.approx(np.full(12, 0.2))
    assert np.max(record.drive.value) == 0.8
    assert any("12 pulses and 12 reads" in note for note in record.notes)


def test_the_model_fits_what_it_predicts(tmp_path):
    """Blocks of set and reset pulses, read in between, made by the integrator and fitted back."""
    protocol = PROTOCOL.replace('"0.8 V"', '["0.8 V", "0.6 V", "0.9 V"]').replace(
        "count = 12", "count = [20, 20, 20]"
    )
    (made,) = load_device(folder_of(tmp_path, table("Current (A)", np.full(60, 1e-6)), protocol)).records
    exact = simulate(TRUTH, made.drive, made.time).current
    noise = 1 + 1e-3 * np.random.default_rng(4).standard_normal(60)
    folder_of(tmp_path, table("Current (A)", exact * noise), protocol)
    fixed = {name: getattr(TRUTH, name) for name in ("R_s", "C_m", "V_m", "tau_k", "V_T")}
    result = mf.fit(mf.load(tmp_path), fix=fixed)
    for name in ("R_b", "i_c0", "tau_d"):
        estimate = result.parameters[name]
        assert estimate.value == pytest.approx(getattr(TRUTH, name), abs=5 * estimate.stderr)
        assert estimate.stderr < 0.1 * getattr(TRUTH, name)


HEADERS = [
    "# pulse_voltage: 0.8 V\n# pulse_width: 50 ms\n# read_voltage: 0.2 V\n# delay_between: 0.03 s\n",
    "pulse_voltage: 0.8\npulse_width: 0.05\nread_voltage: 0.2\ndelay_between: 0.03\n",
    "Pulse Voltage (V),0.8\nPulse Width (ms),50\nRead Voltage (V),0.2\nDelay Between Pulses (ms),30\n",
]


@pytest.mark.parametrize("head", HEADERS)
def test_a_programme_that_the_header_states(head):
    text = head + "Measurement_Number,Voltage(V),Current(A),Resistance(Ohm)\n"
    text += "".join(f"{k},0.2,{i!r},{0.2 / i!r}\n" for k, i in enumerate(CURRENTS.tolist()))
    (record,) = read_source(Source("pulses.txt", text.encode()))
    assert record.current == pytest.approx(CURRENTS)
    assert np.max(record.drive.value) == 0.8
    assert record.time[1] - record.time[0] == pytest.approx(0.05 + 0.03 + 0.05 + 0.03)


def test_time_stamps_of_the_reads_hold():
    text = HEADERS[0] + "Timestamp(s),Current(A)\n"
    text += "".join(f"{0.5 * k + 3},{i!r}\n" for k, i in enumerate(CURRENTS.tolist()))
    (record,) = read_source(Source("pulses.txt", text.encode()))
    assert np.diff(record.time) == pytest.approx(np.full(11, 0.5))


def test_retention(tmp_path):
    text = "Time (s),Resistance (ohm)\n" + "".join(
        f"{t!r},{1e5 * (1 + t)!r}\n" for t in np.geomspace(0.1, 99, 20).tolist()
    )
    protocol = (
        'protocol = { pulse = "1 V", width = "10 ms", read = "0.1 V", count = 1 }\nkind = "retention"\n'
    )
    (record,) = load_device(folder_of(tmp_path, text, protocol)).records
    assert record.metadata["technique"] == "retention"
    assert record.current[0] == pytest.approx(0.1 / 1.1e5)
    assert record.drive.at([-0.005, 0.5]).tolist() == [1.0, 0.1]


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (
            'protocol = { pulse = "1 V", width = "10 ms", read = "0.2 V", period = "1 s", count = 9 }',
            "makes 9 pulses",
        ),
        ('protocol = { pulse = "1 V", width = "10 ms", period = "1 s" }', "needs a read"),
        ('protocol = { puls = "1 V" }', "did you mean 'pulse'"),
        ('protocol = { pulse = "1 s", width = "10 ms", read = "1 V" }', "voltage"),
        (
            'protocol = { pulse = "1 V", width = "2 s", read = "0.1 V", period = "1 s" }',
            "longer than the period",
        ),
        ('protocol = { pulse = "1 V", width = "1 s", read = ["1 V", "2 V"] }', "not a list"),
        ('protocol = { pulse = "1 V", width = "1 ms", read = "0.1 V", count = 1.5 }', "whole numbers"),
        ("protocol = 3", "expected a table"),
    ],
)
def test_protocols_that_cannot_be(tmp_path, protocol, words):
    with pytest.raises(InputError, match=words):
        load_device(folder_of(tmp_path, table("Current (A)", CURRENTS), f"{protocol}\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table("Conductance", CURRENTS), "unit"),
        (table("Ratio (%)", CURRENTS), "column of reads"),
        (table("Resistance (ohm)", 0 * CURRENTS), "other than 0"),
        ("Voltage (V),Current (A)\n0.2,1e-6\n0.8,2e-6\n0.2,1e-6\n", "0.8"),
    ],
)
def test_tables_that_are_no_reads(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        load_device(folder_of(tmp_path, text))


def test_a_file_that_recorded_the_pulses_too_is_read_as_it_is():
    text = HEADERS[0] + "Time (s),Voltage (V),Current (A)\n"
    text += "".join(f"{k / 100},{0.8 if 10 <= k < 15 else 0.2},{1e-6 * k!r}\n" for k in range(40))
    (record,) = read_source(Source("pulses.txt", text.encode()))
    assert record.points == 40
    assert "technique" not in record.metadata


def test_other_files_are_left_to_other_readers():
    text = "# read_voltage: 0.1 V\nVoltage (V),Current (A)\n" + "".join(f"{k / 10},{k}\n" for k in range(20))
    (record,) = read_source(Source("iv.csv", text.encode()))
    assert record.kind == "iv"


@pytest.mark.parametrize(
    "text",
    [
        table("Conductance (uS)", CURRENTS),
        "Time (s),Resistance (ohm)\n" + "".join(f"{k},{1000 + k}\n" for k in range(9)),
        "Interval (ms),PPF ratio (%)\n" + "".join(f"{k},{150 - k}\n" for k in range(9)),
    ],
)
def test_reads_without_a_programme_are_asked_about(text):
    with pytest.raises(InputError, match="protocol = "):
        read_source(Source("reads.csv", text.encode()))
