"""memfit: a halide-perovskite memristor model fitted jointly to impedance, I-V and pulses.

    import memfit as mf
    device = mf.load("sample_data/mapbi3_a")
    result = mf.fit(device)
    result.parameters["tau_d"].value, result.to_frame()
    mf.stability(result)["current"]["verdict"]
    mf.write_report(result, "out", device)
    mf.compare([result, "other/result.json"]).to_frame()

The names below are the public ones. Each is imported when it is first used (PEP 562), so that
`import memfit` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from memfit.analysis.comparison import Comparison
    from memfit.analysis.cycles.bifurcation import bifurcation_diagram, cycles_at
    from memfit.analysis.intervals import bootstrap, profile, sample_posterior
    from memfit.analysis.stability import (
        Circuit,
        check_spectrum,
        find_hopf_points,
        map_over_bias_and_load,
        map_over_parameters,
        operating_points,
        stability_at,
    )
    from memfit.datasets.device import Device
    from memfit.datasets.records import ImpedanceSpectrum, IVSweep, PulseTransient
    from memfit.errors import MemfitError
    from memfit.fitting.plan import FitPlan
    from memfit.fitting.result import Estimate, FitResult
    from memfit.interop import lmfit_models
    from memfit.interop.impedance_elements import impedance_circuit, register_impedance_elements
    from memfit.model import equations, linear
    from memfit.model.parameters import Parameters
    from memfit.protocols import Drive, pulse, pulse_train, staircase, sweep
    from memfit.reporting.content import Look
    from memfit.synthetic.device import Noise, simulate_device
    from memfit.workflow.batch import fit_many, query
    from memfit.workflow.comparison import compare, write_comparison
    from memfit.workflow.fitting import fit, fit_again
    from memfit.workflow.reading import load, read_result
    from memfit.workflow.reports import remake_report, write_report
    from memfit.workflow.simulation import impedance, simulate
    from memfit.workflow.stability import plan_next, stability

__all__ = [
    "Circuit",
    "Comparison",
    "Device",
    "Drive",
    "Estimate",
    "FitPlan",
    "FitResult",
    "IVSweep",
    "ImpedanceSpectrum",
    "Look",
    "MemfitError",
    "Noise",
    "Parameters",
    "PulseTransient",
    "bifurcation_diagram",
    "bootstrap",
    "check_spectrum",
    "compare",
    "cycles_at",
    "equations",
    "find_hopf_points",
    "fit",
    "fit_again",
    "fit_many",
    "impedance",
    "impedance_circuit",
    "linear",
    "lmfit_models",
    "load",
    "map_over_bias_and_load",
    "map_over_parameters",
    "operating_points",
    "plan_next",
    "profile",
    "pulse",
    "pulse_train",
    "query",
    "read_result",
    "register_impedance_elements",
    "remake_report",
    "sample_posterior",
    "simulate",
    "simulate_device",
    "stability",
    "stability_at",
    "staircase",
    "sweep",
    "write_comparison",
    "write_report",
]

_HOMES = {
    "memfit.analysis.comparison": ("Comparison",),
    "memfit.analysis.cycles.bifurcation": ("bifurcation_diagram", "cycles_at"),
    "memfit.analysis.intervals": ("bootstrap", "profile", "sample_posterior"),
    "memfit.analysis.stability": (
        "Circuit",
        "check_spectrum",
        "find_hopf_points",
        "map_over_bias_and_load",
        "map_over_parameters",
        "operating_points",
        "stability_at",
    ),
    "memfit.datasets.device": ("Device",),
    "memfit.datasets.records": ("IVSweep", "ImpedanceSpectrum", "PulseTransient"),
    "memfit.errors": ("MemfitError",),
    "memfit.fitting.plan": ("FitPlan",),
    "memfit.fitting.result": ("Estimate", "FitResult"),
    "memfit.interop": ("lmfit_models",),
    "memfit.interop.impedance_elements": ("impedance_circuit", "register_impedance_elements"),
    "memfit.model": ("equations", "linear"),
    "memfit.model.parameters": ("Parameters",),
    "memfit.protocols": ("Drive", "pulse", "pulse_train", "staircase", "sweep"),
    "memfit.reporting.content": ("Look",),
    "memfit.synthetic.device": ("Noise", "simulate_device"),
    "memfit.workflow.batch": ("fit_many", "query"),
    "memfit.workflow.comparison": ("compare", "write_comparison"),
    "memfit.workflow.fitting": ("fit", "fit_again"),
    "memfit.workflow.reading": ("load", "read_result"),
    "memfit.workflow.reports": ("remake_report", "write_report"),
    "memfit.workflow.simulation": ("impedance", "simulate"),
    "memfit.workflow.stability": ("plan_next", "stability"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("equations", "linear", "lmfit_models")  # public as modules, with what they hold


def __getattr__(name: str) -> Any:
    """A public name from the file that defines it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'memfit' has no attribute {name!r}")
    home = _HOME_OF[name]
    module = import_module(f"{home}.{name}" if name in _MODULES else home)
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted({*globals(), *__all__})
