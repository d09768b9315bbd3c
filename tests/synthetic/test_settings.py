"""PARAMS.toml: what is understood, and how mistakes are told."""

from pathlib import Path

import numpy as np
import pytest

from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.errors import ManifestError
from memfit.loaders.device import load_device
from memfit.model import Parameters
from memfit.synthetic.export import write_device
from memfit.synthetic.measurements import Recording, Spectroscopy, simulate_device
from memfit.synthetic.settings import read_simulation

PARAMETERS = """
[parameters]
R_b = "200 kohm"
C_m = 1.5e-7
i_c0 = "5 uA"
V_T = "600 mV"
V_m = 0.06
tau_d = "100 ms"
"""

MEASUREMENTS = """
[[measurement]]
kind = "impedance"
bias = ["0.5 V", "600 mV"]
frequency = ["1 Hz", "10 kHz"]
points = 9
[[measurement]]
kind = "impedance"
control = "current"
bias = "2 uA"
frequency = ["1 Hz", "10 kHz"]
file = "galvanostatic.csv"
[[measurement]]
kind = "iv"
vertices = ["0 V", "1 V", "-0.5 V", "0 V"]
scan_rate = "100 mV/s"
points = 31
[[measurement]]
kind = "transient"
amplitude = "5 uA"
on = "10 ms"
width = "20 ms"
period = "40 ms"
count = 2
end = "0.1 s"
points = 101
[[measurement]]
kind = "transient"
control = "voltage"
initial = "rest"
waveform = [["0 s", "0 V"], ["1 s", "0 V"], ["2 s", "0.5 V"]]
"""


def read(folder: Path, text: str):
    path = folder / "device.params.toml"
    path.write_text(text, encoding="utf-8")
    return read_simulation(path)


def test_parameters_alone_are_enough(tmp_path):
    found = read(tmp_path, PARAMETERS)
    assert found.parameters == Parameters(R_b=2e5, C_m=1.5e-7, i_c0=5e-6, V_T=0.6, V_m=0.06, tau_d=0.1)
    assert found.measurements is None
    assert found.seed == 0


def test_all_tables(tmp_path):
    text = f"""seed = 9
[device]
name = "A"
area = "4 mm^2"
temperature = "25 degC"
attributes = {{ batch = "7", layers = 3 }}
{PARAMETERS}
R_s = "20 ohm"
[noise]
impedance = "2 %"
current_floor = "1 nA"
voltage = "2 mV"
outliers = 0.01
gain = {{ iv = 1.02 }}
{MEASUREMENTS}"""
    found = read(tmp_path, text)
    assert (found.seed, found.name, found.area) == (9, "A", pytest.approx(4e-6))
    assert found.temperature == pytest.approx(298.15)
    assert found.attributes == {"batch": "7", "layers": 3}
    assert found.parameters.R_s == 20.0
    assert found.noise.impedance == pytest.approx(0.02)
    assert found.noise.current_floor == pytest.approx(1e-9)
    assert found.noise.gain == {"iv": 1.02}
    first, second, galvanostatic, sweep, pulses, wave = found.measurements
    assert isinstance(first, Spectroscopy)
    assert [first.protocol.bias, second.protocol.bias] == pytest.approx([0.5, 0.6])
    assert first.protocol.frequency == pytest.approx(np.geomspace(1e4, 1.0, 9))
    assert (galvanostatic.protocol.control, galvanostatic.file) == ("current", "galvanostatic.csv")
    assert isinstance(sweep, Recording)
    assert sweep.drive.time == pytest.approx([0.0, 10.0, 25.0, 30.0])
    assert pulses.drive.at([0.005, 0.02, 0.04, 0.06, 0.08]) == pytest.approx([0.0, 5e-6, 0.0, 5e-6, 0.0])
    assert (wave.drive.control, wave.drive.initial) == ("voltage", "rest")


FILES = '[files]\nformat = "instrument"\n'


def test_files_of_instruments_for_the_usual_measurements(tmp_path):
    found = read(tmp_path, PARAMETERS + FILES)
    assert [item.file for item in found.measurements][7:9] == ["eis_0.84V.txt", "iv_20mVs.csv"]
    assert list(found.formats.values()) == [
        *["ec-lab", "nova"] * 4,
        *["keithley"] * 3,
        *["oscilloscope"] * 3,
    ]
    assert read(tmp_path, PARAMETERS).formats == {}


def test_files_of_instruments_for_stated_measurements(tmp_path):
    generic = read(tmp_path, PARAMETERS + MEASUREMENTS)
    assert set(generic.formats.values()) == {"generic"}
    found = read(tmp_path, PARAMETERS + FILES + MEASUREMENTS)
    assert found.formats == {
        "eis_0.5V.mpt": "ec-lab",
        "eis_0.6V.txt": "nova",
        "galvanostatic.csv": "ec-lab",
        "iv_100mVs.csv": "keithley",
        "pulse_5uA.csv": "oscilloscope",
        "pulse_500mV.csv": "oscilloscope",
    }


