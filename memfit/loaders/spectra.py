"""Tables of impedance into spectra: impedance from its parts, one record per sweep, the bias of each.

Z follows from Z' and Z'', |Z| and phase, Y' and Y'', |Y| and phase, or an equivalent circuit of two
elements, as impedance analysers and LCR meters write it: parallel (Cp with G, Rp or the dissipation factor
D) or series (Cs or Ls with Rs, Cs with D). In Y = G + i omega C and Z = R + 1/(i omega C) the capacitance
is of the whole device, so nothing is assumed of it.

The bias is taken from device.toml, then from the file (metadata, then a column), then from the name of the
file or of its folder, and a note names the source; where name and content disagree the content holds and a
note warns.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from memfit.arrays import ComplexArray, FloatArray, IntArray
from memfit.datasets import ImpedanceSpectrum, kramers_kronig
from memfit.loaders.apart import BIAS_COLUMNS, MIN_POINTS, SAME_BIAS, count_frequencies, sweeps_of
from memfit.loaders.raw import PAIRS_IN_WORDS, RawTable, Reading, Stated, pair_of
from memfit.noise_estimate import distance_from_neighbours, typical
from memfit.units import find_unit, split_label

_DRIFT = 0.02
"""Share of its mean by which a bias may move."""
_NOISE = 8.0
"""Standard deviations by which a bias may move."""
_SOME, _GOOD, _PLAINLY = 0.2, 1e-3, 5.0
"""Share of positive Z'' from which its sign is judged; residual of a good spectrum; how much worse one is."""
_ALL, _SEEN_SLOPE, _TIMES_AWAY = 0.95, 0.3, 3.0
"""Share of positive Z'' that is all; least slope of Z' that tells its sign; how much worse one sign is."""
_MOST_JUDGED = 200
"""Spectra of a table whose sign is judged."""
_FEW_FREQUENCIES = 5
"""Below which a table of more levels of the bias than frequencies is capacitance against voltage."""
_NAME_BIAS = re.compile(
    r"(?:^|[_ =(\[,])(?P<value>[-+]?\d+(?:[.,]\d+)?|[-+]?\d+p\d+|[-+]?[.]\d+)[ _]?(?P<unit>mV|V)"
    r"(?=$|[_ )\].,-]|dc|bias|DC)(?![_ ]?(?:ac|amp|ampl|amplitude|rms|pp|pk|sine?)(?![a-z]))",
    re.IGNORECASE,
)
_AMPLITUDE = re.compile(r"(?:^|[_ -])(?:ac|amp|ampl|amplitude|vac|perturbation)[_ =]?$", re.IGNORECASE)
"""What stands before a voltage in a name that is no bias."""

Columns = Mapping[str, FloatArray]


def _omega(columns: Columns) -> FloatArray:
    omega: FloatArray = 2 * np.pi * columns["frequency"]
    return omega


_IMPEDANCES: Mapping[tuple[str, str], Callable[[Columns], ComplexArray]] = {
    ("z_real", "z_imag"): lambda c: c["z_real"] + 1j * c["z_imag"],
    ("z_modulus", "phase"): lambda c: c["z_modulus"] * np.exp(1j * c["phase"]),
    ("resistance_series", "z_imag"): lambda c: c["resistance_series"] + 1j * c["z_imag"],
    ("capacitance_series", "resistance_series"): lambda c: (
        c["resistance_series"] + 1 / (1j * _omega(c) * c["capacitance_series"])
    ),
    ("capacitance_series", "dissipation"): lambda c: (
        c["dissipation"] / (_omega(c) * c["capacitance_series"])
        + 1 / (1j * _omega(c) * c["capacitance_series"])
    ),
    ("inductance_series", "resistance_series"): lambda c: (
        c["resistance_series"] + 1j * _omega(c) * c["inductance_series"]
    ),
}
_ADMITTANCES: Mapping[tuple[str, str], Callable[[Columns], ComplexArray]] = {
    ("y_real", "y_imag"): lambda c: c["y_real"] + 1j * c["y_imag"],
    ("y_modulus", "y_phase"): lambda c: c["y_modulus"] * np.exp(1j * c["y_phase"]),
    ("capacitance_parallel", "y_real"): lambda c: c["y_real"] + 1j * _omega(c) * c["capacitance_parallel"],
    ("capacitance_parallel", "resistance_parallel"): lambda c: (
        1 / c["resistance_parallel"] + 1j * _omega(c) * c["capacitance_parallel"]
    ),
    ("capacitance_parallel", "dissipation"): lambda c: (
        _omega(c) * c["capacitance_parallel"] * c["dissipation"] + 1j * _omega(c) * c["capacitance_parallel"]
    ),
}


