"""Layouts that laboratories make and instruments write, each in a small file of our own."""

import numpy as np
import pytest

from memfit.datasets.records import ImpedanceSpectrum, IVSweep
from memfit.errors import FileFormatError
from memfit.loaders.raw import FileSettings
from memfit.loaders.registry import read_source
from memfit.loaders.source import Source
from memfit.units import find_unit

F = np.logspace(5, 1, 13)
Z = 50 + 1e3 / (1 + 2j * np.pi * F * 1e-6)
Y = 1 / Z
OMEGA = 2 * np.pi * F


def read(text, name="file.csv", **settings):
    data = text if isinstance(text, bytes) else text.encode()
    return read_source(Source(name, data), FileSettings(**settings))


def one(text, name="file.csv", **settings):
    (record,) = read(text, name, **settings)
    return record


def rows(*columns, separator=","):
    return "".join(
        separator.join(f"{value:.10g}" for value in row) + "\n" for row in zip(*columns, strict=True)
    )


def same(record, impedance=Z):
    assert isinstance(record, ImpedanceSpectrum)
    np.testing.assert_allclose(record.frequency, F, rtol=1e-8)
    np.testing.assert_allclose(record.impedance, impedance, rtol=1e-7)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Frequency (Hz),Cp (F),G (S)", (F, Y.imag / OMEGA, Y.real)),
        ("Frequency (Hz),Cp (nF),Gp (mS)", (F, Y.imag / OMEGA * 1e9, Y.real * 1e3)),
        ("Frequency [Hz],Cp [F],Rp [Ohm]", (F, Y.imag / OMEGA, 1 / Y.real)),
        ("Frequency [Hz],C [nF],Rp [Ohm]", (F, Y.imag / OMEGA * 1e9, 1 / Y.real)),
        ("FREQUENCY[Hz],Cp[F],D[]", (F, Y.imag / OMEGA, Y.real / Y.imag)),
        ("Frequency (Hz),Cs (F),Rs (ohm)", (F, -1 / (OMEGA * Z.imag), Z.real)),
        ("Frequency (Hz),Cs (F),D", (F, -1 / (OMEGA * Z.imag), -Z.real / Z.imag)),
        ("Frequency (Hz),Ls (H),Rs (ohm)", (F, Z.imag / OMEGA, Z.real)),
        ("Frequency (Hz),Rs (ohm),Xs (ohm)", (F, Z.real, Z.imag)),
        ("Frequency (Hz),|Y| (S),theta-y (deg)", (F, abs(Y), np.angle(Y, deg=True))),
        ("Frequency (Hz),Gp (S),Bp (S)", (F, Y.real, Y.imag)),
    ],
)
def test_circuits_of_two_elements_are_impedances(header, columns):
    same(one(f"{header}\n{rows(*columns)}"))


@pytest.mark.parametrize(
    "header", ["Frequency (Hz),C (F),D", "Frequency (Hz),Cp (F),Rs (ohm)", "Frequency (Hz),C,Rp"]
)
def test_a_circuit_that_could_be_two_is_refused(header):
    with pytest.raises(FileFormatError, match="expected"):
        read(f"{header}\n{rows(F, Y.imag / OMEGA, 1 / Y.real)}")


@pytest.mark.parametrize(
    "header",
    [
        "f (Hz),Zre (Ohm),(-)Zim (Ohm)", "f (Hz),Zre (Ohm),neg. Zim (Ohm)", "f (Hz),Z' (Ohm),-1*Z'' (Ohm)",
        "f (Hz),Z' (Ohm),-(Z'') (Ohm)", "Freq. [Hz],Zs' [Ohms],-Zs'' [Ohms]", "Hz,Z' (ohm),-Z'' (ohm)",
        "Frequency in Hz,Re(Z) in Ohm,-Im(Z) in Ohm",
    ],
)  # fmt: skip
def test_spellings_of_a_reversed_sign(header):
    same(one(f"{header}\n{rows(F, Z.real, -Z.imag)}"))


@pytest.mark.parametrize(
    "header",
    [
        "Frequency (Hz),Z(ohm),Theta-Z(Deg)",
        "Frequency (Hz),Z-mag (ohm),Z-phase (DEG)",
        "f (Hz),|Z| (ohm),θz (°)",
    ],
)
def test_spellings_of_modulus_and_phase(header):
    same(one(f"{header}\n{rows(F, abs(Z), np.angle(Z, deg=True))}"))


def test_angular_frequency_as_w():
    same(one(f"w (rad/s),Z' (ohm),Z'' (ohm)\n{rows(OMEGA, Z.real, Z.imag)}"))


def test_a_temperature_is_no_time():
    """A unit of temperature answers only where a temperature is asked for."""
    assert find_unit("degC", "voltage") is None
    assert find_unit("°C", "time") is None
    record = one(
        "Voltage (V),Current (A),T (°C)\n"
        + rows([0, 1, 2, 1, 0], [0, 1e-6, 2e-6, 1e-6, 0], [21.0, 21.1, 21.2, 21.3, 21.4])
    )
    assert isinstance(record, IVSweep)
    assert record.time is None


def test_labels_of_powersuite_over_other_columns_say_no_unit():
    """A table with |Z| and phase beside them had Z in kohm cm2, with the sign of Z'' reversed."""
    with pytest.raises(FileFormatError, match="unit"):
        read(
            "Frequency\tZ_E\tPhase_E\tZ_re\tZ_img\n"
            + rows(F, abs(Z), np.angle(Z), Z.real, -Z.imag, separator="\t")
        )
    same(one("Frequency\t Zre\t Zimg\n" + rows(F, Z.real, Z.imag, separator="\t")))


def test_the_missing_unit_of_an_angular_frequency():
    with pytest.raises(FileFormatError, match=r"omega \(rad/s\)"):
        read(f"omega,Z' (ohm),Z'' (ohm)\n{rows(OMEGA, Z.real, Z.imag)}")
