"""A synthetic device as files: one table a measurement as instruments export them, device.toml and README.md.

    # technique: transient
    # device: MAPbI3 A
    # instrument: synthetic data, made by memfit simulate
    # control: current
    Time (s),Voltage (V),Current (A)
    0,0.000213,0

Numbers have seven digits, as after an instrument's converter; times nine.
The formats of instruments are in `instruments`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from memfit.arrays import FloatArray
from memfit.datasets.device import Device
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.model.parameters import UNITS, Parameters
from memfit.synthetic.instruments import Format, bias_text, instrument_bytes, manifest_lines
from memfit.units import format_quantity

INSTRUMENT = "synthetic data, made by memfit simulate"

_TIME_DIGITS, _DIGITS = 9, 7


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
        A format is of another kind of measurement.
    """
    chosen = {record.name: (formats or {}).get(record.name, "generic") for record in device.records}
    for record in device.records:
        if chosen[record.name] == "generic":
            write(folder / record.name, table_text(record, device.name))
        else:
            (folder / record.name).write_bytes(instrument_bytes(record, chosen[record.name]))
    write(folder / "device.toml", manifest_text(device, chosen))
    write(folder / "README.md", readme_text(device, truth, made_by))


def write(path: Path, text: str) -> None:
    """A text file with line feeds on every platform."""
    path.write_text(text, encoding="utf-8", newline="\n")


def table_text(record: Record, device: str) -> str:
    """A record as an instrument's text file."""
    lines = [f"# {key}: {value}" for key, value in _metadata(record, device).items()]
    columns = _columns(record)
    lines.append(",".join(columns))
    formatted = [
        [f"{value:.{_TIME_DIGITS if label.startswith('Time') else _DIGITS}g}" for value in values]
        for label, values in columns.items()
    ]
    lines += [",".join(row) for row in zip(*formatted, strict=True)]
    return "\n".join(lines) + "\n"


def _metadata(record: Record, device: str) -> dict[str, str]:
    """What stands above the table."""
    found = {
        "technique": str(record.kind),
        "device": device,
        "instrument": INSTRUMENT,
        "control": str(record.control),
    }
    if isinstance(record, ImpedanceSpectrum):
        if record.bias_voltage is not None:
            found["bias"] = f"{record.bias_voltage:.7g} V"
        if record.bias_current is not None:
            found["bias_current"] = f"{record.bias_current:.7g} A"
    elif record.kind == "iv" and record.scan_rate is not None:  # type: ignore[union-attr]
        unit = "V/s" if record.control == "voltage" else "A/s"
        found["scan_rate"] = f"{record.scan_rate:.7g} {unit}"  # type: ignore[union-attr]
    if not isinstance(record, ImpedanceSpectrum) and record.drive is not None:
        found["initial"] = record.drive.initial
    return found


def _columns(record: Record) -> Mapping[str, FloatArray]:
    """Columns by label."""
    if isinstance(record, ImpedanceSpectrum):
        return {
            "Frequency (Hz)": record.frequency,
            "Z_real (ohm)": record.impedance.real,
            "Z_imag (ohm)": record.impedance.imag,
        }
    measured = {"Time (s)": record.time, "Voltage (V)": record.voltage, "Current (A)": record.current}
    return {label: values for label, values in measured.items() if values is not None}


def manifest_text(device: Device, formats: Mapping[str, Format]) -> str:
    """The device.toml: everything of generic tables, of other formats what their files do not say."""
    lines = ["[device]", f"name = {_quoted(device.name)}"]
    if device.area is not None:
        lines.append(f'area = "{device.area * 1e4:.6g} cm^2"')
    if device.temperature is not None:
        lines.append(f'temperature = "{device.temperature:.6g} K"')
    if device.attributes:
        pairs = ", ".join(f"{_quoted(key)} = {_toml(value)}" for key, value in device.attributes.items())
        lines.append(f"attributes = {{ {pairs} }}")
    for record in device.records:
        lines += ["", "[[measurement]]", f"file = {_quoted(record.name)}"]
        if formats[record.name] != "generic":
            lines += manifest_lines(record, formats[record.name])
            continue
        lines.append(f'kind = "{record.kind}"')
        if isinstance(record, ImpedanceSpectrum):
            lines.append(f'bias = "{bias_text(record)}"')
        lines.append(f'control = "{record.control}"')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _toml(value: str | float) -> str:
    """A text or a number."""
    return _quoted(value) if isinstance(value, str) else repr(float(value))


def readme_text(device: Device, truth: Parameters, made_by: str) -> str:
    """Says plainly that nobody measured this, and what the truth is."""
    rows = [f"| {name} | {format_quantity(value, UNITS[name])} |" for name, value in truth.as_dict().items()]
    return "\n".join(
        [
            f"# {device.name}: synthetic data",
            "",
            "Nobody measured this device. The files come from the model itself (Bisquert & Guerrero,",
            "J. Phys. Chem. Lett. 2022, 13, 3789) with noise added, so that what a fit finds can be compared",
            "with the truth:",
            "",
            "| parameter | true value |",
            "|---|---|",
            *rows,
            "",
            *([made_by, ""] if made_by else []),
        ]
    )
