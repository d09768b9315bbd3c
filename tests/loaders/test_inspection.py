"""Reports on files: what was read, in words and as JSON."""

import json

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.inspection import inspect_file, inspect_source
from memfit.loaders.raw import FileSettings, Source

SPECTRUM = "f (Hz),Z' (ohm),-Z'' (ohm)\n" + "\n".join(
    f"{f!r},{(10 + 100 / (1 + 1j * f)).real!r},{-(10 + 100 / (1 + 1j * f)).imag!r}"
    for f in np.geomspace(1e3, 1e-2, 30).tolist()
)


def test_a_spectrum():
    report = inspect_source(Source("eis_0.5V.csv", SPECTRUM.encode()))
    (record,) = report.records
    assert (report.format, report.segments, record.kind, record.points) == ("table", 1, "impedance", 30)
    assert record.bias_V == 0.5
    assert "file name" in record.bias_source
    assert record.order == "falling frequency"
    assert record.kramers_kronig == "consistent"
    assert record.ranges["frequency (Hz)"] == pytest.approx((1e-2, 1e3))
    assert any("sign reversed" in note for note in record.notes)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["records"][0]["points"] == 30
    text = "\n".join(report.lines())
    assert "30 points, voltage control" in text
    assert "Kramers-Kronig" in text


def test_a_spectrum_without_bias_says_what_is_missing():
    report = inspect_source(Source("x.csv", SPECTRUM.encode()))
    assert report.records[0].missing == ("the dc bias",)
    assert any("missing: the dc bias" in line for line in report.lines())


def test_a_sweep_and_a_transient():
    v = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 50)]).tolist()
    text = "Voltage (V),Current (mA)\n" + "\n".join(f"{x!r},{x**2!r}" for x in v)
    (record,) = inspect_source(Source("iv_50mVs.csv", text.encode())).records
    assert (record.kind, record.scan_rate, record.noise_unit) == ("iv", 0.05, "A")
    (record,) = inspect_source(Source("iv.csv", text.encode())).records
    assert record.missing == ("times or a scan rate",)
    rows = "\n".join(f"{0.1 * i!r},{float(i % 20 > 9)!r},{0.5 * i!r}" for i in range(60))
    text = "Time (s),Voltage (V),Current (mA)\n" + rows
    settings = FileSettings(kind="transient", control="voltage")
    report = inspect_source(Source("p.csv", text.encode()), settings)
    assert report.records[0].order == "rising time, every 100 ms"
    assert "noise" in "\n".join(report.lines())


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("words\n")
    with pytest.raises(FileFormatError, match=r"x\.csv"):
        inspect_file(path)
    with pytest.raises(FileFormatError, match=r"x\.csv"):
        inspect_source(Source("x.csv", b"# memfit: record 1\nFoo,Bar\n1,2\n"))


def test_a_density_without_area_is_shown_with_what_is_missing():
    text = "Voltage (V),J (mA/cm2)\n" + "\n".join(f"{i},{i}" for i in range(9))
    report = inspect_source(Source("jv.csv", text.encode()))
    assert "area" in report.missing[0]
    assert report.records[0].points == 9
