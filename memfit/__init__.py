"""memfit: a halide-perovskite memristor model fitted jointly to impedance, I-V and pulses.

    import memfit as mf
    device = mf.load("sample_data/mapbi3_a")
    result = mf.fit(device)
    result.parameters["tau_d"].value, result.to_frame()
    mf.stability(result)["current"]["verdict"]
    mf.write_report(result, "out", device)
    mf.compare([result, "other/result.json"]).to_frame()

The public names stand in the table `_HOMES`. Each is imported from there when it is first used (PEP 562), so
that `import memfit` takes no time; type checkers, which do not run that, read the imports above it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from memfit.analysis.comparison import Comparison as Comparison
    from memfit.analysis.cycles import bifurcation_diagram as bifurcation_diagram
    from memfit.analysis.cycles import cycles_at as cycles_at
    from memfit.analysis.intervals import bootstrap as bootstrap
    from memfit.analysis.intervals import profile as profile
    from memfit.analysis.intervals import sample_posterior as sample_posterior
    from memfit.analysis.stability import Circuit as Circuit
    from memfit.analysis.stability import check_spectrum as check_spectrum
    from memfit.analysis.stability import find_hopf_points as find_hopf_points
    from memfit.analysis.stability import map_over_bias_and_load as map_over_bias_and_load
    from memfit.analysis.stability import map_over_parameters as map_over_parameters
    from memfit.analysis.stability import operating_points as operating_points
    from memfit.analysis.stability import stability_at as stability_at
    from memfit.datasets.device import Device as Device
    from memfit.datasets.records import ImpedanceSpectrum as ImpedanceSpectrum
    from memfit.datasets.records import IVSweep as IVSweep
    from memfit.datasets.records import PulseTransient as PulseTransient
    from memfit.errors import MemfitError as MemfitError
    from memfit.fitting.plan import FitPlan as FitPlan
    from memfit.fitting.result import Estimate as Estimate
    from memfit.fitting.result import FitResult as FitResult
    from memfit.interop import lmfit_models as lmfit_models
    from memfit.interop.impedance_elements import impedance_circuit as impedance_circuit
    from memfit.interop.impedance_elements import register_impedance_elements as register_impedance_elements
    from memfit.model import equations as equations
    from memfit.model import linear as linear
    from memfit.model.parameters import Parameters as Parameters
    from memfit.protocols import Drive as Drive
    from memfit.protocols import pulse as pulse
    from memfit.protocols import pulse_train as pulse_train
    from memfit.protocols import staircase as staircase
    from memfit.protocols import sweep as sweep
    from memfit.reporting.content import Look as Look
    from memfit.synthetic.device import Noise as Noise
    from memfit.synthetic.device import simulate_device as simulate_device
    from memfit.workflow.batch import fit_many as fit_many
    from memfit.workflow.batch import query as query
    from memfit.workflow.comparison import compare as compare
    from memfit.workflow.comparison import write_comparison as write_comparison
    from memfit.workflow.fitting import fit as fit
    from memfit.workflow.fitting import fit_again as fit_again
    from memfit.workflow.reading import load as load
    from memfit.workflow.reading import read_result as read_result
    from memfit.workflow.reports import remake_report as remake_report
    from memfit.workflow.reports import write_report as write_report
    from memfit.workflow.simulation import impedance as impedance
    from memfit.workflow.simulation import simulate as simulate
    from memfit.workflow.stability import plan_next as plan_next
    from memfit.workflow.stability import stability as stability

_HOMES = {
    "memfit.analysis.comparison": ("Comparison",),
    "memfit.analysis.cycles": ("bifurcation_diagram", "cycles_at"),
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
__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - made from the table; type checkers read the imports
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
