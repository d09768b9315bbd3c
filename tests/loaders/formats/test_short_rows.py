"""Readers that count columns: a row that lacks a cell, or a line that is no row, is refused."""

import numpy as np
import pytest

from memfit.errors import FileFormatError
from memfit.loaders.raw import Source
from memfit.loaders.registry import read_source

F = np.geomspace(1e5, 1, 21)
Z = 20 + 1e4 / (1 + 1j * F / 100)
V = np.linspace(0, 1, 21)


def written(separator, *columns, start=""):
    table = np.array(columns).T.tolist()
    return [start + separator.join(f"{x:.7g}" for x in row) for row in table]


ONE = np.ones(21)
ZPLOT = ["  Data Points: 21", "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange"]
FILES = {
    "x.z": (
        ["ZPLOT2 ASCII", *ZPLOT],
        written("\t", F, ONE, 0.3 * ONE, V, Z.real, Z.imag, 0 * F, 0 * F, 0 * F),
        [],
    ),
    "z60w.txt": (
        ['"Z60W Data File: Version 1.1"', "21", "\"Freq(Hz) Ampl Bias Time(Sec) Z'(a) Z''(b) GD Err Range\""],
        written(",", F, ONE, 0.3 * ONE, V, Z.real, Z.imag, 0 * F, 0 * F, 0 * F),
        [],
    ),
    "chi.txt": (
        [
            *("Jan. 1, 2024", "A.C. Impedance", "Instrument Model:  CHI660E", "", "Init E (V) = 0.3", ""),
            "Freq/Hz, Z'/ohm, Z\"/ohm, Z/ohm, Phase/deg",
        ],
        written(", ", F, Z.real, Z.imag, abs(Z), np.degrees(np.angle(Z))),
        [],
    ),
    "x.par": (
        [
            *("<Application>", "Name=VersaStudio", "</Application>", "<Segment1>", "Type=2"),
            "Definition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), Z Real, Z Imag, S",
        ],
        written(",", ONE, V, 0.3 * ONE, 0 * V, V, F, Z.real, Z.imag, 0 * V),
        ["</Segment1>"],
    ),
    "x.jv.txt": (
        ["Active area [cm2]:\t0.16", "*" * 20, "V [V]\tJ [mA/cm2]\tP [mW/cm2]\tI [mA]"],
        written("\t", V, V**2, V**3, 0.16 * V**2),
        [],
    ),
    "nova.txt": (
        ["Index\tFrequency (Hz)\tZ' (Ω)\t-Z'' (Ω)\tZ (Ω)\tTime (s)"],
        written("\t", V, F, Z.real, -Z.imag, abs(Z), V),
        [],
    ),
    "x.P00": (
        ["title", "", "", "", "f/Hz Z'/Ohm -Z''/Ohm Edc/V Idc/A", "21"],
        written(" ", F, Z.real, -Z.imag, 0.3 * ONE, 0 * F),
        [],
    ),
    "x.i2b": (["a comment", "", "21"], written("\t", F, Z.real, Z.imag), []),
    "relaxis.txt": (
        ["RelaxIS 3.0 Spectrum export", "1/1/2024", "Data: Frequency\tData: Z'\tData: Z''\tError", "DC=0.3"],
        written("\t", F, Z.real, Z.imag, ONE),
        [],
    ),
}


def read(name, lines):
    return read_source(Source(name, "\n".join([*lines, ""]).encode()))


@pytest.mark.parametrize("name", FILES)
def test_the_whole_file_is_read(name):
    head, body, tail = FILES[name]
    (record,) = read(name, [*head, *body, *tail])
    assert record.points == 21


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("row", [0, 5, 20])
@pytest.mark.parametrize("name", FILES)
def test_a_row_that_lacks_a_cell(name, row, place):
    head, body, tail = FILES[name]
    separator = next(mark for mark in ("\t", ", ", ",", " ") if mark in body[0])
    cells = body[row].split(separator)
    del cells[place]
    changed = [*body[:row], separator.join(cells), *body[row + 1 :]]
    with pytest.raises(FileFormatError) as caught:
        read(name, [*head, *changed, *tail])
    assert row == 0 or f"line {len(head) + 1 + row}" in str(caught.value)


@pytest.mark.parametrize("remark", ["lamp switched off", "CONTROL LOOP OVERLOAD", "!! overload"])
@pytest.mark.parametrize("name", FILES)
def test_a_line_that_is_no_row(name, remark):
    head, body, tail = FILES[name]
    with pytest.raises(FileFormatError, match=f"line {len(head) + 6}"):
        read(name, [*head, *body[:5], remark, *body[5:], *tail])


@pytest.mark.parametrize("cell", ["#N/A", "NaN", "#DIV/0!"])
@pytest.mark.parametrize("row", [0, 5])
@pytest.mark.parametrize("name", FILES)
def test_a_cell_that_failed(name, row, cell):
    head, body, tail = FILES[name]
    separator = next(mark for mark in ("\t", ", ", ",", " ") if mark in body[0])
    place = {"x.par": 5, "nova.txt": 1}.get(name, 0)
    cells = body[row].split(separator)
    cells[place] = cell
    with pytest.raises(FileFormatError):
        read(name, [*head, *body[:row], separator.join(cells), *body[row + 1 :], *tail])