def make_spectra(reading: Reading) -> Iterator[ImpedanceSpectrum]:
    """Spectra of a table, one per sweep of the frequency and, where it stands on several levels, of the bias.

    Parameters
    ----------
    reading : Reading

    Raises
    ------
    FileFormatError
        A column is missing, or no frequency is above zero.
    """
    table, settings = reading.table, reading.settings
    if "frequency" not in table.columns:
        raise reading.error("expected a column of the frequency for an impedance spectrum, found none.")
    impedance, notes = _impedance(reading)
    frequency = table.columns["frequency"]
    if np.any(frequency < 0):
        row = int(np.flatnonzero(frequency < 0)[0]) + 1
        raise reading.error(f"expected frequencies above 0 Hz, found {frequency[row - 1]:g} Hz in row {row}.")
    wanted = np.flatnonzero(frequency > 0)
    _check_frequencies(reading, wanted)
    if wanted.size < frequency.size:
        notes.append(
            f"{frequency.size - wanted.size} rows with frequency 0 are dc data and were left out of the "
            "spectra."
        )
    least = MIN_POINTS if settings.kind is None or _is_wide(frequency[wanted]) else 1
    if wanted.size < MIN_POINTS:
        raise reading.error(f"expected at least {MIN_POINTS} impedance points, found {wanted.size}.")
    sweeps, aborted = sweeps_of(table, wanted, least)
    notes += aborted
    limits = settings.use.get("frequency")
    for sweep in sweeps:
        rows, copied = _without_copies(sweep.rows, frequency, impedance)
        bias, bias_notes = _bias(reading, rows)
        current = settings.bias_current
        if current is None and table.bias_current is not None:
            current = table.bias_current.value
        elif current is None:
            column = table.columns.get("bias_current", table.columns.get("current"))
            current = None if column is None else _level(column[rows])
        turns = np.sign(np.diff(frequency[rows]))
        ordered = np.all(turns <= 0) or np.all(turns >= 0)
        order_notes = () if ordered else ("The frequencies are not in order.",)
        spectrum = ImpedanceSpectrum(
            name=reading.record_name,
            origin=reading.origin(sweep.part if len(sweeps) > 1 else ""),
            metadata={**table.metadata, **settings.added_to(sweep.attributes)},
            notes=(*table.notes, *notes, *copied, *bias_notes, *order_notes),
            frequency=frequency[rows],
            impedance=impedance[rows],
            bias_voltage=bias,
            bias_current=current,
            control=settings.control or table.control or "voltage",
            amplitude=settings.amplitude if settings.amplitude is not None else table.amplitude,
        )
        if len(sweeps) <= _MOST_JUDGED:
            spectrum = _with_sign_judged(spectrum, "phase" if "phase" in table.columns else "z_imag")
        yield spectrum if limits is None else _between(spectrum, *limits, reading)


def _with_sign_judged(spectrum: ImpedanceSpectrum, role: str) -> ImpedanceSpectrum:
    """With a warning where not Z, but its conjugate obeys Kramers and Kronig.

    The sign is that of the header all the same: nothing is reversed by the data.
    """
    if np.mean(spectrum.impedance.imag > 0) < _SOME:
        return spectrum
    if not _against_slope(spectrum):
        printed = kramers_kronig(spectrum)
        if printed.status != "inconsistent":
            return spectrum
        conjugate = kramers_kronig(replace(spectrum, impedance=spectrum.impedance.conj()))
        if conjugate.status != "consistent" or printed.rms < _PLAINLY * max(conjugate.rms, _GOOD):
            return spectrum
    label, way = ("Z''", "-Z''") if role == "z_imag" else ("phase", "-phase")
    note = (
        f"{label.capitalize()} as printed violates Kramers-Kronig, its conjugate obeys: the sign is probably "
        f"that of {way}. If so write {way} into the header, or say it in device.toml by a minus before the "
        f'label, as in columns = {{ {role} = "{way}" }}.'
    )
    return replace(spectrum, notes=(*spectrum.notes, note))


