"""Records as the text files of instruments: EC-Lab, NOVA, Keithley 4200, Rigol oscilloscope.

The numbers have the digits that the instruments print, eight in most, nine in times. What a format has no
place for (the bias in NOVA's text, what a channel of an oscilloscope shows) device.toml has to say;
`manifest_lines` says it. What the readers know of the formats stands in `memfit.loaders`.

In which file formats a synthetic measurement can be written.

"generic" is a table with units in its header; the others are those of instruments, each for one kind of
measurement. `memfit.synthetic.instruments` writes them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum, IVSweep, Kind, PulseTransient, Record
from memfit.errors import InputError
from memfit.units import format_quantity

Format = Literal["generic", "ec-lab", "nova", "keithley", "oscilloscope"]
Style = Literal["generic", "instrument"]
"""What a whole device is written in: generic tables, or for each kind what its instruments write."""

STYLES: Mapping[str, Style] = {"generic": "generic", "instrument": "instrument"}

FORMATS: Mapping[Kind, Mapping[str, Format]] = {
    "impedance": {"generic": "generic", "ec-lab": "ec-lab", "nova": "nova"},
    "iv": {"generic": "generic", "keithley": "keithley"},
    "transient": {"generic": "generic", "oscilloscope": "oscilloscope"},
}
"""Names of the formats that a kind of measurement can have."""

SUFFIXES: Mapping[Format, str] = {
    "generic": ".csv",
    "ec-lab": ".mpt",
    "nova": ".txt",
    "keithley": ".csv",
    "oscilloscope": ".csv",
}


def usual_format(kind: Kind, style: Style, number: int) -> Format:
    """The format of the measurement `number` (from 0) of its kind: instruments of one kind take turns."""
    if style == "generic":
        return "generic"
    instruments = [name for name in FORMATS[kind].values() if name != "generic"]
    return instruments[number % len(instruments)]


_SETTING_WIDTH = 20
"""EC-Lab's settings stand in columns of 20 characters."""

_TECHNIQUES = {
    "voltage": "Potentio Electrochemical Impedance Spectroscopy",
    "current": "Galvano Electrochemical Impedance Spectroscopy",
}


def instrument_bytes(record: Record, file_format: Format) -> bytes:
    """A record as the file of an instrument.

    Parameters
    ----------
    record : Record
    file_format : {"ec-lab", "nova", "keithley", "oscilloscope"}

    Raises
    ------
    InputError
        The format is of another kind of measurement, or the record lacks what it needs.
    """
    if isinstance(record, ImpedanceSpectrum) and file_format in _SPECTRA:
        return _SPECTRA[file_format](record)
    if isinstance(record, IVSweep) and file_format == "keithley":
        return keithley_bytes(record)
    if isinstance(record, PulseTransient) and file_format == "oscilloscope":
        return oscilloscope_bytes(record)
    raise InputError(
        f"{record.name}: expected a format for records of the kind {record.kind!r}, found {file_format!r}."
    )


def ec_lab_bytes(spectrum: ImpedanceSpectrum) -> bytes:
    """EC-Lab's text of a PEIS or GEIS measurement: latin-1, tabs, -Im(Z), the current in mA.

    A dc voltage or current that is not known has no column.
    """
    Z = spectrum.impedance
    columns = {
        "freq/Hz": spectrum.frequency,
        "Re(Z)/Ohm": Z.real,
        "-Im(Z)/Ohm": -Z.imag,
        "|Z|/Ohm": np.abs(Z),
        "Phase(Z)/deg": np.degrees(np.angle(Z)),
    }
    if spectrum.bias_voltage is not None:
        columns["<Ewe>/V"] = np.full(Z.size, spectrum.bias_voltage)
    if spectrum.bias_current is not None:
        columns["<I>/mA"] = np.full(Z.size, 1e3 * spectrum.bias_current)
    columns["cycle number"] = np.ones(Z.size)
    settings = _ec_lab_settings(spectrum)
    count = len(settings) + 3  # the two lines above the settings and the line of labels
    top = ["EC-Lab ASCII FILE", f"Nb header lines : {count}", *settings, "\t".join(columns)]
    return _lines([*top, *_rows(columns.values(), "\t", _ec_lab_number)]).encode("latin-1")


def _ec_lab_settings(spectrum: ImpedanceSpectrum) -> list[str]:
    """The header between the count of its lines and the labels."""
    frequency = spectrum.frequency
    table = {"Mode": "Single sine"}
    if spectrum.bias_voltage is not None:
        table |= {"E (V)": f"{spectrum.bias_voltage:.4f}", "vs.": "Ref"}
    table |= {"fi": f"{frequency[0]:.3f}", "unit fi": "Hz", "ff": f"{frequency[-1]:.3f}", "unit ff": "Hz"}
    table |= {"spacing": "Logarithmic"}
    if spectrum.amplitude is not None and spectrum.control == "voltage":
        table["Va (mV)"] = f"{1e3 * spectrum.amplitude:.1f}"
    return [
        "",
        _TECHNIQUES[spectrum.control],
        "",
        "User : ",
        "Electrode connection : standard",
        "Comments : synthetic data, made by memfit simulate",
        "Volume (V) : 0.000 m³",
        *(f"{key:{_SETTING_WIDTH}}{value:{_SETTING_WIDTH}}" for key, value in table.items()),
        "",
    ]


