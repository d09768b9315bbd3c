"""A synthetic device as files: one a measurement as instruments export them, device.toml and README.md.

    # technique: transient
    # device: MAPbI3 A
    # instrument: synthetic data, made by memfit simulate
    # control: current
    Time (s),Voltage (V),Current (A)
    0,0.000213,0

That is the generic table, seven digits as after an instrument's converter and nine in times. The other
formats are those of EC-Lab, NOVA, Keithley 4200 and Rigol oscilloscopes, each for one kind of measurement,
with the digits that they print. What a format has no place for (the bias in NOVA's text, what a channel of
an oscilloscope shows) device.toml has to say. What the readers know of the formats stands in
`memfit.loaders`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets import Device, ImpedanceSpectrum, IVSweep, Kind, PulseTransient, Record, SynapticCurve
from memfit.datasets.programmes import AXES
from memfit.errors import InputError
from memfit.files import printable
from memfit.loaders.device import load_device
from memfit.loaders.tidy import format_record
from memfit.model import PARAMETERS, Parameters
from memfit.units import format_quantity

Format = Literal["generic", "ec-lab", "nova", "keithley", "oscilloscope"]
Style = Literal["generic", "instrument"]
"""What a whole device is written in: generic tables, or for each kind what its instruments write."""

STYLES: Mapping[str, Style] = {"generic": "generic", "instrument": "instrument"}

FORMATS: Mapping[Kind, Mapping[str, Format]] = {
    "impedance": {"generic": "generic", "ec-lab": "ec-lab", "nova": "nova"},
    "iv": {"generic": "generic", "keithley": "keithley"},
    "transient": {"generic": "generic", "oscilloscope": "oscilloscope"},
    **{kind: {"generic": "generic"} for kind in AXES},
}
"""Names of the formats that a kind of measurement can have."""

SUFFIXES: Mapping[Format, str] = {
    "generic": ".csv",
    "ec-lab": ".mpt",
    "nova": ".txt",
    "keithley": ".csv",
    "oscilloscope": ".csv",
}

INSTRUMENT = "synthetic data, made by memfit simulate"

_README = """\
# {name}: synthetic data

Nobody measured this device. The files come from the model itself (Bisquert & Guerrero,
J. Phys. Chem. Lett. 2022, 13, 3789) with noise added, so that what a fit finds can be compared
with the truth:

| parameter | true value |
|---|---|
{rows}
"""

_TIME_DIGITS, _DIGITS = 9, 7
_SETTING_WIDTH = 20
"""EC-Lab's settings stand in columns of 20 characters."""

_TECHNIQUES = {
    "voltage": "Potentio Electrochemical Impedance Spectroscopy",
    "current": "Galvano Electrochemical Impedance Spectroscopy",
}


def usual_format(kind: Kind, style: Style, number: int) -> Format:
    """The format of the measurement `number` (from 0) of its kind: instruments of one kind take turns.

    Parameters
    ----------
    kind : str
        A key of `FORMATS`.
    style : {"generic", "instrument"}
    number : int
        From 0, among the measurements of its kind.
    """
    if style == "generic":
        return "generic"
    instruments = [name for name in FORMATS[kind].values() if name != "generic"]
    return instruments[number % len(instruments)] if instruments else "generic"


def write_device(
    device: Device,
    truth: Parameters,
    folder: Path,
    *,
    made_by: str = "",
    formats: Mapping[str, Format] | None = None,
) -> None:
    """Fill a folder with the files of a synthetic device.

    Parameters
    ----------
    device : Device
        Names of its records become names of files.
    truth : Parameters
        Goes into README.md.
    folder : Path
        Exists.
    made_by : str
        A sentence on how to make the same folder again.
    formats : mapping, optional
        Formats by the name of the record; a generic table where there is none.

    Raises
    ------
    InputError
        A format is of another kind of measurement, or what was simulated cannot be measured, so that nobody
        could read it.
    """
    chosen = {record.name: (formats or {}).get(record.name, "generic") for record in device.records}
    written: dict[str, str] = {}
    for record in device.records:
        if chosen[record.name] == "generic":
            whole = isinstance(record, SynapticCurve)  # the drive is not in its columns
            written[record.name] = format_record(record) if whole else _table_text(record, device.name)
        else:
            (folder / record.name).write_bytes(instrument_bytes(record, chosen[record.name]))
    written["device.toml"] = _manifest_text(device, chosen)
    true = {name: format_quantity(value, PARAMETERS[name].unit) for name, value in truth.as_dict().items()}
    rows = "\n".join(f"| {name} | {value} |" for name, value in true.items())
    made = f"\n{made_by}\n" if made_by else ""
    written["README.md"] = _README.format(name=_in_a_line(device.name), rows=rows) + made
    for name, text in written.items():  # with line feeds on every platform
        (folder / name).write_text(printable(text), encoding="utf-8", newline="\n")
    _check_readable(device, folder)


