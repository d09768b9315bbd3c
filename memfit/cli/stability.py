"""`memfit stability`: how near a device is to self-sustained oscillation, by result or by parameters."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from memfit import workflow
from memfit.analysis.circuit import Circuit
from memfit.analysis.stability import DEFAULT_CIRCUITS
from memfit.cli.console import print_json
from memfit.cli.main import USABLE
from memfit.cli.tell import stability_text
from memfit.errors import ParameterError
from memfit.fitting.result import FitResult
from memfit.model.parameters import Parameters
from memfit.synthetic.settings import read_simulation
from memfit.units import parse_quantity


def run(given: Namespace) -> int:
    """Read, analyse, tell."""
    circuits = _circuits(given)
    blocks = workflow.stability(_subject(Path(given.subject)), circuits)
    if given.json:
        print_json(blocks)
    else:
        print(stability_text(blocks))
    return USABLE


def _subject(path: Path) -> FitResult | Parameters:
    """A stored result, or the parameters of a PARAMS.toml."""
    if path.suffix.lower() == ".toml":
        return read_simulation(path).parameters
    return workflow.read_result(path)


def _circuits(given: Namespace) -> Mapping[str, Circuit]:
    """The circuits asked for, by name of the control.

    Raises
    ------
    ParameterError
        A load was given for a current source, which does not feel it, or a value is negative.
    UnitError
        A value cannot be read.
    """
    load = parse_quantity(given.load, "resistance") if given.load is not None else 0.0
    capacitance = parse_quantity(given.capacitance, "capacitance") if given.capacitance is not None else 0.0
    if given.control == "current" and given.load is not None:
        raise ParameterError(
            "A load changes nothing under current control; use --control voltage with --load."
        )
    wanted = [name for name in DEFAULT_CIRCUITS if given.control in (None, name)]
    if given.control is None and given.load is not None:
        wanted = ["voltage"]
    return {name: _circuit(name, load, capacitance) for name in wanted}


def _circuit(control: str, load: float, capacitance: float) -> Circuit:
    """A circuit; a current source does not feel a load."""
    if control == "current":
        return Circuit(control="current", external_capacitance=capacitance)
    return Circuit(control="voltage", load=load, external_capacitance=capacitance)
