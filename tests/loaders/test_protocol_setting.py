"""What was applied: the key `protocol`, and the lines above a table that say the same."""

import pytest

from memfit.datasets.programmes import PulseProgramme
from memfit.errors import FileFormatError, ManifestError
from memfit.loaders.protocol_setting import NEEDED, read_protocol, stated_programme
from memfit.loaders.settings_file import Checker
from memfit.loaders.source import Source


def test_a_protocol_with_units_becomes_si():
    check = Checker("device.toml")
    read = read_protocol(
        check,
        {"pulse": ["1 V", "-500 mV"], "width": "10 ms", "read": "0.1 V", "period": "1 s", "count": [3, 4]},
        "protocol",
    )
    check.finish()
    assert read == PulseProgramme(pulse=(1.0, -0.5), width=(0.01,), read=0.1, period=1.0, count=(3, 4))


def test_pulses_of_current():
    check = Checker("device.toml")
    read = read_protocol(check, {"pulse": "10 uA", "width": "1 ms", "read": "1 uA"}, "protocol")
    assert (read.control, read.pulse, read.read) == ("current", (1e-5,), 1e-6)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"pulse": "1 V", "width": "10 ms", "read": ["0.1 V", "0.2 V"]}, "not a list"),
        ({"pulse": "1 V", "width": "10 ms", "count": True}, "whole numbers"),
        ({"pulse": "1 s", "width": "10 ms"}, "voltage"),
        ({"pulse": "1 V"}, "width"),
        ({"puls": "1 V"}, "did you mean 'pulse'"),
    ],
)
def test_protocols_that_cannot_be(stated, words):
    check = Checker("device.toml")
    read_protocol(check, stated, "protocol")
    with pytest.raises(ManifestError, match=words):
        check.finish()


def test_lines_above_a_table():
    head = "# Pulse amplitude (V): 1\n# pulse_duration: 5 ms\n# read_voltage: 100 mV\n# period: 1 s\nx\n"
    stated = stated_programme(Source("a.csv", head.encode()))
    assert stated == PulseProgramme(pulse=(1.0,), width=(0.005,), read=0.1, period=1.0)
    without = head.replace("# read_voltage: 100 mV\n", "")
    assert stated_programme(Source("a.csv", without.encode())) is None
    pairs = stated_programme(Source("a.csv", without.encode()), NEEDED[:2])
    assert (pairs.pulse, pairs.read) == ((1.0,), 0.0)


def test_lines_that_cannot_be():
    head = "# pulse_voltage: one\n# pulse_width: 5 ms\n# read_voltage: 100 mV\nx\n"
    with pytest.raises(FileFormatError, match="programme of pulses"):
        stated_programme(Source("a.csv", head.encode()))