def _against_slope(spectrum: ImpedanceSpectrum) -> bool:
    """Whether Z'' is positive all through while Z' falls as that of a capacitance.

    Between few points Kramers and Kronig say this much: Z'' is near pi/2 dZ'/d ln f (Bode).
    """
    order = np.argsort(spectrum.frequency, kind="stable")
    f, Z = spectrum.frequency[order], spectrum.impedance[order]
    if f.size < MIN_POINTS or np.any(np.diff(f) <= 0) or np.mean(Z.imag > 0) < _ALL:
        return False
    expected = 0.5 * np.pi * np.gradient(Z.real, np.log(f))
    away, conjugate = (float(np.linalg.norm(sign * Z.imag - expected)) for sign in (1.0, -1.0))
    seen = float(np.linalg.norm(expected)) > _SEEN_SLOPE * float(np.linalg.norm(Z.imag))
    return seen and away > _TIMES_AWAY * conjugate


def _is_wide(frequency: FloatArray) -> bool:
    """Whether there are frequencies enough for a spectrum."""
    return count_frequencies(frequency) >= _FEW_FREQUENCIES


def _check_frequencies(reading: Reading, rows: IntArray) -> None:
    """Refuse tables at so few frequencies that they are curves against something else.

    Raises
    ------
    FileFormatError
        Names them as what they are, unless device.toml says that they are impedance.
    """
    columns = reading.table.columns
    count = count_frequencies(columns["frequency"][rows])
    wide = _is_wide(columns["frequency"][rows])
    bias = next((columns[role] for role, _ in BIAS_COLUMNS if role in columns), np.zeros(0))
    biases = np.unique(bias[rows]).size if bias.size else 0
    if reading.settings.kind == "impedance" or wide or rows.size < MIN_POINTS:
        return
    if count > 1 and biases <= count:
        return
    at = f"{count} {'frequency' if count == 1 else 'frequencies'}"
    capacitive = any(role.startswith("capacitance") for role in columns)
    what = f"{rows.size} rows at {at}"
    if biases > 1:
        named = "capacitance-voltage data" if capacitive else "impedance against the bias"
        what = f"{named}: {biases} biases at {at}"
    raise reading.error(
        f"expected spectra; found {what}. To take each bias for a spectrum of few points say "
        'kind = "impedance" in device.toml.'
    )


def _impedance(reading: Reading) -> tuple[ComplexArray, list[str]]:
    """Complex impedance, ohm, from whichever parts the table has."""
    table = reading.table
    columns = dict(table.columns)
    notes: list[str] = []
    if table.per_area:
        area = reading.area
        if area is None:
            raise reading.error(
                "expected an area to turn ohm cm^2 into ohm; add `area` to device.toml or a line "
                "`# area: 0.04 cm^2`."
            )
        for role in table.per_area:
            columns[role] = columns[role] / area
        notes.append(f"The impedance per area was divided by {area * 1e4:g} cm^2.")
    pair = pair_of(columns.keys())
    if pair is None:
        raise reading.error(
            f"expected the columns {PAIRS_IN_WORDS} beside the frequency; found {', '.join(sorted(columns))}."
        )
    with np.errstate(all="ignore"):
        if pair in _IMPEDANCES:
            impedance = _IMPEDANCES[pair](columns)
        else:
            admittance = _ADMITTANCES[pair](columns)
            impedance = np.where(np.abs(admittance) < 1e-18, np.inf, np.reciprocal(admittance))
    if not np.isfinite(impedance[columns["frequency"] > 0]).all():
        raise reading.error("expected an admittance other than 0 in every row, and a finite impedance.")
    if not {"z_real", "z_imag"} <= columns.keys() and not {"phase", "y_imag", "y_phase"} & set(pair):
        notes.append(
            f"The impedance is computed from {' and '.join(role.replace('_', ' ') for role in pair)}."
        )
    return impedance, notes


def _without_copies(
    rows: IntArray, frequency: FloatArray, impedance: ComplexArray
) -> tuple[IntArray, list[str]]:
    """Rows without those that repeat a row to the last digit, and a note: nothing is measured so twice."""
    seen: dict[tuple[float, complex], int] = {}
    for row in rows.tolist():
        seen.setdefault((float(frequency[row]), complex(impedance[row])), row)
    copies = rows.size - len(seen)
    if copies == 0 or len(seen) < MIN_POINTS:
        return rows, []
    note = f"{copies} rows that repeat another to the last digit were left out."
    return np.array(list(seen.values())), [note]