def _check_readable(device: Device, folder: Path) -> None:
    """Refuse a device whose files cannot be read again, or not as what they are."""
    try:
        read = load_device(folder)
    except InputError as problem:
        raise InputError(
            f"{device.name}: what was simulated cannot be measured: {problem} Change the parameters, the "
            "drive or the format."
        ) from problem
    lost = {record.name for record in device.records} - {record.origin.file for record in read.records}
    if lost:
        raise InputError(
            f"{device.name}: {', '.join(sorted(lost))} would not be read as what it is "
            f"({' '.join(read.notes) or 'others hold the same numbers'}). Change the drive or the name."
        )


def _table_text(record: Record, device: str) -> str:
    """A record as a generic table."""
    about = {
        "technique": str(record.kind),
        "device": _in_a_line(device),
        "instrument": INSTRUMENT,
        "control": str(record.control),
    }
    columns: dict[str, FloatArray | None]
    if isinstance(record, ImpedanceSpectrum):
        if record.bias_voltage is not None:
            about["bias"] = f"{record.bias_voltage:.7g} V"
        if record.bias_current is not None:
            about["bias_current"] = f"{record.bias_current:.7g} A"
        Z = record.impedance
        columns = {"Frequency (Hz)": record.frequency, "Z_real (ohm)": Z.real, "Z_imag (ohm)": Z.imag}
    else:
        if isinstance(record, IVSweep) and record.scan_rate is not None:
            about["scan_rate"] = f"{record.scan_rate:.7g} {'V/s' if record.control == 'voltage' else 'A/s'}"
        if record.drive is not None:
            about["initial"] = record.drive.initial
        columns = {"Time (s)": record.time, "Voltage (V)": record.voltage, "Current (A)": record.current}
    measured = {label: values for label, values in columns.items() if values is not None}
    formatted = [
        [f"{value:.{_TIME_DIGITS if label.startswith('Time') else _DIGITS}g}" for value in values]
        for label, values in measured.items()
    ]
    rows = [",".join(row) for row in zip(*formatted, strict=True)]
    return "\n".join([*(f"# {key}: {value}" for key, value in about.items()), ",".join(measured), *rows, ""])


