"""device.toml: every key, and all mistakes at once."""

import sys

import pytest

from memfit.errors import FileFormatError, ManifestError
from memfit.loaders.device import load_device
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


@pytest.fixture
def measured(tmp_path):
    for name in ("EIS/a.csv", "EIS/b.csv", "IV/c d.csv", "e[1].csv", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    return tmp_path


def listed(folder, text):
    (folder / "device.toml").write_text(text)
    return [entry.file for entry in read_manifest(folder / "device.toml").measurements]


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ('"EIS/*.csv"', ["EIS/a.csv", "EIS/b.csv"]),
        ('"**/*.csv"', ["EIS/a.csv", "EIS/b.csv", "IV/c d.csv", "e[1].csv"]),
        ('"*"', ["e[1].csv"]),
        ('"e[1].csv"', ["e[1].csv"]),
        (r"'IV\c d.csv'", ["IV/c d.csv"]),
        (r"'.\EIS\*.csv'", ["EIS/a.csv", "EIS/b.csv"]),
        ('"EIS//../EIS/a.csv"', ["EIS/a.csv"]),
    ],
)
def test_patterns_and_paths(measured, file, found):
    assert listed(measured, f"[[measurement]]\nfile = {file}\n") == found


def test_what_is_listed_by_name_is_not_taken_by_a_pattern_too(measured):
    text = (
        '[[measurement]]\nfile = "EIS/b.csv"\nbias = "1 V"\n[[measurement]]\nfile = "EIS/*"\nbias = "2 V"\n'
    )
    (measured / "device.toml").write_text(text)
    entries = read_manifest(measured / "device.toml").measurements
    assert [(e.file, e.settings.bias, e.pattern) for e in entries] == [
        ("EIS/b.csv", 1.0, ""),
        ("EIS/a.csv", 2.0, "EIS/*"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('"*.mpr"', r"no other file is found by '\*.mpr'"),
        ('"EIS/*"\nname = "x"', "leave out their `name`"),
        ('"EIS/*"\n[[measurement]]\nfile = "*/a.csv"', "'EIS/a.csv' is listed twice"),
        ('"EIS\\new.csv"', r'write "EIS/new.csv", or \'EIS\\new.csv\' in single quotes'),
        ('"EIS\\a.csv"', r'line 2: .*write "EIS/a.csv", or \'EIS\\a.csv\' in single quotes'),
        ('"C:\\Users\\x.csv"', r'write "C:/Users/x.csv"'),
        (r"'IV\nothing.csv'", "there is no file 'IV/nothing.csv'"),
    ],
)
def test_paths_that_lead_nowhere(measured, line, words):
    with pytest.raises(ManifestError, match=words):
        listed(measured, f"[[measurement]]\nfile = {line}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[device]\narea = 0.04", r'area \(line 2\): .*400 cm\^2; did you mean "0.04 cm\^2"'),
        ('[device]\narea = "0.04"', "did you mean"),
        ("[device]\ntemperature = 25", "degC"),
        ("[fit]\nfix = { C_m = 200 }", "beyond any device"),
        ("[[measurement]]\nfile='e[1].csv'\nbias = 500", "500 mV"),
        ("[[measurement]]\nfile='e[1].csv'\nscan_rate = 50", "50 mV/s"),
        ("[[measurement]]\nfile='e[1].csv'\namplitude = 10", "10 mV"),
    ],
)
def test_numbers_alone_are_checked(measured, text, words):
    with pytest.raises(ManifestError, match=words):
        listed(measured, text)


def test_numbers_alone_that_are_plausible_and_any_with_a_unit(measured):
    text = (
        '[device]\narea = "400 cm^2"\ntemperature = 300\n[fit]\nbounds = { R_b = [1, 1e20] }\n'
        "[[measurement]]\nfile='e[1].csv'\nbias = -0.8\nuse = { frequency = [0.1, 1e7] }\n"
    )
    assert listed(measured, text) == ["e[1].csv"]


