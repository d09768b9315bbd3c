"""Options that change the plan of a fit, or the measurements that it takes."""

import argparse
from argparse import Namespace
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

from memfit.cli.console import Group, names_listed, option_quantity, whole
from memfit.errors import ParameterError, UnitError, meant
from memfit.fit_options import MODELS, FitOptions

if TYPE_CHECKING:
    from memfit.datasets import Device


def assignment(text: str) -> tuple[str, str]:
    """The `type` of an argument such as R_s=20.

    Parameters
    ----------
    text : str
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE such as R_s=20, found {text!r}")
    return name.strip(), value.strip()


def limits(text: str) -> tuple[str, tuple[str, str]]:
    """The `type` of an argument such as tau_d=1ms..1s.

    Parameters
    ----------
    text : str
    """
    name, sign, value = text.partition("=")
    low, dots, high = value.partition("..")
    if not sign or not dots or not name.strip() or not low.strip() or not high.strip():
        raise argparse.ArgumentTypeError(f'expected NAME=LOW..HIGH such as tau_d="1 ms..1 s", found {text!r}')
    return name.strip(), (low.strip(), high.strip())


def add_plan(parser: Group) -> None:
    """What changes the plan of a fit.

    Parameters
    ----------
    parser : argparse parser or group
    """
    parser.add_argument(
        "--model",
        choices=MODELS,
        help="default: what device.toml says, else auto: the data choose the parts of the device",
    )
    repeated: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument(
        "--fix",
        metavar="NAME=VALUE",
        type=assignment,
        help='hold a parameter, as in R_s=20 or R_s="20 ohm"; may be repeated',
        **repeated,
    )
    parser.add_argument(
        "--start",
        metavar="NAME=VALUE",
        type=assignment,
        help="first value of a parameter; may be repeated",
        **repeated,
    )
    parser.add_argument(
        "--bounds",
        metavar="NAME=LOW..HIGH",
        type=limits,
        help='limits of a parameter, as in tau_d="1 ms..1 s"; may be repeated',
        **repeated,
    )
    for option in fields(FitOptions):
        name, summary = f"--{option.name.replace('_', '-')}", option.metadata.get("command")
        if summary and option.type is bool:
            parser.add_argument(name, action="store_true", help=summary)
        elif summary and option.type is int:
            parser.add_argument(name, type=whole(0), metavar="N", help=summary)
        elif summary and option.type == tuple[str, ...]:
            parser.add_argument(name, type=names_listed, metavar="LIST", help=summary)
        elif summary:
            parser.add_argument(name, choices=get_args(option.type), help=summary)


def add_selection(parser: Group) -> None:
    """Which of the measurements are fitted, and what their files do not say.

    Parameters
    ----------
    parser : argparse parser or group
    """
    parser.add_argument(
        "--only",
        metavar="LIST",
        type=names_listed,
        help="fit these records alone: names, patterns such as eis_*, or impedance, iv, transient",
    )
    parser.add_argument(
        "--exclude", metavar="LIST", type=names_listed, help="leave these records out; said as for --only"
    )
    parser.add_argument(
        "--bias",
        action="append",
        default=[],
        metavar="[NAME=]VALUE",
        help='dc bias, as in "0.8 V" or "20 uA", of spectra that state none, or of one; may be repeated',
    )


def plan_changes(given: Namespace) -> dict[str, Any]:
    """Fields of `FitPlan`, only those that were given, in SI units.

    Parameters
    ----------
    given : Namespace
        Parsed arguments of a command that has `add_plan`.

    Raises
    ------
    ParameterError
        A name is unknown.
    UnitError
        A value cannot be read.
    """
    wanted = ["model", *(option.name for option in fields(FitOptions) if option.metadata.get("command"))]
    said = {name: getattr(given, name) for name in wanted}
    changes = {name: value for name, value in said.items() if value is not None and value is not False}
    for group in ("fix", "start"):
        values = {name: _read(group, name, text) for name, text in getattr(given, group)}
        changes |= {group: values} if values else {}
    bounds = {
        name: (_read("bounds", name, low), _read("bounds", name, high)) for name, (low, high) in given.bounds
    }
    return {**changes, **({"bounds": bounds} if bounds else {})}


def _read(option: str, name: str, text: str) -> float:
    """A value of a parameter in SI units."""
    from memfit.model import NAMES
    from memfit.model.limits import DIMENSION_OF

    if name not in DIMENSION_OF:
        raise ParameterError(f"--{option}: unknown parameter {name!r}; {meant(name, NAMES)}")
    return option_quantity(f"--{option} {name}", text, DIMENSION_OF[name])


def selected(device: "Device", given: Namespace) -> "Device":
    """The device with the records that are to be fitted, and the biases that were said.

    Parameters
    ----------
    device : Device
    given : Namespace
        Parsed arguments of a command that has `add_selection`.

    Raises
    ------
    InputError
        A word stands for no record, or none is left.
    UnitError
        A bias cannot be read.
    """
    if given.only:
        device = device.only(*_named(device, "--only", given.only))
    if given.exclude:
        device = device.without(*_named(device, "--exclude", given.exclude))
    for text in given.bias:
        device = _with_bias(device, text)
    return device


def _named(device: "Device", option: str, words: tuple[str, ...]) -> list[str]:
    """Names of the records that words stand for: a kind, a pattern or a name."""
    from fnmatch import fnmatchcase

    from memfit.errors import InputError

    names: list[str] = []
    for word in words:
        found = [r.name for r in device if word in (r.kind, r.name) or fnmatchcase(r.name, word)]
        if not found:
            known = [record.name for record in device]
            raise InputError(f"{option}: no record is called {word!r}; {meant(word, known)}")
        names += found
    return names


def _with_bias(device: "Device", text: str) -> "Device":
    """The device with a bias that was said, of all spectra without one or of one spectrum."""
    from dataclasses import replace

    from memfit.errors import InputError
    from memfit.units import parse_quantity

    name, sign, value = text.rpartition("=")
    voltage = current = None
    try:
        voltage = parse_quantity(value, "voltage", unit_required=True)
    except UnitError:
        try:
            current = parse_quantity(value, "current", unit_required=True)
        except UnitError as problem:
            raise UnitError(
                f'--bias: expected a bias such as "0.8 V" or "20 uA", found {value!r}.'
            ) from problem
    named = _named(device, "--bias", (name,)) if sign else []
    changed = [
        replace(
            record,
            bias_voltage=voltage,
            bias_current=current,
            notes=(*record.notes, "The bias is the one of --bias."),
        )
        for record in device.spectra
        if record.name in named or (not sign and record.bias_voltage is None and record.bias_current is None)
    ]
    if not changed:
        raise InputError(f"--bias: no spectrum {'is called so' if sign else 'lacks a bias'}; found {text!r}.")
    return device.replaced(*changed)
