"""The commands and their words. Nothing heavy is imported here: `memfit --help` must answer at once."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from memfit import __version__
from memfit.cli.options import (
    Words,
    add_data,
    add_files,
    add_json,
    add_look,
    add_overwrite,
    add_plan,
    add_result,
    add_seed,
    add_talk,
    whole,
)
from memfit.errors import meant

_DESCRIPTION = """\
Fit a halide-perovskite memristor model jointly to impedance spectra, I-V sweeps and pulses, and say how near
the device is to self-sustained oscillation."""

_EPILOG = """\
exit codes: 0 usable result; 1 an input or output cannot be used (one line says why); 2 usage; 3 the fit ended
without a usable result; 130 interrupted.

memfit COMMAND --help tells more of each."""

_PARAMS_EXAMPLE = """\
The folder holds spectra, I-V loops and pulses as instruments export them, with
noise. PARAMS.toml needs the truth and may say more:

  seed = 7
  [parameters]                      # SI numbers, or texts with units
  R_b = "220 kohm"
  C_m = "150 nF"
  i_c0 = "4.5 uA"
  V_T = "0.62 V"
  V_m = "58 mV"
  tau_d = "180 ms"
  tau_k = "25 ms"
  R_s = "42 ohm"
  [noise]                           # optional
  impedance = "0.5 %"
  voltage = "1 mV"
  [files]                           # optional
  format = "generic"                # or "instrument": EC-Lab, NOVA, Keithley, oscilloscope
  [[measurement]]                   # optional; without any, a sensible set
  kind = "iv"
  vertices = ["0 V", "1 V", "0 V"]
  scan_rate = "50 mV/s"
  format = "keithley"               # optional; ec-lab, nova, keithley, oscilloscope, generic
"""

_BATCH_DETAILS = """\
OUT/devices/ gets a folder for each device, as `memfit fit` makes it; OUT/ gets
index.sqlite and overview.html. The command can be given again at any time: a
device is fitted only if its files or the settings changed, or if it has no
result yet. A device that cannot be fitted costs nothing but itself.

Reports take about 2 s and 3 MB each: for thousands of devices, --no-reports.
They can be added later by giving the command again with --reports.
"""

_QUERY_DETAILS = """\
  memfit query OUT 'gain_margin_min < 1 and area > "1 mm^2"'
  memfit query OUT 'R_b > "10 kohm" and tau_d_status == "determined"'
  memfit query OUT 'batch == "7" and not usable' --json
  memfit compare $(memfit query OUT 'status == "ok"' --paths) -o compared

EXPRESSION has comparisons (< <= > >= == != in, not in, is None), and, or, not,
+ - * / **, abs, log10, sqrt and contains(device, "7B"). Numbers are SI; a text
may carry a unit. What is not determined fulfils no comparison.

names of EXPRESSION:
  R_b C_m i_c0 V_T V_m tau_d tau_k R_s L_s tau_m A_max, each also with _stderr,
    _low and _high (95 % interval) and _status (determined, weak, ...)
  gain_margin_min gain_margin_low gain_margin_high probability_oscillates verdict
    at_u hopf_u_low hopf_u_high hopf_frequency_low hopf_frequency_high
    under current control; with voltage_ in front under voltage control
  status usable chi2_reduced points records model seconds message
    state (fitted, failed, unreadable) and cause (input, time, memory, died, ...)
  device folder area temperature and every attribute of device.toml;
    attributes["any name"] where the name is no plain word or is taken
"""

Commands: TypeAlias = "argparse._SubParsersAction[Words]"  # argparse has no public name


def build_parser() -> Words:
    """The parser of `memfit` with all its commands."""
    return _with_commands()[0]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The words of a command line, understood; mistakes in usage end the program."""
    parser, commands = _with_commands()
    words = sys.argv[1:] if arguments is None else arguments
    if words and not words[0].startswith("-") and words[0] not in commands:
        parser.error(f"unknown command {words[0]!r}; {meant(words[0], list(commands))}")
    given, unknown = parser.parse_known_args(words)
    commands[given.command].refuse_unknown(unknown)
    if "check" in given:
        given.check(given)
    return given


