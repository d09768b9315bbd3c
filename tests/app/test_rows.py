"""A row a file: what is missing, what raises doubts, what nobody means."""

import numpy as np

from memfit.app.device_file import device_file_of
from memfit.app.rows import read_rows

HEAD = "Frequency (Hz), Z_real (ohm), Z_imag (ohm)\n"


def spectrum(scale):
    f = np.logspace(5, 0, 21)
    Z = scale * (10 + 1e3 / (1 + 2j * np.pi * f * 1e-3))
    return HEAD + "\n".join(f"{a}, {b.real}, {b.imag}" for a, b in zip(f, Z, strict=True))


def test_what_is_missing_and_what_raises_doubts(tmp_path):
    for k, scale in enumerate((1.0, 1.1, 1.2, 1e6)):
        (tmp_path / f"eis_0.{k + 1}V.csv").write_text(spectrum(scale))
    (tmp_path / "eis.csv").write_text(spectrum(1.3))
    (tmp_path / "again.csv").write_text(spectrum(1.0))
    (tmp_path / "notes.md").write_text("hello")
    rows = {row.file: row for row in read_rows(tmp_path, device_file_of(tmp_path), {})}
    assert rows["eis.csv"].missing == "bias"
    assert rows["eis_0.1V.csv"].missing == ""
    assert rows["notes.md"].junk
    assert "It conducts 8×10⁵ times less" in rows["eis_0.4V.csv"].alarms[0]
    assert not rows["eis_0.2V.csv"].alarms


def test_a_file_is_read_again_only_where_something_changed(tmp_path, monkeypatch):
    (tmp_path / "eis_0.1V.csv").write_text(spectrum(1.0))
    file, known = device_file_of(tmp_path), {}
    (first,) = read_rows(tmp_path, file, known)
    (second,) = read_rows(tmp_path, file, known)
    assert first.records[0] is second.records[0]
    (third,) = read_rows(tmp_path, file.with_measurement(0, "bias", "0.2 V"), known)
    assert third.records[0].bias_voltage == 0.2
