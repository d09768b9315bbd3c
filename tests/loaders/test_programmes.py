"""Files of reads: what was applied stands in device.toml or above the table; the model fits them."""

from dataclasses import replace

import numpy as np
import pytest

import memfit as mf
from memfit.datasets import content_digest
from memfit.datasets.programmes import PulseProgramme, at_reads
from memfit.errors import FileFormatError, InputError
from memfit.loaders.device import load_device
from memfit.loaders.programmes import programmes_of, question_of_reads
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source
from memfit.loaders.tidy import format_record
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
    assert record.kind == "potentiation"
    assert at_reads(record, record.current) == pytest.approx(CURRENTS / 0.2)
    assert record.against.tolist() == list(range(1, 13))
    assert record.current == pytest.approx(CURRENTS)
    assert record.drive.at(record.time) == pytest.approx(np.full(12, 0.2))
    assert np.max(record.drive.value) == 0.8
    assert any("12 pulses and 12 reads" in note for note in record.notes)


ALL_THREE = """
[[measurement]]
file = "train.csv"
protocol = { pulse = ["0.7 V", "-0.3 V"], width = "50 ms", read = "0.3 V", read_width = "20 ms", \
delay = "30 ms", period = "200 ms", count = [20, 20] }
[[measurement]]
file = "kept.csv"
protocol = { pulse = "0.8 V", width = "0.5 s", read = "0.3 V", count = 1 }
[[measurement]]
file = "pairs.csv"
protocol = { pulse = "0.6 V", width = "60 ms", read = "0.35 V", delay = "2 ms", read_width = "5 ms" }
"""


def test_the_model_fits_what_it_predicts(tmp_path):
    """Set and reset pulses, retention and paired pulses, made by the integrator and fitted back together."""
    since, between = np.geomspace(2e-3, 5, 25), np.geomspace(0.01, 3, 20)

    def write(train, kept, ratios):
        for name, head, x, y in (
            ("train", "Pulse number,Conductance (uS)", np.arange(1, 41), 1e6 * train),
            ("kept", "Time (s),Resistance (kohm)", since, kept / 1e3),
            ("pairs", "Interval (ms),A2/A1", 1e3 * between, ratios),
        ):
            rows = "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist(), strict=True))
            (tmp_path / f"{name}.csv").write_text(f"{head}\n{rows}")
        (tmp_path / "device.toml").write_text(ALL_THREE)
        return load_device(tmp_path).records

    made = write(np.full(40, 1e-6), np.full(25, 1e4), np.ones(20))
    train, kept = (simulate(TRUTH, one.drive, one.time).current for one in made[:2])
    first, second = (simulate(TRUTH, made[2].drive, at).current for at in (made[2].first, made[2].time))
    draw = np.random.default_rng(4).standard_normal
    records = write(
        train / 0.3 * (1 + 2e-3 * draw(40)),
        0.3 / kept * (1 + 2e-3 * draw(25)),
        second / first * (1 + 2e-3 * draw(20)),
    )
    assert [record.kind for record in records] == ["potentiation", "retention", "paired_pulse"]
    fixed = {name: getattr(TRUTH, name) for name in ("R_s", "C_m", "V_m")}
    result = mf.fit(mf.load(tmp_path), model="3d", fix=fixed)
    for name in ("R_b", "i_c0", "V_T", "tau_d", "tau_k"):
        estimate = result.parameters[name]
        assert estimate.value == pytest.approx(getattr(TRUTH, name), abs=4 * estimate.stderr)
        assert estimate.stderr < 0.1 * getattr(TRUTH, name)
    assert sorted(item.kind for item in result.inputs) == ["paired_pulse", "potentiation", "retention"]
    page = mf.write_report(result, tmp_path / "page", device=mf.load(tmp_path))
    assert "paired pulses: reads" in (page / "report.html").read_text(encoding="utf-8")


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
    assert record.kind == "retention"
    assert at_reads(record, record.current) == pytest.approx(1e5 * (1 + record.against))
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
    assert record.kind == "transient"


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