def _in_a_line(name: str) -> str:
    """A name as a text file can hold it outside of quotes."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())


def _manifest_text(device: Device, formats: Mapping[str, Format]) -> str:
    """The device.toml: everything of generic tables, of other formats what their files do not say."""
    lines = ["[device]", f"name = {_quoted(device.name)}"]
    if device.area is not None:
        lines.append(f'area = "{device.area * 1e4:.6g} cm^2"')
    if device.temperature is not None:
        lines.append(f'temperature = "{device.temperature:.6g} K"')
    if device.attributes:
        pairs = ", ".join(
            f"{_quoted(key)} = {_quoted(value) if isinstance(value, str) else repr(float(value))}"
            for key, value in device.attributes.items()
        )
        lines.append(f"attributes = {{ {pairs} }}")
    for record in device.records:
        written = formats[record.name]
        lines += ["", "[[measurement]]", f"file = {_quoted(record.name)}"]
        if written in ("generic", "keithley"):
            lines.append(f'kind = "{record.kind}"')
        if isinstance(record, ImpedanceSpectrum):
            if written == "ec-lab":
                continue
            voltage, current = record.bias_voltage, record.bias_current
            lines.append(f'bias = "{f"{voltage:.7g} V" if voltage is not None else f"{current:.7g} A"}"')
        lines.append(f'control = "{record.control}"')
        if isinstance(record, ImpedanceSpectrum) or written == "generic":
            continue
        if record.drive is not None and record.drive.initial != "steady":
            lines.append(f'initial = "{record.drive.initial}"')
        if isinstance(record, PulseTransient):
            lines.append('columns = { voltage = "CH1", current = "CH2" }')
            lines.append(f'sense_resistance = "{format_quantity(probe_resistance(record), "ohm")}"')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's, but that TOML has no bare delete."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


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
        return _keithley_bytes(record)
    if isinstance(record, PulseTransient) and file_format == "oscilloscope":
        return _oscilloscope_bytes(record)
    raise InputError(
        f"{record.name}: expected a format for records of the kind {record.kind!r}, found {file_format!r}."
    )


def _ec_lab_bytes(spectrum: ImpedanceSpectrum) -> bytes:
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
    table = {"Mode": "Single sine"}
    if spectrum.bias_voltage is not None:
        table |= {"E (V)": f"{spectrum.bias_voltage:.4f}", "vs.": "Ref"}
    first, last = spectrum.frequency[0], spectrum.frequency[-1]
    table |= {"fi": f"{first:.3f}", "unit fi": "Hz", "ff": f"{last:.3f}", "unit ff": "Hz"}
    table["spacing"] = "Logarithmic"
    if spectrum.amplitude is not None and spectrum.control == "voltage":
        table["Va (mV)"] = f"{1e3 * spectrum.amplitude:.1f}"
    settings = [
        "",
        _TECHNIQUES[spectrum.control],
        "",
        "User : ",
        "Electrode connection : standard",
        f"Comments : {INSTRUMENT}",
        "Volume (V) : 0.000 m³",
        *(f"{key:{_SETTING_WIDTH}}{value:{_SETTING_WIDTH}}" for key, value in table.items()),
        "",
    ]
    count = len(settings) + 3  # the two lines above the settings and the line of labels
    top = ["EC-Lab ASCII FILE", f"Nb header lines : {count}", *settings, "\t".join(columns)]
    return _encoded(top, columns.values(), "\t", _ec_lab_number, encoding="latin-1")


def _nova_bytes(spectrum: ImpedanceSpectrum) -> bytes:
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
    return _encoded([";".join(columns)], columns.values(), ";", "{:.10G}".format, encoding="utf-8")


def _keithley_bytes(sweep: IVSweep) -> bytes:
    """The sheet of a Keithley 4200 as CSV: terminal A in volt and ampere, the time in seconds."""
    if sweep.time is None:
        raise InputError(f"{sweep.name}: expected a sweep with times for Keithley's format, found none.")
    columns = {"AV": sweep.voltage, "AI": sweep.current, "Time": sweep.time}
    return _encoded([",".join(columns)], columns.values(), ",", "{:.8E}".format, encoding="ascii")


def _oscilloscope_bytes(transient: PulseTransient) -> bytes:
    """A Rigol oscilloscope's CSV: CH1 the voltage, CH2 the voltage of a current probe."""
    voltage, current = transient.voltage, transient.current
    if voltage is None or current is None:
        missing = "voltage" if voltage is None else "current"
        raise InputError(
            f"{transient.name}: expected voltage and current for an oscilloscope, found no {missing}."
        )
    columns = [transient.time, voltage, current * probe_resistance(transient)]
    return _encoded(
        ["X,CH1,CH2,", "Second,Volt,Volt,"], columns, ",", "{:.8e}".format, encoding="ascii", end=","
    )


def probe_resistance(transient: PulseTransient) -> float:
    """The decade (V per A) of a current probe that shows the largest current as about one volt.

    Parameters
    ----------
    transient : PulseTransient
    """
    largest = 0.0 if transient.current is None else float(np.max(np.abs(transient.current)))
    return float(f"1e{-round(np.log10(largest))}") if largest > 0.0 else 1.0


def _ec_lab_number(value: float) -> str:
    """Eight digits and an exponent of three, as EC-Lab prints: 1.9999814E+005."""
    mantissa, _, exponent = f"{value:.7E}".partition("E")
    return f"{mantissa}E{int(exponent):+04d}"


def _encoded(
    head: Sequence[str],
    columns: Iterable[FloatArray],
    separator: str,
    number: Callable[[float], str],
    *,
    encoding: str,
    end: str = "",
) -> bytes:
    """Lines above a table and its rows of numbers, with the line ends of the programs' platform."""
    rows = [separator.join(map(number, row)) + end for row in zip(*columns, strict=True)]
    return "\r\n".join([*head, *rows, ""]).encode(encoding)


_SPECTRA: Mapping[Format, Callable[[ImpedanceSpectrum], bytes]] = {
    "ec-lab": _ec_lab_bytes,
    "nova": _nova_bytes,
}
