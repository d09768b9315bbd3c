"""Touchstone: every unit, parameter and form gives the impedance; more ports are refused."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 10, 21)
Z = 30 + 2000 / (1 + 1j * F / 900)


def values(parameter, resistance, version):
    relative = resistance if version == 1 else 1.0
    return {"S": (Z - resistance) / (Z + resistance), "Z": Z / relative, "Y": relative / Z}[parameter]


def text(option, parameter="S", form="RI", resistance=50.0, hertz=1.0, version=1):
    w = values(parameter, resistance, version)
    pair = {
        "RI": (w.real, w.imag),
        "MA": (abs(w), np.degrees(np.angle(w))),
        "DB": (20 * np.log10(abs(w)), np.degrees(np.angle(w))),
    }[form]
    rows = "".join(f"{f:.12g} {x:.14g}\t{y:.14g} ! one\n" for f, x, y in zip(F / hertz, *pair, strict=True))
    head = "[Version] 2.0\n" if version == 2 else ""
    more = "[Number of Ports] 1\n[Network Data]\n" if version == 2 else ""
    return f"! Model: VNA\n{head}{option}\n{more}{rows}" + ("[End]\n" if version == 2 else "")


def read(text, name="x.s1p"):
    return read_source(Source(name, text.encode()))


@pytest.mark.parametrize("form", ["RI", "MA", "DB"])
@pytest.mark.parametrize("parameter", ["S", "Z", "Y"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["x.s1p", "x.txt"])
def test_parameters_and_forms(form, parameter, version, name):
    option = f"# kHz {parameter} {form} R 75"
    (record,) = read(text(option, parameter, form, 75.0, 1e3, version), name)
    np.testing.assert_allclose(record.frequency, F, rtol=1e-9)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-9)
    assert record.origin.format == "Touchstone"


@pytest.mark.parametrize(
    ("option", "known"),
    [
        ("#", {"hertz": 1e9, "form": "MA"}),
        ("# hz ri s", {}),
        ("#MHz s db", {"hertz": 1e6, "form": "DB"}),
        ("# R 25 Hz RI S", {"resistance": 25.0}),
    ],
)
def test_any_order_and_case_and_what_is_left_out(option, known):
    (record,) = read(text(option, **known))
    np.testing.assert_allclose(record.frequency, F, rtol=1e-9)
    np.testing.assert_allclose(record.impedance, Z, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: ("x.s2p", t), "expected one port, found 2"),
        (lambda t: ("x.s1p", t.replace(" ! one", " 0 0 0 0 0 0")), "expected one port, found more"),
        (lambda t: ("x.s1p", t.replace("# Hz S RI R 50", "# Hz furlong")), "line 2: expected an option line"),
        (lambda t: ("x.s1p", t.replace("# Hz S RI R 50", "# Hz H RI R 50")), "expected S, Y or Z"),
        (lambda t: ("x.s1p", t.replace("R 50", "R 0")), "resistance above 0"),
        (lambda t: ("x.s1p", t.replace("\t", " x ", 1)), "line 3"),
        (
            lambda t: ("x.s1p", "# Hz S RI R 50\n" + "".join(f"{k} 1 0\n" for k in range(1, 9))),
            "an open port",
        ),
    ],
)
def test_what_is_no_impedance_is_refused(change, words):
    name, changed = change(text("# Hz S RI R 50"))
    with pytest.raises(FileFormatError, match=words):
        read(changed, name)


@pytest.mark.parametrize("labels", ["Re(S11),Im(S11)", "S11 (dB),S11 phase (deg)", "Reflection,Angle"])
def test_scattering_parameters_in_a_table_are_named(labels):
    rows = "".join(f"{f:.6g},{-0.5},{-0.1}\n" for f in F)
    with pytest.raises(FileFormatError, match=r"is a scattering parameter, no impedance: save .* Touchstone"):
        read(f"Frequency (Hz),{labels}\n{rows}", "x.csv")


def test_a_row_whose_frequency_failed_is_no_comment():
    text = "# Hz Z RI R 1\n1000 10 -2\n#NUM! 11 -3\n10 12 -4\n1 13 -5\n"
    with pytest.raises(FileFormatError, match="line 3"):
        read_source(Source("a.s1p", text.encode()))