def _with_commands() -> tuple[Words, dict[str, Words]]:
    """The parser of `memfit`, and those of its commands by name."""
    parser = Words(prog="memfit", usage="memfit [-h] [--version] COMMAND ...")
    parser.add_argument("--version", action="version", version=f"memfit {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog="memfit", help=argparse.SUPPRESS
    )
    for add in (
        _add_fit,
        _add_inspect,
        _add_convert,
        _add_simulate,
        _add_stability,
        _add_report,
        _add_batch,
        _add_index,
        _add_query,
        _add_compare,
        _add_plan,
    ):
        add(commands)
    listed = "\n".join(f"  {name:11}{one.description}" for name, one in commands.choices.items())
    parser.description = f"{_DESCRIPTION}\n\ncommands:\n{listed}"
    parser.epilog = _EPILOG
    return parser, dict(commands.choices)


def _new(commands: Commands, name: str, summary: str, details: str) -> Words:
    """A command with the options that all commands have."""
    parser = commands.add_parser(name, description=summary, epilog=details)
    add_talk(parser)
    return parser


def _add_fit(commands: Commands) -> None:
    parser = _new(
        commands,
        "fit",
        "Fit the model to all measurements of one device.",
        "One joint estimate of all parameters, with intervals, and the stability that follows from it.\n"
        "With --from the fit of a stored result is run again from its plan, on its data (or those of PATH),\n"
        "and what differs is said: numbers, inputs, versions, settings.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a device folder, a device.toml, or files")
    parser.add_argument(
        "--from", dest="source", metavar="RESULT", help="run the fit of this result again; see below"
    )
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="folder for result.json, report.html, tables and figures"
    )
    add_plan(parser)
    parser.set_defaults(check=partial(_check_fit, parser))
    add_look(parser)
    _add_intervals(parser)
    add_overwrite(parser)
    add_json(parser)