def test_the_format_of_one_measurement(tmp_path):
    stated = MEASUREMENTS.replace("points = 9\n", 'points = 9\nformat = "nova"\n')
    found = read(tmp_path, PARAMETERS + stated).formats
    assert found == {
        "eis_0.5V.txt": "nova",
        "eis_0.6V.txt": "nova",
        "galvanostatic.csv": "generic",
        "iv_100mVs.csv": "generic",
        "pulse_5uA.csv": "generic",
        "pulse_500mV.csv": "generic",
    }
    plain = stated.replace('"nova"', '"generic"')
    assert list(read(tmp_path, PARAMETERS + FILES + plain).formats.values())[:3] == [
        "generic",
        "generic",
        "ec-lab",
    ]


def test_all_mistakes_at_once(tmp_path):
    text = """sead = 1
[parameters]
R_b = "200 kohms per second"
C_n = 1e-7
i_c0 = -1.0
V_T = "0.6 V"
V_m = "60 mA"
tau_d = 0.1
[noise]
voltage = "1 ohm"
correlation = 2
[files]
format = "instruments"
[[measurement]]
kind = "impedence"
[[measurement]]
kind = "transient"
format = "ec-lab"
[[measurement]]
kind = "iv"
vertices = ["0 V"]
scan_rat = "1 V/s"
"""
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    for part in (
        "did you mean 'seed'?",
        "R_b (line 3)",
        "did you mean 'C_m'?",
        "i_c0 (line 5): expected a value above 0",
        "found 'mA'",
        "found 'ohm'",
        "between -1 and 1",
        "did you mean 'impedance'?",
        "did you mean 'scan_rate'?",
        "files, format",
        "did you mean 'instrument'?",
        "measurement 2, format",
        "oscilloscope",
        "expected C_m too",
        "expected scan_rate too",
        "measurement 2 (line 16): expected amplitude, on, width, end too",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a table [parameters]"),
        ("seed = -1" + PARAMETERS, "whole number of at least 0"),
        (PARAMETERS + "R_s = -1", "at least 0"),
        (PARAMETERS + "[measurement]\nkind = 'iv'", "two brackets"),
        (PARAMETERS + "[[measurement]]\nbias = 1", "expected the key `kind`"),
        (PARAMETERS + "[[measurement]]\nkind='impedance'\nbias=1\nfrequency=['0 Hz', '1 Hz']", "above 0 Hz"),
        (PARAMETERS + "[[measurement]]\nkind='impedance'\nbias=1\nfrequency=[1, 9]\npoints=2", "at least 3"),
        (PARAMETERS + "[[measurement]]\nkind='impedance'\nbias=[1,2]\nfrequency=[1, 9]\nfile='a'", "several"),
        (PARAMETERS + "[[measurement]]\nkind='iv'\nvertices=[0,1]\nscan_rate=1\nfile='../a'", "plain name"),
        (PARAMETERS + "[[measurement]]\nkind='transient'\namplitude=1\non=0\nwidth=2\nend=1", "last pulse"),
        (PARAMETERS + "[[measurement]]\nkind='transient'\nwaveform=[[0, 1]]", "twice or more"),
        (PARAMETERS + "[[measurement]]\nkind='transient'\nwaveform=[[1, 0], [0, 1]]", "backward"),
        (PARAMETERS + 2 * "[[measurement]]\nkind='iv'\nvertices=[0,1]\nscan_rate=1\n", "its own `file`"),
        (PARAMETERS + "[noise]\ngain = { iv = 0 }", "above 0"),
        (PARAMETERS + "[device]\nattributes = { a = [1] }", "text or a number"),
    ],
)
def test_one_mistake(tmp_path, text, said):
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parts_are_simulated(tmp_path):
    parts = 'R_1 = "100 kohm"\nC_1 = "2 uF"\nkappa = 0.4\nI_ph = "-1 uA"\nd_i = 0.01\n'
    found = read(tmp_path, PARAMETERS + parts).parameters
    assert found.parts == ("branch", "photocurrent", "conductance", "drift")
    assert (found.R_1, found.C_1, found.kappa, found.I_ph, found.d_i) == (1e5, 2e-6, 0.4, -1e-6, 0.01)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ("R_1 = 1e5", "(line 2): The part branch needs R_1 and C_1; missing: C_1"),
        ("kappa = 2", "kappa must lie between 0 and 1, found 2"),
        ("kappa = 0.5\nV_Tn = -0.1\nV_mn = 0.1\ni_c0n = 1e-6", "expected V_Tn greater than 0 V, found -0.1"),
        ("I_l = '-1 uA'\nV_l = 0.1", "I_l (line 9): expected a value of at least 0"),
        ("C_0 = 1e-9\nV_c = '2 A'", "V_c (line 10)"),
        ("brunch = 1", "unknown key 'brunch'"),
    ],
)
def test_parts_with_mistakes(tmp_path, parts, said):
    with pytest.raises(ManifestError) as caught:
        read(tmp_path, PARAMETERS + parts)
    assert said in str(caught.value)
    assert str(caught.value).startswith("device.params.toml: a mistake: ")
    assert "\n" not in str(caught.value)