def nova_bytes(spectrum: ImpedanceSpectrum) -> bytes:
    """Autolab NOVA's ASCII export of a frequency scan: UTF-8, semicolons, -Z'' and -phase, no bias."""
    Z = spectrum.impedance
    columns = {
        "Index": np.arange(1.0, Z.size + 1.0),
        "Frequency (Hz)": spectrum.frequency,
        "Z' (Ω)": Z.real,
        "-Z'' (Ω)": -Z.imag,
        "Z (Ω)": np.abs(Z),
        "-Phase (°)": -np.degrees(np.angle(Z)),
    }
    return _lines([";".join(columns), *_rows(columns.values(), ";", "{:.10G}".format)]).encode("utf-8")


def keithley_bytes(sweep: IVSweep) -> bytes:
    """The sheet of a Keithley 4200 as CSV: terminal A in volt and ampere, the time in seconds.

    Raises
    ------
    InputError
        The sweep has no times.
    """
    if sweep.time is None:
        raise InputError(f"{sweep.name}: expected a sweep with times for Keithley's format, found none.")
    columns = {"AV": sweep.voltage, "AI": sweep.current, "Time": sweep.time}
    return _lines([",".join(columns), *_rows(columns.values(), ",", "{:.8E}".format)]).encode("ascii")


def oscilloscope_bytes(transient: PulseTransient) -> bytes:
    """A Rigol oscilloscope's CSV: CH1 the voltage, CH2 the voltage of a current probe.

    Raises
    ------
    InputError
        Voltage or current is missing.
    """
    voltage, current = transient.voltage, transient.current
    if voltage is None or current is None:
        missing = "voltage" if voltage is None else "current"
        raise InputError(
            f"{transient.name}: expected voltage and current for an oscilloscope, found no {missing}."
        )
    columns = [transient.time, voltage, current * probe_resistance(transient)]
    rows = [row + "," for row in _rows(columns, ",", "{:.8e}".format)]
    return _lines(["X,CH1,CH2,", "Second,Volt,Volt,", *rows]).encode("ascii")


def probe_resistance(transient: PulseTransient) -> float:
    """The decade (V per A) of a current probe that shows the largest current as about one volt."""
    largest = 0.0 if transient.current is None else float(np.max(np.abs(transient.current)))
    return float(f"1e{-round(np.log10(largest))}") if largest > 0.0 else 1.0


def manifest_lines(record: Record, file_format: Format) -> list[str]:
    """What device.toml has to say of a file, because its format does not."""
    lines: list[str] = []
    if file_format == "keithley":
        lines.append('kind = "iv"')
    if isinstance(record, ImpedanceSpectrum):
        if file_format == "nova":
            lines += [f'bias = "{bias_text(record)}"', f'control = "{record.control}"']
        return lines
    lines.append(f'control = "{record.control}"')
    if record.drive is not None and record.drive.initial != "steady":
        lines.append(f'initial = "{record.drive.initial}"')
    if isinstance(record, PulseTransient):
        lines.append('columns = { voltage = "CH1", current = "CH2" }')
        lines.append(f'sense_resistance = "{format_quantity(probe_resistance(record), "ohm")}"')
    return lines


def bias_text(record: ImpedanceSpectrum) -> str:
    """The bias of a spectrum with its unit."""
    if record.bias_voltage is not None:
        return f"{record.bias_voltage:.7g} V"
    return f"{record.bias_current:.7g} A"


def _rows(columns: Iterable[FloatArray], separator: str, number: Callable[[float], str]) -> list[str]:
    """Rows of numbers."""
    return [separator.join(map(number, row)) for row in zip(*columns, strict=True)]


def _ec_lab_number(value: float) -> str:
    """Eight digits and an exponent of three, as EC-Lab prints: 1.9999814E+005."""
    mantissa, _, exponent = f"{value:.7E}".partition("E")
    return f"{mantissa}E{int(exponent):+04d}"


def _lines(lines: Sequence[str]) -> str:
    """A text with the line ends of the programs' platform."""
    return "\r\n".join([*lines, ""])


_SPECTRA: Mapping[Format, Callable[[ImpedanceSpectrum], bytes]] = {
    "ec-lab": ec_lab_bytes,
    "nova": nova_bytes,
}
