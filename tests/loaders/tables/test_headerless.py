"""Tables without labels: a spectrum where nothing is left to guess; else asked, with an answer that works."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings, Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 0.1, 31)
SLOW = 20 + 3000 / (1 + 1j * F / 200)


def text(*columns):
    return "".join(",".join(f"{x:.6g}" for x in row) + "\n" for row in np.array((F, *columns)).T.tolist())


def read(text, **settings):
    return read_source(Source("x.txt", text.encode()), FileSettings(**settings))


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0, 100.0])
def test_cartesian_columns_are_read_at_any_scale(scale):
    (record,) = read(text(scale * SLOW.real, scale * SLOW.imag))
    np.testing.assert_allclose(record.impedance, scale * SLOW, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-2, 1.0, 100.0])
@pytest.mark.parametrize(
    "columns",
    [
        lambda z: (abs(z), np.degrees(np.angle(z))),
        lambda z: (abs(z), np.angle(z)),
        lambda z: (abs(z), -np.degrees(np.angle(z))),
        lambda z: (20 * np.log10(abs(1e2 / (1e2 + z))), np.degrees(np.angle(1e2 / (1e2 + z)))),
    ],
    ids=["degrees", "radians", "sign", "gain"],
)
def test_modulus_or_gain_and_phase_are_asked_for(columns, scale):
    with pytest.raises(FileFormatError, match="may be Z' and Z'', modulus and phase, or gain"):
        read(text(*columns(scale * SLOW)))


def test_the_answers_work():
    polar = text(abs(SLOW), np.degrees(np.angle(SLOW)))
    (record,) = read(polar, columns=("Frequency (Hz)", "|Z| (ohm)", "Phase (deg)"))
    np.testing.assert_allclose(record.impedance, SLOW, rtol=1e-4)
    cartesian = text(SLOW.real / 100, SLOW.imag / 100)
    (record,) = read(cartesian, columns=("Frequency (Hz)", "Z' (ohm)", "Z'' (ohm)"))
    np.testing.assert_allclose(record.impedance, SLOW / 100, rtol=1e-4)


def test_other_numbers_of_columns_are_asked_for():
    with pytest.raises(
        FileFormatError, match=r'columns = \["Voltage \(V\)", "Current \(A\)", "label 3", "label 4"\]'
    ):
        read(text(F, F, F))


@pytest.mark.parametrize("cell", ["({:.4g}{:+.4g}j)", "{:.4g}{:+.4g}i", "{:.4g} {:+.4g}*I"])
def test_complex_cells_are_named(cell):
    rows = (f"{10.0**k},{cell.format(50 + k, -20.5 - k)}\n" for k in range(8))
    text = "Frequency (Hz),Z (ohm)\n" + "".join(rows)
    with pytest.raises(FileFormatError, match="real and imaginary parts as two columns"):
        read_source(Source("eis.csv", text.encode()))


def test_a_turned_table_is_named():
    text = "Voltage (V),0,0.1,0.2,0.3,0.4,0.5\nCurrent (A),0,1e-6,2e-6,3e-6,4e-6,5e-6\n"
    with pytest.raises(FileFormatError, match=r"'Voltage \(V\)', 'Current \(A\)'.*turn the table"):
        read_source(Source("iv.csv", text.encode()))
