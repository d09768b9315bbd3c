"""device.toml: every key, and all mistakes at once."""

import pytest

from memfit.errors import ManifestError
from memfit.loaders.manifest import read_manifest

GOOD = """
[device]
name = "MAPbI3 7B"
area = "0.04 cm^2"
temperature = "25 degC"
attributes = { composition = "MAPbI3", batch = 7 }
[[measurement]]
file = "eis.csv"
kind = "impedance"
bias = "0.80 V"
control = "voltage"
initial = "steady"
use = { frequency = ["0.1 Hz", "1 MHz"] }
[[measurement]]
file = "pulse.csv"
kind = "transient"
bias = "1 mA"
control = "current"
time_offset = "-1 ms"
series_resistance = "20 ohm"
waveform = [["0 s", "0 A"], ["1 ms", "0 A"], ["1 ms", "2 mA"], [0.01, 0.002]]
columns = { voltage = "CH1", current = "CH2" }
sense_resistance = "50 ohm"
compliance = "2 V"
split = false
name = "p1"
[fit]
model = "3d"
fix = { R_s = "20 ohm" }
bounds = { V_m = ["20 mV", "0.3 V"] }
start = { tau_d = "3 ms" }
inductance = "on"
delays = "off"
robust = true
seed = 4
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("eis.csv", "pulse.csv"):
        (tmp_path / name).write_text("x")
    return tmp_path


def manifest(folder, text):
    path = folder / "device.toml"
    path.write_text(text, encoding="utf-8")
    return read_manifest(path)


def test_every_key_is_read_in_si(folder):
    found = manifest(folder, GOOD)
    assert (found.name, found.area, found.temperature) == ("MAPbI3 7B", 4e-6, 298.15)
    assert found.attributes == {"composition": "MAPbI3", "batch": 7.0}
    first, second = (entry.settings for entry in found.measurements)
    assert (first.kind, first.bias, first.control, first.initial) == ("impedance", 0.8, "voltage", "steady")
    assert first.use == {"frequency": (0.1, 1e6)}
    assert (second.bias, second.bias_current, second.control) == (None, 1e-3, "current")
    assert second.time_offset == -1e-3
    assert second.series_resistance == 20.0
    assert second.waveform == ((0.0, 0.0), (1e-3, 0.0), (1e-3, 2e-3), (0.01, 0.002))
    assert second.columns == {"voltage": "CH1", "current": "CH2"}
    assert (second.sense_resistance, second.compliance, second.split, second.name) == (50.0, 2.0, False, "p1")
    assert found.fit.model == "3d"
    assert found.fit.fix == {"R_s": 20.0}
    assert found.fit.bounds == {"V_m": (0.02, 0.3)}
    assert found.fit.start == {"tau_d": 3e-3}
    assert found.fit.options == {"inductance": "on", "delays": "off", "robust": True, "seed": 4}


def test_an_empty_manifest_is_fine(folder):
    assert manifest(folder, "").measurements == ()


def test_all_mistakes_are_reported_at_once(folder):
    text = (
        GOOD.replace("area =", "aera =")
        .replace('bias = "0.80 V"', 'bais = "0.80 V"')
        .replace('kind = "impedance"', 'kind = "impedence"')
        .replace('"20 mV", "0.3 V"', '"0.3 V", "20 mV"')
        .replace("R_s =", "R_ss =")
        .replace('"pulse.csv"', '"puls.csv"')
        .replace('"-1 ms"', '"-1 parsec"')
    )
    with pytest.raises(ManifestError) as caught:
        manifest(folder, text)
    message = str(caught.value)
    for words in (
        "7 mistakes", "device, aera (line 4): unknown key 'aera'; did you mean 'area'?",
        "measurement 1, bais (line 10): unknown key 'bais'; did you mean 'bias'?",
        "did you mean 'impedance'?",
        "expected the lower value first", "did you mean 'R_s'?", "did you mean 'pulse.csv'?", "parsec",
    ):  # fmt: skip
        assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[device\n", "expected TOML"),
        ("device = 3", "expected a table"),
        ("[measurement]\nfile = 'eis.csv'", "two brackets"),
        ("[[measurement]]\nkind = 'iv'", "the key `file`"),
        ("[[measurement]]\nfile = 'eis.csv'\n[[measurement]]\nfile = 'eis.csv'", "listed twice"),
        ("[[measurement]]\nfile = 'eis.csv'\nwaveform = [[0, 1], [1, 1]]", "`control`"),
        ("[[measurement]]\nfile = 'eis.csv'\ncontrol='voltage'\nwaveform = [[2, 1], [1, 1]]", "run backward"),
        ("[[measurement]]\nfile = 'eis.csv'\nuse = { frequency = 3 }", "lowest, highest"),
        ("[[measurement]]\nfile = 'eis.csv'\nuse = { frequenzy = [1, 3] }", "did you mean 'frequency'"),
        ("[[measurement]]\nfile = 'eis.csv'\nsplit = 'no'", "true or false"),
        ("[[measurement]]\nfile = 'eis.csv'\ncolumns = 3", "expected a table"),
        ("[[measurement]]\nfile = 'eis.csv'\nscan_rate = '-5 mV/s'", "above 0"),
        ("[device]\narea = true", "quantity"),
        ("[device]\nattributes = { a = [1] }", "text or a number"),
        ("[fit]\nmodel = '4d'", "'4d'"),
        ("[fit]\nfix = { R_b = '10 F' }", "unit of resistance"),
        ("[fit]\ngains = 'maybe'", "'maybe'"),
        ("[fit]\nrobust = 'yes'", "true or false"),
        ("[fit]\nseed = -1", "whole number"),
        ("[fit]\ngain = 'on'", "did you mean 'gains'"),
    ],
)
def test_a_mistake_names_its_place(folder, text, words):
    with pytest.raises(ManifestError, match=words):
        manifest(folder, text)