def test_reads_after_some_pulses_only(tmp_path):
    rows = "".join(f"{10 * k},{1e-6 * (k + 1)!r}\n" for k in range(5))
    protocol = PROTOCOL.replace("count = 12", "count = 40")
    (record,) = load_device(folder_of(tmp_path, f"Pulse #,Conductance (S)\n{rows}", protocol)).records
    assert record.against.tolist() == [0, 10, 20, 30, 40]
    assert np.diff(record.time) == pytest.approx(np.full(4, 2.0))
    assert any("after each of 41" in note for note in record.notes)


def test_pulses_of_current_are_read_as_voltages(tmp_path):
    protocol = (
        'protocol = { pulse = "10 uA", width = "50 ms", read = "1 uA", read_width = "20 ms", '
        'delay = "30 ms", period = "200 ms" }\n'
    )
    (record,) = load_device(folder_of(tmp_path, table("Voltage (mV)", 1e3 * CURRENTS), protocol)).records
    assert record.control == "current"
    assert record.voltage == pytest.approx(CURRENTS)


@pytest.mark.parametrize("kind", ["potentiation", "retention", "paired_pulse"])
def test_written_and_read_again(tmp_path, kind):
    texts = {
        "potentiation": (table("Conductance (S)", CURRENTS), PROTOCOL),
        "retention": ("Time (s),Resistance (ohm)\n1,10\n2,20\n3,40\n",
                      'protocol = { pulse = "1 V", width = "10 ms", read = "0.1 V" , count = 1}\n'),
        "paired_pulse": ("Interval (ms),A2/A1\n10,1.8\n20,1.5\n50,1.3\n",
                         'protocol = { pulse = "1 V", width = "10 ms" }\n'),
    }  # fmt: skip
    (record,) = load_device(folder_of(tmp_path, *texts[kind])).records
    (again,) = read_source(Source("tidy.csv", format_record(record).encode()))
    framed = mf.record_from_frame(record.to_frame())
    part = record.masked([0])
    for other in (again, framed):
        assert (other.kind, other.response_unit) == (kind, record.response_unit)
        assert content_digest(other) == content_digest(record)
        assert other.against.tolist() == record.against.tolist()
    assert part.response.tolist() == record.response[1:].tolist()
    assert part.against.tolist() == record.against[1:].tolist()


