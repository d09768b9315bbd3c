"""PARAMS.toml: the truth of a synthetic device, its noise and what to measure on it.

    seed = 7
    [device]                              # optional, as in device.toml
    name = "MAPbI3 A"
    [parameters]                          # SI numbers, or texts with units
    R_b = "200 kohm"
    C_m = "200 nF"
    ...
    [noise]                               # optional; see `memfit.synthetic.device.Noise`
    impedance = "0.5 %"
    voltage = "1 mV"
    gain = { iv = 1.02 }
    [files]                               # optional
    format = "instrument"                 # EC-Lab, NOVA, Keithley, oscilloscope; by default "generic"
    [[measurement]]                       # optional; by default `default_measurements`
    kind = "impedance"
    bias = ["0.5 V", "0.6 V"]             # one spectrum each
    frequency = ["0.1 Hz", "1 MHz"]
    format = "nova"                       # optional: of these files
    [[measurement]]
    kind = "iv"
    vertices = ["0 V", "1 V", "0 V"]
    scan_rate = "50 mV/s"
    [[measurement]]
    kind = "transient"
    control = "current"
    amplitude = "5 uA"
    on = "0.1 s"
    width = "1 s"
    end = "2 s"

All mistakes of a file are reported at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memfit.errors import InputError
from memfit.loaders.manifest import DIMENSION_OF, Checker, read_toml
from memfit.loaders.metadata import TECHNIQUES
from memfit.model.parameters import NAMES, Parameters
from memfit.synthetic.device import Noise
from memfit.synthetic.formats import STYLES, Format, Style
from memfit.synthetic.measurements import Measurement, default_measurements, in_style
from memfit.synthetic.requests import KEYS, not_negative, read_measurements, whole_number

_TABLES = ("seed", "device", "parameters", "noise", "files", "measurement")
_DEVICE = ("name", "area", "temperature", "attributes")
_NEEDED = NAMES[:6]
_MAY_BE_ZERO = ("tau_d", "tau_k", "R_s", "L_s")
_NOISE_DIMENSIONS = {
    "impedance": "ratio",
    "current": "ratio",
    "current_floor": "current",
    "voltage": "voltage",
    "correlation": "ratio",
    "outliers": "ratio",
    "outlier_size": "ratio",
}


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A whole PARAMS.toml, in SI units."""

    parameters: Parameters
    noise: Noise = field(default_factory=Noise)
    seed: int = 0
    measurements: tuple[Measurement, ...] | None = None
    """None: the default set."""
    name: str = "synthetic device"
    area: float | None = None
    """m^2."""
    temperature: float | None = None
    """K."""
    attributes: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def formats(self) -> Mapping[str, Format]:
        """Formats by file."""
        return {item.file: item.format for item in self.measurements or ()}


def read_simulation(path: Path) -> Simulation:
    """Read PARAMS.toml.

    Raises
    ------
    ManifestError
        Lists all mistakes: unknown keys, bad quantities, missing parameters.
    """
    content, text = read_toml(path)
    check = Checker(path.name, text)
    tables = check.table(content, "", _TABLES)
    device = check.table(tables.get("device", {}), "device", _DEVICE)
    values = _parameters(check, tables.get("parameters"))
    noise = _noise(check, tables.get("noise", {}))
    seed = whole_number(check, tables.get("seed", 0), "seed", least=0)
    style = _style(check, tables.get("files", {}))
    measurements = read_measurements(check, tables["measurement"], style) if "measurement" in tables else None
    name = check.text(device["name"], "device, name") if "name" in device else path.stem
    area = check.positive(device["area"], "device, area", "area") if "area" in device else None
    temperature = (
        check.positive(device["temperature"], "device, temperature", "temperature")
        if "temperature" in device
        else None
    )
    attributes = _attributes(check, device.get("attributes", {}))
    check.finish()
    parameters = Parameters.from_mapping(values)
    if measurements is None and style != "generic":
        measurements = in_style(default_measurements(parameters), style)
    return Simulation(
        parameters=parameters,
        noise=noise,
        seed=seed,
        measurements=measurements,
        name=name or path.stem,
        area=area,
        temperature=temperature,
        attributes=attributes,
    )


def _parameters(check: Checker, value: object) -> dict[str, float]:
    """The [parameters], in SI units."""
    if value is None:
        check.mistake("parameters", f"expected a table [parameters] with {', '.join(_NEEDED)}, found none")
        return {}
    table = check.table(value, "parameters", NAMES)
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        check.mistake("parameters", f"expected {', '.join(missing)} too")
    found: dict[str, float] = {}
    for name, item in table.items():
        place = f"parameters, {name}"
        if name == "V_T":
            number = check.quantity(item, place, "voltage")
        elif name in _MAY_BE_ZERO:
            number = not_negative(check, item, place, DIMENSION_OF[name])
        else:
            number = check.positive(item, place, DIMENSION_OF[name])
        if number is not None:
            found[name] = number
    return found


def _noise(check: Checker, value: object) -> Noise:
    """The [noise]; the default where there are mistakes."""
    table = check.table(value, "noise", (*_NOISE_DIMENSIONS, "gain"))
    sizes: dict[str, float] = {}
    for name, item in table.items():
        if name in _NOISE_DIMENSIONS:
            number = check.quantity(item, f"noise, {name}", _NOISE_DIMENSIONS[name])
            if number is not None:
                sizes[name] = number
    gains = check.table(table.get("gain", {}), "noise, gain", tuple(KEYS))
    factors = {
        TECHNIQUES[kind]: check.positive(item, f"noise, gain, {kind}", "ratio")
        for kind, item in gains.items()
    }
    known = {kind: factor for kind, factor in factors.items() if factor is not None}
    try:
        return Noise(**sizes, gain=known)
    except InputError as problem:
        check.mistake("noise", str(problem).removeprefix("Noise: "))
        return Noise()


def _style(check: Checker, value: object) -> Style:
    """The [files]."""
    table = check.table(value, "files", ("format",))
    return check.word(table.get("format", "generic"), "files, format", STYLES) or "generic"


def _attributes(check: Checker, value: object) -> dict[str, str | float]:
    """Free attributes of the device: texts and numbers."""
    table = check.table(value, "device, attributes", None)
    found: dict[str, str | float] = {}
    for key, item in table.items():
        if isinstance(item, str) or (isinstance(item, (int, float)) and not isinstance(item, bool)):
            found[key] = item
        else:
            check.mistake(f"device, attributes, {key}", f"expected a text or a number, found {item!r}")
    return found
