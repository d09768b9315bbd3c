"""`memfit stability`: how near a device is to self-sustained oscillation, by result or by parameters."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from memfit import __version__
from memfit.cli.console import (
    USABLE,
    Command,
    Console,
    Parser,
    add_json,
    add_overwrite,
    option_quantity,
    print_json,
)
from memfit.errors import OutputError, ParameterError, UnitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memfit.analysis.stability import Circuit
    from memfit.protocols import Control

PAGE = "stability.html"


def _add_options(parser: Parser) -> None:
    parser.add_argument(
        "subject",
        metavar="RESULT|PARAMS.toml",
        help="result.json, the folder it is in, or a set of parameters",
    )
    parser.add_argument("--control", choices=("current", "voltage"), help="only this source")
    parser.add_argument(
        "--load", metavar="OHM", help='resistance between a voltage source and the device, as in "10 kohm"'
    )
    parser.add_argument(
        "--external-capacitance",
        "--capacitance",
        dest="capacitance",
        metavar="FARAD",
        help='capacitance in parallel to the device, as in "10 nF"',
    )
    parser.add_argument(
        "--at",
        metavar="BIAS",
        help='the steady state at this bias too, as in "0.65 V" or "20 uA"',
    )
    parser.add_argument(
        "--draws",
        metavar="CSV",
        help="parameters drawn from a posterior, a column each with its name, SI: instead of the covariance",
    )
    parser.add_argument(
        "--map",
        metavar="X,Y",
        help="axes of the map on the page, as in R_b,tau_d: parameters, R_load and C_external",
    )
    parser.add_argument(
        "--data", metavar="DEVICE", help="the measurements: what spectra and pulses say beside the model"
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for stability.html with its figures")
    add_overwrite(parser)
    add_json(parser)


def _run(given: Namespace) -> int:
    """Read, analyse, tell, and write the page where asked."""
    from memfit.cli.text_output import report_text
    from memfit.files import whole_folder
    from memfit.fitting import FitResult, to_plain
    from memfit.loaders.tables import read_draws
    from memfit.reporting.fit.curves import parameters_of
    from memfit.reporting.stability.curves import known_uncertainty
    from memfit.reporting.stability.page import stability_report
    from memfit.reporting.writers.folder import write_page
    from memfit.synthetic.settings import read_simulation
    from memfit.workflow.reading import load, read_result
    from memfit.workflow.stability import stability_records

    console = Console(given.quiet, given.verbose)
    out = Path(given.out) if given.out is not None else None
    if out is not None and out.exists() and not out.is_dir():
        raise OutputError(f"{out}: expected a folder to write to, found a file. Choose another name.")
    if out is not None and (out / PAGE).exists() and not given.overwrite:  # it may hold the fit itself
        raise OutputError(f"{out / PAGE}: exists already. Choose another folder, or add --overwrite.")
    circuits = _circuits(given)
    path = Path(given.subject)
    subject = read_simulation(path).parameters if path.suffix.lower() == ".toml" else read_result(path)
    at, quantity = _bias(given.at)
    draws = read_draws(Path(given.draws)) if given.draws is not None else None
    axes = _axes(given.map)
    by_circuit = stability_records(subject, circuits, at=at, at_quantity=quantity, draws=draws)
    edited = console.warn_of_edits(subject) if isinstance(subject, FitResult) else {}
    if given.json:
        print_json({**to_plain(by_circuit), **edited})
        if out is None:
            return USABLE
    device = load(Path(given.data)) if given.data is not None else None
    if isinstance(subject, FitResult):
        title, source = str(subject.device.get("name") or ""), "the fit in"
        p = parameters_of(subject)
    else:
        title, source, p = path.stem, "the parameters of", subject
    report = stability_report(
        title or "Device",
        by_circuit,
        circuits,
        p,
        known_uncertainty(subject) if isinstance(subject, FitResult) and p is not None else None,
        spectra=[(spectrum, None) for spectrum in device.spectra] if device else (),
        transients=device.transients if device else (),
        axes=axes,
        footer=f"memfit {__version__}, from {source} {path.name}",
    )
    if not given.json:
        print(report_text(report))
    if out is not None:
        with whole_folder(out, overwrite=True) as draft:
            write_page(report, draft, PAGE)
        console.say(f"Written to {out / PAGE}")
    return USABLE


def _bias(text: str | None) -> "tuple[float | None, Control]":
    """A bias in V or A with the quantity it is."""
    from memfit.units import parse_quantity

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
    """Two different axes of a map."""
    from memfit.analysis.stability import AXES

    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or len(set(names)) != 2 or not set(names) <= set(AXES):
        raise ParameterError(
            f"--map: expected two different axes such as R_b,tau_d out of {', '.join(AXES)}; found {text!r}."
        )
    return names[0], names[1]


def _circuits(given: Namespace) -> "Mapping[str, Circuit]":
    """The circuits asked for, by name of the control."""
    from memfit.analysis.stability import Circuit
    from memfit.reporting.numbers import quantity

    load = option_quantity("--load", given.load, "resistance") if given.load is not None else None
    capacitance = 0.0
    if given.capacitance is not None:
        capacitance = option_quantity("--external-capacitance", given.capacitance, "capacitance")
    if given.control == "current" and load is not None:
        raise ParameterError(
            "A load changes nothing under current control; use --control voltage with --load."
        )
    if load is not None and not load > 0.0:
        raise ParameterError(
            f"Expected a load greater than 0 ohm, found {quantity(load, 'ohm')}; "
            "leave --load out for a voltage source that acts through R_s alone."
        )
    circuits = {
        "current": Circuit(control="current", external_capacitance=capacitance),
        "voltage": Circuit(control="voltage", load=load or 0.0, external_capacitance=capacitance),
    }
    control = given.control or ("voltage" if load is not None else None)
    return {name: circuit for name, circuit in circuits.items() if control in (None, name)}


STABILITY = Command(
    summary="Say how near a device is to self-sustained oscillation.",
    details="Stability is stated for a circuit: by default for a current source and for a\n"
    "voltage source without a load.",
    add_options=_add_options,
    run=_run,
)