MANY = 20_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"[device]\nattributes = {{ serial = {'9' * 400} }}",
            r"attributes, serial .*400 digits is too large",
        ),
        (
            f"[device]\nattributes = {{ serial = -{'9' * 5000} }}",
            r"serial \(line 2\).*5000 digits is too large",
        ),
        (f"[device]\narea = {'9' * 5000}", r"area \(line 2\).*5000 digits"),
        (f"[device]\narea = 0x{'f' * 9000}", r"area \(line 2\).*finite.*10837 digits"),
        (f"[fit]\nseed = {10**30}", r"seed .*whole number"),
        ("[device]\nattributes = { a = nan, b = inf }", r"attributes, a .*nan.*attributes, b .*inf"),
        ("[device]\nattributes = { a = 1e400 }", r"attributes, a .*inf"),
        ("[device]\narea = '1e300 m^2'", r"area .*at most 100 m\^2"),
        ("[device]\narea = 1e-300", r"area .*at least 1e-18 m\^2"),
        ("[device]\narea = '1e308 km^2'", r"area .*finite"),
        ("[device]\ntemperature = nan", r"temperature .*finite"),
        ("[device]\ntemperature = '1e300 K'", r"temperature .*at most 3000 K"),
        ("[[measurement]]\nfile = 'iv.csv'\ntime_offset = 1e300", r"time_offset .*at most 1e\+10 s"),
        ("[[measurement]]\nfile = 'iv.csv'\nseries_resistance = -1e9", r"series_resistance .*at least 0"),
        ("[[measurement]]\nfile = 'iv.csv'\nseries_resistance = 1e300", r"series_resistance .*1e\+15 ohm"),
        ("[[measurement]]\nfile = 'iv.csv'\nbias = '1e300 V'", r"bias .*at most 100000 V"),
        ("[[measurement]]\nfile = 'iv.csv'\nbias = '-1e300 A'", r"bias .*at most 100000 A"),
        ("[[measurement]]\nfile = 'iv.csv'\nscan_rate = 1e-300", r"scan_rate .*at least 1e-12 V/s"),
        (
            "[[measurement]]\nfile = 'iv.csv'\nwaveform = [[0, 0], [1, '1e300 V']]\ncontrol = 'v'",
            r"waveform .*at most",
        ),
        (
            f"[[measurement]]\nfile = '{'a' * 300}.csv'",
            r"measurement 1, file \(line 2\): there is no file 'aaa",
        ),
        ('[[measurement]]\nfile = "a\\u0000b"', r"file .*a backslash in double quotes"),
        ("[fit]\nfix = { R_b = 1e300 }", r"fit, fix, R_b .*1e\+300.*0.001 to 1e\+14 ohm"),
        ("[fit]\nfix = { V_m = 1e-300 }", r"fit, fix, V_m .*1e-300.*0.002 to 3 V"),
        (
            "[fit]\nfix = { R_b = '1e300 ohm' }",
            r"fit, fix, R_b .*between 0.001 and 1e\+14 ohm, found 1e\+300",
        ),
        ("[fit]\nfix = { V_m = '1e-300 V' }", r"fit, fix, V_m .*between 0.002 and 3 V, found 1e-300"),
        ("[fit]\nbounds = { R_b = [1, 1e300] }", r"fit, bounds, R_b .*1e\+24"),
        ("[fit]\nbounds = { R_b = [1e290, 1e300] }", r"fit, bounds, R_b .*lies between"),
        (
            "[fit]\nbounds = { V_m = [0.1, 0.10000000000000002] }",
            r"fit, bounds, V_m .*no width.*fix = { V_m = 0.1 }",
        ),
        (
            "[fit]\nbounds = { V_T = [0.5, 0.8] }\nstart = { V_T = 2.0 }",
            r"fit, start, V_T .*0.5 and 0.8 V, found 2",
        ),
        (
            "[fit]\nbounds = { V_T = [0.5, 0.8] }\nfix = { V_T = 2.0 }",
            r"fit, fix, V_T .*0.5 and 0.8 V, found 2",
        ),
        (f"a = {'[' * 1000}{']' * 1000}", r"nested too deep"),
        (f"a{'.a' * 5000} = 1", r"nested too deep"),
        (f"[a{'.a' * 5000}]", r"nested too deep"),
        (
            f"[device]\nattributes = {{ a = {'[' * 60}{']' * 60} }}",
            r"attributes, a .*text or a number, found \[\[\[",
        ),
        (f"[device]\nname = {'[' * 60}{']' * 60}", r"name .*expected a text"),
        ("[device]\n" + "\n".join(f"k{i} = 1" for i in range(MANY)), rf"{MANY} mistakes.* {MANY - 100} more"),
        ("[fit.start]\n" + "\n".join(f"k{i} = 1" for i in range(MANY)), rf"{MANY} mistakes: .* more\.$"),
        ("\n".join(f"[[measurement]]\nfile = 'a{i}.csv'" for i in range(3000)), r"3000 mistakes: .* more\.$"),
        ("[[measurement]]\nfile = '*'\n" * 10_001, r"at most 10000 measurements, found 10001"),
    ],
)  # fmt: skip
def test_what_no_device_has_is_refused_by_name(folder, text, words):
    with pytest.raises(ManifestError, match=words) as told:
        manifest(folder, text)
    assert len(str(told.value)) < 20_000


