"""Potentiation and depression in the forms that simulators of synaptic arrays and benchmarks read.

- NeuroSim: two columns, number of the pulse and conductance (S), one file a branch, as `nonlinear_fit.m` of
  MLP+NeuroSim takes them (github.com/neurosim/MLP_NeuroSim_V3.0).
- CrossSim: a line of headers, then a column a ramp with the currents of the reads (A), `set.csv` and
  `reset.csv`, as `load_set_reset_csv` of its lookup-table generator takes them
  (github.com/sandialabs/cross-sim).
- memdevice-bench: a row a pulse, `pulse_update.csv`, with its JSON sidecar of version 0.2.0 (volatile memory,
  two terminals; github.com/JK1234567899999/memdevice-bench).
"""

import json
from dataclasses import dataclass

import numpy as np

from memfit.arrays import FloatArray
from memfit.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class SynapticCurve:
    """Conductances after each pulse, as predicted or as measured."""

    device: str
    potentiation: FloatArray
    depression: FloatArray
    """(n,) S, after each pulse."""
    amplitude: float
    depressing: float
    read: float
    """V."""
    width: float
    period: float
    """s."""
    temperature: float | None = None
    """K."""

    def __post_init__(self) -> None:
        """Every tool takes positive conductances only."""
        both = np.concatenate([self.potentiation, self.depression])
        if both.size == 0 or not np.all(np.isfinite(both) & (both > 0.0)):
            raise InputError(
                "Simulators of synaptic arrays take positive conductances, and a read of this device gives "
                "others; take another read voltage."
            )


def synaptic_files(curve: SynapticCurve) -> dict[str, str]:
    """All files, by name.

    Parameters
    ----------
    curve : SynapticCurve
    """
    return {
        "neurosim_ltp.txt": _neurosim(curve.potentiation),
        "neurosim_ltd.txt": _neurosim(curve.depression),
        "crosssim/set.csv": _crosssim(curve.potentiation * curve.read),
        "crosssim/reset.csv": _crosssim(curve.depression * curve.read),
        "memdevice_bench/pulse_update.csv": _pulse_update(curve),
        "memdevice_bench/metadata.json": json.dumps(_sidecar(curve), indent=2, ensure_ascii=False) + "\n",
    }


def _neurosim(conductance: FloatArray) -> str:
    return "".join(f"{k}\t{value:.9g}\n" for k, value in enumerate(conductance.tolist()))


def _crosssim(current: FloatArray) -> str:
    return "rmp1\n" + "".join(f"{value:.9g}\n" for value in current.tolist())


def _pulse_update(curve: SynapticCurve) -> str:
    """A row a pulse, SI."""
    head = "device_id,cycle,pulse_index,direction,conductance_s,pulse_voltage_v,pulse_width_s,read_voltage_v,"
    rows = [head + "read_current_a,timestamp_s"]
    branches = {
        "potentiation": (curve.potentiation, curve.amplitude),
        "depression": (curve.depression, curve.depressing),
    }
    pulses = 0
    for direction, (conductance, voltage) in branches.items():
        for k, value in enumerate(conductance.tolist()):
            numbers = (value, voltage, curve.width, curve.read, value * curve.read, pulses * curve.period)
            said = ",".join(f"{number:.9g}" for number in numbers)
            rows.append(f"{_identity(curve)},0,{k},{direction},{said}")
            pulses += 1
    return "\n".join(rows) + "\n"


def _identity(curve: SynapticCurve) -> str:
    """The name of the device as one field."""
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in curve.device) or "device"


def _sidecar(curve: SynapticCurve) -> dict[str, object]:
    """What the device and the experiment are, in the words of the schema."""
    return {
        "schema_version": "0.2.0",
        "device": {
            "device_id": _identity(curve),
            "terminal_count": 2,
            "technology_tags": ["unknown"],
            "platform_tags": ["two-terminal"],
            "mechanism_tags": ["unknown"],
            "material_tags": ["unknown"],
            "behavior_tags": ["analog", "volatile"],
            "custom_tags": ["halide-perovskite", "model-prediction"],
            "notes": "Predicted by the model that memfit fitted to impedance, I-V and pulses; not measured.",
        },
        "experiment": {
            "profile": "pulse-update",
            "instrument": "",
            "source_format": "canonical-csv",
            "temperature_k": curve.temperature,
            "notes": "Each row is the state read after its pulse.",
        },
        "license": "",
        "source_url": "",
        "citation": "",
    }
