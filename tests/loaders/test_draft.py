"""The device.toml that `memfit init` writes: complete, true, and read back to the same records."""

import tomllib

import numpy as np
import pytest

from memfit.datasets.records import content_digest
from memfit.errors import InputError
from memfit.loaders.device import load_device
from memfit.loaders.draft import draft_manifest

SPECTRUM = "{head}f (Hz),Z' (ohm),Z'' (ohm)\n" + "".join(
    f"{f!r},{100 / (1 + f)!r},{-f!r}\n" for f in np.geomspace(1e4, 1, 12).tolist()
)
SWEEP = "Voltage (V),Current (A)\n" + "\n".join(f"{v!r},{v!r}" for v in np.linspace(0, 1, 30).tolist()) + "\n"
SCOPE = "time,CH1,CH2\ns,V,V\n" + "".join(f"{i * 1e-3},{i % 2},{i}\n" for i in range(40))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "Device [7B]"
    (path / "IV").mkdir(parents=True)
    (path / "eis_0.5V.csv").write_text(SPECTRUM.format(head=""))
    (path / "IV" / 'loop "fast" 50mVs.csv').write_text(SWEEP)
    (path / "README.md").write_text("hello")
    return path


def test_the_draft_leads_to_the_same_records(folder):
    before = load_device(folder)
    draft = draft_manifest(folder)
    assert draft.missing == ()
    assert draft.files == 2
    (folder / "device.toml").write_text(draft.text, encoding="utf-8")
    after = load_device(folder)
    assert after.name == before.name
    assert sorted(map(content_digest, after.records)) == sorted(map(content_digest, before.records))


def test_a_missing_bias_is_named_and_drops_nothing(folder):
    (folder / "a.csv").write_text(SPECTRUM.format(head="# amplitude: 10 mV\n").replace("100", "101"))
    draft = draft_manifest(folder)
    assert len(draft.missing) == 1
    assert draft.missing[0].startswith("a.csv: its dc bias is missing")
    completed = draft.text.replace('# bias = "0.50 V"', 'bias = "0.7 V"')
    (folder / "device.toml").write_text(completed, encoding="utf-8")
    assert sorted(s.bias_voltage for s in load_device(folder).spectra) == [0.5, 0.7]


def test_what_cannot_be_read_stands_there_with_the_reason(folder):
    (folder / "broken.csv").write_text(SPECTRUM.format(head="# bias: 0.6 V\n").replace(",-1.0", ",x"))
    (folder / "scope.csv").write_text(SCOPE)
    (folder / "Copy.csv").write_text(SPECTRUM.format(head="# bias: 0.5 V\n"))
    draft = draft_manifest(folder)
    listed = tomllib.loads(draft.text)["measurement"]
    assert [entry["file"] for entry in listed] == ["Copy.csv", 'IV/loop "fast" 50mVs.csv']
    assert "# the same numbers as Copy.csv, which counts" in draft.text
    assert "# broken.csv, line" in draft.text
    assert len(draft.missing) == 2
    (folder / "device.toml").write_text(draft.text, encoding="utf-8")
    assert len(load_device(folder).records) == 2


def test_nothing_to_write_down(tmp_path):
    with pytest.raises(InputError, match="expected files of measurements"):
        draft_manifest(tmp_path)
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "eis.csv").write_text(SPECTRUM.format(head="# bias: 0.5 V\n"))
    with pytest.raises(InputError, match="subfolders"):
        draft_manifest(tmp_path)
    draft = draft_manifest(tmp_path, subfolders=True)
    assert tomllib.loads(draft.text)["device"]["subfolders"] is True


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Voltage,Current\n" + "".join(f"{v / 10},{v * 1e-6}\n" for v in range(12)), "iv"),
        ("".join(f"{v / 10}\t{v * 1e-6}\n" for v in range(12)), "iv"),
        ("Voltage (V),J (mA/cm2)\n" + "".join(f"{v / 10},{v * 1e-6}\n" for v in range(12)), "iv"),
        (
            "Pulse number,Conductance (uS)\n" + "".join(f"{k},{10 + k}\n" for k in range(1, 12)),
            "potentiation",
        ),
        ("Time (s),R (kohm)\n" + "".join(f"{k},{10 + k}\n" for k in range(1, 12)), "retention"),
        ("Time (s),V1 (V),V2 (V)\n" + "".join(f"{k},{k % 4 > 1},{k % 4}\n" for k in range(12)), "transient"),
    ],
)
def test_the_lines_that_a_refusal_proposes_stand_there_and_read_the_file(tmp_path, text, kind):
    """`columns = { voltage = "CH1", ... }` stood there, whatever the file had."""
    text = text.replace("True", "1").replace("False", "0")
    (tmp_path / "data.csv").write_text(text)
    draft = draft_manifest(tmp_path)
    assert len(draft.missing) == 1
    lines = draft.text.split("\n")
    at = lines.index("# [[measurement]]")
    complete = [line.removeprefix("# ") for line in lines[at:]]
    (tmp_path / "device.toml").write_text("\n".join([*lines[: at - 1], *complete]), encoding="utf-8")
    (record,) = load_device(tmp_path).records
    assert record.kind == kind