KEYS = {
    "attributes": ("[device.attributes]\n", "k{} = nan\n"),
    "unknown": ("[device]\n", "k{} = 1\n"),
    "start": ("[fit.start]\n", "k{} = 1\n"),
    "of a measurement": ("[[measurement]]\nfile = 'eis.csv'\n", "k{} = 1\n"),
    "tables": ("", "[k{}]\na = 1\n"),
    "measurements": ("", "[[measurement]]\nfile = 'a{}.csv'\n"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_the_work_grows_with_the_file_and_no_faster(folder, kind):
    """Counted in calls of functions, which no machine changes."""

    def calls(count):
        counted = 0

        def count_one(_frame, event, _argument):
            nonlocal counted
            counted += event in ("call", "c_call")

        head, line = KEYS[kind]
        text = head + "".join(line.format(number) for number in range(count))
        sys.setprofile(count_one)
        try:
            with pytest.raises(ManifestError):
                manifest(folder, text)
        finally:
            sys.setprofile(None)
        return counted

    manifest(folder, "")
    few, many = calls(1000), calls(4000)
    assert few > 1000
    assert many < 4.2 * few


def test_a_long_text_with_points_is_no_deep_key(folder):
    assert manifest(folder, f"[device]\nname = '{'a.b' * 200}'").name == "a.b" * 200


def test_bytes_that_are_no_text(folder):
    (folder / "device.toml").write_bytes(b"[device]\nname = '\xff'")
    with pytest.raises(ManifestError, match=r"device\.toml: expected TOML"):
        read_manifest(folder / "device.toml")


def test_single_points_are_left_out(tmp_path):
    rows = "\n".join(f"{f}, {100 + f}, {-f}" for f in (1000, 500, 200, 100, 50, 20, 10))
    (tmp_path / "eis.csv").write_text(f"Frequency (Hz), Z_real (ohm), Z_imag (ohm)\n{rows}\n")
    text = '[[measurement]]\nfile = "eis.csv"\nbias = "0.5 V"\nleave_out = {}\n'
    (tmp_path / "device.toml").write_text(text.format("[1, 3]"))
    (record,) = load_device(tmp_path).records
    assert record.frequency.tolist() == [500, 100, 50, 20, 10]
    assert "2 points were left out as `leave_out` in device.toml asks." in record.notes
    (tmp_path / "device.toml").write_text(text.format('{ "" = [7], other = [1] }'))
    (record,) = load_device(tmp_path).records
    assert record.frequency.tolist() == [1000, 500, 200, 100, 50, 20]
    for wrong in ("[0]", '["3"]', "3", "[true]"):
        (tmp_path / "device.toml").write_text(text.format(wrong))
        with pytest.raises(ManifestError, match="numbers of points such as"):
            load_device(tmp_path)
    for many, said in (("[8]", "names point 8; this record has 7"), ("[1,2,3,4,5,6,7]", "leaves no point")):
        (tmp_path / "device.toml").write_text(text.format(many))
        with pytest.raises(FileFormatError, match=said):
            load_device(tmp_path)


@pytest.mark.parametrize(
    ("header", "key", "said"),
    [
        (
            "f (Hz),Z' (ohm),Z'' (ohm)",
            'scan_rate = "50 mV/s"',
            "`scan_rate` in device.toml says nothing of an impedance",
        ),
        ("Voltage (V),Current (A),n", 'bias = "0 V"', "`bias` in device.toml says nothing of a sweep"),
        ("Voltage (V),Current (A),n", 'scan_rate = "50 mV/s"', ""),
    ],
)
def test_what_device_toml_says_in_vain_is_told(tmp_path, header, key, said):
    values = (0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.2) if "Voltage" in header else (1, 2, 3, 4, 5, 6, 7, 8)
    rows = "".join(f"{x},{1 + x},{-x}\n" for x in values)
    (tmp_path / "data.csv").write_text(f"{header}\n{rows}")
    (tmp_path / "device.toml").write_text(f'[[measurement]]\nfile = "data.csv"\n{key}\n')
    notes = " ".join(load_device(tmp_path).records[0].notes)
    assert said in notes
    assert ("not used" in notes) == bool(said)
