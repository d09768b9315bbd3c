"""NOVA's exports are known by their labels, whatever the separator and the decimal mark."""

import numpy as np
import pytest

from memfit.loaders.registry import read_source
from memfit.loaders.source import Source

F = np.geomspace(1e5, 1.0, 12)
Z = 35.0 + 1e5 / (1.0 + 2j * np.pi * F * 1e-3)
LABELS = ("Index", "Frequency (Hz)", "Z' (Ω)", "-Z'' (Ω)", "Z (Ω)", "-Phase (°)")


def scan(separator: str, decimal: str) -> str:
    columns = zip(np.arange(1, 13), F, Z.real, -Z.imag, abs(Z), -np.degrees(np.angle(Z)), strict=True)
    rows = [separator.join(f"{value:.12g}".replace(".", decimal) for value in row) for row in columns]
    return "\r\n".join([separator.join(LABELS), *rows, ""])


@pytest.mark.parametrize(
    ("separator", "decimal"), [(";", "."), (";", ","), ("\t", "."), ("\t", ","), (",", ".")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_frequency_scan(separator, decimal, encoding):
    (record,) = read_source(Source("scan_0.5V.txt", scan(separator, decimal).encode(encoding)))
    assert record.origin.format == "Autolab NOVA text"
    assert record.bias_voltage == 0.5
    assert record.frequency == pytest.approx(F, rel=1e-11)
    assert record.impedance == pytest.approx(Z, rel=1e-10)


def test_a_voltammogram():
    text = "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V)\n"
    text += "".join(f"{v};{t};{1e-3 * v};{v}\n" for t, v in enumerate([0.0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.0]))
    (record,) = read_source(Source("cv.txt", text.encode()))
    assert (record.origin.format, record.kind, record.points) == ("Autolab NOVA text", "iv", 7)


def test_other_tables_are_not_taken_for_it():
    text = scan(";", ".").replace("Z' (Ω);-Z''", "Z_real (ohm);-Z''")
    (record,) = read_source(Source("scan.txt", text.encode()))
    assert record.origin.format == "table"
    assert record.impedance == pytest.approx(Z, rel=1e-10)
