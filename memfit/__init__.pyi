"""The public names of memfit for type checkers, which do not run what imports them at first use."""

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
from memfit.datasets import Device as Device
from memfit.datasets import ImpedanceSpectrum as ImpedanceSpectrum
from memfit.datasets import IVSweep as IVSweep
from memfit.datasets import PulseTransient as PulseTransient
from memfit.errors import MemfitError as MemfitError
from memfit.fitting import Estimate as Estimate
from memfit.fitting import FitPlan as FitPlan
from memfit.fitting import FitResult as FitResult
from memfit.fitting.forecast import Forecast as Forecast
from memfit.fitting.forecast import predict as predict
from memfit.interop import lmfit_models as lmfit_models
from memfit.interop.impedance_elements import impedance_circuit as impedance_circuit
from memfit.interop.impedance_elements import register_impedance_elements as register_impedance_elements
from memfit.loaders.frames import device_from_frames as device_from_frames
from memfit.loaders.frames import record_from_frame as record_from_frame
from memfit.model import Parameters as Parameters
from memfit.model import equations as equations
from memfit.model import linear as linear
from memfit.protocols import Drive as Drive
from memfit.protocols import pulse as pulse
from memfit.protocols import pulse_train as pulse_train
from memfit.protocols import staircase as staircase
from memfit.protocols import sweep as sweep
from memfit.reporting.content import Look as Look
from memfit.synthetic.measurements import Noise as Noise
from memfit.synthetic.measurements import simulate_device as simulate_device
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
from memfit.workflow.stability import impedance as impedance
from memfit.workflow.stability import plan_next as plan_next
from memfit.workflow.stability import simulate as simulate
from memfit.workflow.stability import stability as stability

__version__: str
__all__: list[str]
