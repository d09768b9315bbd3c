"""Tables of paired pulses: which ratio a label says, and what is asked where it does not."""

import numpy as np
import pytest

from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source


def folder_of(tmp_path, text, protocol):
    (tmp_path / "reads.csv").write_text(text)
    (tmp_path / "device.toml").write_text(f'[[measurement]]\nfile = "reads.csv"\n{protocol}')
    return tmp_path


PAIRED = 'protocol = { pulse = "1 V", width = "10 ms" }\n'
INTERVALS, RATIOS = np.array([0.01, 0.02, 0.05, 0.1]), np.array([1.8, 1.5, 1.3, 1.1])


def pairs(interval, label, values, unit=1e3):
    rows = zip((unit * INTERVALS).tolist(), np.asarray(values).tolist(), strict=True)
    return f"{interval},{label}\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (pairs("Interval (ms)", "A2/A1", RATIOS), ""),
        (pairs("Interval (ms)", "A2/A1 (%)", 100 * RATIOS), 'kind = "paired_pulse"\n'),
        (pairs("Inter-pulse interval (s)", "PPF ratio", RATIOS, 1), ""),
        (pairs("Δt [ms]", "(A2-A1)/A1 (%)", 100 * (RATIOS - 1)), ""),
        (pairs("Time (ms)", "EPSC2/EPSC1", RATIOS), ""),
        (pairs("ISI (ms)", "PPF (%)", 100 * RATIOS), 'columns = { ratio = "PPF (%)" }\n'),
        (pairs("gap (ms)", "PPF (%)", 100 * (RATIOS - 1)),
         'columns = { interval = "gap (ms)", ratio_change = "PPF (%)" }\n'),
        (pairs("Interval (ms)", "A2/A1", 100 * RATIOS),
         'columns = { ratio = { name = "A2/A1", unit = "%" } }\n'),
        ("Interval (ms),I1 (uA),I2 (uA)\n10,1,1.8\n20,2,3\n50,2,2.6\n100,4,4.4\n", ""),
        ("# a remark\nNo;PPF ratio;Interval (ms)\n1;1.8;10\n2;1.5;20\n3;1.3;50\n4;1.1;100\n", ""),
    ],
)  # fmt: skip
def test_paired_pulses(tmp_path, text, more):
    (record,) = load_device(folder_of(tmp_path, text, PAIRED + more)).records
    assert record.kind == "paired_pulse"
    assert record.against == pytest.approx(INTERVALS)
    assert record.ratio == pytest.approx(RATIOS)
    assert record.response_unit == "1"
    assert record.current is None
    assert record.time - record.first == pytest.approx(0.01 + INTERVALS)
    assert any("rests for" in note for note in record.notes)
    assert record.drive.at(np.concatenate([record.first, record.time])) == pytest.approx(np.ones(8))


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (pairs("Interval (ms)", "PPF (%)", RATIOS), "", "which ratio it is"),
        (pairs("Interval", "A2/A1", RATIOS), "", "unit of time"),
        (pairs("Interval (ms)", "A2/A1", 100 * RATIOS), "", "per cent"),
        (pairs("Interval (ms)", "A2/A1", RATIOS), 'kind = "retention"\n', "'paired_pulse'"),
        (pairs("Interval (ms)", "A2/A1", RATIOS, 0), "", "intervals above 0 s"),
    ],
)
def test_paired_pulses_that_are_asked_about(tmp_path, text, more, words):
    with pytest.raises(InputError, match=words):
        load_device(folder_of(tmp_path, text, PAIRED + more))


def test_the_protocol_of_pairs_may_stand_above_them():
    text = "# pulse_voltage: 1 V\n# pulse_width: 10 ms\n" + pairs("Interval (ms)", "A2/A1", RATIOS)
    (record,) = read_source(Source("ppf.csv", text.encode()))
    assert record.ratio == pytest.approx(RATIOS)


def test_both_responses_say_what_an_open_ratio_does_not(tmp_path):
    text = "Interval (ms),A1 (uA),A2 (uA),PPF (%)\n10,1,1.8,80\n20,1,1.5,50\n50,1,1.3,30\n100,1,1.1,10\n"
    (record,) = load_device(folder_of(tmp_path, text, PAIRED)).records
    assert record.ratio == pytest.approx(RATIOS)
