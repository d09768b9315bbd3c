"""memfit: a halide-perovskite memristor model fitted jointly to impedance, I-V and pulses.

    import memfit as mf
    device = mf.load("sample_data/mapbi3_a")
    result = mf.fit(device)
    result.parameters["tau_d"].value, result.to_frame()
    mf.stability(result)["current"]["verdict"]
    mf.write_report(result, "out", device)
    mf.compare([result, "other/result.json"]).to_frame()

The public names stand in the table `_HOMES`. Each is imported from there when it is first used (PEP 562), so
that `import memfit` takes no time; type checkers, which do not run that, read `__init__.pyi`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "memfit.analysis.comparison": ("Comparison",),
    "memfit.analysis.cycles": ("bifurcation_diagram", "cycles_at"),
    "memfit.analysis.figures_of_merit.assemble": ("figures_of_merit",),
    "memfit.analysis.figures_of_merit.conditions": ("Conditions",),
    "memfit.analysis.figures_of_merit.sheet": ("FiguresOfMerit",),
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
    "memfit.datasets": (
        "Device",
        "IVSweep",
        "ImpedanceSpectrum",
        "PulseTransient",
        "SynapticCurve",
    ),
    "memfit.datasets.standard_protocols": ("protocol",),
    "memfit.errors": ("MemfitError",),
    "memfit.fitting": ("Estimate", "FitPlan", "FitResult"),
    "memfit.fitting.results.forecast": ("Forecast", "predict"),
    "memfit.fitting.own": ("Part",),
    "memfit.interop": ("lmfit_models",),
    "memfit.interop.impedance_elements": ("impedance_circuit", "register_impedance_elements"),
    "memfit.loaders.frames": ("device_from_frames", "record_from_frame"),
    "memfit.notebook": ("plot",),
    "memfit.model": ("Parameters", "equations", "linear"),
    "memfit.protocols": ("Drive", "pulse", "pulse_train", "staircase", "sweep"),
    "memfit.reporting.content": ("Look",),
    "memfit.synthetic.measurements": ("Noise", "simulate_device"),
    "memfit.workflow.batch": ("fit_many", "query"),
    "memfit.workflow.comparison": ("compare", "write_comparison"),
    "memfit.workflow.fitting": ("fit", "fit_again"),
    "memfit.workflow.reading": ("load", "read_result"),
    "memfit.workflow.reports": ("remake_report", "write_report"),
    "memfit.workflow.stability": ("impedance", "plan_next", "simulate", "stability"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - made from the table; type checkers read the imports
_MODULES = ("equations", "linear", "lmfit_models", "plot")  # public as modules, with what they hold


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
    """The public names, for completion, and nothing else."""
    return [*__all__, "__version__"]