def _bias(reading: Reading, rows: IntArray) -> tuple[float | None, list[str]]:
    """Terminal dc voltage (V) and notes on where it comes from."""
    table, source = reading.table, reading.source
    if reading.settings.bias is not None:
        return reading.settings.bias, ["The bias is the one that device.toml states."]
    names = ((table.part, "name of the part"), *source.names)
    named = next(filter(None, (_bias_from_name(*pair) for pair in names)), None)
    role, words = next((pair for pair in BIAS_COLUMNS if pair[0] in table.columns), ("", ""))
    stated = table.bias
    if stated is None and role:
        values = table.columns[role][rows]
        mean, spread = _level(values), float(np.ptp(values))
        moves = spread > max(SAME_BIAS, _DRIFT * abs(mean))
        drift = f" (it moves by {spread:.3g} V)" if moves else ""
        noise = typical(distance_from_neighbours(values, reach=1))
        controlled = (reading.settings.control or table.control) != "current"
        twice = count_frequencies(table.columns["frequency"][rows]) < rows.size
        if moves and controlled and (twice or spread > _NOISE * noise):
            raise reading.error(
                f"expected one bias for a spectrum; the column of the {words} moves by {spread:.3g} V, from "
                f"{values.min():.4g} to {values.max():.4g} V, within {rows.size} points: state `bias` in "
                'device.toml, as in bias = "0.5 V", or control = "current" if the current was held.'
            )
        stated = Stated(mean, f"the column of the {words}{drift}")
    if stated is None:
        if named is None:
            return None, [f"No dc bias is stated; give `bias` in device.toml{_perhaps_bias(table, rows)}."]
        return named.value, [f"The bias {named.value:g} V is taken from {named.source}."]
    notes = [f"The bias {stated.value:.6g} V is taken from {stated.source}."]
    if named is not None and abs(named.value - stated.value) > SAME_BIAS:
        notes.append(
            f"The {named.source.removeprefix('the ')} says {named.value:g} V but the content says "
            f"{stated.value:.6g} V; the content holds."
        )
    return stated.value, notes


def _perhaps_bias(table: RawTable, rows: IntArray) -> str:
    """How to name the one column of one voltage all through that nobody reads; "" without one."""
    constant = []
    for label, cells in table.others.items():
        name, unit = split_label(label)
        known = find_unit(unit or "", "voltage")
        if known is not None and not _OF_SINE.search(name) and len({cells[row] for row in rows}) == 1:
            constant.append(label)
    if len(constant) != 1:
        return ""
    return f", or, if {constant[0]!r} is it, columns = {{ bias_voltage = {constant[0]!r} }}"


def _level(values: FloatArray) -> float:
    """Mean of a column; to the last digit where it is constant."""
    return float(np.mean(values)) if np.ptp(values) > 0 else float(values[0])


_OF_SINE = re.compile(
    r"(?<![a-z])(?:[vue]?_?(?:ac|rms|pp|pk)|amp|ampl|amplitude|osc|oscillat\w*|perturbation|excitation)(?![a-z])"
    r"|[ev]?_?oc[vp]?(?![a-z])|open|(?:osc\w*|signal|test)[ ._]*level",
    re.IGNORECASE,
)
"""Voltages beside a spectrum that are no bias."""
_POINT_IS_V = re.compile(r"(?<![A-Za-z0-9.])([-+]?\d)V(\d{1,3})(?![A-Za-z0-9])")
"""0V5 is 0.5 V."""


def _bias_from_name(name: str, what: str) -> Stated | None:
    """The dc bias that the name of a file, a sheet or a folder states: "eis_0.80V.csv", "000_mvdc.ism"."""
    text = _POINT_IS_V.sub(r"\1.\2V", name)
    stated = [
        match for match in _NAME_BIAS.finditer(text) if not _AMPLITUDE.search(text[: match.start() + 1])
    ]
    if len(stated) != 1:
        return None
    value = float(stated[0]["value"].lower().replace("p", ".").replace(",", "."))
    return Stated(value / 1000 if stated[0]["unit"].lower() == "mv" else value, f"the {what} {name!r}")


def _between(spectrum: ImpedanceSpectrum, low: float, high: float, reading: Reading) -> ImpedanceSpectrum:
    """Only the points between two frequencies (Hz) that device.toml gives."""
    keep = (spectrum.frequency >= low) & (spectrum.frequency <= high)
    if not keep.any():
        raise reading.error(
            f"expected points between {low:g} and {high:g} Hz as device.toml asks; the spectrum "
            f"goes from {spectrum.frequency.min():g} to {spectrum.frequency.max():g} Hz."
        )
    left_out = int(np.count_nonzero(~keep))
    note = f"{left_out} points outside {low:g} to {high:g} Hz were left out as device.toml asks."
    return spectrum.select(keep, note) if left_out else spectrum