def _check_fit(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Either measurements, or a result whose plan says everything."""
    if given.source is None and not given.paths:
        parser.error("expected a device folder, a device.toml, files, or --from RESULT")
    if given.source is not None and (given.model or given.fix or given.seed is not None or given.robust):
        parser.error(
            "--from runs the plan of the result as it is; leave --model, --fix, --seed and --robust out"
        )


def _add_intervals(parser: argparse.ArgumentParser) -> None:
    """Intervals that cost refits or draws."""
    group = parser.add_argument_group(
        "intervals beyond the linear ones",
        "Interrupted, they go on when the same command is given again (with -o).",
    )
    group.add_argument(
        "--profile",
        action="store_true",
        help="profile likelihood of every parameter, whose intervals are given",
    )
    group.add_argument(
        "--bootstrap", type=whole(2), metavar="N", help="N refits of data made anew from the fit"
    )
    group.add_argument(
        "--bootstrap-kind",
        choices=("residual", "parametric"),
        default="residual",
        help="noise of the refits: drawn from the residuals (default), or normal",
    )
    group.add_argument(
        "--mcmc",
        action="store_true",
        help="draws from the posterior until they have converged (needs emcee)",
    )
    group.add_argument(
        "--mcmc-steps", type=whole(2), metavar="N", help="steps of the chain at most; default 5000"
    )


def _add_inspect(commands: Commands) -> None:
    parser = _new(
        commands,
        "inspect",
        "Say what was read from files.",
        "For each record: kind, points, ranges, bias and its source, control, order, noise,\n"
        "Kramers-Kronig verdict and whatever was decided on the way.",
    )
    add_files(parser)
    parser.add_argument(
        "--plot", metavar="PICTURE", help="draw what was read into this file (.svg, .png or .pdf)"
    )
    add_overwrite(parser)
    add_json(parser)


def _add_convert(commands: Commands) -> None:
    parser = _new(
        commands,
        "convert",
        "Convert any supported file to tidy CSV.",
        "One CSV a record, SI units, read back without loss.",
    )
    add_files(parser)
    parser.add_argument("-o", "--out", metavar="DIR", required=True, help="folder for the CSV files")
    add_overwrite(parser)


def _add_simulate(commands: Commands) -> None:
    parser = _new(
        commands,
        "simulate",
        "Make a synthetic device whose truth is known.",
        _PARAMS_EXAMPLE,
    )
    parser.add_argument(
        "params", metavar="PARAMS.toml", help="[parameters], [noise], seed, [files], [[measurement]]"
    )
    parser.add_argument("-o", "--out", metavar="DIR", required=True, help="the device folder to make")
    add_seed(parser, "of the noise; default: what the file says")
    add_overwrite(parser)


def _add_stability(commands: Commands) -> None:
    parser = _new(
        commands,
        "stability",
        "Say how near a device is to self-sustained oscillation.",
        "Stability is stated for a circuit: by default for a current source and for a\n"
        "voltage source without a load.",
    )
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
        help="axes of the map on the page, of R_b, C_m, i_c0, V_m, tau_d, tau_k, R_s, R_load, C_external",
    )
    parser.add_argument(
        "--data", metavar="DEVICE", help="the measurements: what spectra and pulses say beside the model"
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for stability.html with its figures")
    add_overwrite(parser)
    add_json(parser)


def _add_report(commands: Commands) -> None:
    parser = _new(
        commands,
        "report",
        "Write the report of a stored result again.",
        "Nothing is fitted. The measurements are looked for where the result says, then next to it; what is\n"
        "gone or has changed is left out of the report and named.",
    )
    add_result(parser)
    parser.add_argument("-o", "--out", metavar="OUT", help="folder; default: that of the result")
    add_data(parser, "the measurements, if elsewhere")
    add_look(parser)
    add_overwrite(parser)


def _add_batch(commands: Commands) -> None:
    parser = _new(commands, "batch", "Fit every device under a folder.", _BATCH_DETAILS)
    parser.add_argument(
        "root", metavar="ROOT", help="folder that holds a folder for each device, at any depth"
    )
    parser.add_argument("-o", "--out", metavar="OUT", required=True, help="folder for the results")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=whole(1), metavar="N", help="processes on this machine; default: one a core"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="a dask scheduler to use instead, as in tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--reports",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a report for each device; default: yes",
    )
    parser.add_argument(
        "--time-limit", default="10 min", metavar="TIME", help='of each device; default "10 min"; or none'
    )
    parser.add_argument(
        "--memory-limit", default="2 GB", metavar="SIZE", help='of each device; default "2 GB"; or none'
    )
    add_plan(parser)
    add_json(parser)


def _add_index(commands: Commands) -> None:
    parser = _new(
        commands,
        "index",
        "Make the index of results again.",
        "OUT/index.sqlite is made from the results under OUT, which stay as they are.",
    )
    parser.add_argument("out", metavar="OUT", help="output of `memfit batch`, or any folder of results")


def _add_query(commands: Commands) -> None:
    parser = _new(commands, "query", "List devices for which an expression holds.", _QUERY_DETAILS)
    parser.add_argument("out", metavar="OUT", help="output of `memfit batch`, or any folder with an index")
    parser.add_argument(
        "expression", metavar="EXPRESSION", nargs="?", default="", help="default: all devices"
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--paths", action="store_true", help="print the result folders, one a line")


def _add_compare(commands: Commands) -> None:
    parser = _new(
        commands,
        "compare",
        "Compare devices: which differ, what drives it, which will spike.",
        "Writes comparison.html, the tables as CSV and as sheets of comparison.xlsx, comparison.json and\n"
        "figures. What cannot be read is named and left out, as long as two devices remain. Areas,\n"
        "temperatures and attributes of device.toml are looked at for trends.",
    )
    parser.add_argument(
        "results",
        nargs="+",
        metavar="RESULT",
        help="result.json, the folder it is in, or a folder that holds such folders",
    )
    parser.add_argument("-o", "--out", metavar="OUT", help="folder for page, tables and figures")
    add_overwrite(parser)
    add_json(parser)


def _add_plan(commands: Commands) -> None:
    parser = _new(
        commands,
        "plan",
        "Say what to measure next, and what it would buy.",
        "Other biases, frequencies, scan rates and pulses are simulated with the noise of this\n"
        "fit; listed is what each would leave of the intervals, the best first.",
    )
    add_result(parser)
    add_data(parser, "the measurements of the fit; for results of older versions")
    add_json(parser)
