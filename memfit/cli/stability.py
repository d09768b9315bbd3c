"""`memfit stability`: how near a device is to self-sustained oscillation, by result or by parameters.

The stability report for a terminal: the same words and tables as its page, in columns, without figures.
"""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from memfit import __version__
from memfit.analysis.stability import AXES, DEFAULT_CIRCUITS, Circuit
from memfit.cli.console import Console, print_json
from memfit.cli.main import USABLE
from memfit.cli.options import option_quantity
from memfit.cli.text_output import report_text
from memfit.datasets.device import Device
from memfit.errors import OutputError, ParameterError, UnitError
from memfit.files import whole_folder
from memfit.fitting.findings import CircuitStability
from memfit.fitting.result import FitResult
from memfit.fitting.serialise import to_plain
from memfit.loaders.tables import read_draws
from memfit.model.parameters import Parameters
from memfit.protocols import Control
from memfit.reporting.content import (
    Report,
)
from memfit.reporting.fit.curves import parameters_of
from memfit.reporting.numbers import quantity
from memfit.reporting.stability.curves import known_uncertainty
from memfit.reporting.stability.page import stability_report
from memfit.reporting.writers.folder import write_page
from memfit.synthetic.settings import read_simulation
from memfit.units import parse_quantity
from memfit.workflow.reading import load, read_result
from memfit.workflow.stability import stability_records

PAGE = "stability.html"


def run(given: Namespace) -> int:
    """Read, analyse, tell, and write the page where asked."""
    console = Console(given.quiet, given.verbose)
    out = Path(given.out) if given.out is not None else None
    if out is not None:
        _check_page_free(out, overwrite=given.overwrite)
    circuits = _circuits(given)
    path = Path(given.subject)
    subject = _subject(path)
    at, quantity = _bias(given.at)
    draws = read_draws(Path(given.draws)) if given.draws is not None else None
    axes = _axes(given.map)
    blocks = stability_records(subject, circuits, at=at, at_quantity=quantity, draws=draws)
    device = load(Path(given.data)) if given.data is not None else None
    if given.json:
        print_json(to_plain(blocks))
    if out is None and given.json:
        return USABLE
    report = _report(path, subject, blocks, circuits, device=device, axes=axes)
    if not given.json:
        print(report_text(report))
    if out is not None:
        _write(report, out)
        console.say(f"Written to {out / PAGE}")
    return USABLE


def _report(
    path: Path,
    subject: FitResult | Parameters,
    blocks: Mapping[str, CircuitStability],
    circuits: Mapping[str, Circuit],
    *,
    device: Device | None,
    axes: tuple[str, str] | None,
) -> Report:
    """The whole story, for the terminal and for the page."""
    fitted = isinstance(subject, FitResult)
    p = parameters_of(subject) if isinstance(subject, FitResult) else subject
    known = known_uncertainty(subject) if isinstance(subject, FitResult) and p is not None else None
    name = subject.device.get("name") if isinstance(subject, FitResult) else path.stem
    return stability_report(
        str(name or "Device"),
        blocks,
        circuits,
        p,
        known,
        spectra=[(spectrum, None) for spectrum in device.spectra] if device else (),
        transients=device.transients if device else (),
        axes=axes,
        footer=f"memfit {__version__}, from {'the fit in' if fitted else 'the parameters of'} {path.name}",
    )


def _bias(text: str | None) -> tuple[float | None, Control]:
    """A bias in V or A with the quantity it is.

    Raises
    ------
    UnitError
        It is neither.
    """
    if text is None:
        return None, "voltage"
    try:
        return parse_quantity(text, "voltage", unit_required=True), "voltage"
    except UnitError:
        try:
            return parse_quantity(text, "current", unit_required=True), "current"
        except UnitError as problem:
            raise UnitError(
                f'--at: expected a bias such as "0.65 V" or "20 uA", found {text!r}.'
            ) from problem


def _axes(text: str | None) -> tuple[str, str] | None:
    """Two different axes of a map.

    Raises
    ------
    ParameterError
        An axis is unknown, or there are not two.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or len(set(names)) != 2 or not set(names) <= set(AXES):
        raise ParameterError(
            f"--map: expected two different axes such as R_b,tau_d out of {', '.join(AXES)}; found {text!r}."
        )
    return names[0], names[1]


def _check_page_free(out: Path, *, overwrite: bool) -> None:
    """A page that is there stays, unless told otherwise; the folder may hold the fit itself.

    Raises
    ------
    OutputError
        The page exists, or the place is taken by a file.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: expected a folder to write to, found a file. Choose another name.")
    if (out / PAGE).exists() and not overwrite:
        raise OutputError(f"{out / PAGE}: exists already. Choose another folder, or add --overwrite.")


def _write(report: Report, out: Path) -> None:
    """Page and figures, which appear together."""
    with whole_folder(out, overwrite=True) as draft:
        write_page(report, draft, PAGE)


def _subject(path: Path) -> FitResult | Parameters:
    """A stored result, or the parameters of a PARAMS.toml."""
    if path.suffix.lower() == ".toml":
        return read_simulation(path).parameters
    return read_result(path)


def _circuits(given: Namespace) -> Mapping[str, Circuit]:
    """The circuits asked for, by name of the control.

    Raises
    ------
    ParameterError
        A load was given for a current source, which does not feel it, or a value is out of range.
    UnitError
        A value cannot be read.
    """
    load = option_quantity("--load", given.load, "resistance") if given.load is not None else None
    capacitance = (
        option_quantity("--external-capacitance", given.capacitance, "capacitance")
        if given.capacitance is not None
        else 0.0
    )
    if given.control == "current" and load is not None:
        raise ParameterError(
            "A load changes nothing under current control; use --control voltage with --load."
        )
    if load is not None and not load > 0.0:
        raise ParameterError(
            f"Expected a load greater than 0 ohm, found {quantity(load, 'ohm')}; "
            "leave --load out for a voltage source that acts through R_s alone."
        )
    wanted = [name for name in DEFAULT_CIRCUITS if given.control in (None, name)]
    if given.control is None and load is not None:
        wanted = ["voltage"]
    return {name: _circuit(name, load or 0.0, capacitance) for name in wanted}


def _circuit(control: str, load: float, capacitance: float) -> Circuit:
    """A circuit; a current source does not feel a load."""
    if control == "current":
        return Circuit(control="current", external_capacitance=capacitance)
    return Circuit(control="voltage", load=load, external_capacitance=capacitance)