@pytest.mark.parametrize(
    "names", [("LTP conductance (uS)", "LTD conductance (uS)"), ("G_pot (uS)", "G_dep (uS)")]
)
def test_potentiation_and_depression_side_by_side(tmp_path, names):
    rows = "".join(f"{k},{k},{12 - k}\n" for k in range(1, 11))
    text = f"Pulse number,{','.join(names)}\n{rows}"
    one = PROTOCOL.replace(", count = 12", "")
    with pytest.raises(InputError, match="expected two pulses"):
        load_device(folder_of(tmp_path, text, one))
    both = one.replace('"0.8 V"', '["0.8 V", "-0.4 V"]')
    (record,) = load_device(folder_of(tmp_path, text, both)).records
    up = np.arange(1.0, 11)
    assert at_reads(record, record.current) == pytest.approx(1e-6 * np.concatenate([up, 12 - up]))
    assert record.against.tolist() == list(range(1, 21))
    assert np.max(record.drive.value[: record.drive.time.size // 2]) == 0.8
    assert np.min(record.drive.value[: record.drive.time.size // 2]) == 0.0
    assert np.min(record.drive.value) == -0.4


STATED = "# pulse_voltage: 1 V\n# pulse_width: 10 ms\n# read_voltage: 0.1 V\n# period: 1 s\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Pulse,Conductance\n1,1\n2,2\n3,3\n", "line 5: expected a unit"),
        ("Pulse,Conductance (uS)\n1,1\n2\n3,3\n", "line 7: expected a row of 2 fields"),
        ("Pulse,Conductance (uS)\n1,1\nlamp off\n3,3\n", "line 7"),
        ("Error (uS),Conductance (uS)\n1,1\n1,NaN\n1,3\n", "a read in every row"),
    ],
)
def test_broken_tables_of_reads_are_refused_where_they_break(text, words):
    with pytest.raises(InputError, match=words):
        read_source(Source("reads.csv", (STATED + text).encode()))


def test_a_row_without_a_number_shifts_no_read():
    text = STATED + "Pulse,Conductance (uS)\n1,1\nNaN,NaN\n3,3\n4,4\n"
    (record,) = read_source(Source("reads.csv", text.encode()))
    assert record.against.tolist() == [1, 3, 4]
    assert np.diff(record.time) == pytest.approx([2.0, 1.0])
    assert any("left out" in note for note in record.notes)


def test_endurance_is_asked_for_its_order():
    with pytest.raises(InputError, match=r"endurance.*-1 V"):
        read_source(Source("e.csv", b"Cycle,R_HRS (ohm),R_LRS (ohm)\n1,1e5,1e3\n2,1e5,1e3\n3,1e5,1e3\n"))


def test_very_wide_tables_take_no_time():
    wide = ",".join(f"A{k} (A)" for k in range(20_000))
    text = f"{STATED}{wide}\n" + "\n".join([",".join("1" for _ in range(20_000))] * 20)
    source = Source("wide.csv", text.encode())
    assert question_of_reads(source) == ""
    assert list(programmes_of(source, FileSettings())) == []


def test_use_and_leave_out_hold_for_reads(tmp_path):
    more = PROTOCOL + 'use = { time = ["0 s", "1.2 s"] }\nleave_out = [2]\n'
    (record,) = load_device(folder_of(tmp_path, table("Current (A)", CURRENTS), more)).records
    assert record.against.tolist() == [1, 3, 4, 5, 6]
    assert record.current == pytest.approx(CURRENTS[[0, 2, 3, 4, 5]])


def test_reads_of_nothing_are_refused(tmp_path):
    with pytest.raises(InputError, match="exactly 0 in all 12 rows"):
        load_device(folder_of(tmp_path, table("Conductance (S)", 0 * CURRENTS)))


def test_a_number_of_the_pulse_that_starts_again():
    rows = "".join(f"{k},{10 + k}\n" for k in range(1, 21))
    head = "# pulse_voltage: 1 V\n# pulse_width: 10 ms\n# read_voltage: 0.1 V\n# delay_between: 20 ms\n"
    text = f"{head}Pulse number,Conductance (uS)\n"
    (record,) = read_source(Source("a.csv", (text + rows).encode()))
    assert record.points == 20
    with pytest.raises(FileFormatError, match="starts again in row 21"):
        read_source(Source("a.csv", (text + rows + rows).encode()))


READS = "".join(f"{k},{10 + k},{30 - k}\n" for k in range(1, 21))
TWO = PulseProgramme(pulse=(1.0, -1.0), width=(0.01,), read=0.1, period=1.0)
ONE = PulseProgramme(pulse=(1.0,), width=(0.01,), read=0.1, period=1.0)


@pytest.mark.parametrize("labels", ["Pulse,LTP (uS),LTD (uS)", "Pulse,Potentiation [uS],Depression [uS]"])
def test_columns_that_are_called_by_their_half_alone(labels):
    (record,) = read_source(Source("a.csv", f"{labels}\n{READS}".encode()), FileSettings(protocol=TWO))
    np.testing.assert_allclose(record.current, 1e-7 * np.r_[np.arange(11, 31), np.arange(29, 9, -1)])


def test_the_unit_of_the_reads_is_asked_for_and_then_taken():
    text = f"Pulse,Conductance,x\n{READS}".encode()
    with pytest.raises(FileFormatError, match="y_real = "):
        read_source(Source("a.csv", text), FileSettings(protocol=ONE))
    stated = FileSettings(protocol=ONE, columns={"y_real": "Conductance"}, units={"y_real": "uS"})
    (record,) = read_source(Source("a.csv", text), stated)
    np.testing.assert_allclose(record.current, 1e-7 * np.arange(11, 31))


@pytest.mark.parametrize(
    "labels", ["Time after pulse (s),Resistance (kohm),Nr", "time since set (s),Widerstand (kOhm),Nr"]
)
def test_retention_asks_for_what_reads_it(labels):
    text = f"{labels}\n{READS}".encode()
    with pytest.raises(FileFormatError, match="count = 1"):
        read_source(Source("a.csv", text))
    once = replace(ONE, period=None, count=(1,))
    (record,) = read_source(Source("a.csv", text), FileSettings(protocol=once))
    assert record.kind == "retention"
    np.testing.assert_allclose(record.current, 1e-4 / np.arange(11, 31))


@pytest.mark.parametrize(
    "label",
    ["Weight", "Synaptic weight (a.u.)", "Weight (arb. units)", "Normalised weight", "Relative conductance"],
)
def test_weights_are_reads_of_a_curve_of_potentiation(label):
    text = f"Pulse number,{label},Nr\n{READS}".encode()
    with pytest.raises(FileFormatError, match=r"found reads alone .*protocol = "):
        read_source(Source("a.csv", text))
    with pytest.raises(FileFormatError, match=r'unit = "35 uS".*the conductance that 1 in the column stands'):
        read_source(Source("a.csv", text), FileSettings(protocol=ONE))
    stated = FileSettings(protocol=ONE, columns={"y_real": label}, units={"y_real": "35 uS"})
    (record,) = read_source(Source("a.csv", text), stated)
    assert record.kind == "potentiation"
    np.testing.assert_allclose(record.current, 35e-7 * np.arange(11, 31))


def test_weights_with_a_unit_are_conductances(tmp_path):
    (record,) = load_device(folder_of(tmp_path, table("Weight (uS)", 1e6 * CURRENTS / 0.2))).records
    np.testing.assert_allclose(record.current, CURRENTS)
    named = 'columns = { y_real = { name = "Weight", unit = "2 uS" } }\n'
    text = table("Weight", 0.5e6 * CURRENTS / 0.2)
    (record,) = load_device(folder_of(tmp_path, text, PROTOCOL + named)).records
    np.testing.assert_allclose(record.current, CURRENTS)


@pytest.mark.parametrize("label", ["ΔW (%)", "Weight change (%)", "Delta G (uS)", "Change of the weight"])
def test_changes_of_a_weight_are_named(label):
    with pytest.raises(FileFormatError, match=r"found changes of a weight .*Conductance"):
        read_source(Source("a.csv", f"Pulse number,{label},Nr\n{READS}".encode()))
    with pytest.raises(FileFormatError, match=r"found changes of a weight .*Conductance"):  # spikes in time
        read_source(Source("a.csv", f"Δt (ms),{label},Nr\n{READS}".encode()))


@pytest.mark.parametrize("number", ["9" * 400, "2000000"])
def test_a_number_of_a_pulse_that_cannot_be_is_refused(number):
    """A damaged number ended in an OverflowError, a large one would have taken all memory."""
    text = f"Pulse number,Conductance (uS)\n1,10\n2,11\n{number},12\n".encode()
    with pytest.raises(FileFormatError, match="expected at most 1000000 pulses"):
        read_source(Source("a.csv", text), FileSettings(protocol=ONE))


@pytest.mark.parametrize("count", [10**10, 10**400])
def test_more_pulses_than_can_be_are_refused(count):
    text = f"{STATED}# num_pulses: {count}\nPulse number,Conductance (uS)\n1,10\n2,11\n3,12\n"
    with pytest.raises(InputError, match=r"at most 1000000 pulses|Expected a finite number"):
        read_source(Source("a.csv", text.encode()))
    with pytest.raises(InputError, match="expected at most 1000000 pulses"):
        replace(ONE, count=(count,))


@pytest.mark.parametrize(
    ("columns", "left", "factor"),
    [
        ('conductance = "column 3"', "'I (uA)'", 0.2),
        ('conductance = "G"', "'I (uA)'", 0.2),
        ('current = { name = "I (uA)", unit = "mA" }', "'G (uS)'", 1e3),
    ],
)
def test_the_column_of_reads_that_is_named_is_the_one(tmp_path, columns, left, factor):
    text = "pulse,I (uA),G (uS)\n" + "".join(f"{k},{k},{k}\n" for k in range(1, 13))
    folder = folder_of(tmp_path, text, f"{PROTOCOL}columns = {{ {columns} }}\n")
    (record,) = load_device(folder).records
    assert record.current == pytest.approx(1e-6 * factor * np.arange(1, 13))
    assert any(left in note and "Not read" in note for note in record.notes)
    assert any("says uA, device.toml says mA" in note for note in record.notes) == (factor > 1)


def test_a_column_of_reads_that_is_not_there(tmp_path):
    folder = folder_of(tmp_path, table("I (uA)", CURRENTS), PROTOCOL + 'columns = { current = "Strom" }\n')
    with pytest.raises(InputError, match=r"expected the column 'Strom'.*found 'Pulse number', 'I"):
        load_device(folder)
