"""The readers: each module of a format states its own, and all are asked."""

import importlib
import pkgutil

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders import formats, registry
from memfit.loaders.raw import PAIRS, ROLES, RawTable, Reader, Source
from memfit.loaders.registry import find_reader, read_source


def test_every_reader_of_a_module_is_asked():
    stated = set()
    for module in pkgutil.iter_modules(formats.__path__):
        content = vars(importlib.import_module(f"{formats.__name__}.{module.name}"))
        own = {item.name for item in content.values() if isinstance(item, Reader)}
        own |= {item.name for item in content.get("READERS", ())}
        assert own, module.name
        stated |= own
    assert stated == {reader.name for reader in formats.READERS}
    assert len(stated) == len(formats.READERS)


def test_no_two_readers_claim_an_extension():
    suffixes = [suffix for reader in formats.READERS for suffix in reader.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)


def test_content_goes_before_the_extension():
    assert find_reader(Source("x.mpt", b"Time (s),Voltage (V),Current (A)\n")).name == "BioLogic EC-Lab text"
    assert find_reader(Source("x.mpt", b"TAG\tCV\n")).name == "Gamry DTA"
    assert find_reader(Source("x.csv", b"anything")).name == "table"


def test_what_a_reader_stumbles_over_names_its_format(monkeypatch):
    def stumble(source, settings):
        raise IndexError("no such field")

    broken = Reader("Broken", lambda source: source.head.startswith("%%"), stumble)
    monkeypatch.setattr(registry, "READERS", (broken,))
    with pytest.raises(FileFormatError, match=r"'Broken'; found a damaged or a different one \(IndexError"):
        read_source(Source("x.txt", b"%%"))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"frequency": [1.0, 2.0, 3.0], "z_real": [1.0, np.nan, 1.0], "z_imag": [1.0] * 3},
            "z real has values",
        ),
        ({"frequency": [1e20, 2.0, 3.0], "z_real": [1.0] * 3, "z_imag": [1.0] * 3}, "a unit is wrong"),
        ({"frequency": [1e-12, 2.0, 3.0], "z_real": [1.0] * 3, "z_imag": [1.0] * 3}, "above 1 nHz"),
        ({"frequency": [-1.0, 2.0, 3.0], "z_real": [1.0] * 3, "z_imag": [1.0] * 3}, "-1 Hz in row 1"),
        (
            {"frequency": [0.0, 0.0, 3.0], "z_real": [1.0] * 3, "z_imag": [1.0] * 3},
            "at least 3 impedance points",
        ),
        ({"frequency": [1.0, 2.0, 3.0], "z_real": [1.0] * 3}, "expected the columns Z' and Z''"),
        (
            {"frequency": [1.0, 2.0, 3.0], "y_real": [0.0] * 3, "y_imag": [0.0] * 3},
            "an admittance other than 0",
        ),
    ],
)
def test_what_no_instrument_measures_is_refused(monkeypatch, columns, words):
    table = RawTable(columns={role: np.array(values) for role, values in columns.items()})
    reader = Reader("Made up", lambda source: True, lambda source, settings: [table])
    monkeypatch.setattr(registry, "READERS", (reader,))
    with pytest.raises(FileFormatError, match=words):
        read_source(Source("x", b"x"))


@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_of_columns_gives_the_same_impedance(monkeypatch, pair):
    frequency = np.geomspace(1e4, 1.0, 9)
    omega, z = 2 * np.pi * frequency, np.full(9, 3.0) + 4j
    if "z_imag" not in pair and "inductance_series" not in pair:
        z = z.conj()
    y = 1 / z
    columns = {
        "z_real": z.real, "z_imag": z.imag, "z_modulus": abs(z), "phase": np.angle(z), "y_real": y.real,
        "y_imag": y.imag, "y_modulus": abs(y), "y_phase": np.angle(y), "resistance_series": z.real,
        "resistance_parallel": 1 / y.real, "capacitance_parallel": y.imag / omega,
        "capacitance_series": -1 / (omega * z.imag), "inductance_series": z.imag / omega,
        "dissipation": abs(z.real / z.imag),
    }  # fmt: skip
    assert set(pair) <= set(ROLES)
    table = RawTable(columns={"frequency": frequency, **{role: columns[role] for role in pair}})
    reader = Reader("Made up", lambda source: True, lambda source, settings: [table])
    monkeypatch.setattr(registry, "READERS", (reader,))
    (record,) = read_source(Source("x", b"x"))
    np.testing.assert_allclose(record.impedance, z, rtol=1e-12)


def test_degrees_that_are_called_radians_are_refused():
    lines = "".join(f"{10**k},100,{-20 - k}\n" for k in range(6))
    with pytest.raises(FileFormatError, match=r"expected a phase .*found 25 .*phase = \{ name = .*\"deg\""):
        read_source(Source("x.csv", f"Frequency (Hz),|Z| (ohm),Phase (rad)\n{lines}".encode()))
    (record,) = read_source(Source("x.csv", f"Frequency (Hz),|Z| (ohm),Phase (deg)\n{lines}".encode()))
    assert record.impedance[0] == pytest.approx(100 * np.exp(-20j * np.pi / 180))


@pytest.mark.parametrize("label", ["M'", "eps''", "ε'", "Permittivity"])
def test_what_is_of_the_material_is_no_impedance(label):
    lines = "".join(f"{10**k},{k},{k}\n" for k in range(6))
    with pytest.raises(FileFormatError, match="is of the material"):
        read_source(Source("x.csv", f"Frequency (Hz),{label},other\n{lines}".encode()))


def test_a_channel_alone_is_asked_about():
    head = "Record Length,54,,0.000,0.0\nSample Interval,0.001,,0.001,1.0\nSource,CH1,,0.002,1.0\n"
    lines = "".join(f",,,{0.003 + 0.001 * k:.3f},{np.sin(k / 9):.4f}\n" for k in range(50))
    with pytest.raises(FileFormatError, match=r"of the channel CH1 alone.*`waveform` that was applied"):
        read_source(Source("x.csv", (head + lines).encode()))