PROTOCOLS = """
[[measurement]]
kind = "transient"
control = "voltage"
protocol = "paired_pulses"
amplitude = "0.9 V"
width = "10 ms"
interval = ["10 ms", "100 ms"]
[[measurement]]
kind = "transient"
control = "voltage"
protocol = "potentiation_depression"
amplitude = "0.9 V"
depression = "0.2 V"
width = "10 ms"
period = "30 ms"
count = 5
read = "0.4 V"
file = "ltp.csv"
"""


def test_protocols_of_the_field_by_name(tmp_path):
    found = read(tmp_path, PARAMETERS + PROTOCOLS)
    assert [one.file for one in found.measurements] == [
        "paired_pulses_1.csv",
        "paired_pulses_2.csv",
        "ltp.csv",
    ]
    device = simulate_device(found.parameters, found.measurements, seed=1)
    sheet = figures_of_merit(found.parameters, device)
    measured = {(e.name, e.record): e.measured for e in sheet.entries if e.record}
    near, far = (measured["PPF", f"paired_pulses_{k}.csv"].value for k in (1, 2))
    assert near > far > 1.0
    assert measured["dynamic_range", "ltp.csv"].value > 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"paired_pulses"', '"paired"'), "paired_pulses"),
        (('width = "10 ms"\ninterval', "interval"), "expected width too"),
        (
            (
                'amplitude = "0.9 V"\nwidth = "10 ms"\ninterval',
                'amplitude = ["1 V", "2 V"]\nwidth = "1 s"\ninterval',
            ),
            "one setting only",
        ),
        (("count = 5", "count = 0"), "whole number"),
    ],
)
def test_protocols_with_mistakes(tmp_path, change, said):
    with pytest.raises(ManifestError, match=said):
        read(tmp_path, PARAMETERS + PROTOCOLS.replace(*change))


READS = """
[[measurement]]
kind = "potentiation"
protocol = { pulse = ["0.7 V", "-0.3 V"], width = "5 ms", read = "0.3 V", period = "20 ms", count = [5, 5] }
[[measurement]]
kind = "retention"
protocol = { pulse = "0.8 V", width = "50 ms", read = "0.3 V" }
between = ["2 ms", "1 s"]
points = 7
[[measurement]]
kind = "paired_pulse"
protocol = { pulse = "0.6 V", width = "6 ms" }
between = ["10 ms", "0.3 s"]
points = 6
"""


def test_reads_of_pulses_are_written_and_loaded_as_their_own_kinds(tmp_path):
    path = tmp_path / "PARAMS.toml"
    path.write_text(PARAMETERS + READS)
    made = read_simulation(path)
    device = simulate_device(made.parameters, made.measurements, noise=made.noise, seed=1)
    folder = tmp_path / "device"
    folder.mkdir()
    write_device(device, made.parameters, folder)
    loaded = load_device(folder)
    assert [(r.kind, r.points) for r in loaded] == [
        ("potentiation", 10),
        ("retention", 7),
        ("paired_pulse", 6),
    ]
    for one, other in zip(device, loaded, strict=True):
        assert one.response == pytest.approx(other.response)
        assert one.against == pytest.approx(other.against)
    assert loaded.records[2].against == pytest.approx(np.geomspace(0.01, 0.3, 6))
    assert np.all(np.abs(loaded.records[2].ratio - 1) < 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "potentiation"', "expected protocol"),
        ('kind = "retention"\nprotocol = { pulse = "1 V", width = "1 ms", read = "0.1 V" }', "between"),
        ('kind = "paired_pulse"\nprotocol = { pulse = "1 V", width = "1 ms" }\nbetween = ["0 s", "1 s"]',
         "above 0 s"),
        ('kind = "potentiation"\nprotocol = { pulse = "1 V", width = "1 ms", read = "0.1 V" }', "period"),
    ],
)  # fmt: skip
def test_reads_that_cannot_be(tmp_path, text, words):
    path = tmp_path / "PARAMS.toml"
    path.write_text(f"{PARAMETERS}\n[[measurement]]\n{text}\n")
    with pytest.raises(ManifestError, match=words):
        read_simulation(path)
